"""The message schema between firmware and host driver: the only one.

Both sides import it. A message is one tagged JSON object. No message has a field for a PIN, an
image, a template, 照合番号B or the 12-digit number.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from firmware.faults import MalformedMessage
from firmware.statement import MOST_UNANSWERED, ConsentRecord, Evidence, Nonce, Unanswered
from firmware.words import (
    CardKind,
    Cause,
    CertificateWarning,
    ClockTrust,
    ConsentItem,
    Language,
    Method,
    NoConsentReason,
    Outcome,
    Profile,
    Purpose,
    Question,
    Registration,
    State,
)

PROTOCOL = "1.0"
MAX_MESSAGE_BYTES = 64 * 1024

Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Message(msgspec.Struct, frozen=True, tag_field="type"):
    """One object on the link. Unknown fields are ignored, unknown types refused."""

    to_device: ClassVar[bool]


# --- what the device says of itself
class Gravity(StrEnum):
    """How grave a finding is."""

    STOPS = "stops"  # no visit can go well
    HAMPERS = "hampers"  # visits go on, without something


class BothLanguages(msgspec.Struct, frozen=True):
    """A text for whoever runs the site."""

    ja: str
    en: str


class DoctorCheck(msgspec.Struct, frozen=True):
    """One check: whether it was made, and why not."""

    check: str
    name: BothLanguages
    asked: bool
    why_not: BothLanguages | None = None


class DoctorFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong with the device, and what to do about it."""

    check: str
    symptom: str
    gravity: Gravity
    wrong: BothLanguages
    remedy: BothLanguages
    detail: str
    """What was measured, in no language."""


# --- host → device
class HostHello(Message, frozen=True, tag="host_hello"):
    """First word of the host driver."""

    protocol: str
    host: str
    now: Time
    to_device: ClassVar[bool] = True


class StartTransaction(Message, frozen=True, tag="start_transaction"):
    """Begin one visit. `items`, `methods`: None leaves them to the profile and the settings."""

    transaction_id: UUID
    requester: Annotated[str, msgspec.Meta(max_length=128)]
    requester_nonce: Nonce
    gateway_challenge: Nonce | None
    purpose: Purpose
    profile: Profile
    items: tuple[ConsentItem, ...] | None = None
    methods: tuple[Method, ...] | None = None
    language: Language | None = None
    timeout_s: float = 180.0
    reason: NoConsentReason | None = None
    """Why nobody can be asked for consent: emergency and disaster need it, no other has one."""
    to_device: ClassVar[bool] = True


class Cancel(Message, frozen=True, tag="cancel"):
    """Stop the visit; ignored after the point of no return."""

    transaction_id: UUID
    cause: Cause = Cause.CANCELLED_BY_RECEPTION
    to_device: ClassVar[bool] = True


class RegistrationAnswer(Message, frozen=True, tag="registration_answer"):
    """What the gateway says of a card: to `AskRegistration` and to `AskToRegister`."""

    transaction_id: UUID
    registration: Registration
    cause: Cause | None = None
    clinical_consent_allowed: bool = True
    """False in the three months after the certificate's expiry: eligibility only."""
    certificate_warning: CertificateWarning | None = None
    """What to tell the holder of the certificate's expiry."""
    to_device: ClassVar[bool] = True


class ConfirmationAnswer(Message, frozen=True, tag="confirmation_answer"):
    """What the gateway says of the evidence. The eligibility itself stays on the host."""

    transaction_id: UUID
    accepted: bool
    cause: Cause | None = None
    to_device: ClassVar[bool] = True


class DoctorRequested(Message, frozen=True, tag="doctor_requested"):
    """Examine yourself. One at a time."""

    to_device: ClassVar[bool] = True


class Heartbeat(Message, frozen=True, tag="heartbeat"):
    """I am here; either side sends one every quarter of the lease."""

    to_device: ClassVar[bool] = True


