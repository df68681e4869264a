"""[shell] A PC/SC program beside the one under test: sees what the daemon sees, resets the card.

Runs in the player's namespace. Each call has a context of its own, and each wait an end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from smartcard import scard

from firmware.faults import ControlRefused

SLOT_NAMES: Final = ("00 00", "00 01")  # end the names of the two slots that the driver has
NOTICE_LIMIT_S: Final = 12.0  # pcscd looks at such a driver every 0.4 s; an emulated one, later


def listed_reader(slot: int = 0) -> str | None:
    """The name of a slot, once the daemon runs and lists it."""
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        return None
    try:
        return _listed(context, slot)
    finally:
        scard.SCardReleaseContext(context)


def wait_for_card(present: bool, slot: int = 0) -> None:
    """Until the daemon says that a card is there, or none; raises ControlRefused after 12 s."""
    until_s = time.monotonic() + NOTICE_LIMIT_S
    with _slot_in_context(slot) as (context, reader):
        state = scard.SCARD_STATE_UNAWARE
        while (left_s := until_s - time.monotonic()) > 0:
            result, states = scard.SCardGetStatusChange(
                context, int(left_s * 1000), [(reader, state)]
            )
            if result not in (scard.SCARD_S_SUCCESS, scard.SCARD_E_TIMEOUT):
                raise ControlRefused(scard.SCardGetErrorMessage(result))
            state = states[0][1]
            if bool(state & scard.SCARD_STATE_PRESENT) == present:
                return
    raise ControlRefused(
        f"the daemon does not notice that the card is {'there' if present else 'gone'}"
    )


def reset_card(slot: int = 0) -> None:
    """Connect beside whoever is connected, and leave taking the card's power; ControlRefused."""
    with _slot_in_context(slot) as (context, reader):
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        result, card, _ = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
        if result == scard.SCARD_S_SUCCESS:
            result = scard.SCardDisconnect(card, scard.SCARD_UNPOWER_CARD)
        if result != scard.SCARD_S_SUCCESS:
            raise ControlRefused(scard.SCardGetErrorMessage(result))


@contextmanager
def _slot_in_context(slot: int) -> Iterator[tuple[Any, str]]:
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        raise ControlRefused(scard.SCardGetErrorMessage(result))
    try:
        reader = _listed(context, slot)
        if reader is None:
            raise ControlRefused("the daemon lists no virtual reader")
        yield context, reader
    finally:
        scard.SCardReleaseContext(context)


def _listed(context: Any, slot: int) -> str | None:
    result, names = scard.SCardListReaders(context, [])
    if result != scard.SCARD_S_SUCCESS:
        return None
    return next((name for name in names if name.endswith(SLOT_NAMES[slot])), None)
