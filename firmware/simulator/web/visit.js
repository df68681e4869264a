// What happened, newest at the bottom, and what the last visit came to. Every text is set as text.
import { at, facts } from "./people.js";

const LINES_SHOWN = 300, NEAR_PX = 40;
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

// --- the newest line stays in sight, unless somebody scrolled up to read
let follows = true;
at("log").onscroll = () => {
  const { scrollHeight, scrollTop, clientHeight } = at("log");
  follows = scrollHeight - scrollTop - clientHeight < NEAR_PX;
};
const follow = new ResizeObserver(() => {
  if (follows) at("log").scrollTop = at("log").scrollHeight;
});
follow.observe(at("log"));
follow.observe(at("lines"));

export function showLines(lines) {
  at("lines").replaceChildren();
  lines.forEach(showLine);
}

export function showLine(line) {
  const item = document.createElement("li"), when = document.createElement("time"), told = document.createElement("span");
  item.dataset.kind = line.kind;
  if (line.code !== null) item.dataset.code = line.code;
  when.dateTime = line.at;
  when.textContent = time.format(new Date(line.at));
  told.textContent = line.text;
  item.append(when, told);
  const lines = at("lines");
  lines.append(item);
  while (lines.children.length > LINES_SHOWN) lines.firstChild.remove();
  if (line.kind === "event" && line.detail.sequence === 1) at("result").hidden = true; // another visit has begun
  if (line.kind === "result") showResult(line.detail);
}

function showResult(result) {
  at("result").hidden = false;
  at("result").dataset.outcome = result.outcome;
  at("result").dataset.tone = result.outcome === "verified" ? "success" : "attention";
  at("came").textContent = result.cause ? `${result.outcome}: ${result.cause}` : result.outcome;
  facts(at("facts"), [
    ["Method", result.method ?? "none"],
    ["Card", result.card_kind ?? "none"],
    ["Staff read", result.staff_text],
    ["Patient reads", result.patient_text],
    ...result.fallback.map(({ text }) => ["Way out", text]),
    ["Consents", result.consents.map(({ item, answer }) => `${item} ${answer}`).join(", ") || "none"],
    ["Answers", Object.entries(result.answers).map((pair) => pair.join(" ")).join(", ") || "none"],
    ["Eligibility", eligibility(result.eligibility)],
    ["Signed", result.evidence === null ? "nothing" : result.evidence.card_signature === null ? "by device" : "by device and card"],
    ["Took", Object.entries(result.timings_ms).map(([part, ms]) => `${part} ${ms} ms`).join(", ") || "nothing measured"],
  ]);
  at("json").textContent = JSON.stringify(result, null, 2);
}

function eligibility(answer) {
  if (answer === null) return "not asked";
  const insurers = (answer.ResultList ?? []).map(({ InsurerNumber, InsurerName }) => `${InsurerNumber} ${InsurerName}`);
  return [answer.validity, ...insurers].join("; ");
}
