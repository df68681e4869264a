"""[shell] SystemReader: virtual cards on the system's own PC/SC daemon.

vpcd must be configured in that daemon. It listens on every interface, so this is for a machine that
nobody else reaches (a virtual one, a chroot without network), never for a clinic's desk.
"""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Final, Self

from firmware.faults import CardServiceNotStarted
from firmware.simulator import neighbour
from firmware.simulator.card_control import (
    AnyRequest,
    Arrange,
    AskStatus,
    Insert,
    Remove,
    Reset,
    Status,
)
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.card_player import Player
from firmware.simulator.slot import AnyMishap
from firmware.simulator.world import World

LISTED_WITHIN_S: Final = 60.0  # an emulated machine starts its daemon slowly
LOOK_EVERY_S: Final = 0.1


class SystemReader:
    """A card that is played from this process; a context manager. The card goes when it ends."""

    def __init__(self, world: World, options: CardOptions = AS_USUAL) -> None:
        """`options`: of every card that is put down."""
        self._player, self._options = Player(world), options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="virtual card", daemon=True
        )
        self.reader_name = ""

    def __enter__(self) -> Self:
        until_s = time.monotonic() + LISTED_WITHIN_S
        while (name := neighbour.listed_reader()) is None:
            if time.monotonic() > until_s:
                raise CardServiceNotStarted("the system's PC/SC daemon lists no virtual reader")
            time.sleep(LOOK_EVERY_S)
        self.reader_name = name
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._player.hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def insert(self, patient_id: str) -> Status:
        """Put the patient's card on the reader; returns when the daemon sees it."""
        return self._ask(Insert(patient=patient_id, options=self._options))

    def remove(self) -> Status:
        """Take the card away; returns when the daemon has noticed."""
        return self._ask(Remove())

    def reset(self) -> Status:
        """Let another program reset the card."""
        return self._ask(Reset())

    def arrange(self, mishap: AnyMishap) -> Status:
        """Let a mishap befall the inserted card."""
        return self._ask(Arrange(mishap=mishap))

    def status(self) -> Status:
        """What lies on the reader, and its counters."""
        return self._ask(AskStatus())

    def _ask(self, request: AnyRequest) -> Status:
        """Raises ControlRefused."""
        return asyncio.run_coroutine_threadsafe(self._player.perform(request), self._loop).result()
