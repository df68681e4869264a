"""The ways out, held against the comparison of cards and papers (用途 × 証) of an insurer's notice.

健康保険組合 briefing, 令和6年10月: which paper serves as which, without the card beside it.
"""

from __future__ import annotations

from datetime import date

import pytest

from firmware.words import Cause
from hostdriver import texts
from hostdriver.eligibility.answer import Validity
from hostdriver.ways_out import FALLBACKS

TODAY = date(2026, 11, 22)
INSURANCE, ELDERLY, LIMIT, DISEASE = (
    "被保険者証",
    "高齢受給者証",
    "限度額適用認定証",
    "特定疾病療養受療証",
)
SERVES_AS = {
    "マイナ保険証": {INSURANCE, ELDERLY, LIMIT, DISEASE},
    "資格情報のお知らせ": set[str](),
    "資格確認書": {INSURANCE},
    "健康保険証": {INSURANCE},
}
SHOWN_ALONE = {  # ways out in which a paper is shown without the card
    "eligibility_certificate": "資格確認書",
    "eligibility_certificate_75_plus": "資格確認書",
    "old_insurance_card": "健康保険証",
}
CARD_IS_NOT_USABLE = (
    *(Cause.CERTIFICATE_SUSPENDED, Cause.CERTIFICATE_REVOKED, Cause.USE_RESTRICTED),
    *(Cause.CARD_UNKNOWN, Cause.CARD_NOT_SUPPORTED, Cause.PHOTO_NOT_AUTHENTIC),
)


def offered(cause: Cause | None, day: date = TODAY, validity: Validity | None = None) -> list[str]:
    return [way.id for way in texts.fallback_for(cause, day, validity)]


@pytest.mark.parametrize("cause", Cause)
def test_where_a_paper_is_shown_so_is_what_it_cannot_replace(cause: Cause) -> None:
    for way in set(offered(cause)) & SHOWN_ALONE.keys():
        paper = SHOWN_ALONE[way]
        assert paper in FALLBACKS[way].text
        assert "other_certificates" in offered(cause)
        for use in SERVES_AS["マイナ保険証"] - SERVES_AS[paper]:
            assert use in FALLBACKS["other_certificates"].text


def test_a_paper_that_serves_as_nothing_is_shown_with_the_card_only() -> None:
    nothing = [paper for paper, uses in SERVES_AS.items() if not uses]
    for way in FALLBACKS.values():
        if any(paper in way.text for paper in nothing):
            assert "マイナンバーカードと" in way.text


@pytest.mark.parametrize("cause", CARD_IS_NOT_USABLE)
def test_a_card_that_is_not_usable_opens_no_way_out(cause: Cause) -> None:
    assert not [way for way in offered(cause) if way.startswith("card_and_")]


@pytest.mark.parametrize("cause", Cause)
def test_nothing_that_has_ended_is_offered(cause: Cause) -> None:
    """被保険者証 until 令和7年12月1日, the papers sent to everybody from 75 on until July 2026."""
    ended = {"old_insurance_card", "eligibility_certificate_75_plus"}
    assert not ended & set(offered(cause))
    assert not ended & set(offered(None, TODAY, Validity.INVALID))
    for way in texts.fallback_for(cause, TODAY):
        assert way.holds_on(TODAY)


def test_the_old_card_ends_with_its_last_day() -> None:
    assert "old_insurance_card" in offered(Cause.CERTIFICATE_EXPIRED, date(2025, 12, 1))
    assert "old_insurance_card" not in offered(Cause.CERTIFICATE_EXPIRED, date(2025, 12, 2))


@pytest.mark.parametrize("validity", Validity)
def test_whoever_is_insured_needs_no_way_out(validity: Validity) -> None:
    insured = validity in {Validity.VALID, Validity.VALID_UNREGISTERED}
    assert bool(offered(None, TODAY, validity)) is not insured
    assert bool(list(texts.notes_for(None, None, validity))) is not insured
