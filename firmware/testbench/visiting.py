"""A whole visit as the card lives it: the firmware's own table and desk, played on any connection.

What a statement says and a card does not stands in the context: ids, nonces, the clock. So the same
context on the same card makes the same commands, byte for byte. There is no camera: whether the
faces are the same, the context's method says. Of a masked trace the dialogue alone can be played:
hidden bytes prove nothing, neither a person nor a forgery, and such a visit never ends verified.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from firmware.card import requests as card
from firmware.card.desk import CardConnection, CardDesk
from firmware.faults import MalformedStatement, MalformedTrace
from firmware.replies import card_event
from firmware.statement import RSA_PKCS1_SHA256, freeze, verify_card_signature
from firmware.testbench.digits import Digits
from firmware.testbench.trace import Context
from firmware.testbench.visit_context import METHODS, VisitFacts
from firmware.transaction import events as e
from firmware.transaction.effects import Do, Effect
from firmware.transaction.machine import step
from firmware.transaction.profiles import ANSWERS, asks_for
from firmware.transaction.stating import statement_of
from firmware.transaction.visit import Now, Request, Visit
from firmware.words import (
    CardKind,
    Cause,
    ClockTrust,
    Language,
    MatchDecision,
    Method,
    Outcome,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Registration,
    State,
)

MAX_EVENTS: Final = 100
_NOBODYS_CAMERA: Final = "none: said by the context"


class Visited(msgspec.Struct, frozen=True):
    """What a visit came to. The statement is null where there is none to trust."""

    outcome: Outcome
    cause: Cause | None
    method: Method | None
    card_kind: CardKind | None
    statement: str | None = None
    """The frozen payload that card and device sign, base64."""
    card_signature: str | None = None
    """Base64."""


class BenchVisit:
    """One visit on one card."""

    def __init__(
        self,
        connect: Callable[[], CardConnection],
        context: Context,
        digits: Digits,
        *,
        masked: bool = False,
    ) -> None:
        """`masked`: the card is a masked trace. `MalformedTrace` for a context without a visit."""
        try:
            self._facts = VisitFacts.of(context)
        except (KeyError, ValueError) as cause:
            raise MalformedTrace(f"its context is not that of a visit: {cause}") from cause
        self._digits, self._masked = digits, masked
        self._desk = CardDesk(
            connect,
            lambda _visit, _photo: None,
            issuer_keys={},
            authority=None,
            nonce=lambda _length: self._facts.presence_nonce,
        )
        self._visit = Visit()
        self._ended: Visit | None = None
        self._events: deque[e.Event] = deque()
        self._happened = 0
        self._certificate, self._payload = b"", b""
        self._signature: bytes | None = None

    def play(self) -> Visited:
        """From the start to the card taken away, which is without power whatever happens."""
        try:
            self._live()
        finally:
            self._desk.forget()
        return self._visited()

    def _live(self) -> None:
        self._events.append(e.Started(self._request()))
        while self._happened < MAX_EVENTS:
            if not self._events:
                if self._ended is not None and self._visit.state is State.IDLE:
                    break
                self._events.extend(self._people())
            self._visit, effects = step(self._visit, self._events.popleft(), self._now())
            self._happened += 1
            if self._visit.ending is not None:
                self._ended = self._visit
            for effect in effects:
                if (event := self._perform(effect)) is not None:
                    self._events.append(event)

    def _visited(self) -> Visited:
        visit = self._ended or self._visit
        ending = visit.ending
        outcome, cause = (
            (ending.outcome, ending.cause) if ending else (Outcome.FAILED, Cause.DEVICE_FAULT)
        )
        told = Visited(outcome, cause, visit.method, visit.card_kind)
        if outcome is not Outcome.VERIFIED:
            return told
        signature = base64.b64encode(self._signature).decode() if self._signature else None
        statement = base64.b64encode(self._payload).decode()
        return msgspec.structs.replace(told, statement=statement, card_signature=signature)

    def _now(self) -> Now:
        after = dt.timedelta(seconds=self._happened)
        return Now(self._facts.clock + after, ClockTrust.NTP)

    def _request(self) -> Request:
        asks = asks_for(Profile.CLINIC, Purpose.VISIT, None)
        return Request(
            transaction_id=self._facts.visit,
            purpose=Purpose.VISIT,
            profile=Profile.CLINIC,
            methods=METHODS,
            items=asks.items,
            questions=asks.questions,
            language=Language.JA,
            looks=1,
            unverified_photo_allowed=True,
        )

    # --- whoever is not the card
    def _people(self) -> tuple[e.Event, ...]:
        """What patient, camera and gateway do in a state, when nothing else happens."""
        visit, pin = self._visit, self._digits.pin
        match visit.state:
            case State.WAITING_FOR_CARD:
                return (e.CardPlaced(),)
            case State.CHOOSING_METHOD if visit.face_starts_by_itself and self._digits.number:
                return (e.FaceStartsByItself(visit.entry),)
            case State.CHOOSING_METHOD if pin and visit.pin_tries_left is None:
                return (e.MethodChosen(Method.PIN),)
            case State.READING_PRINT:
                return (e.PrintRead(),)
            case State.COMPARING_FACES:
                return (self._compared(),)
            case State.ASKING_PIN if pin:
                return e.PinDigitTyped(len(pin)), e.PinEntered()
            case State.ASKING_CONSENT:
                return (e.ConsentAllAnswered(agreed=True),)
            case State.ASKING_QUESTIONS:
                question = visit.questions_open[0]
                return (e.QuestionAnswered(question, ANSWERS[question][0]),)
            case State.CONFIRMING:
                return (self._confirmed(),)
            case State.TAKE_CARD:
                return (e.CardRemoved(),)
            case State.FORGETTING:
                return (e.Forgotten(),)
        return (e.Cancelled(Cause.CANCELLED_BY_PATIENT),)

    def _compared(self) -> e.Event:
        same = self._facts.method is Method.FACE
        decision = MatchDecision.SAME_PERSON if same else MatchDecision.NOT_SAME_PERSON
        return e.FacesCompared(decision, PadDecision.NOT_DONE, _NOBODYS_CAMERA, _NOBODYS_CAMERA)

    def _confirmed(self) -> e.Event:
        if self._signature is not None:
            try:
                verify_card_signature(
                    self._certificate, self._signature, RSA_PKCS1_SHA256, self._payload
                )
            except MalformedStatement:
                return e.Confirmed(accepted=False, cause=Cause.EVIDENCE_REJECTED)
        return e.Confirmed(accepted=True, cause=None)

    # --- the card
    def _perform(self, effect: Effect) -> e.Event | None:
        """The card's part of an effect."""
        match effect:
            case Do.IDENTIFY_CARD:
                return card_event(self._desk.answer(card.IdentifyCard()))
            case Do.READ_CARD_FACE:
                return self._read_card_face()
            case Do.QUERY_PIN_TRIES:
                return card_event(self._desk.answer(card.QueryPinTries()))
            case Do.VERIFY_PIN:
                return self._verify_pin()
            case Do.ASK_REGISTRATION:
                return self._read_certificate()
            case Do.SIGN_STATEMENT:
                return self._sign_statement()
            case Do.RELEASE_CARD:
                return card_event(self._desk.answer(card.ReleaseCard()))
        return None

    def _read_card_face(self) -> e.Event | None:
        event = card_event(
            self._desk.answer(card.ReadCardFace(self._facts.visit, self._digits.number))
        )
        if self._masked and isinstance(event, e.CardFaceOpened):
            return e.CardFaceOpened(event.has_photo, PhotoAuthenticity.UNVERIFIED, agrees=True)
        return event

    def _verify_pin(self) -> e.Event | None:
        """Once: a patient whose PIN was refused gives up."""
        pin = self._digits.pin
        self._digits = replace(self._digits, pin=None)
        return card_event(self._desk.answer(card.VerifyPin(pin or b"", tries_kept=1)))

    def _read_certificate(self) -> e.Event | None:
        reply = self._desk.answer(card.ReadCertificate())
        if not isinstance(reply, card.CertificateRead):
            return card_event(reply)
        if reply.certificate is None:
            return e.CardFailed(Cause.CERTIFICATE_MISSING)
        self._certificate = reply.certificate
        return e.RegistrationReported(
            Registration.REGISTERED, cause=None, clinical_consent_allowed=True
        )

    def _sign_statement(self) -> e.Event | None:
        signs = self._visit.method is Method.PIN
        facts = self._facts.for_statement(self._certificate, signs)
        self._payload = freeze(statement_of(self._visit, facts, self._now()))
        event: e.Event | None = e.StatementSigned()
        if signs:
            request = card.SignStatement(self._payload, facts.card_signing, self._certificate)
            reply = self._desk.answer(request)
            if isinstance(reply, card.StatementSigned):
                self._signature = reply.signature
            else:
                event = card_event(reply)
        return e.CardFailed(Cause.MASKED_TRACE) if self._masked else event
