"""What a scenario tells the judge outside: one line of JSON each, on standard output."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Scenario = Callable[[], str]
"""Returns what was seen. Raises `NotSeen`, or whatever a command or file that it needs raises."""
CONSOLE = Path("/dev/ttyS0")
FAULTS = (AssertionError, OSError, LookupError, ValueError, subprocess.SubprocessError)


class NotSeen(AssertionError):
    """What should have come about did not; the message says what was seen instead."""


def expect(true: bool, otherwise: str) -> None:
    """Raises `NotSeen` with the words of `otherwise`."""
    if not true:
        raise NotSeen(otherwise)


def until(condition: Callable[[], object], within_s: float, what: str) -> None:
    """Wait for a condition. Raises `NotSeen` once it is too late."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise NotSeen(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.5)


def play(check: str, scenario: Scenario) -> None:
    """Run a scenario and say what came of it."""
    began_s = time.monotonic()
    try:
        ok, saw = True, scenario()
    except FAULTS as fault:
        ok, saw = False, f"{type(fault).__name__}: {fault}"
        if isinstance(fault, subprocess.CalledProcessError):
            saw += f": {(fault.stderr or fault.stdout or '').strip()[-300:]}"
        _show_journal(time.monotonic() - began_s)
    say(check=check, ok=ok, saw=" ".join(saw.split()), took_s=round(time.monotonic() - began_s, 1))


def _show_journal(seconds: float) -> None:
    """On the console, whose log stays outside: what our units said in that time."""
    since = f"--since=-{seconds + 1:.0f}s"
    asked = ("journalctl", "--no-pager", "-o", "short-monotonic", since, "-u", "kazashi-*")
    with CONSOLE.open("w") as console:
        subprocess.run(asked, stdout=console, check=False, timeout=300)


def say(**facts: object) -> None:
    """One line to the judge, and to the journal beside what our units said."""
    line = json.dumps(facts, ensure_ascii=False)
    print(line, flush=True)
    print(line, file=sys.stderr, flush=True)
