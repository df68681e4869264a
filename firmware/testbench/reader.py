"""[shell] A card on a PC/SC reader of this machine: found, waited for, connected."""

from __future__ import annotations

import threading
from collections.abc import Callable

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.pcsc import Connection, Context, ReaderWatch
from firmware.card.requests import CardMessage, CardSeen
from firmware.faults import CardRemoved, CardServiceUnavailable
from firmware.simulator.pcsc_service import SOCKET_VARIABLE


def find_reader(pattern: str, wait_s: float) -> str:
    """The reader that fits, once a card lies on it or after `wait_s`.

    Raises what people can mend: no daemon, no such reader.
    """
    try:
        context = Context.establish()
    except CardServiceUnavailable as cause:
        raise CardServiceUnavailable(
            f"{cause}; is pcscd running? (or {SOCKET_VARIABLE})"
        ) from cause
    try:
        reader = context.reader(pattern)
    finally:
        context.release()
    _wait_for_card(reader, wait_s)
    return reader


def connect(
    reader: str,
    on_exchange: Callable[[CommandApdu, ResponseApdu], None] = lambda _command, _answer: None,
) -> Connection:
    """The powered card on a reader; close it. Raises `CardRemoved` where there is none."""
    try:
        return Connection(reader, on_exchange)
    except CardRemoved as cause:
        raise CardRemoved(f"no card that answers lies on {reader!r} ({cause})") from cause


def _wait_for_card(reader: str, wait_s: float) -> None:
    if not wait_s:
        return
    seen = threading.Event()

    def hear(news: CardMessage) -> None:
        if news == CardSeen():
            seen.set()

    watch = ReaderWatch((reader,), hear)
    watch.start()
    seen.wait(wait_s)
    watch.stop()
    watch.join()
