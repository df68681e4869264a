// Keys do all that fingers do: arrows (or + and - of a keypad) move, Enter presses, Escape leaves.
// On a pad the digit keys type. The pad's key sheet, made by the firmware for this pad alone, says
// by which number a key is called; the page knows no more of it than that.
import { at } from "./draw.js";

const MOVES = {
  ArrowRight: 1, ArrowDown: 1, NumpadAdd: 1, ArrowLeft: -1, ArrowUp: -1, NumpadSubtract: -1,
};
const DELETES = new Set(["Backspace", "Delete", "NumpadDecimal"]);
const ENTERS = new Set(["Enter", "NumpadEnter", "Space"]);
const ORDER = ["choices", "aside", "keys", "warning", "others", "leave", "languages", "tools"];
const MENUS = { "open-languages": "languages", "open-comfort": "comfort" };

export function listen(say) {
  document.addEventListener("keydown", (event) => pressed(event, say));
  document.addEventListener("click", ({ target }) => clicked(target.closest("button")));
}

// --- the key sheet
let sheet = { address: null, numbers: Promise.resolve({}) };
export function readSheet(address) {
  if (address === sheet.address) return;
  const numbers = address === null ? Promise.resolve({}) : fetch(address).then((answer) => answer.json());
  sheet = { address, numbers: numbers.catch(() => ({})) };
}

function pressed(event, say) {
  const { code } = event;
  const held = document.activeElement === document.body ? null : document.activeElement;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (code in MOVES) {
    move(held, MOVES[code]);
  } else if (ENTERS.has(code)) {
    if (event.repeat || document.body.classList.contains("settling")) return event.preventDefault();
    if (held !== null) return; // the browser presses it
    at("keys").querySelector(".enter:enabled")?.click();
  } else if (code === "Escape") {
    if (!closeMenus()) leave(held);
  } else if (!at("pad").hidden && !event.repeat) {
    if (DELETES.has(code)) say({ delete: true });
    else sheet.numbers.then((numbers) => { if (code in numbers) say({ typed: numbers[code] }); });
    held?.blur(); // Enter now confirms what was typed
  } else {
    return;
  }
  event.preventDefault();
}

// --- moving: in one ring, from what is asked to what is beside it; within a menu while it is open
function ring() {
  const open = Object.keys(MENUS).find((id) => at(id).ariaExpanded === "true");
  const places = open ? [at(MENUS[open])] : ORDER.map(at);
  return places
    .flatMap((place) => [...place.querySelectorAll('button:enabled:not([tabindex="-1"])')])
    .filter((button) => button.checkVisibility());
}

function move(held, by) {
  const buttons = ring();
  const place = buttons.indexOf(held);
  const next = place < 0 ? (by > 0 ? 0 : -1) : (place + by + buttons.length) % buttons.length;
  buttons.at(next)?.focus();
}

function leave(held) {
  const stop = at("leave").querySelector("button");
  if (stop !== null && stop === held) stop.click(); // asked twice
  else stop?.focus();
}

// --- menus
function clicked(button) {
  const opens = button !== null && button.id in MENUS && button.ariaExpanded !== "true";
  if (button?.closest("#comfort")) return; // its switches may be tried one after the other
  closeMenus();
  if (opens) setMenu(button.id, true);
}

export function closeMenus() {
  const open = Object.keys(MENUS).find((id) => at(id).ariaExpanded === "true");
  if (open === undefined) return false;
  setMenu(open, false);
  return true;
}

function setMenu(opener, open) {
  const menu = at(MENUS[opener]);
  const held = menu.contains(document.activeElement);
  at(opener).ariaExpanded = String(open);
  menu.toggleAttribute("data-open", open);
  if (held && !open) at(opener).focus();
}
