"""What must be seen inside the virtual machine, and how what was said is judged. Pure.

The machine says lines of JSON: `{"check": name, "ok": true, "saw": "…", "took_s": 1.2}`. A check
that nobody spoke of has failed: a scenario that dies says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

CHECKS: Final[Mapping[str, str]] = {
    # --- first boot
    "install": "apt installs the previous version without a network; units are enabled",
    "bare": "without reader or camera both daemons are up, and health names what is missing",
    "users": "each daemon runs as its own user, with no capability and no new privileges",
    "files": "sockets, state and settings have the owners and modes that they should",
    "scores": "systemd-analyze security of the running units keeps to its limits",
    "memory": "no core dump can be written, no swap is used",
    "polkit": "where pcscd asks polkit (Debian 13), other users of the machine are refused",
    "pin visit": "a card on the system's pcscd, a PIN, normal time: verified",
    "face visit": "a face before the simulated camera, time_scale 60: verified",
    "upgrade": "apt installs this version over it: daemons anew, settings and every row kept",
    "driver killed": "kill -9 of the host driver: it comes back, the next visit is verified",
    "firmware killed": "kill -9 of the firmware: the same, and its workers went with it",
    "watchdog": "a firmware that stands still (SIGSTOP) is restarted; the next visit is verified",
    "pcscd killed": "kill -9 of pcscd: the next visit is verified",
    "camera": "a V4L2 camera (vivid) opens and shows no face: the visit goes on by PIN",
    "gadget": "our units and udev rules make a USB serial line, at its other end /dev/kazashi",
    "pairing": "over that cable: six digits from the device pair the host",
    "cable visit": "a visit over the USB cable: verified",
    "cable pulled": "pulled in mid-visit: the visit ends, and health says that the reader is gone",
    "cable back": "plugged in again: the next visit is verified",
    "cut": "consent is in the ledger; now the power goes",
    # --- second boot
    "started again": "after the cut both daemons are up by themselves",
    "ledger": "kazashi ledger verify holds; the visit that was cut has its consents and no end",
    "visit after cut": "the next visit is verified",
    "remove": "apt remove leaves nothing running, and keeps settings and ledger",
    "purge": "apt purge leaves no file, user or unit",
}
"""Name → what it proves, in the order in which they come."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the machine said of one check."""

    ok: bool
    saw: str
    took_s: float


def heard(line: str) -> tuple[str, Said] | None:
    """A line of the machine, or None for one that is about no check."""
    try:
        told = json.loads(line)
        return told["check"], Said(told["ok"] is True, str(told["saw"]), float(told["took_s"]))
    except (ValueError, TypeError, KeyError):
        return None


def verdict(said: Mapping[str, Said], wanted: Iterable[str]) -> list[str]:
    """The checks that failed or were never spoken of; nothing: all is well."""
    return [name for name in wanted if name not in said or not said[name].ok]


def table(said: Mapping[str, Said], wanted: Iterable[str]) -> str:
    """A Markdown table: check, what it proves, whether it was seen, and how."""
    rows = ["| Check | Proves | | Seen | s |", "|---|---|---|---|---|"]
    for name in wanted:
        told = said.get(name)
        mark = "never reached" if told is None else "yes" if told.ok else "**no**"
        saw, took = (told.saw.replace("|", "\\|"), f"{told.took_s:.0f}") if told else ("", "")
        rows.append(f"| {name} | {CHECKS.get(name, '')} | {mark} | {saw} | {took} |")
    return "\n".join(rows)
