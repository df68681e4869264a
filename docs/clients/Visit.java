// One visit at Kazashi's local socket in plain Java (17 or newer): no packages.
//
//   java Visit.java unix:PATH|tcp:PORT CLIENT_REF     (tcp: the token in $KAZASHI_TOKEN)
//
// Every event is a line on stderr, the answer with the result a line on stdout.
// Exit codes: 0 verified, 1 any other outcome, 2 wrong use or no driver.

import java.io.*;
import java.net.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.*;
import java.util.regex.*;

public final class Visit {
    private final BufferedReader lines;
    private final OutputStream requests;
    private final Deque<Map<?, ?>> events = new ArrayDeque<>();
    private String line = "";
    private int lastId;

    Visit(String address) throws IOException {
        String place = address.substring(address.indexOf(':') + 1);
        SocketChannel channel = address.startsWith("unix:")
            ? SocketChannel.open(UnixDomainSocketAddress.of(place))
            : SocketChannel.open(new InetSocketAddress("127.0.0.1", Integer.parseInt(place)));
        lines = new BufferedReader(
            new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
        requests = Channels.newOutputStream(channel);
    }

    /** Any verb: its result. Events that come before the answer are kept for `nextEvent`. */
    Map<?, ?> call(String method, String params) throws IOException {
        String request = "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}\n";
        requests.write(request.formatted(++lastId, method, params).getBytes(StandardCharsets.UTF_8));
        while (true) {
            Map<?, ?> message = read();
            if ("event".equals(message.get("method"))) {
                events.add((Map<?, ?>) message.get("params"));
            } else if (message.get("error") instanceof Map<?, ?> error) {
                Object symbol = ((Map<?, ?>) error.get("data")).get("symbol");
                throw new IOException(method + ": " + symbol + ": " + error.get("message"));
            } else if (Double.valueOf(lastId).equals(message.get("id"))) {
                return (Map<?, ?>) message.get("result");
            }
        }
    }

    Map<?, ?> nextEvent() throws IOException {
        while (events.isEmpty()) {
            Map<?, ?> message = read();
            if ("event".equals(message.get("method"))) events.add((Map<?, ?>) message.get("params"));
        }
        return events.remove();
    }

    private Map<?, ?> read() throws IOException {
        line = lines.readLine();
        if (line == null) throw new IOException("the driver went away");
        return (Map<?, ?>) new Json(line).value();
    }

    public static void main(String[] arguments) {
        if (arguments.length != 2 || !arguments[0].matches("unix:.+|tcp:[0-9]+")
                || !arguments[1].matches("[A-Za-z0-9._-]{1,64}")) {
            System.err.println("use: java Visit.java unix:PATH|tcp:PORT CLIENT_REF");
            System.exit(2);
        }
        try {
            System.exit(hold(new Visit(arguments[0]), arguments[1]).equals("verified") ? 0 : 1);
        } catch (IOException fault) {
            System.err.println("Visit.java: " + fault.getMessage());
            System.exit(2);
        }
    }

    /** A whole visit: its outcome. The result is acknowledged after it has been written. */
    static Object hold(Visit driver, String clientRef) throws IOException {
        String token = System.getenv("KAZASHI_TOKEN");
        driver.call("hello", "{\"protocol\":\"1.0\",\"client\":\"java example\""
            + (token == null ? "}" : ",\"token\":\"" + token + "\"}"));
        driver.call("events.subscribe", "{}");
        byte[] nonce = new byte[16];
        new SecureRandom().nextBytes(nonce);
        Object visit = driver.call("transaction.start", "{\"client_ref\":\"%s\",\"nonce\":\"%s\"}"
            .formatted(clientRef, Base64.getEncoder().encodeToString(nonce))).get("transaction_id");
        for (Object kind = null; !"finished".equals(kind); ) {
            Map<?, ?> event = driver.nextEvent();
            if (!visit.equals(event.get("transaction_id"))) continue;
            kind = event.get("event");
            long sequence = ((Double) event.get("sequence")).longValue();
            System.err.println(sequence + " " + kind + " " + event.get("state"));
        }
        String of = "{\"transaction_id\":\"" + visit + "\"";
        Object outcome = driver.call("transaction.result", of + ",\"wait_s\":5}").get("outcome");
        new PrintStream(System.out, true, StandardCharsets.UTF_8).println(driver.line);
        driver.call("transaction.ack", of + "}");
        return outcome;
    }

    /** As much JSON as the driver writes, so that this file runs alone: use your own library. */
    private static final class Json {
        private static final Pattern TOKEN = Pattern.compile(
            "[{}\\[\\]:,]|\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"|[^\\s{}\\[\\]:,\"]+");
        private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u(....)|(.))");
        private final Matcher tokens;

        Json(String line) { tokens = TOKEN.matcher(line); }

        Object value() throws IOException { return valueOf(next()); }

        private String next() throws IOException {
            if (!tokens.find()) throw new IOException("what answers there is no host driver");
            return tokens.group();
        }

        private Object valueOf(String token) throws IOException {
            switch (token.charAt(0)) {
                case '{': {
                    Map<Object, Object> fields = new LinkedHashMap<>();
                    for (String at = next(); !at.equals("}"); at = next()) {
                        Object name = valueOf(at.equals(",") ? next() : at);
                        next(); // the colon
                        fields.put(name, value());
                    }
                    return fields;
                }
                case '[': {
                    List<Object> items = new ArrayList<>();
                    for (String at = next(); !at.equals("]"); at = next()) {
                        items.add(valueOf(at.equals(",") ? next() : at));
                    }
                    return items;
                }
                case '"': return ESCAPE.matcher(token.substring(1, token.length() - 1))
                    .replaceAll(found -> Matcher.quoteReplacement(unescaped(found)));
                case 't': case 'f': return Boolean.valueOf(token);
                case 'n': return null;
                default: return Double.valueOf(token);
            }
        }

        private static String unescaped(MatchResult found) {
            if (found.group(1) != null) return "" + (char) Integer.parseInt(found.group(1), 16);
            int known = "bfnrt".indexOf(found.group(2));
            return known < 0 ? found.group(2) : "\b\f\n\r\t".substring(known, known + 1);
        }
    }
}
