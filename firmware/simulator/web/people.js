// Who may come, what they know, and how card and camera stand. Every text is set as text.

const COUNTERS = [["user_authentication_pin", "PIN"], ["collation_number_b", "照合番号B"]]; // keys that a visit may spend

export const at = (id) => document.getElementById(id);
let patients = [];
let passcode = "";

export function facts(list, rows) {
  list.replaceChildren(...rows.flatMap(([term, told, mono]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term;
    dd.textContent = told;
    if (mono) dd.className = "mono";
    return [dt, dd];
  }));
}

export function showPeople(welcome, say) {
  ({ patients, staff_passcode: passcode } = welcome);
  const legend = at("people").querySelector("legend");
  at("people").replaceChildren(legend, ...patients.map((patient) => {
    const label = document.createElement("label");
    const button = Object.assign(document.createElement("input"), { type: "radio", name: "patient", value: patient.id });
    button.onchange = () => say({ do: "choose", patient: patient.id });
    const name = document.createElement("b"), says = document.createElement("small");
    name.textContent = patient.id;
    says.textContent = patient.says;
    label.append(button, name, says);
    return label;
  }));
  at("face").replaceChildren(
    new Option("the patient’s own", "own"),
    new Option("nobody", "nobody"),
    ...welcome.choices.strangers.map((id) => new Option(`${id}: a stranger`, id)),
    ...patients.map(({ id, name }) => new Option(`${id}: ${name}`, id)),
  );
  at("likeness").replaceChildren(
    new Option("the living person", ""),
    ...welcome.choices.likenesses.map((name) => new Option(name.replaceAll("_", " "), name)),
  );
  at("face").onchange = at("likeness").onchange =
    () => say({ do: "face", who: at("face").value, likeness: at("likeness").value || null });
}

export function showStanding(standing) {
  at("people").querySelector(`input[value="${standing.ready}"]`).checked = true;
  at("face").value = standing.face;
  at("likeness").value = standing.likeness ?? "";
  const { state, on_reader: lying } = standing;
  at("stands").textContent = state === null ? "no visit" : state.replaceAll("_", " ");
  at("stands").dataset.state = state ?? "idle";
  at("reader").textContent = `${lying === null ? "Nothing lies on the reader." : onReader(standing)} ${waiting(standing)}`;
  at("reader").dataset.card = lying ?? "none";
  at("place").textContent = `Place the card of ${standing.ready}`;
  showPatient(patients.find(({ id }) => id === standing.ready));
}

function onReader({ on_reader: lying, tries_left, verifies_sent }) {
  const tries = COUNTERS.filter(([key]) => key in tries_left).map(([key, name]) => `${name} ${tries_left[key]}`);
  const counters = tries.length ? ` Tries left: ${tries.join(", ")}; secrets sent so far: ${verifies_sent}.` : "";
  return `The card of ${lying} lies on the reader.${counters}`;
}

const waiting = ({ mishaps_waiting: count }) => (count ? `Mishaps that wait for the next card: ${count}.` : "");

function showPatient(patient) {
  facts(at("secrets"), [
    ["Name", `${patient.name} (${patient.romaji})`],
    ["Born", patient.birth_date],
    ["PIN", patient.pin ?? "none", true],
    ["照合番号B", patient.collation_number_b ?? "none", true],
    ["Staff passcode", passcode, true],
    ["Photo on the card", patient.gallery_portrait ?? "none"],
  ]);
  facts(at("expected"), Object.entries(patient.expected).map(
    ([method, { outcome, cause }]) => [method, cause ? `${outcome}: ${cause}` : outcome],
  ));
}
