"""What is begun and not waited for: held until it ends, and told of as a device fault where it
breaks. [shell]
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from firmware.transaction import events as e
from firmware.words import Cause

log = logging.getLogger(__name__)


class Chores:
    """The tasks of one part. A fault that was expected is the chore's own to catch."""

    def __init__(self, what: str, post: Callable[[e.Event], None]) -> None:
        """`what` one of them is, for the log."""
        self._what, self._post = what, post
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, chore: Coroutine[Any, Any, None]) -> None:
        """Let it run beside everything else."""
        task = asyncio.create_task(chore)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def cancel(self) -> None:
        """End those that are under way."""
        for task in self._tasks:
            task.cancel()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        broke = None if task.cancelled() else task.exception()
        if broke is not None:
            log.critical("%s broke", self._what, exc_info=broke)
            self._post(e.CardFailed(Cause.DEVICE_FAULT))
