"""The gate before the staff's passcodes: a table of times, and what the errand does with it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.card import requests as card
from firmware.device import DEVICE_KEY_FILE, WRONG_PASSCODES_FILE, Device
from firmware.errands import CardWorker, Errands, VisionWorker
from firmware.faults import BadSettings, Fault
from firmware.match import requests as vision
from firmware.settings import Settings, StaffMember
from firmware.staff import CLOSED_FOR_S, WRONG_TO_CLOSE, WRONG_WITHIN_S, StaffGate, hash_passcode
from firmware.transaction import events as e
from firmware.words import ClockTrust

RIGHT, WRONG = b"2468", b"1357"
DAY_S = 86_400.0
ASLEEP: dict[str, Any] = {
    "answer_within_s": 1.0,
    "on_news": lambda _news: None,
    "on_lost": lambda _lost: None,
}


# --- the table of times
@pytest.mark.parametrize(
    ("wrong_at_s", "asked_at_s", "is_open"),
    [
        ((), 0, True),
        ((0, 1, 2, 3), 4, True),
        ((0, 1, 2, 3, 4), 4, False),
        ((0, 1, 2, 3, 4), 303.9, False),
        ((0, 1, 2, 3, 4), 304, True),
        ((0, 150, 300, 450, 599), 600, False),
        ((0, 150, 300, 450, 600), 601, True),  # the first is ten minutes old
        ((0, 150, 300, 450, 600, 601), 602, False),
        ((0, 1, 2, 3, 4, 304, 305, 306, 307), 308, True),  # the five before are spent
        ((0, 1, 2, 3, 4, 304, 305, 306, 307, 308), 309, False),
    ],
)
def test_the_gate_by_the_clock(
    wrong_at_s: tuple[float, ...], asked_at_s: float, is_open: bool
) -> None:
    gate = StaffGate()
    for at_s in wrong_at_s:
        assert gate.is_open(at_s)
        gate.note_wrong(at_s)
    assert gate.is_open(asked_at_s) == is_open


@pytest.mark.parametrize("time_scale", [0.25, 4.0])
def test_both_times_are_scaled(time_scale: float) -> None:
    gate = StaffGate(time_scale)
    apart_s = WRONG_WITHIN_S * time_scale / WRONG_TO_CLOSE
    for count in range(WRONG_TO_CLOSE):
        gate.note_wrong(count * apart_s)
    closed_s = (WRONG_TO_CLOSE - 1) * apart_s
    assert not gate.is_open(closed_s + CLOSED_FOR_S * time_scale * 0.99)
    assert gate.is_open(closed_s + CLOSED_FOR_S * time_scale)


@pytest.mark.parametrize("wrong", range(WRONG_TO_CLOSE + 2))
def test_a_restart_never_opens_it_sooner(wrong: int) -> None:
    gate = StaffGate(wrong_before=wrong, now_s=7.0)
    assert gate.remembered(7.0) == min(wrong, WRONG_TO_CLOSE)
    assert gate.is_open(7.0) == (wrong < WRONG_TO_CLOSE)
    assert gate.is_open(7.0 + CLOSED_FOR_S)


def test_what_has_run_out_need_not_be_remembered() -> None:
    gate = StaffGate()
    for at_s in range(WRONG_TO_CLOSE):
        gate.note_wrong(at_s)
        assert gate.remembered(at_s) == at_s + 1
    assert gate.remembered(DAY_S) == 0


# --- the errand
class Staff:
    """Types passcodes at a device whose workers sleep; the time is what the test says."""

    def __init__(self, state_dir: Path) -> None:
        settings = Settings(
            state_dir=str(state_dir),
            runtime_dir=str(state_dir),
            staff=(StaffMember("staff-1", hash_passcode(RIGHT)),),
        )
        self.device = Device("reader", state_dir, ClockTrust.NTP)
        self.now_s = 0.0
        self.typed: bytearray | None = None
        self._errands = Errands(
            settings,
            self.device,
            CardWorker("card", (), card.REPLIES, card.NEWS, **ASLEEP),
            VisionWorker("vision", (), vision.REPLIES, vision.NEWS, **ASLEEP),
            lambda: self.typed,
            staff_gate=StaffGate(wrong_before=self.device.wrong_passcodes),
            clock=lambda: self.now_s,
        )

    async def type(self, passcode: bytes) -> e.Event | None:
        self.typed = bytearray(passcode)
        return await self._errands.check_staff_passcode()


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    yield Staff(tmp_path)


async def test_the_fifth_wrong_passcode_closes_even_for_a_right_one(staff: Staff) -> None:
    assert await staff.type(RIGHT) == e.StaffAccepted("staff-1")
    told = [await staff.type(WRONG) for _ in range(WRONG_TO_CLOSE)]
    assert told == [e.StaffRefused()] * (WRONG_TO_CLOSE - 1) + [e.StaffClosed()]
    assert await staff.type(RIGHT) == e.StaffClosed()
    assert staff.typed == bytes(len(RIGHT))
    staff.now_s = CLOSED_FOR_S
    assert await staff.type(RIGHT) == e.StaffAccepted("staff-1")


async def test_a_right_passcode_takes_no_wrong_one_back(staff: Staff) -> None:
    for _ in range(WRONG_TO_CLOSE - 1):
        assert await staff.type(WRONG) == e.StaffRefused()
    assert await staff.type(RIGHT) == e.StaffAccepted("staff-1")
    assert await staff.type(WRONG) == e.StaffClosed()


async def test_a_restart_remembers(staff: Staff, tmp_path: Path) -> None:
    for _ in range(WRONG_TO_CLOSE):
        await staff.type(WRONG)
    kept = tmp_path / WRONG_PASSCODES_FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() == str(WRONG_TO_CLOSE)
    again = Staff(tmp_path)
    assert await again.type(RIGHT) == e.StaffClosed()


async def test_a_count_that_cannot_be_kept_lets_nobody_guess_on(
    staff: Staff, tmp_path: Path
) -> None:
    (tmp_path / f"{WRONG_PASSCODES_FILE}.new").mkdir()  # in the way of the file
    with pytest.raises(Fault, match="cannot be counted"):
        await staff.type(WRONG)


@pytest.mark.parametrize("nonsense", ["many", "-1", ""])
def test_a_count_that_was_altered_is_refused(tmp_path: Path, nonsense: str) -> None:
    (tmp_path / WRONG_PASSCODES_FILE).write_text(nonsense)
    with pytest.raises(BadSettings):
        Device("reader", tmp_path, ClockTrust.NTP)


def test_what_a_loss_of_power_left_lends_its_mode_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / DEVICE_KEY_FILE
    path.with_suffix(".new").touch(mode=0o644)
    Device("reader", tmp_path, ClockTrust.NTP)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
