"""The table of addresses: no two rows alike, and nothing readable that must not be."""

from firmware.card.credential import CollationNumberB, Pin
from firmware.card.files import (
    EFS,
    NUMBER_IMAGE,
    NUMBER_TEXT,
    PROFILES,
    TOKEN_LABEL_BYTES,
    TOKEN_LABELS,
    Aid,
    Key,
)
from firmware.words import CardKind


def test_addresses_are_unique() -> None:
    assert len({(ef.aid, ef.ef_id) for ef in EFS}) == len(EFS)
    assert len({(key.aid, key.ef_id) for key in Key}) == len(list(Key))
    assert len({ef.name for ef in EFS}) == len(EFS)


def test_a_file_opens_with_keys_of_its_own_application() -> None:
    assert all(key.aid is ef.aid for ef in EFS for key in ef.opened_by)


def test_known_addresses() -> None:
    assert Aid.JPKI.value.hex() == "d392f000260100000001"
    assert Aid.CARD_FACE.value.hex() == "d3921000310001010402"
    assert Key.USER_AUTHENTICATION_PIN.ef_id == 0x0018
    assert Key.COLLATION_NUMBER_B.ef_id == 0x0012


def test_the_individual_number_is_off_limits() -> None:
    number_keys = {Key.COLLATION_NUMBER_A, Key.TEXT_COLLATION_NUMBER_A}
    only_by_the_number = [
        ef for ef in EFS if ef.opened_by and set(ef.opened_by) <= number_keys | {Key.TEXT_PIN}
    ]
    assert set(only_by_the_number) == {NUMBER_IMAGE, NUMBER_TEXT}
    assert all(ef.off_limits for ef in only_by_the_number)
    assert all(key.tries_kept == key.initial_tries for key in number_keys)


def test_only_what_we_present_may_spend_tries() -> None:
    presented = Pin.opens | CollationNumberB.opens
    for key in Key:
        assert (key.tries_kept < key.initial_tries) == (key in presented), key


def test_half_of_the_tries_of_b_are_kept() -> None:
    assert (Key.COLLATION_NUMBER_B.initial_tries, Key.COLLATION_NUMBER_B.tries_kept) == (10, 5)
    assert (Key.USER_AUTHENTICATION_PIN.initial_tries, Key.USER_AUTHENTICATION_PIN.tries_kept) == (
        3,
        1,
    )


def test_every_kind_but_unknown_has_a_label() -> None:
    assert set(TOKEN_LABELS.values()) == set(CardKind) - {CardKind.UNKNOWN}
    assert all(len(label) <= TOKEN_LABEL_BYTES and label == label.strip() for label in TOKEN_LABELS)


def test_signatures_are_as_long_as_keys() -> None:
    assert [profile.signature_bytes for profile in PROFILES] == [256, 96]
