"""The tables of texts, errors and verbs, walked row by row; and the one rule that says verified."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any, get_args

import pytest
from front_desk import eligibility
from signing_device import card_certificate, device_key

from firmware.statement import Evidence
from firmware.words import Cause, Outcome
from hostdriver import api, texts, translate
from hostdriver.eligibility.gateway import Confirmation
from hostdriver.envelope import Failure
from hostdriver.errors import ERRORS
from hostdriver.events import EVENTS
from hostdriver.faults import Refusal
from hostdriver.translate import Ending, Judgement

DAY = date(2026, 1, 5)
LAST_DAYS = [date(2025, 9, 1), DAY, date(2031, 4, 1)]
EVIDENCE = Evidence("a.b.c", card_certificate(), None, None)


# --- texts
@pytest.mark.parametrize("cause", Cause)
def test_every_cause_tells_patient_and_staff_and_offers_a_way_out(cause: Cause) -> None:
    text = texts.text_of(cause)
    assert text.patient.endswith("。")
    assert text.staff.endswith("。")
    for day in LAST_DAYS:
        assert texts.fallback_for(cause, day), "a patient is never left without a way out"


def test_every_way_out_is_offered_by_some_cause() -> None:
    offered = {way for text in texts.CAUSES.values() for way in text.ways_out}
    assert offered == texts.FALLBACKS.keys()
    assert all(len(set(text.ways_out)) == len(text.ways_out) for text in texts.CAUSES.values())


def test_a_restricted_card_reveals_nothing_to_a_companion() -> None:
    text = texts.text_of(Cause.USE_RESTRICTED)
    revealing = ("DV", "暴力", "支援", "不開示", "閲覧", "制限", "停止", "本人の申出")
    ways = "".join(way.text for way in texts.fallback_for(Cause.USE_RESTRICTED, DAY))
    assert not [word for word in revealing if word in text.patient + text.staff + ways]


def test_a_way_out_begins_and_ends_by_itself() -> None:
    def offered(day: date) -> set[str]:
        return {way.id for way in texts.fallback_for(Cause.READER_UNAVAILABLE, day)}

    assert "old_insurance_card" in offered(date(2025, 12, 1))
    assert "old_insurance_card" not in offered(date(2025, 12, 2))
    assert "home_consent_app" not in offered(date(2025, 3, 31))
    assert "home_consent_app" in offered(date(2025, 4, 1))
    assert "eligibility_certificate_75_plus" not in offered(date(2026, 8, 1))


# --- errors and verbs
def test_every_error_has_a_code_of_its_own_and_texts() -> None:
    codes = [row.code for row in ERRORS.values()]
    assert len(set(codes)) == len(codes)
    for symbol, row in ERRORS.items():
        failure = translate.failure(7, Refusal(symbol, "detail"), DAY)
        assert failure.error.code == row.code
        assert failure.error.data.symbol == symbol
        assert row.staff.endswith("。")
        assert row.patient.endswith("。")
        assert bool(failure.error.data.fallback) == (row.cause is not None)


def test_no_field_of_the_socket_could_carry_a_secret() -> None:
    """Walks every struct that the tables reach."""
    seen: set[type] = set()
    waiting: list[Any] = [
        row for verb in api.METHODS.values() for row in (verb.params, verb.result)
    ]
    waiting += [*EVENTS.values(), Failure]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if isinstance(kind, type) and hasattr(kind, "__struct_fields__") and kind not in seen:
            seen.add(kind)
            from msgspec.structs import fields

            waiting += [field.type for field in fields(kind)]
            names = {field.name for field in fields(kind)}
            assert not names & {"pin", "photo", "image", "template", "frame", "score", "number"}
    assert api.VisitResult in seen
    assert api.SignedEvidence in seen


# --- the rule
def judgements() -> list[Judgement | None]:
    statement: Any = object()
    said_yes = Confirmation(True, None, eligibility())
    said_no = Confirmation(False, Cause.CERTIFICATE_REVOKED, None)
    made: list[Judgement | None] = [None]
    for stated, confirmation, cause in product(
        (statement, None),
        (said_yes, said_no, None),
        (None, Cause.EVIDENCE_REJECTED, Cause.UPSTREAM_UNAVAILABLE),
    ):
        made.append(Judgement(EVIDENCE, stated, confirmation, cause))
    return made


def test_verified_needs_the_devices_word_and_the_gateways_and_nothing_against_it() -> None:
    other = Evidence("d.e.f", card_certificate(), None, None)
    verified = []
    for outcome, cause, evidence, judged in product(
        Outcome, [None, *Cause], (None, EVIDENCE, other), judgements()
    ):
        came_to, why = translate.settle(Ending(outcome, cause, evidence=evidence), judged)
        assert (why is None) == (came_to is Outcome.VERIFIED)
        if came_to is Outcome.VERIFIED:
            verified.append((outcome, cause, evidence, judged))
    assert len(verified) == 2  # with the evidence repeated at the end, and without
    for outcome, cause, evidence, judged in verified:
        assert (outcome, cause) == (Outcome.VERIFIED, None)
        assert evidence in (None, EVIDENCE)
        assert judged is not None
        assert judged.statement is not None
        assert judged.confirmation is not None
        assert judged.confirmation.accepted


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.VERIFIED}))
def test_a_visit_that_is_not_verified_carries_texts_and_ways_out(
    outcome: Outcome, cause: Cause
) -> None:
    result = translate.visit_result(Ending(outcome, cause), None, device_key(), DAY)
    assert result.fallback
    assert (result.patient_text, result.eligibility) == (texts.text_of(cause).patient, None)
