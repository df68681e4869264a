"""Secrets: what is taken for one, how they print, that they go."""

import copy
import pickle
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.card.credential import CollationNumberB, Credential, Pin
from firmware.faults import MalformedCredential

TODAY = date(2026, 8, 1)
B = "55021720352285"  # of a published test card


def test_a_pin_has_four_digits() -> None:
    for digits in ("0000", b"1234", bytearray(b"9876")):
        assert len(Pin.parse(digits).reveal()) == 4


@pytest.mark.parametrize(
    "digits", ["", "123", "12345", "12 4", "-123", "１２３４", "12a4", b"\xff\xff\xff\xff"]
)
def test_anything_else_is_no_pin(digits: str | bytes) -> None:
    with pytest.raises(MalformedCredential):
        Pin.parse(digits)


@pytest.mark.parametrize("digits", [B, B.encode(), bytearray(B.encode())])
def test_a_collation_number(digits: str | bytes | bytearray) -> None:
    assert CollationNumberB.parse(digits, TODAY).reveal() == B.encode()


@pytest.mark.parametrize(
    "digits", ["", B[:-1], B + "0", "55131720352285", "55021799992285", "123456789012"]
)
def test_anything_else_is_no_collation_number(digits: str) -> None:
    with pytest.raises(MalformedCredential):
        CollationNumberB.parse(digits, TODAY)


def test_a_fault_does_not_quote_the_digits() -> None:
    with pytest.raises(MalformedCredential) as fault:
        Pin.parse("90817")
    assert "90817" not in str(fault.value)


SECRETS = [Pin.parse("9081"), CollationNumberB.parse(B)]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: type(secret).__name__)
def test_secrets_print_as_sizes(secret: Credential) -> None:
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}"):
        assert shown == f"{type(secret).__name__}({len(secret.reveal())} digits)"


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: type(secret).__name__)
def test_secrets_do_not_travel(secret: Credential) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)
    with pytest.raises(TypeError):
        hash(secret)


def test_secrets_are_equal_only_to_themselves() -> None:
    one, other = Pin.parse("1234"), Pin.parse("1234")
    assert one == one
    assert one != other


def test_wiping_overwrites_the_buffer() -> None:
    buffer = bytearray(b"1234")
    pin = Pin(buffer)
    pin.wipe()
    assert buffer == b""
    with pytest.raises(MalformedCredential):
        pin.reveal()
    pin.wipe()
    assert repr(pin) == "Pin(0 digits)"


def test_parsing_leaves_the_callers_buffer_to_the_caller() -> None:
    typed = bytearray(b"1234")
    Pin.parse(typed).wipe()
    assert typed == b"1234"


@given(st.text(max_size=20) | st.binary(max_size=20))
def test_any_text_is_a_credential_or_a_fault(digits: str | bytes) -> None:
    for kind in (Pin, CollationNumberB):
        try:
            credential = kind.parse(digits)
        except MalformedCredential:
            continue
        assert credential.reveal().isdigit()
