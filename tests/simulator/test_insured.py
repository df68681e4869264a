"""The insurers' rows: in force whenever they are made, and silent where they must be."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from personalised import image, world

from firmware.simulator.expectations import EXPECTED
from firmware.simulator.insured import benefit_year, insured_person
from firmware.simulator.patients import PATIENTS, find
from firmware.simulator.people import birthday_after
from firmware.words import Method
from hostdriver.eligibility.insured_person import InsuredPerson

TODAY = dt.date(2026, 11, 22)
CATALOGUE_IS_GOOD_UNTIL = dt.date(2029, 6, 30)


def row(patient_id: str, today: dt.date = TODAY) -> InsuredPerson:
    image(patient_id)
    return insured_person(find(patient_id), world(), today)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        ("2026-07-31", "2025-08-01", "2026-07-31"),
        ("2026-08-01", "2026-08-01", "2027-07-31"),
        ("2027-01-01", "2026-08-01", "2027-07-31"),
        ("2028-02-29", "2027-08-01", "2028-07-31"),
    ],
)
def test_benefits_run_from_august_to_july(today: str, first: str, last: str) -> None:
    day, *year = map(dt.date.fromisoformat, (today, first, last))
    assert benefit_year(day) == tuple(year)


@pytest.mark.parametrize("today", [TODAY, dt.date(2027, 8, 1), CATALOGUE_IS_GOOD_UNTIL])
def test_whoever_is_70_holds_a_ratio_that_is_in_force(today: dt.date) -> None:
    born = find("aged_70").person.born
    assert birthday_after(born, born, 70) <= today < birthday_after(born, born, 75)
    (result,) = row("aged_70", today).results
    info = result.elderly_recipient_certificate_info
    assert info is not None
    assert info.elderly_recipient_valid_start_date is not None
    assert info.elderly_recipient_valid_end_date is not None
    now = f"{today:%Y%m%d}"
    assert info.elderly_recipient_valid_start_date <= now <= info.elderly_recipient_valid_end_date


def test_a_qualification_was_lost_after_it_began_and_before_today() -> None:
    (result,) = row("qualification_lost").results
    assert result.qualification_date is not None
    assert result.disqualification_date is not None
    assert result.qualification_date < result.disqualification_date < f"{TODAY:%Y%m%d}"


@pytest.mark.parametrize("patient", ["dv_protected", "address_withheld"])
def test_what_must_not_be_told_is_not_written_down(patient: str) -> None:
    written = msgspec.json.encode(row(patient).results).decode()
    assert find(patient).person.address not in written
    assert "Address" not in written


def test_without_a_certificate_nobody_can_be_found_by_it() -> None:
    assert row("certificate_missing").certificate_sha256 is None
    assert row("resident_card").certificate_sha256 is None
    assert row("valid").certificate_sha256 is not None


def test_the_table_and_the_rows_agree_on_the_numbers() -> None:
    """Written twice, on purpose: once as data of the world, once as what must come of it."""
    for patient in PATIENTS:
        if told := EXPECTED[patient.id][Method.PIN].numbers:
            assert told == tuple(insurance.number for insurance in patient.insurances)


def test_numbers_are_nobody_elses() -> None:
    """Who asks by insured-card data must find one person."""
    numbers = [insurance.number for patient in PATIENTS for insurance in patient.insurances]
    assert len(set(numbers)) == len(numbers)
