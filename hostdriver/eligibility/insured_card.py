"""What the synthetic insurers answer to insured-card data. Pure: persons on file in, answer out.

Who asks this way has shown a paper, not a card: the answer tells of the insurance on that paper,
not of every other that the person has or had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hostdriver.eligibility.answer import (
    QualificationConfirmSearchInfo,
    ResultOfQualificationConfirmation,
    Validity,
    same_text,
)
from hostdriver.eligibility.insured_person import InsuredPerson


@dataclass(frozen=True, slots=True)
class Finding:
    """What is on file under some insured-card data. `person_id` is None unless it is one person."""

    validity: Validity
    person_id: str | None = None
    results: tuple[ResultOfQualificationConfirmation, ...] = ()


def find(
    asked: QualificationConfirmSearchInfo, persons: Sequence[InsuredPerson], today: str
) -> Finding:
    """The answer about `persons`, all of whom fit what was asked; `today` is YYYYMMDD.

    Two persons of one symbol, number and birth date are twins whose branch was not asked for:
    neither is told of.
    """
    if not persons:
        return Finding(Validity.NONE)
    if len(persons) > 1:
        return Finding(Validity.SEVERAL)
    (person,) = persons
    results = tuple(result for result in person.results if _is_of(result, asked))
    if person.use_restricted:
        results = tuple(_without_address(result) for result in results)
    return Finding(_validity(person, results, today), person.person_id, results)


def _validity(
    person: InsuredPerson, results: Sequence[ResultOfQualificationConfirmation], today: str
) -> Validity:
    """The person's own, unless it is the insurance asked about that was lost."""
    if not all(_is_lost(result, today) for result in results):
        return person.validity
    if any(not _is_lost(result, today) for result in person.results):
        return Validity.INVALID_NEWER_EXISTS
    return Validity.INVALID


def _is_of(
    result: ResultOfQualificationConfirmation, asked: QualificationConfirmSearchInfo
) -> bool:
    return (
        same_text(result.insurer_number, asked.insurer_number)
        and same_text(result.insured_card_symbol, asked.insured_card_symbol)
        and same_text(result.insured_identification_number, asked.insured_identification_number)
        and result.birthdate == asked.birthdate
        and asked.insured_branch_number in (None, result.insured_branch_number)
    )


def _is_lost(result: ResultOfQualificationConfirmation, today: str) -> bool:
    # 資格喪失年月日 is the first day without the insurance.
    return result.disqualification_date is not None and result.disqualification_date <= today


def _without_address(
    result: ResultOfQualificationConfirmation,
) -> ResultOfQualificationConfirmation:
    return msgspec.structs.replace(result, address=None, post_number=None)
