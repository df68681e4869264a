"""Recording: hears a dialogue on a reader and makes a trace of it.

What was heard before a fault is a trace too: those are the ones that testers send.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from firmware.card import jpki
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.files import TOKEN_INFO, TOKEN_LABEL_BYTES
from firmware.testbench.following import READ_BINARY, Followed, Heard, followed
from firmware.testbench.masking import mask, without_secret
from firmware.testbench.trace import Context, Header, MaskedBytes, Trace, printable
from firmware.words import CardKind

TOOL: Final = f"kazashi-testbench {version('kazashi')}"


class Recorder:
    """Takes every exchange of one card; `now_s` is a clock that never goes back.

    `synthetic_holder` may be said only of a card that was proven to be nobody's (`holder`): then
    secrets are kept. Of every other card they are gone as soon as they were heard.
    """

    def __init__(self, now_s: Callable[[], float], *, synthetic_holder: bool) -> None:
        self._now_s = now_s
        self._synthetic_holder = synthetic_holder
        self._began_s: float | None = None
        self._heard: list[Heard] = []
        self._fresh = False

    def hear_power_up(self) -> None:
        """The card was given power; nothing is selected on it."""
        self._fresh = bool(self._heard)

    def hear(self, command: CommandApdu, response: ResponseApdu) -> None:
        """One exchange, right after its response."""
        self.hear_bytes(command.encode(), response)

    def hear_bytes(self, command: bytes, response: ResponseApdu) -> None:
        """The same with a command as it went over the reader."""
        now_s = self._now_s()
        if self._began_s is None:
            self._began_s = now_s
        at_ms = round((now_s - self._began_s) * 1000)
        kept = MaskedBytes(command) if self._synthetic_holder else without_secret(command)
        self._heard.append(Heard(at_ms, kept, response, self._fresh))
        self._fresh = False

    def trace(
        self,
        *,
        reader: str,
        atr: bytes,
        recorded_at: dt.datetime,
        context: Context | None = None,
    ) -> Trace:
        """All that was heard, masked unless the holder is synthetic."""
        return trace_of(
            self._heard,
            reader=reader,
            atr=atr,
            recorded_at=recorded_at,
            context=context,
            synthetic_holder=self._synthetic_holder,
        )


def trace_of(
    heard: list[Heard],
    *,
    reader: str,
    atr: bytes,
    recorded_at: dt.datetime,
    context: Context | None = None,
    synthetic_holder: bool = False,
) -> Trace:
    """A dialogue as a trace; the kind of the card is what its token label says, if it was read."""
    header = Header(
        reader=printable(reader),
        atr=atr.hex().upper(),
        card_kind=next(filter(None, map(_kind_told, followed(heard))), CardKind.UNKNOWN),
        tool=TOOL,
        recorded_at=recorded_at.replace(microsecond=0),
        synthetic_holder=synthetic_holder,
        context=context,
    )
    return Trace(header, mask(heard, synthetic_holder=synthetic_holder))


def _kind_told(exchange: Followed) -> CardKind | None:
    heard, command, place = exchange
    label = heard.response.data
    if command is None or command.ins != READ_BINARY or place.ef is not TOKEN_INFO or place.offset:
        return None
    return jpki.card_kind(label) if len(label) >= TOKEN_LABEL_BYTES else None
