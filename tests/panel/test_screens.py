"""The tables of the panel and of the lamp: complete, in step with the visit's own table."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from panel_house import AROUND, at

from firmware.indicator.patterns import (
    CARD_LEFT,
    PATTERNS,
    TAKE_CARD_VERIFIED,
    Colour,
    pattern_for,
)
from firmware.panel.screens import (
    MAY_CANCEL,
    SCREENS,
    ButtonKind,
    buttons_now,
    buttons_of,
    event_for,
    look_now,
)
from firmware.panel.standing import CLOSED, LOOKS
from firmware.panel.texts import LANGUAGES, Texts, read_texts
from firmware.panel.view import Said, view
from firmware.statement import ConsentRecord
from firmware.transaction import events as e
from firmware.transaction.machine import ROWS
from firmware.transaction.visit import Ending, Visit
from firmware.words import (
    Cause,
    ConsentAnswer,
    ConsentItem,
    Hint,
    Language,
    Method,
    Outcome,
    Standing,
    State,
)

TEXTS = read_texts()
EVERY_TEXT = pytest.mark.parametrize("texts", TEXTS.values(), ids=list(TEXTS))
EVERY_STATE = pytest.mark.parametrize("state", State)
REFUSED = ConsentAnswer.REFUSED


def flat(said: Said) -> str:
    return said if isinstance(said, str) else "".join(text for text, _ in said)


def ids(visit: Visit) -> list[str]:
    return [b.id for b in buttons_now(visit) if b.kind is not ButtonKind.LANGUAGE]


# --- states
def test_every_state_has_a_screen_and_a_pattern() -> None:
    assert SCREENS.keys() == set(State) == PATTERNS.keys()


@EVERY_STATE
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_shown_in_every_language(state: State, language: Language) -> None:
    shown = view(replace(at(state), language=language), TEXTS, AROUND)
    assert (shown.state, shown.language) == (state, language)
    assert shown.title
    assert all(button.label for button in shown.buttons)


@EVERY_STATE
def test_every_button_has_a_row_for_its_event(state: State) -> None:
    for button in buttons_of(state):
        assert (state, type(button.event)) in ROWS, button.id


@EVERY_STATE
def test_buttons_of_a_screen_have_their_own_ids(state: State) -> None:
    names = [button.id for button in buttons_of(state)]
    assert len(names) == len(set(names))


@EVERY_STATE
def test_every_text_of_the_tables_is_written(state: State) -> None:
    for texts in TEXTS.values():
        screen = SCREENS[state]
        assert {look.text for look in screen.looks} <= texts.screens.keys()
        assert {key for _, key in screen.notices} <= texts.notices.keys()
        said = {b.text for b in buttons_of(state) if b.kind is not ButtonKind.LANGUAGE}
        assert said <= texts.buttons.keys()


def test_no_text_is_left_over() -> None:
    looks = {look.text for screen in SCREENS.values() for look in screen.looks}
    looks |= {look.text for look in (CLOSED, *LOOKS.values())}
    said = {b.text for s in State for b in buttons_of(s) if b.kind is not ButtonKind.LANGUAGE}
    for texts in TEXTS.values():
        assert texts.screens.keys() == looks
        assert texts.buttons.keys() == said


def test_the_patient_may_stop_until_the_statement_is_signed() -> None:
    assert State.SIGNING not in MAY_CANCEL
    for state in MAY_CANCEL:
        assert event_for(at(state), "cancel") == e.Cancelled(Cause.CANCELLED_BY_PATIENT)
    for state in (State.IDLE, State.SIGNING, State.CONFIRMING, State.TAKE_CARD):
        assert event_for(at(state), "cancel") is None


def test_more_time_is_offered_once_warned() -> None:
    visit = at(State.ASKING_CONSENT)
    assert event_for(visit, "more_time") is None
    assert view(visit, TEXTS, AROUND).warning is None
    warned = replace(visit, warned=True)
    assert event_for(warned, "more_time") == e.MoreTime()
    assert view(warned, TEXTS, AROUND).warning == TEXTS[Language.JA].notices["time_runs_out"]


# --- methods and PIN
def test_only_methods_that_are_left_are_offered() -> None:
    tried = replace(at(State.CHOOSING_METHOD), looks=1, pin_tries_left=0)
    assert ids(tried) == ["method.staff", "cancel"]
    assert event_for(tried, "method.pin") is None
    assert look_now(tried).text == "choose_another_method"


def test_enter_waits_for_the_last_digit() -> None:
    three = replace(at(State.ASKING_PIN), pin_digits=3)
    (enter,) = (b for b in view(three, TEXTS, AROUND).buttons if b.id == "enter")
    assert not enter.enabled
    assert event_for(three, "enter") is None
    four = replace(three, pin_digits=4)
    assert event_for(four, "enter") == e.PinEntered()
    assert event_for(replace(four, pin_tries_left=None), "enter") is None
    assert event_for(replace(at(State.KEYING_PRINT), pin_digits=14), "enter") == e.PrintRead()


def test_few_tries_are_told_before_a_digit_is_typed() -> None:
    shown = view(replace(at(State.ASKING_PIN), pin_tries_left=2), TEXTS, AROUND)
    assert shown.notice is not None
    assert "2" in shown.notice


# --- consent and questions
def test_consent_has_three_equal_buttons_and_names_its_items() -> None:
    shown = view(at(State.ASKING_CONSENT), TEXTS, AROUND)
    choices = [b for b in shown.buttons if b.kind is ButtonKind.CHOICE]
    assert [b.id for b in choices] == ["consent.all", "consent.each", "consent.none"]
    assert shown.points == tuple(TEXTS[Language.JA].items[item] for item in ConsentItem)


def test_one_by_one_asks_for_each_item_in_turn() -> None:
    visit = replace(at(State.ASKING_CONSENT), one_by_one=True)
    for item in ConsentItem:
        assert look_now(visit).text == f"consent_{item}"
        assert ids(visit) == [f"consent.{item}.agree", f"consent.{item}.decline", "cancel"]
        agree = event_for(visit, f"consent.{item}.agree")
        assert agree == e.ConsentAnswered(item, agreed=True)
        visit = replace(visit, consents=(*visit.consents, ConsentRecord(item, REFUSED)))


def test_a_late_tap_on_an_answered_item_is_nothing() -> None:
    visit = replace(
        at(State.ASKING_CONSENT),
        one_by_one=True,
        consents=(ConsentRecord(ConsentItem.MEDICATION, REFUSED),),
    )
    assert event_for(visit, "consent.medication.agree") is None
    assert event_for(visit, "consent.all") is None


# --- the end
@pytest.mark.parametrize("cause", Cause)
@EVERY_TEXT
def test_every_cause_is_told_with_a_next_step(cause: Cause, texts: Texts) -> None:
    language = next(key for key, value in TEXTS.items() if value is texts)
    ending = Ending(Outcome.FAILED, cause)
    shown = view(
        replace(at(State.TAKE_CARD), ending=ending, language=language),
        TEXTS,
        replace(AROUND, hotline="0120"),
    )
    assert shown.reason is not None
    assert flat(shown.reason) == texts.causes[cause].replace("{hotline}", "0120")
    take_it = texts.screens["take_card_unfinished"].lines
    assert tuple(map(flat, shown.lines)) == take_it + texts.next_steps[Outcome.FAILED]


def test_a_restricted_card_reads_as_any_other_refusal() -> None:
    """A companion must not learn why."""
    for texts in TEXTS.values():
        assert texts.causes[Cause.USE_RESTRICTED] == texts.causes[Cause.CERTIFICATE_UNTRUSTED]


def test_a_card_left_behind_is_insisted_on() -> None:
    done = replace(at(State.TAKE_CARD), ending=Ending(Outcome.VERIFIED), insistence=1)
    assert view(done, TEXTS, AROUND).insistence == 0, "an earlier warning is none of the card's"
    assert view(replace(done, warned=True), TEXTS, AROUND).insistence == 1
    assert pattern_for(done) == TAKE_CARD_VERIFIED
    assert pattern_for(replace(done, warned=True)) == CARD_LEFT


# --- languages
@EVERY_TEXT
def test_languages_say_the_same_things(texts: Texts) -> None:
    first = TEXTS[Language.JA]
    for part in ("screens", "buttons", "notices"):
        assert getattr(texts, part).keys() == getattr(first, part).keys(), part
    assert texts.causes.keys() == set(Cause)
    assert texts.items.keys() == set(ConsentItem)
    assert texts.hints.keys() == set(Hint)
    assert texts.standings.keys() == set(Standing)
    assert texts.next_steps.keys() == set(Outcome)
    for key, text in first.screens.items():
        assert len(texts.screens[key].lines) == len(text.lines), key


@EVERY_TEXT
def test_blanks_of_a_text_are_filled_in(texts: Texts) -> None:
    said = [*texts.notices.values(), *texts.causes.values()]
    blanks = {name for text in said for _, name, _, _ in string.Formatter().parse(text) if name}
    assert blanks == {"tries_left", "hotline"}


def test_a_hint_stands_where_the_patient_looks() -> None:
    shown = view(at(State.COMPARING_FACES), TEXTS, AROUND, hint=Hint.CLOSER)
    assert shown.notice == TEXTS[Language.JA].hints[Hint.CLOSER]
    assert event_for(at(State.COMPARING_FACES), "method.pin") == e.MethodChosen(Method.PIN)


# --- light
def test_no_two_meanings_differ_by_colour_alone() -> None:
    patterns = {*PATTERNS.values(), TAKE_CARD_VERIFIED, CARD_LEFT} - {PATTERNS[State.IDLE]}
    rhythms = {
        colour: {p.rhythm for p in patterns if p.colour is colour}
        for colour in Colour
        if colour is not Colour.NONE
    }
    for colour, own in rhythms.items():
        others = {r for other, theirs in rhythms.items() if other is not colour for r in theirs}
        assert own
        assert own.isdisjoint(others), colour
