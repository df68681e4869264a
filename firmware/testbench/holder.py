"""Is a card nobody's: does its certificate come from the test hierarchy of the simulated world.

Only then may a trace keep PINs and a person's data. A real card can never pass: the key of the test
authority is made at set-up and lies on this machine. A card that does not show its certificate (a
phone before its PIN, a card without one) passes neither.
"""

from __future__ import annotations

from collections.abc import Collection

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from firmware.card import jpki
from firmware.card.apdu import Script
from firmware.card.files import PROFILES, TOKEN_LABELS
from firmware.faults import CardFault, HolderNotSynthetic
from firmware.simulator.authorities import Authorities, Role
from firmware.simulator.world import World
from firmware.words import CardKind


def issuers_of(world: World) -> list[x509.Certificate]:
    """The test authorities of user authentication, one for each generation of cards."""
    return [
        Authorities(world.authorities, profile).certificate(Role.USER_AUTHENTICATION_CA)
        for profile in PROFILES
    ]


def prove_synthetic(authorities: Collection[x509.Certificate]) -> Script[x509.Certificate]:
    """The certificate, once it is known who issued it; `HolderNotSynthetic` for every doubt."""
    try:
        kind = yield from jpki.identify()
        if kind not in TOKEN_LABELS.values() or kind is CardKind.RESIDENT_CARD:
            raise HolderNotSynthetic(f"the card is {kind}: nothing tells whose it is")
        certificate = x509.load_der_x509_certificate((yield from jpki.read_certificate()))
    except CardFault as fault:
        raise HolderNotSynthetic(f"the card does not show its certificate: {fault}") from fault
    except (ValueError, x509.InvalidVersion) as cause:
        raise HolderNotSynthetic(f"the card's certificate cannot be read: {cause}") from cause
    if not any(_issued(authority, certificate) for authority in authorities):
        raise HolderNotSynthetic(
            "the card's certificate is not of the test hierarchy: its data stays masked"
        )
    return certificate


def _issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
