"""What can happen in a visit. A digit, a pixel or a certificate is in none of them."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.transaction.visit import Request
from firmware.words import (
    CardKind,
    Cause,
    CertificateWarning,
    ConsentItem,
    Language,
    MatchDecision,
    Method,
    PadDecision,
    PhotoAuthenticity,
    Question,
    Registration,
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened."""


# --- reception and time
@dataclass(frozen=True, slots=True)
class Started(Event):
    request: Request


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    """The patient, reception or the clock stopped the visit."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class HostLost(Event):
    """The host driver is gone."""


@dataclass(frozen=True, slots=True)
class TamperOpened(Event):
    """The enclosure was opened."""


@dataclass(frozen=True, slots=True)
class TimeWarned(Event):
    """The patient is told that time runs out."""

    entry: int


@dataclass(frozen=True, slots=True)
class MoreTime(Event):
    """The patient wants more of it."""


@dataclass(frozen=True, slots=True)
class TimeUp(Event):
    entry: int


# --- card
@dataclass(frozen=True, slots=True)
class CardPlaced(Event):
    pass


@dataclass(frozen=True, slots=True)
class CardRemoved(Event):
    pass


@dataclass(frozen=True, slots=True)
class CardFailed(Event):
    """The card, the reader or the card worker broke off."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class CardIdentified(Event):
    kind: CardKind


@dataclass(frozen=True, slots=True)
class PrintRead(Event):
    """照合番号B is known to the firmware, read or keyed."""


@dataclass(frozen=True, slots=True)
class PrintDoubtful(Event):
    """The tray camera could not read it without doubt."""


@dataclass(frozen=True, slots=True)
class CardFaceOpened(Event):
    has_photo: bool
    authenticity: PhotoAuthenticity
    agrees: bool


@dataclass(frozen=True, slots=True)
class CardFaceRefused(Event):
    """照合番号B was wrong, or too few tries are left to ask."""


# --- proof of identity
@dataclass(frozen=True, slots=True)
class MethodChosen(Event):
    method: Method


@dataclass(frozen=True, slots=True)
class FaceStartsByItself(Event):
    entry: int


@dataclass(frozen=True, slots=True)
class BackToMethods(Event):
    pass


@dataclass(frozen=True, slots=True)
class FacesCompared(Event):
    decision: MatchDecision
    pad: PadDecision
    model: str
    operating_point: str


@dataclass(frozen=True, slots=True)
class CameraFailed(Event):
    pass


@dataclass(frozen=True, slots=True)
class PinTriesReported(Event):
    """Asked at no cost; 0 is blocked, None is not told."""

    tries_left: int | None


@dataclass(frozen=True, slots=True)
class PinNotTried(Event):
    """The gate kept the PIN back: nothing was spent."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class PinDigitTyped(Event):
    count: int


@dataclass(frozen=True, slots=True)
class PinEntered(Event):
    """Four digits stand in the buffer, and the patient confirmed them."""


@dataclass(frozen=True, slots=True)
class LastTryConfirmed(Event):
    pass


@dataclass(frozen=True, slots=True)
class PinAccepted(Event):
    pass


@dataclass(frozen=True, slots=True)
class PinRefused(Event):
    tries_left: int


@dataclass(frozen=True, slots=True)
class StaffPasscodeEntered(Event):
    pass


@dataclass(frozen=True, slots=True)
class StaffAccepted(Event):
    staff_id: str


@dataclass(frozen=True, slots=True)
class StaffRefused(Event):
    pass


@dataclass(frozen=True, slots=True)
class StaffClosed(Event):
    """Too many wrong passcodes, over all visits: for now none is looked at."""


@dataclass(frozen=True, slots=True)
class HelperDeclared(Event):
    """Somebody else types for the patient."""


# --- answers
@dataclass(frozen=True, slots=True)
class RegistrationReported(Event):
    registration: Registration
    cause: Cause | None
    clinical_consent_allowed: bool
    certificate_warning: CertificateWarning | None = None


@dataclass(frozen=True, slots=True)
class RegistrationAccepted(Event):
    pass


@dataclass(frozen=True, slots=True)
class RegistrationDeclined(Event):
    pass


@dataclass(frozen=True, slots=True)
class ConsentOneByOne(Event):
    """個別に同意する: show the items one at a time."""


@dataclass(frozen=True, slots=True)
class ConsentAllAnswered(Event):
    agreed: bool


@dataclass(frozen=True, slots=True)
class ConsentAnswered(Event):
    item: ConsentItem
    agreed: bool


@dataclass(frozen=True, slots=True)
class QuestionAnswered(Event):
    question: Question
    answer: str


@dataclass(frozen=True, slots=True)
class LanguageChosen(Event):
    language: Language


# --- signature and confirmation
@dataclass(frozen=True, slots=True)
class StatementSigned(Event):
    """Card (if it signs) and device have signed, and the card's signature was verified."""


@dataclass(frozen=True, slots=True)
class Confirmed(Event):
    accepted: bool
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Forgotten(Event):
    """Every secret, frame and template was dropped."""
