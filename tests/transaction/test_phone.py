"""A phone in the card's place: its PIN first and alone, or no visit at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from walking import EMERGENCY, REQUEST, walk

from firmware.transaction import events as e
from firmware.transaction.effects import Do
from firmware.transaction.machine import step
from firmware.transaction.visit import Ending, Now, Request, Visit
from firmware.words import CardKind, Cause, ClockTrust, Method, Outcome, State

NOW = Now(datetime(2026, 11, 22, 9, 0, tzinfo=UTC), ClockTrust.NTP)
WITHOUT_PHONES = replace(REQUEST, methods=(Method.FACE, Method.PIN, Method.STAFF))
BLOCKED = Ending(Outcome.REFUSED, Cause.PHONE_PIN_BLOCKED)
NOT_SUPPORTED = Ending(Outcome.REFUSED, Cause.CARD_NOT_SUPPORTED)
NO_PLACE_FOR_A_PHONE = {
    *(State.CHOOSING_METHOD, State.READING_PRINT, State.KEYING_PRINT, State.READING_CARD_FACE),
    *(State.COMPARING_FACES, State.WAITING_FOR_STAFF, State.CHECKING_STAFF),
}


def after(*events: e.Event, request: Request = REQUEST) -> tuple[Visit, list[Any]]:
    """The visit after these events, and every effect on the way."""
    visit, done = Visit(card_present=True), []
    for event in (e.Started(request), *events):
        visit, effects = step(visit, event, NOW)
        done += effects
    return visit, done


def with_phone(*events: e.Event) -> tuple[Visit, list[Any]]:
    return after(e.CardIdentified(CardKind.PHONE_ANDROID), *events)


def with_tries(tries_left: int, *events: e.Event) -> tuple[Visit, list[Any]]:
    return with_phone(e.PinTriesReported(tries_left), *events)


def test_a_phone_is_asked_for_its_pin_at_once() -> None:
    visit, effects = with_phone()
    assert (visit.state, visit.methods_left) == (State.ASKING_PIN, (Method.PHONE,))
    assert effects[-2:] == [Do.STOP_LOOKING, Do.QUERY_PIN_TRIES]


def test_no_path_of_a_phone_leads_to_a_face_a_print_or_the_staff() -> None:
    visits = [after for _, _, after, _ in walk() if after.by_phone]
    assert {visit.state for visit in visits} >= {State.VERIFYING_PIN, State.WARNING_LAST_TRY}
    assert not NO_PLACE_FOR_A_PHONE & {visit.state for visit in visits}
    assert {visit.method for visit in visits} == {None, Method.PHONE}


def test_nothing_else_is_ever_proven_by_a_phone() -> None:
    kinds = {after.card_kind for _, _, after, _ in walk() if after.method is Method.PHONE}
    assert kinds == {CardKind.PHONE_ANDROID}


def test_a_phones_certificate_is_asked_for_only_after_its_pin() -> None:
    for before, event, after_it, effects in walk():
        if after_it.by_phone and Do.ASK_REGISTRATION in effects:
            assert (before.state, event) == (State.VERIFYING_PIN, e.PinAccepted())


def test_the_right_pin_of_a_phone_is_a_proof_by_phone() -> None:
    visit, _ = with_tries(3, e.PinDigitTyped(4), e.PinEntered(), e.PinAccepted())
    assert (visit.state, visit.method, visit.proofs) == (State.IDENTITY_PROVEN, Method.PHONE, 1)


def test_a_wrong_pin_may_be_typed_again_with_a_warning_before_the_last_try() -> None:
    typed = (e.PinDigitTyped(4), e.PinEntered())
    again, _ = with_tries(3, *typed, e.PinRefused(2))
    assert again.state is State.ASKING_PIN
    warned, _ = with_tries(2, *typed, e.PinRefused(1))
    assert warned.state is State.WARNING_LAST_TRY
    unconfirmed, effects = with_tries(1, *typed)
    assert (unconfirmed.state, Do.VERIFY_PIN in effects) == (State.WARNING_LAST_TRY, False)
    confirmed, effects = with_tries(1, e.LastTryConfirmed(), e.PinTriesReported(1), *typed)
    assert (confirmed.state, effects[-1]) == (State.VERIFYING_PIN, Do.VERIFY_PIN)


@pytest.mark.parametrize("tries_left", [0, 1])
def test_a_locked_pin_ends_the_visit_and_says_that_it_is_the_phones(tries_left: int) -> None:
    typed = (e.LastTryConfirmed(), e.PinDigitTyped(4), e.PinEntered(), e.PinRefused(0))
    visit, _ = with_tries(tries_left, *typed)
    assert (visit.state, visit.ending) == (State.TAKE_CARD, BLOCKED)


def test_the_cause_of_a_locked_pin_fits_what_lies_there() -> None:
    for _, _, visit, _ in walk():
        if visit.state is State.TAKE_CARD and visit.ending is not None and visit.card_kind:
            told = visit.ending.cause
            assert told is not (Cause.PIN_BLOCKED if visit.by_phone else Cause.PHONE_PIN_BLOCKED)


@pytest.mark.parametrize("event", [e.BackToMethods(), e.MethodChosen(Method.STAFF)])
def test_there_is_no_other_way_to_go_back_to(event: e.Event) -> None:
    assert with_tries(3, event)[0].state is State.ASKING_PIN


@pytest.mark.parametrize("request_", [WITHOUT_PHONES, EMERGENCY])
def test_a_phone_is_refused_where_phones_are_not_taken(request_: Request) -> None:
    visit, effects = after(e.CardIdentified(CardKind.PHONE_ANDROID), request=request_)
    assert (visit.state, visit.ending) == (State.TAKE_CARD, NOT_SUPPORTED)
    assert Do.QUERY_PIN_TRIES not in effects


@pytest.mark.parametrize("kind", [CardKind.PHONE_IOS, CardKind.RESIDENT_CARD])
def test_what_no_dialogue_is_known_for_is_refused_in_any_case(kind: CardKind) -> None:
    assert after(e.CardIdentified(kind))[0].ending == NOT_SUPPORTED


def test_a_card_is_never_proven_as_a_phone() -> None:
    phones_alone = replace(REQUEST, methods=(Method.PHONE,))
    visit, _ = after(e.CardIdentified(CardKind.MY_NUMBER_CARD), request=phones_alone)
    assert visit.ending == Ending(Outcome.REFUSED, Cause.NO_METHOD_LEFT)
