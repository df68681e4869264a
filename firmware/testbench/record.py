"""Recording: hears a dialogue on a reader and makes a masked trace of it.

What was heard before a fault is a trace too: those are the ones that testers send.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.metadata import version

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.testbench.masking import Heard, mask, without_secret
from firmware.testbench.trace import Header, Trace
from firmware.words import CardKind

TOOL = f"kazashi-testbench {version('kazashi')}"


class Recorder:
    """Takes every exchange of one card; `now_s` is a clock that never goes back."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._began_s: float | None = None
        self._heard: list[Heard] = []

    def hear(self, command: CommandApdu, response: ResponseApdu) -> None:
        """One exchange, right after its response."""
        now_s = self._now_s()
        if self._began_s is None:
            self._began_s = now_s
        at_ms = round((now_s - self._began_s) * 1000)
        self._heard.append(Heard(at_ms, without_secret(command), response))

    def trace(
        self,
        *,
        reader: str,
        atr: bytes,
        kind: CardKind,
        recorded_at: dt.datetime,
        synthetic_holder: bool,
    ) -> Trace:
        """All that was heard, masked."""
        header = Header(
            reader=reader,
            atr=atr.hex().upper(),
            card_kind=kind,
            tool=TOOL,
            recorded_at=recorded_at.replace(microsecond=0),
            synthetic_holder=synthetic_holder,
        )
        return Trace(header, mask(self._heard, synthetic_holder=synthetic_holder))
