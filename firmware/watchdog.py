"""Feeds systemd's watchdog, and only while every check of this process passes. [shell]

It knows nothing of what is checked. That it runs at all is the first check: a loop that stands
still feeds nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from firmware.faults import Fault
from firmware.notify import WELL, sd_notify, status, watchdog_s

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[None]]
"""Returns when all is well. Raises a `Fault` that says what is not; taking too long is one too."""
SERVING = "serving"
ROUNDS_AFTER_BAD = 5
"""In the time of one round, after a bad one."""


@asynccontextmanager
async def fed(checks: Mapping[str, Check]) -> AsyncIterator[None]:
    """Feed at half the time that systemd allows, while the block runs; nothing where it keeps no
    watchdog. What a check finds is in `systemctl status` and, once, in the log."""
    allowed_s = watchdog_s()
    if allowed_s is None:
        yield
        return
    feeding = asyncio.create_task(_feed(checks, allowed_s / 2), name="watchdog")
    try:
        yield
    finally:
        feeding.cancel()


async def _feed(checks: Mapping[str, Check], period_s: float) -> None:
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    told: list[str] = []
    while True:
        began_s = loop.time()
        wrong = await found_wrong(checks, period_s / 2)
        # A loop that stood still while it waited, or in the midst of the checks.
        ended_s = loop.time()
        late_s = max(began_s - due_s, ended_s - began_s - period_s / 2)
        if late_s > period_s / 4:
            wrong.insert(0, f"the loop was late by {late_s:.1f} s")
        if not wrong:
            sd_notify(WELL)
        if wrong != told:
            told = wrong
            _tell("; ".join(wrong))
        due_s = max(due_s + pause_s(period_s, ill=bool(wrong)), ended_s)
        await asyncio.sleep(due_s - loop.time())


def pause_s(period_s: float, ill: bool) -> float:
    """Until the next round: one bad moment (a slow disk, a worker that is being replaced) must not
    cost the half of systemd's patience that is left."""
    return period_s / ROUNDS_AFTER_BAD if ill else period_s


async def found_wrong(checks: Mapping[str, Check], within_s: float) -> list[str]:
    """What the checks find wrong, all asked at the same time."""
    found = await asyncio.gather(*(_wrong(name, check, within_s) for name, check in checks.items()))
    return [wrong for wrong in found if wrong is not None]


async def _wrong(name: str, check: Check, within_s: float) -> str | None:
    try:
        async with asyncio.timeout(within_s):
            await check()
    except TimeoutError:
        return f"{name} does not answer"
    except Fault as fault:
        return f"{name}: {fault}"
    return None


def _tell(wrong: str) -> None:
    if wrong:
        log.error("not well: %s", wrong)
        sd_notify(status(f"not well: {wrong}"))
    else:
        log.info("well")
        sd_notify(status(SERVING))
