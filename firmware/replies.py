"""What a worker's reply means to the visit. Pure: one function per worker, one row per reply."""

from __future__ import annotations

from firmware.card import requests as card
from firmware.faults import Fault
from firmware.match import requests as vision
from firmware.transaction import events as e
from firmware.words import Cause

WRONG_FACE_FILE = frozenset(
    {"card_unreadable", "collation_number_spent", "malformed_credential", "photo_unreadable"}
)
"""Faults that end the face path and leave the card itself usable."""


def cause_of(code: str) -> Cause:
    """The cause that a fault's code stands for on the wire."""
    return Cause(code) if code in set(Cause) else Cause.DEVICE_FAULT


def card_event(reply: card.CardMessage) -> e.Event | None:
    """The event in a card worker's reply; None where the visit need not know."""
    match reply:
        case card.CardIdentified(kind):
            return e.CardIdentified(kind)
        case card.CardFaceRead(has_photo, authenticity, agrees):
            return e.CardFaceOpened(has_photo, authenticity, agrees)
        case card.CollationNumberRefused():
            return e.CardFaceRefused()
        case card.PinTries(None):
            return e.CardFailed(Cause.CARD_UNREADABLE)  # a card that hides its counter
        case card.PinTries(int(tries_left)):
            return e.PinTriesReported(tries_left)
        case card.PinVerified():
            return e.PinAccepted()
        case card.PinWrong(tries_left):
            return e.PinRefused(tries_left)
        case card.CardProblem(code, _):
            return e.CardFailed(cause_of(code))
        case card.CardReleased():
            return None
        case _:
            raise Fault(f"the card worker answered {type(reply).__name__}")


def vision_event(reply: vision.VisionMessage) -> e.Event | None:
    """The event in a vision worker's reply; None where the visit need not know."""
    match reply:
        case vision.FacesCompared(decision, pad, model, operating_point):
            return e.FacesCompared(decision, pad, model, operating_point)
        case vision.VisionProblem():
            return e.CameraFailed()
        case vision.Looking() | vision.Rested() | vision.Forgotten():
            return None
        case _:
            raise Fault(f"the vision worker answered {type(reply).__name__}")
