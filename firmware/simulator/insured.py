"""The virtual patients as their insurers know them: rows for the `insurers` database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import jaconv

from firmware.card.files import USER_AUTHENTICATION_CERTIFICATE
from firmware.simulator.card_image import load
from firmware.simulator.patients import PATIENTS, Patient, Sex
from firmware.simulator.world import World
from firmware.words import Registration
from hostdriver.eligibility.answer import ResultOfQualificationConfirmation
from hostdriver.eligibility.records import InsuredPerson

SEX_CODES = {Sex.MALE: "1", Sex.FEMALE: "2"}  # OQSCD007
INSURED_SINCE = timedelta(days=365)


def insured_persons(world: World) -> Iterator[InsuredPerson]:
    """Everybody of the catalogue who has a card and an insurer."""
    for patient in PATIENTS:
        if patient.card is not None:
            yield insured_person(patient, world)


def insured_person(patient: Patient, world: World) -> InsuredPerson:
    """One patient's row. Raises `SimulationNotPrepared`."""
    image = load(world.cards / patient.id)
    certificate = image.files[USER_AUTHENTICATION_CERTIFICATE].rstrip(b"\xff")
    return InsuredPerson(
        person_id=patient.id,
        certificate_sha256=hashlib.sha256(certificate).digest(),
        registration=(
            Registration.REGISTERED if patient.registered else Registration.NOT_REGISTERED
        ),
        results=tuple(_qualification(patient)),
    )


def _qualification(patient: Patient) -> Iterator[ResultOfQualificationConfirmation]:
    insurance, person, card = patient.insurance, patient.person, patient.card
    if insurance is None or card is None:
        return
    since = f"{max(person.born, card.issued_on - INSURED_SINCE):%Y%m%d}"
    yield ResultOfQualificationConfirmation(
        insured_card_classification="01",
        insurer_number=insurance.insurer_number,
        insurer_name="架空健康保険組合",
        insured_card_symbol=insurance.symbol,
        insured_identification_number=insurance.number,
        insured_branch_number=insurance.branch,
        personal_family_classification="1",
        name=person.name,
        name_kana=jaconv.z2h(person.kana.replace("　", " "), kana=True),
        sex1=SEX_CODES[person.sex],
        birthdate=f"{person.born:%Y%m%d}",
        address=person.address,
        qualification_date=since,
        insured_certificate_issuance_date=since,
        insured_card_valid_date=since,
    )
