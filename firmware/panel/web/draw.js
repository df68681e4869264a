// Draws a view. Every text is set as text, never as markup; a button is known by its id alone.
import { sound } from "./sound.js";

const SETTLE_MS = 300; // a second tap of a shaking hand must not press the next screen's button
const CAMERA_RETRY_MS = 1000;
const MOST_INSISTENT = 3;
const PLACES = {
  choice: "choices", plain: "others", aside: "aside", cancel: "leave", time: "warning",
  language: "languages", switch: "comfort",
};
// Boxes whose text is made smaller until it fits, and how small it may become.
const FITTED = [["head", 1], ["tools", 0.7], ["foot", 0.7], ["pad", 0.6], ["screen", 0.6]];

export const at = (id) => document.getElementById(id);
let say = () => {};
let settling = 0;

export function showView(view, onTouch) {
  say = onTouch;
  const { comfort, words } = view;
  document.documentElement.lang = view.lang;
  Object.assign(document.body.dataset, {
    state: view.state, entry: view.entry, tone: view.tone, busy: view.busy,
    pad: view.pad?.kind ?? "none",
    insistence: Math.min(view.insistence, MOST_INSISTENT),
    large: comfort.large, contrast: comfort.contrast, still: comfort.still, layout: view.layout,
  });
  drawLight(view.light);
  at("picture").setAttribute("href", `#picture-${view.picture}`);
  draw("title", view.title, (title) => phrase(title));
  draw("reason", view.reason, (reason) => (reason ? phrase(reason) : []));
  draw("lines", view.lines, (lines) => lines.map((line) => element("p", "", ...phrase(line))));
  draw("points", view.points, (points) => points.map((point) => element("li", "", ...phrase(point))));
  draw("code", view.code, drawCode);
  draw("notice", view.notice, (notice) => (notice ? phrase(notice) : []));
  draw("progress", view.progress, drawProgress);
  draw("heading", view.heading, (heading) => (heading ? phrase(heading) : []));
  drawButtons(view);
  drawPad(view);
  // A stream ends with the looking it was opened for: each entry opens its own.
  drawCamera(view.preview === null ? null : `${view.preview}?${view.entry}`);
  label("open-languages", view.buttons.find((b) => b.kind === "language" && b.chosen)?.label ?? words.language);
  label("open-comfort", words.comfort);
  at("open-languages").hidden = !view.buttons.some((button) => button.kind === "language");
  for (const [id, floor] of FITTED) fit(id, floor);
  sound(view);
}

