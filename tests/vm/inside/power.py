"""The power goes in the middle of a visit; what is on the disk afterwards."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from desk import FIRMWARE, HOSTDRIVER, SOCKET, fact, pin_visit, run, until_well, visit
from report import NotSeen, expect, say, until

STATE = Path("/var/lib/kazashi/hostdriver")


def _rows() -> list[tuple[str, dict[str, object]]]:
    """Event and facts of every row, in order, read beside the running driver."""
    uri = f"file:{STATE / 'ledger.sqlite'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30)) as ledger:
        return [(event, json.loads(facts)) for event, facts in ledger.execute(ROWS)]


ROWS = "SELECT kind, facts FROM rows ORDER BY sequence"


def cut() -> str:
    """Never returns: the judge pulls the plug once it hears of the consent.

    The insurers' database is kept locked meanwhile, so that the answer which would end the visit
    cannot come before that.
    """
    locked = sqlite3.connect(STATE / "insurers.sqlite", isolation_level=None, timeout=60)
    known = len(_rows())

    def wait_for_consent(state: str) -> None:
        if state == "asking_consent":
            locked.execute("BEGIN IMMEDIATE")
        if state == "confirming":
            until(lambda: any(event == "consent" for event, _ in _rows()[known:]), 60, "consent")
            ended = [event for event, _ in _rows()[known:] if event == "visit_ended"]
            expect(not ended, "the visit ended before the power went")
            say(
                check="cut",
                ok=True,
                saw="consents written, no visit_ended: now",
                took_s=0,
                cut=True,
            )
            until(lambda: False, 600, "the power cut")

    _, saw = visit("pin", on_state=wait_for_consent)
    raise NotSeen(f"the visit went on: {saw}")


def started_again() -> str:
    """Nobody logged in, nobody repaired anything."""
    until_well()
    states = [fact(unit, "ActiveState") for unit in (FIRMWARE, HOSTDRIVER)]
    expect(states == ["active", "active"], f"units are {states}")
    return "both active, the cable's link up, health finds nothing"


def ledger() -> str:
    """The chain holds; the visit that was cut has its consents, and no end."""
    report = json.loads(run("kazashi", "--socket", SOCKET, "ledger", "verify", "--json"))
    expect(report["ok"] is True, f"{report}")
    rows = _rows()
    last = [facts["transaction_id"] for event, facts in rows if event == "consent"][-1]
    of_it = [event for event, facts in rows if facts.get("transaction_id") == last]
    expect("visit_begun" in of_it and "statement" in " ".join(of_it), f"the cut visit has {of_it}")
    expect("visit_ended" not in of_it, f"the cut visit has an end: {of_it}")
    return f"{len(rows)} rows hold; the cut visit: {', '.join(of_it)}"


def visit_after_cut() -> str:
    """As ever."""
    return pin_visit()
