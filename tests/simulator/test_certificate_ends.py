"""Certificates that are always about to expire, or just expired: on whatever day set-up runs."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from personalised import world

from firmware.card.files import USER_AUTHENTICATION_CERTIFICATE
from firmware.simulator.card_certificates import JAPAN, last_second
from firmware.simulator.card_image import load
from firmware.simulator.patients import PATIENTS, find
from firmware.simulator.people import Patient, as_of, card_facts, certificate_expiry
from firmware.simulator.world_making import ensure_image, recipe_of
from hostdriver.eligibility.trust import GRACE_MONTHS, months_later

# As long as the catalogue's cards themselves are good.
DAYS = st.dates(dt.date(2025, 7, 1), dt.date(2029, 6, 30))
GOOD_FOR = dt.timedelta(days=58)


def moments_of(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """When that day begins in Japan, and when a world made on it may still be in use."""
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=JAPAN)
    return midnight, midnight + GOOD_FOR


def end_of(patient_id: str, day: dt.date) -> dt.datetime:
    return last_second(certificate_expiry(as_of(find(patient_id), day)))


@given(DAYS)
def test_one_expires_within_three_months_for_eight_weeks_after_set_up(day: dt.date) -> None:
    first, last = moments_of(day)
    end = end_of("certificate_expiring", day)
    assert months_later(end, -GRACE_MONTHS) < first < last <= end


@given(DAYS)
def test_one_is_in_grace_for_eight_weeks_after_set_up(day: dt.date) -> None:
    first, last = moments_of(day)
    end = end_of("certificate_in_grace", day)
    assert end < first < last <= months_later(end, GRACE_MONTHS)


@given(DAYS)
def test_one_is_past_grace_and_its_card_is_not(day: dt.date) -> None:
    end = end_of("certificate_expired", day)
    assert months_later(end, GRACE_MONTHS) < moments_of(day)[0]


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient.id)
def test_everybody_elses_card_is_the_same_on_every_day(patient: Patient) -> None:
    early, late = (as_of(patient, dt.date(year, 7, 1)) for year in (2025, 2029))
    assert (early == late) == (patient.certificate_ends_with_month is None)


def test_the_card_holds_the_certificate_of_its_day_and_is_made_again_for_another() -> None:
    early, same_month, late = (
        as_of(find("certificate_in_grace"), dt.date(2026, month, day))
        for month, day in ((5, 1), (5, 31), (6, 1))
    )
    assert card_facts(early).certificate_ends == dt.date(2026, 4, 30)
    assert recipe_of(early, world()) == recipe_of(same_month, world()) != recipe_of(late, world())
    ensure_image(early, world())
    image = load(world().cards / early.id)
    certificate = x509.load_der_x509_certificate(image.content(USER_AUTHENTICATION_CERTIFICATE))
    assert certificate.not_valid_after_utc == last_second(dt.date(2026, 4, 30))
