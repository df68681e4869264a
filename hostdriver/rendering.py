"""How events and results read on a terminal. Pure: JSON values of the socket in, lines out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from unicodedata import east_asian_width

from firmware.words import ClockTrust

Json = dict[str, Any]

CONSENTS: Final = {"medication": "診療・薬剤", "operation": "手術", "checkup": "特定健診"}
INSURANCE: Final = {
    "InsurerNumber": "保険者番号",
    "InsurerName": "保険者名",
    "InsuredCardSymbol": "記号",
    "InsuredIdentificationNumber": "番号",
    "InsuredBranchNumber": "枝番",
    "Name": "氏名",
    "NameKana": "カナ",
    "Birthdate": "生年月日",
    "InsuredPartialContributionRatio": "一部負担金割合",
}
LABEL_COLUMNS: Final = 20


def progress_line(event: Json) -> str:
    """One event of a visit, in a line."""
    if event["event"] == "finished":
        return f"{event['sequence']:>3}  finished: {event['outcome']}"
    facts = [str(event[fact]) for fact in ("card_kind", "method") if event.get(fact)]
    if event.get("tries_left") is not None:
        facts.append(tries_line(event["tries_left"]))
    told = f"  ({', '.join(facts)})" if facts else ""
    return f"{event['sequence']:>3}  {event['state']}{told}"


def tries_line(left: int) -> str:
    """How often a PIN may still be typed."""
    return f"{left} {'try' if left == 1 else 'tries'} left"


def result_table(result: Json) -> str:
    """A visit's result for the people at the desk."""
    return "\n".join([*(_row(label, value) for label, value in _rows(result)), *_what_now(result)])


def insurance_table(eligibility: Json) -> str:
    """An answer by insured-card data for the people at the desk."""
    return "\n".join(_row(label, value) for label, value in _insurance_rows(eligibility))


def reader_line(reader: Json) -> str:
    """One reader, in a line."""
    device = reader["device"]
    named = f"{device['device_id']} ({device['version']})" if device else "no device"
    card_reader = reader["card_reader"] or "no card reader"
    camera = "camera" if reader["camera"] else "no camera"
    stands = reader["problem"] or reader["state"] or "ready"
    cable = f"; {_cable(reader['line'])}" if reader["line"] else ""
    return f"{reader['name']}: {stands}; {named}; {card_reader}; {camera}{cable}"


def _cable(line: Json) -> str:
    """What a cable has cost so far."""
    took_ms = line["round_trip_ms"]
    answers = "" if took_ms is None else f", answers in {took_ms:g} ms"
    return f"cable: {line['resent']} of {line['sent']} frames sent again{answers}"


def ledger_lines(report: Json) -> Iterator[str]:
    """Whether a ledger is whole, and what a file's word is worth."""
    if report["ok"]:
        yield f"{report['rows']} rows, whole"
    else:
        where = f"row {report['first_bad']}: " if report["first_bad"] else ""
        yield f"{report['rows']} rows hold; {where}{report['reason']}"
    for gap in report["gaps"]:
        yield (
            f"row {gap['sequence']}: {gap['device_id']} sent statement {gap['found']}, "
            f"{gap['expected']} was due"
        )
    if report.get("key"):
        held = f"rows {report['first']} to {report['last']}" if report["first"] else "no rows"
        yield f"{held} of a ledger of {report['head']}, signed by {report['key']}"
        if not report["pinned"]:
            yield "nobody but these files vouches for that key: pin it with --key"


def error_lines(error: Json) -> str:
    """A refused request, with what to do now."""
    data = error.get("data") or {}
    lines = [f"{data.get('symbol', error.get('code'))}: {error.get('message')}"]
    lines += [data["staff_text"]] if data.get("staff_text") else []
    lines += [f"  → {way['text']}" for way in data.get("fallback", ())]
    return "\n".join(lines)


def _rows(result: Json) -> Iterator[tuple[str, str]]:
    yield "outcome", result["outcome"]
    if result["cause"]:
        yield "cause", result["cause"]
    yield "method", result["method"] or "-"
    yield "card", result["card_kind"] or "-"
    for consent in result["consents"]:
        until = f" until {consent['until']}" if consent["until"] else ""
        yield CONSENTS.get(consent["item"], consent["item"]), consent["answer"] + until
    yield from result["answers"].items()
    if result["certificate_warning"]:
        yield "certificate", result["certificate_warning"]
    if result["clock_trust"] == ClockTrust.NONE:
        yield "clock", "not trusted"
    yield from _insurance_rows(result["eligibility"])
    evidence = result["evidence"]
    signed = "by device and card" if evidence and evidence["card_signature"] else "by device"
    yield "signed", signed if evidence else "nothing"
    timings = result["timings_ms"].items()
    yield "time", ", ".join(f"{part} {spent} ms" for part, spent in timings) or "-"


def _what_now(result: Json) -> Iterator[str]:
    """The end, and what the staff do next: the nearest way out first."""
    yield ""
    yield result["staff_text"]
    for number, way in enumerate(result["fallback"], start=1):
        yield f"  {number}. {way['text']}"


def _insurance_rows(eligibility: Json | None) -> Iterator[tuple[str, str]]:
    if eligibility is None:
        return
    yield "validity", eligibility["validity"]
    for insurance in eligibility.get("ResultList", ()):
        for element, label in INSURANCE.items():
            if element in insurance:
                yield label, insurance[element]


def _row(label: str, value: str) -> str:
    columns = sum(2 if east_asian_width(character) in "WFA" else 1 for character in label)
    return f"{label}{' ' * max(1, LABEL_COLUMNS - columns)}{value}"
