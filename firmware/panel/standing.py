"""What the idle panel tells of the device itself: why no visit can begin, or what will be missing.

It is for the staff, in a patient's words, and never spoken. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from firmware.panel.screens import ButtonKind, Look, Picture, Tone
from firmware.words import Cause, ClockTrust, Standing


class Host(StrEnum):
    """Who is at the other end of the link."""

    HERE = "here"
    AWAY = "away"
    STRANGER = "stranger"
    OTHER_VERSION = "other_version"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known of the device. At first nothing bad is, but that no host has come."""

    host: Host = Host.AWAY
    opened: bool = False
    storage: bool = True
    reader: Cause | None = None
    """Why no card reader can be used."""
    camera: bool = True
    """The face camera works, or none is needed."""
    clock: ClockTrust = ClockTrust.NTP
    code: str | None = field(default=None, repr=False)
    """The six digits of a pairing that is open."""
    unpaired: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What is told, and the digits that belong to it."""

    standing: Standing
    code: str | None = field(default=None, repr=False)


_OF_HOST: Final = {
    Host.AWAY: Standing.NO_HOST,
    Host.STRANGER: Standing.WRONG_HOST,
    Host.OTHER_VERSION: Standing.HOST_VERSION,
}
VISITS_GO_ON: Final = frozenset({Standing.CAMERA_UNAVAILABLE, Standing.CLOCK_UNTRUSTED})
"""Something will be missing, and the screen bids welcome all the same."""

CLOSED: Final = Look("closed", Picture.WARNING, Tone.ATTENTION)
LOOKS: Final = {
    Standing.PAIRING: Look("pairing", Picture.SENDING),
    Standing.NOT_PAIRED: Look("not_paired", Picture.SENDING, Tone.ATTENTION),
}
"""Screens of their own; where there is none, `CLOSED`."""

NEW_CODE: Final = "pairing.new_code"
"""The button that asks for other digits; only who stands at the device can touch it."""
NEW_CODE_KIND: Final = ButtonKind.CHOICE
PAIR_COMMAND: Final = "kazashi pair"
"""What is typed at the host."""


def told_of(condition: Condition) -> Told | None:
    """What the idle panel tells; None when all is well."""
    so = {
        Standing.TAMPERED: condition.opened,
        Standing.STORAGE_UNAVAILABLE: not condition.storage,
        Standing.READER_UNAVAILABLE: condition.reader is Cause.READER_UNAVAILABLE,
        Standing.CARD_SERVICE_UNAVAILABLE: condition.reader is Cause.CARD_SERVICE_UNAVAILABLE,
        Standing.DEVICE_FAULT: condition.reader is not None,
        Standing.PAIRING: condition.code is not None,
        Standing.NOT_PAIRED: condition.unpaired,
        Standing.CAMERA_UNAVAILABLE: not condition.camera,
        Standing.CLOCK_UNTRUSTED: condition.clock is ClockTrust.NONE,
    }
    of_host = _OF_HOST.get(condition.host)
    standing = next((one for one in Standing if so.get(one) or one is of_host), None)
    if standing is None:
        return None
    return Told(standing, condition.code if standing is Standing.PAIRING else None)


def look_of(told: Told | None) -> Look | None:
    """The look in the place of the idle screen's own; None where that one stays."""
    if told is None or told.standing in VISITS_GO_ON:
        return None
    return LOOKS.get(told.standing, CLOSED)
