"""What the panel says besides its questions: of the certificate's expiry, and of the clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from panel_house import AROUND, at

from firmware.panel.sayings import every_clip, speech_of
from firmware.panel.texts import LANGUAGES, read_marked_texts, read_texts
from firmware.panel.view import view
from firmware.transaction.visit import Ending, Visit
from firmware.words import Cause, CertificateWarning, Language, Outcome, State

TEXTS, MARKED = read_texts(), read_marked_texts()
VERIFIED = Ending(Outcome.VERIFIED)
NO_CLOCK = {"clock_trusted": False, "clinical_consent_allowed": False}
SOON, IN_GRACE = CertificateWarning
ENDS = (State.TAKE_CARD, State.FORGETTING)


def notice(visit: Visit) -> str | None:
    """The key of the notice that a visit shows, in every language the same."""
    keys = set()
    for language in LANGUAGES:
        shown = view(replace(visit, language=language), TEXTS, AROUND).notice
        said = shown if isinstance(shown, str) or shown is None else "".join(t for t, _ in shown)
        by_text = {text: key for key, text in TEXTS[language].notices.items()}
        keys.add(None if said is None else by_text[said])
    (key,) = keys
    return key


@pytest.mark.parametrize("warning", CertificateWarning)
@pytest.mark.parametrize("state", [State.ASKING_CONSENT, State.ASKING_QUESTIONS, *ENDS])
def test_the_holder_is_told_where_something_is_asked_and_at_the_end(
    state: State, warning: CertificateWarning
) -> None:
    visit = replace(at(state), certificate_warning=warning, ending=VERIFIED)
    assert notice(visit) == f"certificate_{warning}"
    assert notice(replace(visit, certificate_warning=None)) is None


@pytest.mark.parametrize("state", ENDS)
def test_an_end_without_success_tells_its_reason_alone(state: State) -> None:
    for ending in (Ending(Outcome.FAILED, Cause.CARD_REMOVED), None):
        visit = replace(at(state), certificate_warning=SOON, ending=ending, **NO_CLOCK)
        assert notice(visit) is None


def test_the_patient_learns_why_no_consent_was_asked() -> None:
    for state in (State.ASKING_QUESTIONS, *ENDS):
        assert notice(replace(at(state), ending=VERIFIED, **NO_CLOCK)) == "clock_forbids_consent"


def test_of_two_notices_each_is_seen_once() -> None:
    both = replace(at(State.ASKING_QUESTIONS), certificate_warning=IN_GRACE, **NO_CLOCK)
    assert notice(both) == "clock_forbids_consent"
    at_the_end = replace(both, state=State.TAKE_CARD, ending=VERIFIED)
    assert notice(at_the_end) == "certificate_in_grace"


def test_it_stays_until_the_card_is_taken_and_is_said_once() -> None:
    texts = MARKED[Language.EN]
    visit = replace(at(State.TAKE_CARD), certificate_warning=SOON, ending=VERIFIED)
    left = replace(visit, warned=True, insistence=1)
    assert notice(left) == "certificate_expires_soon"
    said = texts.notices["certificate_expires_soon"]
    assert said in speech_of(visit, texts)
    assert said not in speech_of(left, texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notice_can_be_spoken(language: Language) -> None:
    texts = MARKED[language]
    clips = set(every_clip(texts))
    for key in ("certificate_expires_soon", "certificate_in_grace", "clock_forbids_consent"):
        assert texts.notices[key] in clips
