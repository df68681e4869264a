"""How far this machine's clock can be trusted, by what the machine itself says. [shell]

Synchronised: systemd-timesyncd leaves a mark; of any other program that keeps the clock (chrony,
ntpd) the kernel knows, and systemd-timedated passes it on, which a service may ask that must not
call adjtimex(2) itself. A clock chip counts as far as it agrees with the clock: one without a
battery begins anew at every power cut.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from firmware.words import ClockTrust

log = logging.getLogger(__name__)

MADE_AT: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""A clock before our own making is wrong whatever anybody says."""
CHIP_AGREES_WITHIN_S: Final = 120.0
ASK_EVERY_S: Final = 60.0
ANSWER_WITHIN_S: Final = 10.0
ASK: Final = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
_MARK: Final = "run/systemd/timesync/synchronized"
_CHIP: Final = "sys/class/rtc/rtc0/since_epoch"


class SystemClock:
    """The clock of this machine. `told` is the site's word in place of the machine's."""

    def __init__(
        self,
        told: ClockTrust | None,
        *,
        root: Path = Path("/"),
        ask: Sequence[str] = ASK,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._told, self._ask, self._monotonic = told, tuple(ask), monotonic
        self._mark, self._chip = root / _MARK, root / _CHIP
        self._is_kept = False
        self._ask_at_s = float("-inf")

    def trust(self, wall: datetime) -> ClockTrust:
        """What keeps the clock that now says `wall`: NTP, a clock chip, or nothing."""
        if wall < MADE_AT:
            return ClockTrust.NONE
        if self._told is not None:
            return self._told
        if self._is_kept or self._mark.exists():
            return ClockTrust.NTP
        return ClockTrust.RTC if self._chip_agrees(wall) else ClockTrust.NONE

    async def ask(self) -> None:
        """Ask the system whether any program keeps the clock; at most once a minute, and not where
        the answer is known without."""
        now_s = self._monotonic()
        if self._told is not None or self._mark.exists() or now_s < self._ask_at_s:
            return
        self._ask_at_s = now_s + ASK_EVERY_S
        was, self._is_kept = self._is_kept, await _says_yes(self._ask)
        if was != self._is_kept:
            log.info("the clock is kept by the network: %s", "yes" if self._is_kept else "no")

    def _chip_agrees(self, wall: datetime) -> bool:
        try:
            said_s = int(self._chip.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return False
        return abs(wall.timestamp() - said_s) <= CHIP_AGREES_WITHIN_S


async def _says_yes(command: Sequence[str]) -> bool:
    """Whether a program answers `yes`. One that is not there, or hangs, does not."""
    try:
        asked = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Not ours: systemd's programs tell their own failures to a service's NOTIFY_SOCKET.
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            answer, _ = await asked.communicate()
    except TimeoutError:
        return False
    finally:
        with suppress(ProcessLookupError):
            asked.kill()
        await asked.wait()
    return answer.strip() == b"yes"
