// One visit at Kazashi's local socket in Node (18 or newer), with the public library json-rpc-2.0.
//
//   npm ci                                           (once, in this folder: one package, no others)
//   node visit.mjs unix:PATH|tcp:PORT CLIENT_REF     (tcp: the token in $KAZASHI_TOKEN)
//
// Every event is a line on stderr, the result a line on stdout.
// Exit codes: 0 verified, 1 any other outcome, 2 wrong use or no driver.

import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import process from "node:process";

import { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } from "json-rpc-2.0";

/** One connection. The library matches answers by id; a line is an object, an object a line. */
export class Driver {
  #socket;
  #lastId = 0;
  #events = [];
  #wake = () => {};
  #gone = null;
  #rpc = new JSONRPCServerAndClient(
    new JSONRPCServer(), // the driver asks nothing: it is the receiving side of its events
    new JSONRPCClient(
      (request) => void this.#socket.write(`${JSON.stringify(request)}\n`),
      () => ++this.#lastId,
    ),
  );

  static async open(address, client, token) {
    const [, kind, place] = /^(unix|tcp):(.+)$/.exec(address) ?? [];
    if (kind === undefined) throw new Error(`${address} is neither unix:PATH nor tcp:PORT`);
    const driver = new Driver(
      connect(kind === "unix" ? { path: place } : { host: "127.0.0.1", port: Number(place) }),
    );
    await driver.call("hello", { protocol: "1.0", client, ...(token && { token }) });
    return driver;
  }

  constructor(socket) {
    this.#socket = socket;
    this.#rpc.addMethod("event", (event) => {
      this.#events.push(event);
      this.#wake();
    });
    let rest = "";
    socket.setEncoding("utf8"); // keeps a character whole that two reads part
    socket.on("data", (text) => {
      // Not node:readline: it also ends a line at U+2028, which JSON lets stand in a string.
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach((line) => this.#hear(JSON.parse(line)));
    });
    socket.on("error", (fault) => this.#lose(fault));
    socket.on("close", () => this.#lose(new Error("the driver went away")));
  }

  /** Any verb: its result. Throws the driver's error; its `data.symbol` is for programs. */
  async call(method, params = {}) {
    if (this.#gone) throw this.#gone;
    return this.#rpc.request(method, params);
  }

  /** The events as they come; those that came before it is asked are not lost. */
  async *events() {
    for (;;) {
      while (this.#events.length > 0) yield this.#events.shift();
      if (this.#gone) throw this.#gone;
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  close() {
    this.#socket.end();
  }

  #hear(message) {
    // An error without an id is about a line that could not be read: ours are all the last one.
    if (message.id === null) message.id = this.#lastId;
    this.#rpc.receiveAndSend(message).catch((fault) => this.#lose(fault));
  }

  #lose(fault) {
    this.#gone ??= fault;
    this.#rpc.rejectAllPendingRequests(this.#gone.message);
    this.#wake();
  }
}

/** A whole visit: `show` sees its events, `keep` gets its result, which is then acknowledged. */
export async function visit(driver, clientRef, show, keep) {
  await driver.call("events.subscribe");
  const { transaction_id } = await driver.call("transaction.start", {
    client_ref: clientRef,
    nonce: randomBytes(16).toString("base64"),
  });
  for await (const event of driver.events()) {
    if (event.transaction_id !== transaction_id) continue;
    show(event);
    if (event.event === "finished") break;
  }
  const result = await driver.call("transaction.result", { transaction_id, wait_s: 5 });
  await keep(result);
  await driver.call("transaction.ack", { transaction_id });
  return result;
}

const [address, clientRef, ...rest] = process.argv.slice(2);
if (!clientRef || rest.length > 0) {
  console.error("use: node visit.mjs unix:PATH|tcp:PORT CLIENT_REF");
  process.exit(2);
}
try {
  const driver = await Driver.open(address, "node example", process.env.KAZASHI_TOKEN);
  const show = ({ sequence, event, state }) => console.error(sequence, event, state);
  const keep = (result) => console.log(JSON.stringify({ result }));
  const { outcome } = await visit(driver, clientRef, show, keep);
  driver.close();
  process.exitCode = outcome === "verified" ? 0 : 1;
} catch (fault) {
  console.error(`visit.mjs: ${fault.data ? `${fault.data.symbol}: ` : ""}${fault.message}`);
  process.exitCode = 2;
}
