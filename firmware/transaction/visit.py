"""One visit as a value: where it stands and what is known. It never holds pixels or digits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from firmware.statement import Comparison, ConsentRecord
from firmware.transaction.profiles import PROOFS, methods_for
from firmware.words import (
    PHONES,
    CardKind,
    Cause,
    CertificateWarning,
    ClockTrust,
    ConsentItem,
    Language,
    MatchDecision,
    Method,
    NoConsentReason,
    Outcome,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Question,
    State,
)

STAFF_TRIES = 3
NOTHING_COMPARED = Comparison(decision=MatchDecision.NOT_DONE)


@dataclass(frozen=True, slots=True)
class Now:
    """The time of an event: the wall time, and how far it can be trusted."""

    wall: datetime
    trust: ClockTrust


@dataclass(frozen=True, slots=True)
class Request:
    """What reception asked for, resolved against the profile and the site's settings."""

    transaction_id: UUID
    purpose: Purpose
    profile: Profile
    methods: tuple[Method, ...]
    items: tuple[ConsentItem, ...]
    questions: tuple[Question, ...]
    language: Language
    looks: int
    """Comparisons of faces that this visit may make."""
    unverified_photo_allowed: bool
    reason: NoConsentReason | None = None
    """Why nobody can be asked; `items` are then recorded as unobtainable."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What the visit came to, and why if it was not verified."""

    outcome: Outcome
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything that the table needs to choose what happens next."""

    state: State = State.IDLE
    entry: int = 0
    """Counts entries into states: a timer belongs to one entry and is ignored in any other."""
    request: Request | None = None
    card_present: bool = False
    card_kind: CardKind | None = None
    language: Language = Language.JA
    helper: bool = False
    warned: bool = False
    """The time-out of this entry has been announced."""
    insistence: int = 0
    """How often the patient has been asked to take the card."""
    # the proof of identity
    method_chosen: bool = False
    face_possible: bool = True
    looks: int = 0
    comparison: Comparison = NOTHING_COMPARED
    pad: PadDecision = PadDecision.NOT_DONE
    photo_authenticity: PhotoAuthenticity = PhotoAuthenticity.NOT_DONE
    pin_digits: int = 0
    pin_tries_left: int | None = None
    last_try_confirmed: bool = False
    staff_refusals: int = 0
    staff_closed: bool = False
    """Passcodes are not looked at any more, whoever typed the wrong ones."""
    staff_id: str | None = None
    method: Method | None = None
    proofs: int = 0
    # the answers
    clinical_consent_allowed: bool = True
    clock_trusted: bool = True
    """When the answers began; without it no consent is asked for."""
    certificate_warning: CertificateWarning | None = None
    one_by_one: bool = False
    consents: tuple[ConsentRecord, ...] = ()
    answers: tuple[tuple[Question, str], ...] = ()
    # the end
    started_at: datetime | None = None
    proven_at: datetime | None = None
    signed: bool = False
    ending: Ending | None = field(default=None)

    def enter(self, state: State) -> Visit:
        """The same visit in another state, or anew in the same."""
        return replace(
            self,
            state=state,
            entry=self.entry + 1,
            # Counted when it begins: a comparison that is left early was a look as well.
            looks=self.looks + (state is State.COMPARING_FACES),
            warned=False,
            insistence=0,
            pin_digits=0,
        )

    def forgotten(self) -> Visit:
        """Nothing of the person is left; the card may still lie there."""
        return Visit(entry=self.entry, card_present=self.card_present)

    @property
    def methods_left(self) -> tuple[Method, ...]:
        """The proofs of identity that can still be tried, in the order of the request."""
        if self.request is None:
            return ()
        open_to = {
            Method.FACE: self.face_possible and self.looks < self.request.looks,
            Method.PIN: self.pin_tries_left != 0,
            Method.STAFF: self.staff_refusals < STAFF_TRIES and not self.staff_closed,
            Method.PHONE: self.pin_tries_left != 0,
        }
        fitting = PROOFS.get(self.card_kind, frozenset())
        methods = methods_for(self.request.reason, self.request.methods)
        return tuple(method for method in methods if method in fitting and open_to[method])

    @property
    def by_phone(self) -> bool:
        """A phone lies in the card's place: its PIN is the only proof that there is."""
        return self.card_kind in PHONES

    @property
    def without_consent(self) -> bool:
        """Nobody can be asked anything: a member of staff answers for the visit."""
        return self.request is not None and self.request.reason is not None

    @property
    def face_starts_by_itself(self) -> bool:
        """Nothing was chosen yet, no face was compared, and the face is among the methods."""
        untouched = not self.method_chosen and self.looks == 0
        return untouched and Method.FACE in self.methods_left

    @property
    def pin_can_be_sent(self) -> bool:
        """Four digits stand there, and the tries left are known: a last try is warned of first."""
        return self.pin_digits == 4 and self.pin_tries_left is not None

    @property
    def items_open(self) -> tuple[ConsentItem, ...]:
        """The consent items that the patient has still to answer."""
        if self.request is None or not self.clinical_consent_allowed:
            return ()
        answered = {record.item for record in self.consents}
        return tuple(item for item in self.request.items if item not in answered)

    @property
    def clock_forbids_consent(self) -> bool:
        """Items would have been asked for, had the clock been trusted."""
        items = self.request.items if self.request is not None else ()
        return not self.clock_trusted and bool(items)

    @property
    def questions_open(self) -> tuple[Question, ...]:
        """The questions that the patient has still to answer."""
        if self.request is None:
            return ()
        answered = {question for question, _ in self.answers}
        return tuple(question for question in self.request.questions if question not in answered)
