// The line to the bench: says who this page is, shows what it hears, and says what is asked.
// It knows no rule of a visit; what cannot be done is said by the bench or by the driver.
import { at, showPeople, showStanding } from "./people.js";
import { showLine, showLines } from "./visit.js";

const RECONNECT_MS = 500;
const REFUSED = 1008; // RFC 6455: policy violation

// --- who this page is: the token comes once, in the address, and lives as long as this tab
const given = location.hash.slice(1);
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
addEventListener("hashchange", () => location.reload());

let socket = null;

function connect() {
  const address = new URL("bench", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.onopen = () => {
    socket.send(JSON.stringify({ token: sessionStorage.token ?? "", session: crypto.randomUUID() }));
  };
  socket.onmessage = (message) => hear(JSON.parse(message.data));
  socket.onclose = ({ code }) => {
    document.body.dataset.line = "gone";
    if (code === REFUSED) return at("closed").hidden = false;
    at("stands").textContent = "the bench has stopped";
    setTimeout(connect, RECONNECT_MS);
  };
}

function hear(message) {
  if (message.type === "line") {
    showLine(message);
    if (message.kind === "error") problem(message.text, message.code);
    else if (message.kind !== "event") at("problem").hidden = true;
    return;
  }
  if (message.type === "standing") return showStanding(message);
  showPeople(message, say);
  showLines(message.lines);
  showStanding(message.standing);
  showChoices(message);
  document.body.dataset.line = "up";
}

function problem(text, code) {
  Object.assign(at("problem"), { hidden: false, textContent: text });
  at("problem").dataset.code = code;
}

function say(command) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
  else problem("the bench does not answer; it may have stopped", "bench_gone");
}

// --- what a tester may choose
let chosenFrom = false; // once: a page that comes back keeps what was chosen

function showChoices({ panel, socket: path, choices }) {
  at("panel").href = panel;
  at("socket").textContent = path;
  if (chosenFrom) return;
  chosenFrom = true;
  offer("visit", "purpose", choices.purposes);
  offer("visit", "profile", choices.profiles);
  offer("visit", "reason", choices.reasons);
  offer("visit", "language", choices.languages);
  for (const [name, value] of Object.entries(choices.instructions)) {
    at("mishap").elements.ins.append(new Option(name, value));
  }
  tick("items", choices.items);
  tick("methods", choices.methods);
}

function offer(form, name, words) {
  at(form).elements[name].append(...words.map((word) => new Option(word, word)));
}

function tick(name, words) {
  const group = at("visit").querySelector(`fieldset[name="${name}"]`);
  for (const word of words) {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", name, value: word });
    const label = document.createElement("label");
    label.append(box, ` ${word}`);
    group.append(label);
  }
}

// --- what a tester asks
for (const asked of ["place", "remove", "reset", "cancel"]) at(asked).onclick = () => say({ do: asked });

at("visit").onsubmit = (event) => {
  event.preventDefault();
  const asked = new FormData(at("visit"));
  const command = { do: "start" };
  for (const name of ["purpose", "profile", "reason", "language"]) if (asked.get(name)) command[name] = asked.get(name);
  for (const name of ["items", "methods"]) if (asked.has(name)) command[name] = asked.getAll(name);
  say(command);
};

const mishap = at("mishap").elements.mishap;
mishap.onchange = () => {
  const asks = mishap.selectedOptions[0].dataset.asks;
  for (const label of at("mishap").querySelectorAll("[data-for]")) {
    label.hidden = label.dataset.for !== asks;
    label.querySelector("input").disabled = label.hidden;
  }
};
mishap.onchange();

at("mishap").onsubmit = (event) => {
  event.preventDefault();
  const asked = new FormData(at("mishap"));
  const arranged = { mishap: asked.get("mishap"), after: Number(asked.get("after")) };
  if (asked.get("ins")) arranged.ins = Number(asked.get("ins"));
  if (asked.has("status_word")) arranged.status_word = parseInt(asked.get("status_word"), 16);
  if (asked.has("length")) arranged.length = Number(asked.get("length"));
  say({ do: "arrange", mishap: arranged });
};

connect();
