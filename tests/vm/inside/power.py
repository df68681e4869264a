"""The power goes in the middle of a visit; what is on the disk afterwards."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from threading import Event, Thread

from desk import FIRMWARE, HOSTDRIVER, SOCKET, fact, main_pid, pin_visit, run, until_well, visit
from report import NotSeen, expect, say
from rows import STATE, read

VISIT = "json_extract(facts, '$.transaction_id')"
ROWS = f"SELECT kind, {VISIT} FROM rows ORDER BY sequence"
CONSENTS = f"SELECT kind, {VISIT} FROM rows WHERE kind = 'consent' ORDER BY sequence"


def cut() -> str:
    """Never returns: the judge pulls the plug once it hears of the consent.

    From the question on, the insurers' database is kept locked, so that the answer which ends the
    visit has to wait; and once the consent is written, the driver is stopped.
    """
    locked = sqlite3.connect(
        STATE / "insurers.sqlite", isolation_level=None, timeout=60, check_same_thread=False
    )
    driver, known, stopped = main_pid(HOSTDRIVER), len(read(CONSENTS)), Event()

    def stop_at_consent() -> None:
        while len(read(CONSENTS)) == known:
            stopped.wait(0.02)
        os.kill(driver, signal.SIGSTOP)
        cut_visit = read(CONSENTS)[-1][1]
        kinds = _kinds_of(cut_visit)
        expect("visit_ended" not in kinds, f"it had ended before the power went: {kinds}")
        say(check="cut", ok=True, saw=f"written: {', '.join(kinds)}", took_s=0, cut=True)

    def hold_back(state: str) -> None:
        if state == "asking_consent":
            locked.execute("BEGIN IMMEDIATE")
            Thread(target=stop_at_consent, daemon=True).start()

    _, saw = visit("pin", on_state=hold_back)
    raise NotSeen(f"the visit went on: {saw}")


def _kinds_of(visit_id: str) -> list[str]:
    return [kind for kind, of_visit in read(ROWS) if of_visit == visit_id]


def started_again() -> str:
    """Nobody logged in, nobody repaired anything."""
    until_well()
    states = [fact(unit, "ActiveState") for unit in (FIRMWARE, HOSTDRIVER)]
    expect(states == ["active", "active"], f"units are {states}")
    return "both active, joined by the cable as before, health finds nothing"


def ledger() -> str:
    """The chain holds; the visit that was cut has its consents, and no end."""
    report = json.loads(run("kazashi", "--socket", SOCKET, "ledger", "verify", "--json"))
    expect(report["ok"] is True, f"{report}")
    kinds = _kinds_of(read(CONSENTS)[-1][1])
    expect(kinds[0] == "visit_begun", f"the cut visit has {kinds}")
    expect("visit_ended" not in kinds, f"the cut visit has an end: {kinds}")
    return f"{report['rows']} rows hold; of the cut visit: {', '.join(kinds)}"


def visit_after_cut() -> str:
    """As ever."""
    return pin_visit()
