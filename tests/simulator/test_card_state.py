"""What a virtual card remembers: counters for ever, open keys until power or a SELECT ends them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from personalised import CARD_FACE, CARD_TEXT, COMMON, JPKI, NUMBER_B, PIN, Terminal, world

from firmware.card import scripts
from firmware.card.files import Key
from firmware.simulator.authorities import SimulatedTerminalAuthority
from firmware.simulator.patients import find
from firmware.simulator.world_making import card_of


# --- retry counters -------------------------------------------------------------------------------
def test_three_wrong_pins_block_and_then_every_try_says_locked() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    assert [reader.verify("0000") for _ in range(4)] == ["63C2", "63C1", "63C0", "6984"]
    assert reader.verify(PIN) == "6984"
    assert reader.status("00200080") == "63C0"
    assert reader.tries(Key.USER_AUTHENTICATION_PIN) == 0


def test_right_pin_sets_the_counter_back() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    assert reader.verify("0000") == "63C2"
    assert reader.verify(PIN) == "9000"
    assert reader.tries(Key.USER_AUTHENTICATION_PIN) == 3


def test_wrong_pin_closes_the_key_that_a_right_one_opened() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    reader.verify(PIN)
    assert reader.verify("0000") == "63C2"
    reader.status("00A4020C020017")
    assert reader.sign() == "6982"


def test_empty_verify_costs_nothing_in_any_state() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    assert [reader.status("00200080") for _ in range(5)] == ["63C3"] * 5
    reader.verify(PIN)
    assert reader.status("00200080") == "63C3"
    assert reader.card.report().verifies_sent == 1


def test_each_key_has_a_counter_of_its_own() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    reader.verify("0000")
    reader.select(CARD_FACE, "0012")
    reader.verify("0" * 14)
    left = reader.card.report().tries_left
    changed = {
        key: left[key.name.lower()] for key in Key if left[key.name.lower()] != key.initial_tries
    }
    assert changed == {Key.USER_AUTHENTICATION_PIN: 2, Key.COLLATION_NUMBER_B: 9}


def test_selected_file_decides_which_key_is_tried() -> None:
    reader = Terminal()
    reader.select(JPKI, "001B")
    assert reader.verify(PIN) == "63C4"  # the right PIN, sent to the signature password
    assert reader.tries(Key.USER_AUTHENTICATION_PIN) == 3


def test_key_that_is_blocked_from_birth_stays_so() -> None:
    reader = Terminal()
    reader.select(CARD_TEXT, "0012")
    assert reader.status("00200080") == "63C0"
    assert reader.verify("") == "63C0"
    assert reader.verify("1") == "6984"


def test_counters_of_the_catalogue() -> None:
    assert Terminal("pin_blocked").tries(Key.USER_AUTHENTICATION_PIN) == 0
    last = Terminal("one_try_left")
    last.select(JPKI, "0018")
    assert last.status("00200080") == "63C1"
    assert last.verify("0000") == "63C0"


def test_verify_names_its_key_in_p2_as_well() -> None:
    reader = Terminal()
    reader.select(JPKI)
    assert reader.status("00200098") == "63C3"
    assert reader.status("0020009804" + PIN.encode().hex()) == "9000"
    assert reader.sign() == "6981"  # the PIN's file is selected now
    assert reader.status("802A009701AA00") == "9000"


def test_verify_needs_a_key() -> None:
    reader = Terminal()
    assert reader.status("00200080") == "6986"
    reader.select(JPKI, "0006")
    assert reader.verify(PIN) == "6981"
    assert reader.status("00200095") == "6A82"
    assert reader.card.report().verifies_sent == 0


# --- open keys ---------------------------------------------------------------------------
def opened_by_pin() -> Terminal:
    reader = Terminal()
    reader.select(JPKI, "0018")
    assert reader.verify(PIN) == "9000"
    reader.status("00A4020C020017")
    return reader


def opened_by_terminal() -> Terminal:
    reader = Terminal()
    reader.select(JPKI)
    scripts.run(SimulatedTerminalAuthority(world().authorities).unlock(), reader.send)
    reader.status("00A4020C020017")
    return reader


@pytest.mark.parametrize("opened", [opened_by_pin, opened_by_terminal])
def test_warm_reset_keeps_what_is_open(opened: Callable[[], Terminal]) -> None:
    reader = opened()
    reader.card.reset()
    assert reader.sign() == "9000"


@pytest.mark.parametrize("opened", [opened_by_pin, opened_by_terminal])
def test_loss_of_power_closes_everything(opened: Callable[[], Terminal]) -> None:
    reader = opened()
    reader.card.power_off()
    reader.card.power_on()
    assert reader.sign() == "6986"
    reader.select(JPKI, "0017")
    assert reader.sign() == "6982"


@pytest.mark.parametrize("opened", [opened_by_pin, opened_by_terminal])
@pytest.mark.parametrize("application", [JPKI, CARD_FACE])
def test_select_of_an_application_closes_everything(
    opened: Callable[[], Terminal], application: str
) -> None:
    reader = opened()
    reader.select(application)
    reader.select(JPKI, "0017")
    assert reader.sign() == "6982"


def test_failed_select_changes_nothing() -> None:
    reader = opened_by_pin()
    assert reader.status("00A4040C05A000000003") == "6A82"
    assert reader.status("00A4020C02FFFF") == "6A82"
    assert reader.sign() == "9000"


# --- SELECT and READ in every form -------------------------------------------------------
def test_select_takes_the_beginning_of_a_name() -> None:
    reader = Terminal()
    assert reader.status("00A4040C05D392F00026") == "9000"
    assert reader.status("00A4020C020006") == "9000"
    assert reader.status("00A404000A" + JPKI + "00") == "9000"  # P2 00 with Le, as other clients


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("00A4000C", "6A86"),  # the master file right after power
        ("00A4090C020006", "6A86"),
        ("00A4020C020006", "6A82"),  # a file before any application
        ("00A4040C", "6A82"),
        ("00B0000001", "6986"),
        ("00B0860001", "6A82"),
        ("00B2010C00", "6A82"),
    ],
)
def test_before_any_application(command: str, status: str) -> None:
    assert Terminal().status(command) == status


def test_master_file_is_taken_later_without_effect() -> None:
    reader = opened_by_pin()
    assert reader.status("00A40000") == "9000"
    assert reader.sign() == "9000"


def test_read_binary_in_every_form_gives_the_same_bytes() -> None:
    reader = Terminal()
    reader.select(JPKI, "000A")
    whole = reader.answer("00B00000000000")[:-2]
    assert len(whole) > 1024 and whole[:2] == b"\x30\x82"
    pieces = b""
    while (answer := reader.answer(f"00B0{len(pieces):04X}00"))[-2:] == b"\x90\x00":
        pieces += answer[:-2]
    assert answer == b"\x6b\x00"
    reader.select(JPKI)
    assert reader.answer("00B08A00000000")[:-2] == whole == pieces
    assert reader.answer("00B0000004")[:-2] == whole[:4]  # the short id has selected the file
    assert reader.answer("00B08A0504")[:-2] == whole[5:9]


def test_read_record_of_the_common_application() -> None:
    reader = Terminal()
    reader.select(COMMON)
    record = reader.answer("00B2010C00")[:-2]
    assert record[:2] == b"\x01\x1c" and record[2:].isdigit() and len(record) == 30
    assert record[-8:] == b"20350217"
    assert reader.status("00B2020C00") == "6A83"
    assert reader.status("00B2010400") == "9000"  # it is the current file now
    assert reader.status("00B0000001") == "6981"


# --- everything that is not for this card ---------------------------------------------------------
# What other drivers of OpenSC ask before JPKI's turn comes, and what nobody should send.
STRANGE = [
    "00CADF3005",
    "00CB3FFF035C017E08",
    "00A4040007A000000132000100",
    "00A4040C09A00000030800001000",
    "00A4080C023F00",
    "80CA9F7F00",
    "00FF000000",
    "00240180041234",
    "80320080041234",
    "80AE000000",
    "00D60000011200",
    "00A4040C0AD392F0002601000000FF",
]


@pytest.mark.parametrize("command", STRANGE)
@pytest.mark.parametrize("selected", [None, JPKI, CARD_FACE])
def test_foreign_commands_get_an_error_in_any_state(command: str, selected: str | None) -> None:
    reader = Terminal()
    if selected is not None:
        reader.select(selected)
    assert reader.status(command)[0] == "6"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("01A4040C0A" + JPKI, "6881"),
        ("81CA000000", "6881"),
        ("0CA4040C0A" + JPKI, "6E00"),
        ("FF000000", "6E00"),
        ("00", "6700"),
        ("", "6700"),
        ("00A4040C0AD392", "6700"),
        ("008400000000" + "00", "6985"),  # a challenge in the extended form
    ],
)
def test_odd_commands(command: str, status: str) -> None:
    assert Terminal().status(command) == status


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_bytes_get_a_status_word_and_open_nothing(commands: list[bytes]) -> None:
    reader = Terminal()
    reader.select(CARD_FACE, "0012")
    for command in commands:
        answer = reader.card.process(command)
        assert len(answer) >= 2
        assert answer[-2] in {0x90, *range(0x60, 0x70)}
    reader.select(CARD_FACE, "0002")
    assert reader.status("00B0000001") == "6982"


def test_secrets_do_not_print() -> None:
    card = Terminal().card
    shown = f"{card._image!r} {card._image.secrets!r} {card.report()!r}"
    assert NUMBER_B not in shown and PIN not in shown


@pytest.mark.parametrize(
    ("patient", "answer"),
    [("drivers_licence", "6a82"), ("transit_card", "6a81"), ("blank_card", "6d00")],
)
def test_other_cards_know_none_of_our_applications(patient: str, answer: str) -> None:
    other = card_of(find(patient), world())
    for command in ("00A4040C0A" + JPKI, "00B0000001", "00200080", "", "00CA5F5100"):
        assert other.process(bytes.fromhex(command)).hex() == answer
    assert other.report().commands == 5


@pytest.mark.parametrize("patient", ["phone", "resident_card"])
def test_a_token_without_a_card_face_does_not_find_one(patient: str) -> None:
    reader = Terminal(patient)
    assert reader.status("00A4040C0A" + JPKI) == "9000"
    assert reader.status("00A4040C0A" + CARD_FACE) == "6A82"


def test_a_phone_opens_its_certificate_by_the_pin_alone() -> None:
    reader = Terminal("phone")
    reader.select(JPKI, "000A")
    assert reader.status("00B0000004") == "6982"
    reader.select(JPKI, "0018")
    assert reader.verify(PIN) == "9000"
    assert reader.status("00A4020C02000A") == "9000"
    assert reader.status("00B0000004") == "9000"
