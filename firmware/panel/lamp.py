"""How fast the page's light may change: whatever is wanted of it, nothing flickers. [shell]"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from firmware.words import LIGHT_STAYS_S, PanelLight


class Lamp:
    """Changes no sooner than it may; of several lights wanted meanwhile, the last one comes."""

    def __init__(self, paint: Callable[[PanelLight], None], stays_s: float = LIGHT_STAYS_S) -> None:
        self._paint, self._stays_s = paint, stays_s
        self._shown = self._wanted = PanelLight.OFF
        self._changed_at_s = float("-inf")
        self._due: asyncio.TimerHandle | None = None

    def want(self, light: PanelLight) -> None:
        """Show this light, at once or as soon as the one before has stood long enough."""
        self._wanted = light
        if self._due is not None or light is self._shown:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._changed_at_s + self._stays_s - loop.time()
        if wait_s > 0:
            self._due = loop.call_later(wait_s, self._change)
        else:
            self._change()

    def switch_off(self) -> None:
        """At once, whatever was wanted: the looking is over."""
        self._wanted = PanelLight.OFF
        self._change()

    def _change(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._wanted is self._shown:
            return
        self._shown = self._wanted
        self._changed_at_s = asyncio.get_running_loop().time()
        self._paint(self._shown)
