"""The watchdog is fed while all checks pass, and not a moment longer."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from service_manager import ServiceManager

from firmware import notify, watchdog
from firmware.faults import Fault
from firmware.notify import sd_notify, status, watchdog_s
from firmware.watchdog import fed, found_wrong, pause_s


@contextmanager
def asked_by(manager: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with manager, monkeypatch.context() as changed:
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
            if name in manager.environment:
                changed.setenv(name, manager.environment[name])
        changed.delenv("WATCHDOG_PID", raising=False)
        yield


class Patient:
    """A part that is checked: well, ill, or silent."""

    def __init__(self) -> None:
        self.is_well, self.answers = True, asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Semaphore(0)

    async def check(self) -> None:
        self.asked.release()
        await self.answers.wait()
        if not self.is_well:
            raise Fault("it hurts")

    async def asked_again(self, times: int) -> None:
        while not self.asked.locked():
            await self.asked.acquire()
        for _ in range(times):
            await self.asked.acquire()


# --- notify
async def test_what_is_told_comes_in_one_datagram(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = ServiceManager(tmp_path)
    with asked_by(manager, monkeypatch):
        sd_notify(notify.READY, status("two\nlines"))
        assert await manager.heard() == ["READY=1", "STATUS=two lines"]


async def test_an_abstract_socket_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"kazashi-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        sd_notify(notify.WELL)
        assert line.recv(64) == b"WATCHDOG=1"


def test_a_manager_that_is_gone_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    sd_notify(notify.WELL)
    assert "cannot be told" in caplog.text


@pytest.mark.parametrize(
    ("period", "process", "allowed"),
    [
        ("30000000", None, 30.0),
        pytest.param("500000", str(os.getpid()), 0.5, id="this process"),
        ("30000000", "1", None),  # another process of this service is meant
        ("0", None, None),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_how_long_systemd_waits(
    period: str, process: str | None, allowed: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", period)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if process is not None:
        monkeypatch.setenv("WATCHDOG_PID", process)
    assert watchdog_s() == allowed


# --- feeding
def test_a_bad_moment_leaves_several_rounds_before_systemd_loses_patience() -> None:
    allowed_s = 30.0
    well = pause_s(allowed_s / 2, ill=False)
    assert well == allowed_s / 2
    assert well + 3 * pause_s(allowed_s / 2, ill=True) < allowed_s


async def test_a_service_that_is_well_feeds_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = ServiceManager(tmp_path, watchdog_s=2.0)
    with asked_by(manager, monkeypatch):
        async with fed({"part": Patient().check}):
            for _ in range(3):
                await manager.hears(notify.WELL)


async def test_without_a_watchdog_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, part = ServiceManager(tmp_path), Patient()
    with asked_by(manager, monkeypatch):
        async with fed({"part": part.check}):
            await asyncio.sleep(0)
        assert part.asked.locked()
        assert manager.heard_so_far() == []


async def test_a_part_that_is_ill_ends_the_feeding_until_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    manager, part = ServiceManager(tmp_path, watchdog_s=1.0), Patient()
    with asked_by(manager, monkeypatch), caplog.at_level(logging.ERROR):
        async with fed({"heart": part.check, "other": Patient().check}):
            await manager.hears(notify.WELL)
            part.is_well = False
            await manager.hears("STATUS=not well", "heart: it hurts")
            manager.heard_so_far()
            await part.asked_again(3)
            assert notify.WELL not in manager.heard_so_far()
            part.is_well = True
            await manager.hears(notify.WELL)
            await manager.hears("STATUS=serving")
    assert "heart: it hurts" in caplog.text


async def test_a_part_that_is_silent_ends_the_feeding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, part = ServiceManager(tmp_path, watchdog_s=1.0), Patient()
    with asked_by(manager, monkeypatch):
        async with fed({"heart": part.check}):
            await manager.hears(notify.WELL)
            part.answers.clear()
            await manager.hears("STATUS=not well", "heart does not answer")
            manager.heard_so_far()
            await part.asked_again(3)
            assert notify.WELL not in manager.heard_so_far()


async def test_a_loop_that_stood_still_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it stands nobody is fed; the round after it is not a good one either."""
    manager, part = ServiceManager(tmp_path, watchdog_s=0.4), Patient()
    with asked_by(manager, monkeypatch):
        async with fed({"part": part.check}):
            await manager.hears(notify.WELL)
            _stand_still(0.6)
            await manager.hears("STATUS=not well", "the loop was late")


async def test_a_loop_that_stood_still_as_it_fed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two rounds there is no moment that nobody times."""

    def tell_and_stand(*states: str) -> None:
        sd_notify(*states)
        _stand_still(0.6)

    manager = ServiceManager(tmp_path, watchdog_s=0.4)
    monkeypatch.setattr(watchdog, "sd_notify", tell_and_stand)
    with asked_by(manager, monkeypatch):
        async with fed({"part": Patient().check}):
            await manager.hears(notify.WELL)
            await manager.hears("STATUS=not well", "the loop was late")


def _stand_still(seconds: float) -> None:
    """Block this thread, and with it the loop."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(seconds)
        with pytest.raises(TimeoutError):
            ours.recv(1)


async def test_parts_are_asked_at_the_same_time() -> None:
    """Two that each wait for the other's turn."""
    first, second = Patient(), Patient()
    first.answers.clear()

    async def second_wakes_first() -> None:
        first.answers.set()
        await second.check()

    assert await found_wrong({"first": first.check, "second": second_wakes_first}, 30.0) == []
