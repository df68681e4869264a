"""How far the machine's clock can be trusted: what keeps it, and what only looks so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from firmware.clock import ASK_EVERY_S, CHIP_AGREES_WITHIN_S, MADE_AT, SystemClock
from firmware.words import ClockTrust

NOW = MADE_AT + timedelta(days=100)
YES, NO, GONE = ("echo", "yes"), ("echo", "no"), ("/no/such/program",)


class Machine:
    """A machine's files, and what its time service answers."""

    def __init__(self, root: Path) -> None:
        self.root, self.now_s = root, 0.0

    def has_mark(self) -> None:
        mark = self.root / "run/systemd/timesync/synchronized"
        mark.parent.mkdir(parents=True)
        mark.touch()

    def has_chip(self, says: str) -> None:
        chip = self.root / "sys/class/rtc/rtc0/since_epoch"
        chip.parent.mkdir(parents=True)
        chip.write_text(f"{says}\n")

    def clock(self, told: ClockTrust | None = None, ask: Sequence[str] = NO) -> SystemClock:
        return SystemClock(told, root=self.root, ask=ask, monotonic=lambda: self.now_s)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_that_keeps_it_is_no_trust(machine: Machine) -> None:
    assert machine.clock().trust(NOW) is ClockTrust.NONE


def test_timesyncd_leaves_a_mark(machine: Machine) -> None:
    machine.has_mark()
    assert machine.clock().trust(NOW) is ClockTrust.NTP


@pytest.mark.parametrize(
    ("ask", "trust"),
    [
        (YES, ClockTrust.NTP),
        (NO, ClockTrust.NONE),
        (GONE, ClockTrust.NONE),
        (("false",), ClockTrust.NONE),
        (("sh", "-c", "echo yes; echo and more"), ClockTrust.NONE),
    ],
)
async def test_of_other_programs_the_system_is_asked(
    machine: Machine, ask: Sequence[str], trust: ClockTrust
) -> None:
    clock = machine.clock(ask=ask)
    await clock.ask()
    assert clock.trust(NOW) is trust


async def test_a_service_that_hangs_is_no_answer(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.clock.ANSWER_WITHIN_S", 0.1)
    clock = machine.clock(ask=("sleep", "600"))
    await clock.ask()
    assert clock.trust(NOW) is ClockTrust.NONE


async def test_the_answer_is_no_word_of_this_service(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd's programs tell their own failures to a service's manager, where they see one."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/there")
    clock = machine.clock(ask=("sh", "-c", '[ "$NOTIFY_SOCKET" ] || echo yes'))
    await clock.ask()
    assert clock.trust(NOW) is ClockTrust.NTP


async def test_it_is_asked_once_a_minute_and_may_change(machine: Machine) -> None:
    answers = machine.root / "answers"
    clock = machine.clock(ask=("sh", "-c", f"echo x >> {answers}; cat {machine.root}/says"))
    says = machine.root / "says"
    says.write_text("no\n")
    await clock.ask()
    says.write_text("yes\n")
    await clock.ask()
    assert clock.trust(NOW) is ClockTrust.NONE
    machine.now_s += ASK_EVERY_S
    await clock.ask()
    assert clock.trust(NOW) is ClockTrust.NTP
    assert answers.read_text() == "x\nx\n"


async def test_whoever_is_told_asks_nobody(machine: Machine) -> None:
    clock = machine.clock(ClockTrust.RTC, ask=("touch", str(machine.root / "asked")))
    await clock.ask()
    assert clock.trust(NOW) is ClockTrust.RTC
    assert not (machine.root / "asked").exists()


@pytest.mark.parametrize("told", [None, *ClockTrust])
def test_a_clock_before_our_making_is_wrong_whatever_anybody_says(
    machine: Machine, told: ClockTrust | None
) -> None:
    machine.has_mark()
    assert machine.clock(told).trust(MADE_AT - timedelta(seconds=1)) is ClockTrust.NONE


@pytest.mark.parametrize(
    ("off_s", "trust"),
    [
        (0, ClockTrust.RTC),
        (CHIP_AGREES_WITHIN_S, ClockTrust.RTC),
        (-CHIP_AGREES_WITHIN_S, ClockTrust.RTC),
        (CHIP_AGREES_WITHIN_S + 1, ClockTrust.NONE),
        (-CHIP_AGREES_WITHIN_S - 1, ClockTrust.NONE),
    ],
)
def test_a_chip_counts_as_far_as_it_agrees(
    machine: Machine, off_s: float, trust: ClockTrust
) -> None:
    machine.has_chip(str(int(NOW.timestamp() + off_s)))
    assert machine.clock().trust(NOW) is trust


@pytest.mark.parametrize("says", ["0", "", "soon"])
def test_a_chip_without_a_battery_is_no_trust(machine: Machine, says: str) -> None:
    machine.has_chip(says)
    assert machine.clock().trust(NOW) is ClockTrust.NONE
