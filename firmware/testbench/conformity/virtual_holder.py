"""What the simulated world knows of its cards: who issued them, what their holders would type."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cryptography import x509

from firmware.card.files import Key
from firmware.faults import HolderNotSynthetic
from firmware.simulator.authorities import Authorities, Role
from firmware.simulator.card_contents import secrets_of, serial_number
from firmware.simulator.card_verifiable import encode_public_key
from firmware.simulator.patients import PATIENTS
from firmware.simulator.world import World
from firmware.testbench.holder import issuers_of


@dataclass(frozen=True, slots=True)
class VirtualWorld:
    """One world. Its methods raise SimulationNotPrepared where it was never made."""

    world: World

    def issuers(self) -> Collection[x509.Certificate]:
        """Of user authentication certificates: they tell whether a card is of this world."""
        return issuers_of(self.world)

    def key_of(self, issuer: Role) -> bytes:
        """The public key of an issuer of today's cards, as it stands in their files."""
        return encode_public_key(Authorities(self.world.authorities).key(issuer).public_key())


def secrets_of_holder(certificate: x509.Certificate) -> Mapping[Key, bytes]:
    """Every value that the card of this certificate compares with; `HolderNotSynthetic` if it is
    of no virtual patient."""
    for patient in PATIENTS:
        if patient.card is not None and serial_number(patient) == certificate.serial_number:
            return {key: secret.value for key, secret in secrets_of(patient).items()}
    raise HolderNotSynthetic("the card is of no virtual patient")
