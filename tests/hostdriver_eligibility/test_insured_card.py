"""The insurers, asked by insured-card data: a real database, and the rules of the answer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from office import INSURANCE, NOW, Office, person

from firmware.faults import UpstreamUnavailable
from hostdriver.eligibility.answer import (
    Eligibility,
    QualificationConfirmSearchInfo,
    ResultOfQualificationConfirmation,
    Validity,
)
from hostdriver.eligibility.gateway import InsuredCardQuestion

ASKED = QualificationConfirmSearchInfo(
    insurer_number="  000001",
    insured_card_symbol="0123",
    insured_identification_number="0004321",
    birthdate="19520401",
)
LOST = msgspec.structs.replace(INSURANCE, disqualification_date="20251231", reason_of_loss="03")
NEWER = msgspec.structs.replace(INSURANCE, insurer_number="39000001", insured_card_symbol=None)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "insurers.sqlite")
    office.knows()
    return office


async def answer(office: Office, **changes: str | None) -> Eligibility:
    asked = msgspec.structs.replace(ASKED, **changes)
    question = InsuredCardQuestion(UUID(int=7), "front desk", asked)
    return await office.gateway.query(question)


async def test_the_insured_person_is_found_and_untouched(office: Office) -> None:
    office.knows(person(None))
    told = await answer(office)
    assert (told.validity, told.result_list) == (Validity.VALID, (INSURANCE,))
    assert told.qualification_confirm_search_info == ASKED
    assert told.message_header.reference_classification == "2"
    assert told.prescription_issue_select is None


@pytest.mark.parametrize(
    "change",
    [
        {"insurer_number": "  000002"},
        {"insured_card_symbol": "123"},
        {"insured_card_symbol": None},
        {"insured_identification_number": "4321"},
        {"insured_branch_number": "01"},
        {"birthdate": "19520402"},
        {"birthdate": "%"},
        {"insured_identification_number": "0004321' OR 1=1 --"},
    ],
)
async def test_whatever_differs_finds_nobody(office: Office, change: dict[str, str | None]) -> None:
    office.knows(person(None))
    told = await answer(office, **change)
    assert (told.validity, told.result_list) == (Validity.NONE, ())


@pytest.mark.parametrize(
    ("on_file", "typed"),
    [("７３１", "731"), ("731", "７３１"), ("ア", "ｱ"), (None, ""), ("Ａ-1", "A-1")],
)
async def test_however_wide_a_symbol_is_written_it_is_the_same(
    office: Office, on_file: str | None, typed: str
) -> None:
    insurance = msgspec.structs.replace(
        INSURANCE, insured_card_symbol=on_file, insured_identification_number="０００４３２１"
    )
    office.knows(person(None, results=(insurance,)))
    told = await answer(office, insured_card_symbol=typed, insurer_number="000001")
    assert told.result_list == (insurance,)
    assert told.qualification_confirm_search_info is not None
    assert told.qualification_confirm_search_info.insured_card_symbol == typed


async def test_twins_are_told_apart_by_their_branch_alone(office: Office) -> None:
    twin = msgspec.structs.replace(INSURANCE, insured_branch_number="01", name="見本　次郎")
    office.knows(person(None), person(None, person_id="twin", results=(twin,)))
    both = await answer(office)
    assert (both.validity, both.result_list) == (Validity.SEVERAL, ())
    assert (await answer(office, insured_branch_number="01")).result_list == (twin,)


async def test_only_the_insurance_asked_about_is_told(office: Office) -> None:
    office.knows(person(None, results=(LOST, NEWER)))
    told = await answer(office)
    assert (told.validity, told.result_list) == (Validity.INVALID_NEWER_EXISTS, (LOST,))
    assert told.result_list[0].reason_of_loss == "03"
    newer = await answer(office, insurer_number="39000001", insured_card_symbol=None)
    assert (newer.validity, newer.result_list) == (Validity.VALID, (NEWER,))


async def test_a_lost_insurance_without_another_is_invalid(office: Office) -> None:
    office.knows(person(None, results=(LOST,)))
    assert (await answer(office)).validity is Validity.INVALID


async def test_the_day_of_loss_is_the_first_without_it(office: Office) -> None:
    tomorrow = msgspec.structs.replace(INSURANCE, disqualification_date="20260106")
    office.knows(person(None, results=(tomorrow,)))
    assert (await answer(office)).validity is Validity.VALID
    today = msgspec.structs.replace(INSURANCE, disqualification_date="20260105")
    office.knows(person(None, results=(today,)))
    assert (await answer(office)).validity is Validity.INVALID


async def test_no_address_of_a_restricted_person_is_told(office: Office) -> None:
    at_home = msgspec.structs.replace(INSURANCE, address="架空市1", post_number="0000000")
    office.knows(person(None, use_restricted=True, results=(at_home,)))
    (told,) = (await answer(office)).result_list
    assert (told.address, told.post_number, told.name) == (None, None, INSURANCE.name)


async def test_it_keeps_who_asked_what_and_when(office: Office) -> None:
    office.knows(person(None))
    await answer(office)
    await answer(office, birthdate="19520402")
    with closing(sqlite3.connect(office.database)) as connection:
        rows = connection.execute(
            "SELECT at, inquiry_id, requester, asked, person_id, said FROM query ORDER BY number"
        ).fetchall()
    assert [row[4:] for row in rows] == [("sample", "valid"), (None, "none")]
    assert {row[:3] for row in rows} == {(NOW.isoformat(), str(UUID(int=7)), "front desk")}
    assert json.loads(rows[0][3])["InsuredIdentificationNumber"] == "0004321"


async def test_a_person_begun_anew_is_found_under_the_new_insurance_alone(office: Office) -> None:
    office.knows(person(None))
    office.knows(person(None, results=(NEWER,)))
    assert (await answer(office)).validity is Validity.NONE


async def test_an_insurance_without_numbers_is_found_by_nobody(office: Office) -> None:
    office.knows(person(None, results=(ResultOfQualificationConfirmation(name="見本"),)))
    assert (await answer(office, insurer_number=None)).validity is Validity.NONE


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UpstreamUnavailable):
        await answer(Office(tmp_path / "none.sqlite"))
