// Draws the view that the firmware pushes, and says what was touched. It knows nothing of a visit:
// no state, no digit, no rule. Every text is set as text, never as markup.

const RECONNECT_MS = 500;
const SETTLE_MS = 300; // a second tap of a shaking hand must not press the next screen's button
const PLACES = { choice: "choices", plain: "others", aside: "aside", cancel: "leave", time: "warning", language: "languages" };

const at = (id) => document.getElementById(id);
let socket = null;
let entry = 0;
let waiting = null; // the view after one that stays readable for a while
let settling = 0;

// --- the line to the firmware
function connect() {
  const address = new URL("panel", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.onopen = () => { at("away").hidden = true; };
  socket.onmessage = (message) => receive(JSON.parse(message.data));
  socket.onclose = () => {
    at("away").hidden = false;
    setTimeout(connect, RECONNECT_MS);
  };
}

function say(touch) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ...touch, entry }));
}

let shown = null;
function receive(view) {
  clearTimeout(waiting);
  const leaving = shown !== null && shown.stays_s > 0 && view.progress === null;
  if (!leaving) return show(view);
  waiting = setTimeout(() => show(view), shown.stays_s * 1000);
}

// --- drawing: an element is built anew only when what it shows has changed
const drawn = new Map();
function draw(id, what, build) {
  const text = JSON.stringify(what);
  if (drawn.get(id) === text) return false;
  drawn.set(id, text);
  const focused = document.activeElement?.dataset?.id;
  at(id).replaceChildren(...build(what));
  if (focused) at(id).querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  return true;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function show(view) {
  shown = view;
  entry = view.entry;
  document.documentElement.lang = view.lang;
  Object.assign(document.body.dataset, {
    state: view.state, entry, tone: view.tone, busy: view.busy, pad: view.pad?.kind ?? "none",
    insistent: view.insistence > 0 && view.pad === null,
  });
  at("picture").setAttribute("href", `#picture-${view.picture}`);
  draw("title", view.title, (title) => [title]);
  draw("lines", view.lines, (lines) => lines.map((line) => element("p", "", line)));
  draw("points", view.points, (points) => points.map((point) => element("li", "", point)));
  draw("notice", view.notice, (notice) => (notice ? [notice] : []));
  draw("progress", view.progress, drawProgress);
  drawButtons(view);
  drawPad(view);
}

function drawProgress(progress) {
  if (progress === null) return [];
  return progress.labels.map((label, step) => {
    const name = step < progress.step ? "past" : step === progress.step ? "now" : "";
    const made = element("li", name, element("span", "", label));
    if (name === "now") made.setAttribute("aria-current", "step");
    return made;
  });
}

function drawButtons(view) {
  let changed = false;
  for (const [kind, place] of Object.entries(PLACES)) {
    const buttons = view.buttons.filter((button) => button.kind === kind);
    const said = kind === "time" ? view.warning : null;
    const build = () => [
      ...(said ? [element("span", "", said)] : []),
      ...buttons.map((button) => drawButton(button)),
    ];
    changed = draw(place, [buttons, said, view.entry], build) || changed;
    at(place).dataset.count = buttons.length;
  }
  if (changed) settle();
}

function drawButton(button) {
  const made = element("button", button.kind, element("span", "", button.label));
  made.dataset.id = button.id;
  made.disabled = !button.enabled;
  if (button.kind === "language") made.setAttribute("aria-pressed", button.chosen);
  made.onclick = () => say({ tap: button.id });
  return made;
}

function settle() {
  clearTimeout(settling);
  document.body.classList.add("settling");
  settling = setTimeout(() => document.body.classList.remove("settling"), SETTLE_MS);
}

// --- the pad: a picture that the firmware drew, with blank keys over it, known by their position
function drawPad(view) {
  at("pad").hidden = view.pad === null;
  if (view.pad === null) {
    draw("typed", null, () => []);
    draw("keys", null, () => []);
    return;
  }
  const { groups, typed, picture, delete_label: label } = view.pad;
  draw("typed", [groups, typed], () => drawDots(groups, typed));
  draw("keys", [picture, label], () => drawKeys(picture, label));
  const enter = view.buttons.find((button) => button.kind === "enter");
  const key = at("keys").querySelector(".enter");
  key.dataset.id = enter.id;
  key.textContent = enter.label;
  key.disabled = !enter.enabled;
}

function drawDots(groups, typed) {
  let place = 0;
  return groups.map((size) => {
    const group = element("span", "group");
    for (let dot = 0; dot < size; dot += 1, place += 1) group.append(element("i", place < typed ? "typed" : ""));
    return group;
  });
}

function drawKeys(picture, label) {
  const image = element("img");
  Object.assign(image, { src: picture, alt: "", draggable: false });
  const keys = Array.from({ length: 10 }, (_, position) => key("blank", () => say({ key: position })));
  const remove = key("delete", () => say({ delete: true }));
  remove.textContent = label;
  const enter = key("enter", () => say({ tap: enter.dataset.id }));
  return [image, ...keys.slice(0, -1), remove, keys.at(-1), enter];
}

function key(className, press) {
  const made = element("button", className);
  made.onclick = press;
  // A pressed key keeps no focus: where it lies would tell the last digit.
  made.onmousedown = (event) => event.preventDefault();
  return made;
}

document.oncontextmenu = (event) => event.preventDefault();
connect();
