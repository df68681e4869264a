"""Who the holder of a card of the simulated world is, and what that holder would type."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from firmware.card.files import Key
from firmware.faults import HolderNotSynthetic
from firmware.simulator.card_contents import secrets_of, serial_number
from firmware.simulator.patients import PATIENTS


def secrets_of_holder(certificate: x509.Certificate) -> Mapping[Key, bytes]:
    """Every value that the card of this certificate compares with; `HolderNotSynthetic` if it is
    of no virtual patient."""
    for patient in PATIENTS:
        if patient.card is not None and serial_number(patient) == certificate.serial_number:
            return {key: secret.value for key, secret in secrets_of(patient).items()}
    raise HolderNotSynthetic("the card is of no virtual patient")
