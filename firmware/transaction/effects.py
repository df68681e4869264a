"""What entering a state sets going. An effect has no arguments: the visit says the rest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from firmware.transaction.events import Event


class Do(Enum):
    """Work for the shells; its result comes back as an event."""

    SET_TIMERS = auto()
    WAKE_CAMERA = auto()
    IDENTIFY_CARD = auto()
    OFFER_FACE = auto()  # the face path starts by itself unless the patient chooses
    READ_PRINT = auto()
    READ_CARD_FACE = auto()
    COMPARE_FACES = auto()
    STOP_LOOKING = auto()
    QUERY_PIN_TRIES = auto()
    VERIFY_PIN = auto()
    CHECK_STAFF_PASSCODE = auto()
    ASK_REGISTRATION = auto()  # reads the certificate: it goes out only now
    REGISTER = auto()
    SIGN_STATEMENT = auto()
    SEND_EVIDENCE = auto()
    TELL_RESULT = auto()  # once; a second time is nothing
    RELEASE_CARD = auto()
    FORGET_PATIENT = auto()


@dataclass(frozen=True, slots=True)
class Ignored:
    """The table has no row for this event in this state; counted at run time."""

    event: Event


Effect = Do | Ignored
