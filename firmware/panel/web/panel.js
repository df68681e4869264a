// The line to the firmware: says who this page is, draws what it hears, and says what is touched.
// It knows nothing of a visit: no state, no digit, no rule.
import { at, showView } from "./draw.js";
import { closeMenus, listen, readSheet } from "./keyboard.js";

const RECONNECT_MS = 500;
const RETRY_MS = 3000; // while another browser shows the panel
const REFUSED = 1008, IN_USE = 4001, REPLACED = 4002, LOAD_AGAIN = 4003; // seat.py

// --- who this page is: the token comes once, in the address, and lives as long as this tab
const given = location.hash.slice(1);
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
if (!sessionStorage.getItem("session")) sessionStorage.setItem("session", crypto.randomUUID());
addEventListener("hashchange", () => location.reload());

let socket = null;
let shown = null;
let waiting = null; // the view after one that stays readable for a while
let told = null; // why there is no view

function connect() {
  const address = new URL("panel", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.onopen = () => {
    const { token, session } = sessionStorage;
    socket.send(JSON.stringify({ token: token ?? "", session }));
  };
  socket.onmessage = (message) => hear(JSON.parse(message.data));
  socket.onclose = ({ code }) => {
    clearTimeout(waiting);
    if (code === LOAD_AGAIN) return location.reload();
    if (code === REFUSED) return at("closed").hidden = false;
    if (code === REPLACED) return away(shown?.words.in_use);
    away(code === IN_USE ? told : shown?.words.away);
    setTimeout(connect, code === IN_USE ? RETRY_MS : RECONNECT_MS);
  };
}

function away(words) {
  at("away").querySelector("p").textContent = words ?? "";
  at("away").hidden = false;
}

function hear(message) {
  if (message.type === "in_use") {
    document.documentElement.lang = message.lang;
    told = message.title;
    return;
  }
  at("away").hidden = true;
  clearTimeout(waiting);
  const leaving = shown !== null && shown.stays_s > 0 && !message.urgent;
  if (!leaving) return show(message);
  waiting = setTimeout(() => show(message), shown.stays_s * 1000);
}

function show(view) {
  if (shown !== null && shown.entry !== view.entry) closeMenus();
  shown = view;
  readSheet(view.pad?.sheet ?? null);
  showView(view, say);
}

function say(touch) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ...touch, entry: shown.entry }));
}

document.oncontextmenu = (event) => event.preventDefault();
listen(say);
connect();
