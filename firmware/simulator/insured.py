"""The virtual patients as their insurers know them: rows for the `insurers` database.

Dates count from the day on which the rows are made: what is in force stays in force.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Final

import jaconv

from firmware.card.files import USER_AUTHENTICATION_CERTIFICATE
from firmware.simulator.card_image import load
from firmware.simulator.patients import PATIENTS
from firmware.simulator.people import Insurance, Patient, Sex, card_facts
from firmware.simulator.world import World
from hostdriver.eligibility.answer import (
    ElderlyRecipientCertificateInfo,
    LimitApplicationCertificateRelatedInfo,
    ResultOfQualificationConfirmation,
    SpecificDiseasesCertificateInfo,
)
from hostdriver.eligibility.insured_person import InsuredPerson

SEX_CODES: Final = {Sex.MALE: "1", Sex.FEMALE: "2"}  # OQSCD007
INSURED_SINCE: Final = dt.timedelta(days=365)
LOST_SINCE: Final = dt.timedelta(days=20)
YEAR_BEGINS: Final = (8, 1)  # elderly and limit certificates run from August to July
UNDER_70: Final = "01"  # OQSCD011; assumed
OWN_PAYMENT_YEN: Final = "10000"  # of dialysis, haemophilia and HIV, a month


def insured_persons(world: World, today: dt.date) -> Iterator[InsuredPerson]:
    """Everybody of the catalogue who has a card with an image."""
    for patient in PATIENTS:
        if patient.card is not None:
            yield insured_person(patient, world, today)


def insured_person(patient: Patient, world: World, today: dt.date) -> InsuredPerson:
    """One patient's row. Raises `SimulationNotPrepared`."""
    certificate = load(world.cards / patient.id).content(USER_AUTHENTICATION_CERTIFICATE)
    return InsuredPerson(
        person_id=patient.id,
        certificate_sha256=hashlib.sha256(certificate).digest() if certificate else None,
        certificate_status=patient.certificate_status,
        registration=patient.registration,
        use_restricted=patient.use_restricted,
        validity=patient.validity,
        results=tuple(
            _qualification(patient, insurance, today) for insurance in patient.insurances
        ),
    )


def _qualification(
    patient: Patient, insurance: Insurance, today: dt.date
) -> ResultOfQualificationConfirmation:
    person = patient.person
    since = _day(max(person.born, card_facts(patient).issued_on - INSURED_SINCE))
    lost = insurance.lost_because is not None
    return ResultOfQualificationConfirmation(
        insured_card_classification="01",
        insurer_number=insurance.insurer_number,
        insurer_name="架空健康保険組合",
        insured_card_symbol=insurance.symbol or None,
        insured_identification_number=insurance.number,
        insured_branch_number=insurance.branch or None,
        personal_family_classification="1",
        name=insurance.written_name or person.name,
        name_kana=jaconv.z2h(person.kana.replace("　", " "), kana=True),
        name_of_other=insurance.other_name,
        sex1=SEX_CODES[person.sex],
        birthdate=_day(person.born),
        # What must not be told is not written down either: no verb can let it out.
        address=None if patient.address_withheld else person.address,
        qualification_date=since,
        disqualification_date=_day(today - LOST_SINCE) if lost else None,
        reason_of_loss=insurance.lost_because,
        insured_certificate_issuance_date=since,
        insured_card_valid_date=since,
        elderly_recipient_certificate_info=_elderly(insurance, today),
        limit_application_certificate_related_info=_limit(insurance, today),
        specific_diseases_certificate_list=tuple(_diseases(insurance, today)),
    )


def _elderly(insurance: Insurance, today: dt.date) -> ElderlyRecipientCertificateInfo | None:
    if insurance.ratio_70_plus is None:
        return None
    first, last = benefit_year(today)
    return ElderlyRecipientCertificateInfo(
        elderly_recipient_certificate_date=_day(first),
        elderly_recipient_valid_start_date=_day(first),
        elderly_recipient_valid_end_date=_day(last),
        elderly_recipient_contribution_ratio=insurance.ratio_70_plus,
    )


def _limit(insurance: Insurance, today: dt.date) -> LimitApplicationCertificateRelatedInfo | None:
    if insurance.limit_flag is None:
        return None
    first, last = benefit_year(today)
    return LimitApplicationCertificateRelatedInfo(
        limit_application_certificate_classification=UNDER_70,
        limit_application_certificate_classification_flag=insurance.limit_flag,
        limit_application_certificate_date=_day(first),
        limit_application_certificate_valid_start_date=_day(first),
        limit_application_certificate_valid_end_date=_day(last),
    )


def _diseases(insurance: Insurance, today: dt.date) -> Iterator[SpecificDiseasesCertificateInfo]:
    if insurance.disease is None:
        return
    first, _last = benefit_year(today)
    yield SpecificDiseasesCertificateInfo(
        specific_diseases_disease_category=insurance.disease,
        specific_diseases_certificate_date=_day(first),
        specific_diseases_valid_start_date=_day(first),
        specific_diseases_self_pay=OWN_PAYMENT_YEN,
    )


def benefit_year(today: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of the year in which `today` lies, by the calendar of benefits."""
    year = today.year - ((today.month, today.day) < YEAR_BEGINS)
    return dt.date(year, *YEAR_BEGINS), dt.date(year + 1, *YEAR_BEGINS) - dt.timedelta(days=1)


def _day(day: dt.date) -> str:
    return f"{day:%Y%m%d}"
