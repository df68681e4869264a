"""Every screen of a visit without consent says that it is one; no other does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from panel_house import AROUND, BEGUN, REQUEST, at

from firmware.panel.readings import plain
from firmware.panel.sayings import speech_of
from firmware.panel.screens import buttons_now
from firmware.panel.texts import LANGUAGES, read_marked_texts, read_texts
from firmware.panel.view import view
from firmware.transaction.visit import Visit
from firmware.words import NO_CONSENT_REASONS, Profile, State

TEXTS, MARKED = read_texts(), read_marked_texts()
IN_A_VISIT = [state for state in State if state is not State.IDLE]


def without_consent(state: State, profile: Profile) -> Visit:
    reason = NO_CONSENT_REASONS[profile][0]
    return replace(at(state), request=replace(REQUEST, profile=profile, reason=reason))


@pytest.mark.parametrize("profile", NO_CONSENT_REASONS)
@pytest.mark.parametrize("state", IN_A_VISIT)
def test_every_screen_says_it_in_every_language(state: State, profile: Profile) -> None:
    for language in LANGUAGES:
        shown = view(replace(without_consent(state, profile), language=language), TEXTS, AROUND)
        assert shown.heading is not None
        said = shown.heading
        text = said if isinstance(said, str) else "".join(piece for piece, _ in said)
        assert text == plain(MARKED[language].headings[profile])
        assert shown.progress is None  # its stages speak of a consent


@pytest.mark.parametrize("state", State)
def test_no_other_visit_says_it(state: State) -> None:
    assert view(replace(BEGUN, state=state), TEXTS, AROUND).heading is None
    assert view(Visit(state=state), TEXTS, AROUND).heading is None


def test_the_texts_have_a_heading_for_each_such_profile() -> None:
    for texts in TEXTS.values():
        assert texts.headings.keys() == NO_CONSENT_REASONS.keys()


def test_the_waiting_room_does_not_hear_it() -> None:
    visit = without_consent(State.WAITING_FOR_STAFF, Profile.EMERGENCY)
    for texts in TEXTS.values():
        assert texts.headings[Profile.EMERGENCY] not in speech_of(visit, texts)


def test_there_is_no_other_way_to_go_back_to() -> None:
    visit = without_consent(State.WAITING_FOR_STAFF, Profile.EMERGENCY)
    assert "back" not in {button.id for button in buttons_now(visit)}
    assert "back" in {button.id for button in buttons_now(at(State.WAITING_FOR_STAFF))}