# --- device → host
class DeviceHello(Message, frozen=True, tag="device_hello"):
    """Answer to `HostHello`."""

    protocol: str
    device_id: str
    boot_id: UUID
    device_key: dict[str, str]
    """Public JWK (OKP, Ed25519)."""
    profiles: tuple[Profile, ...]
    methods: tuple[Method, ...]
    languages: tuple[Language, ...]
    clock_trust: ClockTrust
    version: str
    to_device: ClassVar[bool] = False


class ReaderStatus(Message, frozen=True, tag="reader_status"):
    """What the device can do: at the greeting, when reader or camera change, when it is idle."""

    state: State
    card_reader: str | None
    """Name of the PC/SC reader in use, None while there is none."""
    camera: bool
    cause: Cause | None = None
    clock_trust: ClockTrust | None = None
    """Where the device's time comes from by now."""
    to_device: ClassVar[bool] = False


class Progress(Message, frozen=True, tag="progress"):
    """The visit entered a state, or a fact of it became known."""

    transaction_id: UUID
    sequence: int
    state: State
    monotonic_s: float
    at: Time
    card_kind: CardKind | None = None
    method: Method | None = None
    tries_left: int | None = None
    to_device: ClassVar[bool] = False


class AskRegistration(Message, frozen=True, tag="ask_registration"):
    """Identity is proven: is this certificate's holder registered?"""

    transaction_id: UUID
    card_certificate: bytes
    method: Method
    to_device: ClassVar[bool] = False


class AskToRegister(Message, frozen=True, tag="ask_to_register"):
    """The patient wants to register this card as an insurance certificate."""

    transaction_id: UUID
    card_certificate: bytes
    to_device: ClassVar[bool] = False


class EvidenceReady(Message, frozen=True, tag="evidence_ready"):
    """Past the point of no return: confirm this."""

    transaction_id: UUID
    evidence: Evidence
    unanswered: Annotated[tuple[Unanswered, ...], msgspec.Meta(max_length=MOST_UNANSWERED)] = ()
    """Earlier statements, so that none is taken for one that the host hides."""
    to_device: ClassVar[bool] = False


class TransactionEnded(Message, frozen=True, tag="transaction_ended"):
    """What the visit came to; sent once, as soon as it is known, before the card is taken."""

    transaction_id: UUID
    outcome: Outcome
    cause: Cause | None
    method: Method | None
    card_kind: CardKind | None
    consents: tuple[ConsentRecord, ...]
    answers: dict[Question, str]
    evidence: Evidence | None
    language: Language
    timings_ms: dict[str, int]
    """`card_read`, `decision`, `machine`, `total`; a part that did not happen is absent."""
    to_device: ClassVar[bool] = False


class DoctorReported(Message, frozen=True, tag="doctor_reported"):
    """What the device found about itself: which checks were made, and what is wrong."""

    checks: tuple[DoctorCheck, ...]
    findings: tuple[DoctorFinding, ...]
    to_device: ClassVar[bool] = False


class Refused(Message, frozen=True, tag="refused"):
    """The device will not do what a message asked, and why (`reader_busy`, …)."""

    transaction_id: UUID | None
    symbol: str
    reason: str
    to_device: ClassVar[bool] = False


MESSAGES: tuple[type[Message], ...] = (
    HostHello,
    StartTransaction,
    Cancel,
    RegistrationAnswer,
    ConfirmationAnswer,
    DoctorRequested,
    Heartbeat,
    DeviceHello,
    ReaderStatus,
    Progress,
    AskRegistration,
    AskToRegister,
    EvidenceReady,
    TransactionEnded,
    DoctorReported,
    Refused,
)

_UNION: Any = MESSAGES[0]
for _message in MESSAGES[1:]:
    _UNION = _UNION | _message
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(_UNION)


def encode(message: Message) -> bytes:
    """One message as JSON, without a line end."""
    return _ENCODER.encode(message)


def decode(payload: bytes) -> Message:
    """The message in these bytes. Raises `MalformedMessage`."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MalformedMessage(f"{len(payload)} bytes are more than a message may have")
    try:
        return _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedMessage(str(cause)) from cause
