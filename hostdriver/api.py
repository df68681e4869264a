"""The schema of the local socket: what reception software may ask, and what it is answered.

`METHODS`, `events.EVENTS` and `errors.ERRORS` are its three tables: the session answers from them,
and document and tests walk them. Unknown fields are ignored. No field anywhere holds a PIN, an
image, a template, 照合番号B or the 12-digit number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from firmware.link.messages import DoctorCheck, DoctorFinding
from firmware.statement import Nonce
from firmware.words import (
    CardKind,
    Cause,
    CertificateWarning,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Language,
    Method,
    NoConsentReason,
    Outcome,
    Profile,
    Purpose,
    Question,
    State,
)
from hostdriver.eligibility.answer import Eligibility
from hostdriver.eligibility.question import QueryParams, QueryResult
from hostdriver.figures import StatsParams, StatsResult
from hostdriver.ways_out import Fallback

PROTOCOL = "1.0"
MAX_WAIT_S = 300.0

ClientRef = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
ClientName = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z")]
ReaderName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}\Z")]
Wait = Annotated[float, msgspec.Meta(ge=0, le=MAX_WAIT_S)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


# --- params and results
class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class HelloParams(msgspec.Struct, frozen=True):
    """Who speaks, and in which version. `token` is asked for on TCP alone."""

    protocol: Version
    client: ClientName
    token: Annotated[str, msgspec.Meta(max_length=256)] | None = None


class Device(msgspec.Struct, frozen=True):
    """A reader's device as it presented itself. `device_key` is the pinned public JWK."""

    device_id: str
    boot_id: UUID
    version: str
    device_key: dict[str, str]
    profiles: tuple[Profile, ...]
    methods: tuple[Method, ...]
    languages: tuple[Language, ...]
    clock_trust: ClockTrust


class Line(msgspec.Struct, frozen=True):
    """How a reader's serial cable has behaved since the connection was made, at the host's end."""

    sent: int
    """Frames with content, those included that went again."""
    resent: int
    heard: int
    """Good frames of the device."""
    dropped: int
    """What came and was no good frame."""
    again: int
    """Good frames that had come before."""
    round_trip_ms: float | None


class Reader(msgspec.Struct, frozen=True):
    """One reader. `problem` is a symbol of the errors, or a cause, while it cannot be used."""

    name: str
    connected: bool
    state: State | None
    card_reader: str | None
    camera: bool
    problem: str | None
    device: Device | None
    line: Line | None
    """None on a socket, and while it is not connected."""


class HelloResult(msgspec.Struct, frozen=True):
    """The driver. A new `boot_id` means that all visits and results before it are gone."""

    protocol: str
    version: str
    boot_id: UUID
    site_profile: Profile
    capabilities: tuple[str, ...]
    languages: tuple[Language, ...]
    device: Device | None


class ReaderListResult(msgspec.Struct, frozen=True):
    """Every reader that the settings name."""

    readers: tuple[Reader, ...]


class ReaderParams(msgspec.Struct, frozen=True):
    """One reader, or the first."""

    reader: ReaderName | None = None


class DoctorParams(msgspec.Struct, frozen=True):
    """One reader, or the first, and how long to wait for it."""

    reader: ReaderName | None = None
    wait_s: Wait = 60.0


class DoctorResult(msgspec.Struct, frozen=True):
    """What a device found out about itself. `ok` is true when nothing is wrong with it."""

    reader: str
    ok: bool
    checks: tuple[DoctorCheck, ...]
    findings: tuple[DoctorFinding, ...]


