"""Only a card of the test hierarchy may keep its data in a trace."""

from __future__ import annotations

import pytest
from cryptography import x509
from personalised import Terminal, world
from recorded import answering

from firmware.card import scripts
from firmware.card.files import FIRST_GENERATION, PROFILES
from firmware.faults import HolderNotSynthetic
from firmware.simulator.authorities import Authorities, Role, self_signed
from firmware.simulator.card_algorithms import new_key
from firmware.simulator.other_cards import other_card
from firmware.testbench.holder import prove_synthetic


def authorities(role: Role = Role.USER_AUTHENTICATION_CA) -> list[x509.Certificate]:
    """One of each generation of cards."""
    folder = world().authorities
    return [Authorities(folder, profile).certificate(role) for profile in PROFILES]


@pytest.mark.parametrize("patient", ["valid", "pin_blocked", "no_photo", "next_generation"])
def test_a_virtual_card_is_nobodys(patient: str) -> None:
    terminal = Terminal(patient)
    scripts.run(prove_synthetic(authorities()), terminal.send)
    assert terminal.card.report().verifies_sent == 0


def test_a_card_of_another_authority_of_the_same_name_is_somebodys() -> None:
    """As a real card would be, whatever stands in the names of its certificates."""
    ours = authorities()[0]
    real = self_signed(ours.subject, new_key(FIRST_GENERATION), ours.not_valid_after_utc)
    for others in ([real], authorities(Role.SIGNATURE_CA), []):
        with pytest.raises(HolderNotSynthetic, match="stays masked"):
            scripts.run(prove_synthetic(others), Terminal().send)


@pytest.mark.parametrize("patient", ["certificate_missing", "phone"])
def test_a_card_that_shows_no_certificate_proves_nothing(patient: str) -> None:
    with pytest.raises(HolderNotSynthetic, match="does not show its certificate"):
        scripts.run(prove_synthetic(authorities()), Terminal(patient).send)


def test_what_is_no_card_of_ours_proves_nothing() -> None:
    licence = answering(other_card("drivers_licence").process)
    with pytest.raises(HolderNotSynthetic, match="the card is unknown"):
        scripts.run(prove_synthetic(authorities()), licence)
