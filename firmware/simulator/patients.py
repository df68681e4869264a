"""The catalogue of virtual patients, and the strangers who may stand before the camera."""

from __future__ import annotations

from typing import Final

from firmware.faults import UnknownPatient
from firmware.simulator.patients_by_card import BY_CARD
from firmware.simulator.patients_by_insurer import BY_INSURER
from firmware.simulator.people import Patient

PATIENTS: Final = (*BY_CARD, *BY_INSURER)
BY_ID: Final = {patient.id: patient for patient in PATIENTS}
# Faces that may stand before the camera and belong to no card of the catalogue.
STRANGERS: Final = {"impostor": "person_c_1"}


def find(patient_id: str) -> Patient:
    """The row of that id; raises UnknownPatient with the ids there are."""
    try:
        return BY_ID[patient_id]
    except KeyError:
        raise UnknownPatient(
            f"no patient {patient_id!r}; there are {', '.join(sorted(BY_ID))}"
        ) from None


def live_portrait(face_id: str) -> str:
    """The portrait that stands before the camera for a patient's id or a stranger's."""
    if face_id in STRANGERS:
        return STRANGERS[face_id]
    return find(face_id).live_portrait