class PairParams(msgspec.Struct, frozen=True):
    """The six digits that the device shows, for one reader or the first."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}\Z")]
    reader: ReaderName | None = None


class PairResult(msgspec.Struct, frozen=True):
    """The reader is paired; it is connected a moment later."""

    reader: str


class StartParams(msgspec.Struct, frozen=True):
    """Begin a visit. What is left out is decided by the profile and the device's settings.

    `nonce` is at least 16 random bytes in base64, fresh for each visit: the statement carries it.
    `reason` is why no consent can be obtained: emergency and disaster need one, no other has one.
    """

    client_ref: ClientRef
    nonce: Nonce
    purpose: Purpose = Purpose.VISIT
    profile: Profile | None = None
    items: Annotated[tuple[ConsentItem, ...], msgspec.Meta(max_length=8)] | None = None
    methods: Annotated[tuple[Method, ...], msgspec.Meta(min_length=1, max_length=8)] | None = None
    language: Language | None = None
    timeout_s: Annotated[float, msgspec.Meta(ge=10, le=600)] = 180.0
    reader: ReaderName | None = None
    reason: NoConsentReason | None = None


class StartResult(msgspec.Struct, frozen=True):
    """The visit. `taken_over`: it was there already, and `nonce` is the one it began with."""

    transaction_id: UUID
    reader: str
    state: State
    taken_over: bool
    nonce: Nonce


class TransactionParams(msgspec.Struct, frozen=True):
    """One visit."""

    transaction_id: UUID


class StatusResult(msgspec.Struct, frozen=True):
    """Where a visit stands. `outcome` is null until it ended."""

    transaction_id: UUID
    client_ref: str
    reader: str
    state: State
    sequence: int
    outcome: Outcome | None


class CancelResult(msgspec.Struct, frozen=True):
    """`cancelling` is false after the point of no return: the visit then ends as it will."""

    cancelling: bool
    state: State


class ResultParams(msgspec.Struct, frozen=True):
    """One visit, and how long to wait for its end."""

    transaction_id: UUID
    wait_s: Wait = 0.0


class Consent(msgspec.Struct, frozen=True):
    """One consent item as the statement holds it; a granted one ends at `until`."""

    item: ConsentItem
    answer: ConsentAnswer
    at: Time | None
    until: Time | None


class SignedEvidence(msgspec.Struct, frozen=True):
    """What anybody can check again: the device's JWS, the card's certificate and signature."""

    statement: str
    card_certificate: str
    """PEM."""
    card_signature: bytes | None
    """Base64 on the wire."""
    card_signature_algorithm: str | None


class VisitResult(msgspec.Struct, frozen=True):
    """What a visit came to; also what `kazashi visit --json` prints. It never changes.

    `device_key` is for pinning, never for trusting this very result.
    """

    outcome: Outcome
    cause: Cause | None
    method: Method | None
    card_kind: CardKind | None
    consents: tuple[Consent, ...]
    answers: dict[Question, str]
    eligibility: Eligibility | None
    certificate_warning: CertificateWarning | None
    """Of a verified visit: what the patient was told of the certificate's expiry."""
    clock_trust: ClockTrust | None
    """As the statement says; `none`: no consent was asked for, because it could not be dated."""
    evidence: SignedEvidence | None
    device_key: dict[str, str]
    fallback: tuple[Fallback, ...]
    patient_text: str
    staff_text: str
    timings_ms: dict[str, int]


class AckResult(msgspec.Struct, frozen=True):
    """The result is erased."""

    acknowledged: bool


class SubscribeResult(msgspec.Struct, frozen=True):
    """The names of the events that will come: of this client's own visits, and of all readers."""

    events: tuple[str, ...]


class LedgerGap(msgspec.Struct, frozen=True):
    """Statements that the ledger does not hold: `found` came where `expected` was due."""

    device_id: str
    expected: int
    found: int
    sequence: int


class LedgerReport(msgspec.Struct, frozen=True):
    """`ok` is true when the chain, its signed head and the statements' counters are all whole."""

    ok: bool
    rows: int
    first_bad: int | None
    """Sequence number of the first row that does not hold."""
    reason: str | None
    gaps: tuple[LedgerGap, ...]


class Trouble(msgspec.Struct, frozen=True):
    """One problem: of a reader, or of the driver itself; since when, where that is known."""

    symbol: str
    reader: str | None
    since: Time | None
    staff_text: str


class HealthResult(msgspec.Struct, frozen=True):
    """`ok` is true when a visit could begin now, its consents be recorded, and its answer be left
    in the face folder, where there is one."""

    ok: bool
    version: str
    problems: tuple[str, ...]
    """The same as `troubles`, in short."""
    troubles: tuple[Trouble, ...]
    readers: tuple[Reader, ...]
    connections: int
    visits_held: int


# --- the table
@dataclass(frozen=True, slots=True)
class MethodRow:
    """One verb: its parameters, its result, and what it does in a line."""

    params: type[msgspec.Struct]
    result: type[msgspec.Struct]
    does: str


METHODS: dict[str, MethodRow] = {
    "hello": MethodRow(HelloParams, HelloResult, "Say who you are; the first request."),
    "reader.list": MethodRow(Nothing, ReaderListResult, "All readers, with their pinned keys."),
    "reader.status": MethodRow(ReaderParams, Reader, "One reader."),
    "reader.pair": MethodRow(
        PairParams, PairResult, "Get to know the device at the other end of a serial cable."
    ),
    "reader.doctor": MethodRow(
        DoctorParams, DoctorResult, "Have a reader's device examine itself: what to mend, and how."
    ),
    "transaction.start": MethodRow(StartParams, StartResult, "Begin a visit, or take yours over."),
    "transaction.status": MethodRow(TransactionParams, StatusResult, "Where a visit stands."),
    "transaction.cancel": MethodRow(TransactionParams, CancelResult, "Stop a visit."),
    "transaction.result": MethodRow(ResultParams, VisitResult, "What a visit came to."),
    "transaction.ack": MethodRow(TransactionParams, AckResult, "The result arrived: erase it."),
    "events.subscribe": MethodRow(Nothing, SubscribeResult, "Push events on this connection."),
    "eligibility.query": MethodRow(
        QueryParams, QueryResult, "Ask by insured-card data: for visits without a card."
    ),
    "ledger.verify": MethodRow(Nothing, LedgerReport, "Walk the ledger's chain."),
    "stats": MethodRow(StatsParams, StatsResult, "Counters of visits, without persons."),
    "health": MethodRow(Nothing, HealthResult, "What works and what does not."),
}