// --- an element is built anew only when what it shows has changed
const drawn = new Map();
function draw(id, what, build) {
  const text = JSON.stringify(what);
  if (drawn.get(id) === text) return false;
  drawn.set(id, text);
  const focused = document.activeElement?.dataset?.id;
  const within = at(id).contains(document.activeElement);
  at(id).replaceChildren(...build(what));
  if (within && focused) at(id).querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  return true;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// A text is plain, or pieces of [text, reading]; a reading stands above its text.
function phrase(said) {
  if (typeof said === "string") return [said];
  return said.map(([text, reading]) => {
    if (reading === null) return text;
    const [open, close] = [element("rp", "", "("), element("rp", "", ")")];
    return element("ruby", "", text, open, element("rt", "", reading), close);
  });
}

// The page shines on the face before it; CSS lets the words keep their contrast.
function drawLight(light) {
  const { dataset, style } = document.body;
  dataset.light = light?.name ?? "off";
  if (light === null) return; // a page that fades goes from the last light
  style.setProperty("--light", light.paper);
  style.setProperty("--on-light", light.ink);
}

function label(id, said) {
  draw(id, said, (words) => [at(id).querySelector("svg"), element("span", "", ...phrase(words))]);
}

function drawProgress(progress) {
  if (progress === null) return [];
  return progress.labels.map((said, step) => {
    const name = step < progress.step ? "past" : step === progress.step ? "now" : "";
    const made = element("li", name, element("span", "", ...phrase(said)));
    if (name === "now") made.setAttribute("aria-current", "step");
    return made;
  });
}

// In two groups, as they are said and typed.
function drawCode(code) {
  if (code === null) return [];
  const half = code.length / 2;
  return [element("span", "", code.slice(0, half)), element("span", "", code.slice(half))];
}

function drawButtons(view) {
  let changed = false;
  for (const [kind, place] of Object.entries(PLACES)) {
    const buttons = view.buttons.filter((button) => button.kind === kind);
    const said = kind === "time" ? view.warning : null;
    const build = () => [
      ...(said ? [element("span", "", ...phrase(said))] : []),
      ...buttons.map((button) => drawButton(button)),
    ];
    changed = draw(place, [buttons, said, view.entry], build) || changed;
    at(place).dataset.count = buttons.length;
  }
  if (changed) settle();
}

function drawButton(button) {
  const made = element("button", button.kind, element("span", "", ...phrase(button.label)));
  made.dataset.id = button.id;
  made.disabled = !button.enabled;
  if (button.tag) made.lang = button.tag;
  if (button.kind === "language" || button.kind === "switch") made.setAttribute("aria-pressed", button.chosen);
  made.onclick = () => say({ tap: button.id });
  return made;
}

function settle() {
  clearTimeout(settling);
  document.body.classList.add("settling");
  settling = setTimeout(() => document.body.classList.remove("settling"), SETTLE_MS);
}

// --- the pad: a picture that the firmware drew, with blank keys over it, known by their position
function drawPad({ pad, buttons, words }) {
  at("pad").hidden = pad === null;
  if (pad === null) {
    draw("typed", null, () => []);
    draw("keys", null, () => []);
    return;
  }
  draw("typed", [pad.groups, pad.typed], () => drawDots(pad.groups, pad.typed));
  const length = pad.groups.reduce((sum, size) => sum + size, 0);
  at("typed").ariaLabel = words.typed.replace("{typed}", pad.typed).replace("{length}", length);
  draw("keys", [pad.picture, pad.delete_label], () => drawKeys(pad.picture, pad.delete_label));
  const enter = buttons.find((button) => button.kind === "enter");
  const key = at("keys").querySelector(".enter");
  key.dataset.id = enter.id;
  key.replaceChildren(...phrase(enter.label));
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

function drawKeys(picture, said) {
  const image = element("img");
  Object.assign(image, { src: picture, alt: "", draggable: false });
  const keys = Array.from({ length: 10 }, (_, position) => key("blank", () => say({ key: position })));
  for (const blank of keys) {
    // Nobody could tell them apart by name, and focus on one would tell a digit: a keypad types.
    blank.tabIndex = -1;
    blank.ariaHidden = true;
  }
  const remove = key("delete", () => say({ delete: true }));
  remove.append(...phrase(said));
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

// --- the camera's picture; while it cannot be had, the drawing stands in its place
let wanted = null;
function drawCamera(address) {
  if (address === wanted) return;
  wanted = address;
  if (address === null) {
    at("camera").removeAttribute("src"); // or the camera would go on sending
    showCamera(false);
  } else {
    at("camera").src = address;
  }
}

function showCamera(there) {
  at("mirror").hidden = !there;
  at("drawing").toggleAttribute("hidden", there);
}
at("camera").onload = () => showCamera(wanted !== null);
at("camera").onerror = () => {
  showCamera(false);
  const address = wanted;
  wanted = null;
  setTimeout(() => { if (wanted === null && address !== null) drawCamera(address); }, CAMERA_RETRY_MS);
};

// --- what does not fit is first given the picture's room, and then made smaller
function fit(id, floor) {
  const box = at(id);
  box.classList.remove("crowded");
  for (let scale = 1; ; scale -= 0.04) {
    box.style.setProperty("--fit", scale);
    if (!overflows(box)) return;
    if (scale === 1) {
      box.classList.add("crowded");
      if (!overflows(box)) return;
    }
    if (scale <= floor) return;
  }
}

function overflows(box) {
  const parts = box.querySelectorAll("section:not(#pad), #languages, :not(#keys) > button");
  return [box, ...(box.id === "pad" ? box.querySelectorAll("button") : parts)].some((part) =>
    part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1);
}
