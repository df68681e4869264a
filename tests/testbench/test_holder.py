"""Only a card of the test hierarchy may keep its data in a trace."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from personalised import Terminal, world
from recorded import answering

from firmware.card import scripts
from firmware.faults import HolderNotSynthetic
from firmware.simulator.authorities import Authorities, Role, new_key, self_signed
from firmware.simulator.other_cards import other_card
from firmware.testbench.holder import prove_synthetic


def certificate_of(role: Role) -> x509.Certificate:
    return Authorities(world().authorities).certificate(role)


@pytest.mark.parametrize("patient", ["valid", "pin_blocked", "no_photo"])
def test_a_virtual_card_is_nobodys(patient: str) -> None:
    terminal = Terminal(patient)
    scripts.run(prove_synthetic(certificate_of(Role.USER_AUTHENTICATION_CA)), terminal.send)
    assert terminal.card.report().verifies_sent == 0


def test_a_card_of_another_authority_of_the_same_name_is_somebodys() -> None:
    """As a real card would be, whatever stands in the names of its certificates."""
    real = self_signed(certificate_of(Role.USER_AUTHENTICATION_CA).subject, new_key())
    assert real.not_valid_after_utc > dt.datetime.now(dt.UTC)
    for authority in (real, certificate_of(Role.SIGNATURE_CA)):
        with pytest.raises(HolderNotSynthetic, match="stays masked"):
            scripts.run(prove_synthetic(authority), Terminal().send)


@pytest.mark.parametrize("patient", ["certificate_missing", "phone"])
def test_a_card_that_shows_no_certificate_proves_nothing(patient: str) -> None:
    authority = certificate_of(Role.USER_AUTHENTICATION_CA)
    with pytest.raises(HolderNotSynthetic, match="does not show its certificate"):
        scripts.run(prove_synthetic(authority), Terminal(patient).send)


def test_what_is_no_card_of_ours_proves_nothing() -> None:
    licence = answering(other_card("drivers_licence").process)
    with pytest.raises(HolderNotSynthetic, match="the card is unknown"):
        scripts.run(prove_synthetic(certificate_of(Role.USER_AUTHENTICATION_CA)), licence)
