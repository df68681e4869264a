"""What each option changes on a virtual card, and that nothing else does."""

from __future__ import annotations

from functools import reduce
from operator import xor

import msgspec
import pytest
from personalised import CARD_FACE, CARD_TEXT, COMMON, JPKI, NUMBER_B, PASSWORD, PIN, Terminal

from firmware.card import scripts
from firmware.card.files import USER_AUTHENTICATION_CERTIFICATE, Aid, Key
from firmware.simulator.card_atr import ATRS, Atr
from firmware.simulator.card_options import AS_USUAL, CardOptions, option_rows, options_from

RESIDENT_REGISTER = Aid.RESIDENT_REGISTER.value.hex()
QUERY, READ_ALL = "00200080", "00B00000000000"


def card(patient: str = "valid", **options: object) -> Terminal:
    return Terminal(patient, msgspec.convert(options, CardOptions))


# --- blocked and open keys ------------------------------------------------------------------------
@pytest.mark.parametrize("tried", ["6984", "6983"])
@pytest.mark.parametrize("queried", ["63C0", "6984", "6983"])
def test_a_blocked_key_answers_as_told(tried: str, queried: str) -> None:
    reader = card(blocked_try=tried, blocked_query=queried)
    reader.select(JPKI, "0018")
    assert [reader.verify("0000") for _ in range(4)] == ["63C2", "63C1", "63C0", tried]
    assert reader.status(QUERY) == queried
    assert scripts.run(scripts.query_tries(Key.USER_AUTHENTICATION_PIN), reader.send) == 0
    reader.select(JPKI, "001B")
    assert reader.status(QUERY) == "63C5"


def test_an_open_key_answers_9000_to_the_query_until_it_closes() -> None:
    reader = card(open_query="9000")
    reader.select(JPKI, "0018")
    assert reader.status(QUERY) == "63C3"
    assert reader.verify(PIN) == "9000"
    assert reader.status(QUERY) == "9000"
    assert reader.verify("0000") == "63C2"
    assert reader.status(QUERY) == "63C2"


def test_keys_stay_open_over_select_if_the_card_is_such_and_never_without_power() -> None:
    reader = card(select_keeps_keys=True)
    reader.select(JPKI, "0018")
    assert reader.verify(PIN) == "9000"
    reader.select(CARD_FACE)
    reader.select(JPKI, "0017")
    assert reader.sign() == "9000"
    reader.card.power_off()
    reader.card.power_on()
    reader.select(JPKI, "0017")
    assert reader.sign() == "6982"


def test_a_warm_reset_closes_keys_if_the_card_is_such() -> None:
    reader = card(reset_closes_keys=True)
    reader.select(JPKI, "0018")
    assert reader.verify(PIN) == "9000"
    reader.card.reset()
    assert reader.status(QUERY) == "6986"
    reader.select(JPKI, "0017")
    assert reader.sign() == "6982"


WRONG_LENGTHS = [
    (JPKI, "0018", "123", Key.USER_AUTHENTICATION_PIN),
    (JPKI, "001B", "ABCDE", Key.SIGNATURE_PASSWORD),
    (JPKI, "001B", "A" * 17, Key.SIGNATURE_PASSWORD),
    (CARD_FACE, "0012", NUMBER_B[:-1], Key.COLLATION_NUMBER_B),
]


@pytest.mark.parametrize(("application", "ef", "value", "key"), WRONG_LENGTHS)
def test_a_wrong_length_costs_a_try_unless_it_is_free(
    application: str, ef: str, value: str, key: Key
) -> None:
    strict, lenient = card(), card(wrong_length_is_free=True)
    for reader in (strict, lenient):
        reader.select(application, ef)
    assert strict.verify(value) == f"63C{key.initial_tries - 1:X}"
    assert lenient.verify(value) == "6700"
    assert lenient.tries(key) == key.initial_tries


def test_every_right_value_has_a_right_length() -> None:
    reader = card(wrong_length_is_free=True)
    for application, ef, value in (
        (JPKI, "0018", PIN),
        (JPKI, "001B", PASSWORD),
        (CARD_FACE, "0011", NUMBER_B[:6]),
        (CARD_FACE, "0012", NUMBER_B),
    ):
        reader.select(application, ef)
        assert reader.verify(value) == "9000"


# --- power, lengths -------------------------------------------------------------------------------
def test_the_first_command_after_power_up_fails_and_does_nothing() -> None:
    reader = card(first_command_fails=True)
    select = f"00A4040C0A{JPKI}"
    for _ in range(2):
        assert reader.status(select) == "6F00"
        assert reader.status("00A4020C020018") == "6A82"  # nothing was selected
        assert reader.status(select) == "9000"
        reader.card.power_off()
        reader.card.power_on()
    assert reader.status(select) == "6F00"
    assert reader.status(select) == "9000"
    reader.card.reset()
    assert reader.status(select) == "9000"


def test_a_failed_first_command_spends_no_try() -> None:
    reader = card(first_command_fails=True)
    assert reader.verify("0000") == "6F00"
    assert reader.card.report().verifies_sent == 0


def test_extended_lengths_are_refused_if_the_card_is_such() -> None:
    reader = card(short_lengths_only=True)
    reader.select(JPKI, "000A")
    assert reader.status(READ_ALL) == "6700"
    assert reader.status("00B0000000") == "9000"
    assert reader.status("802A0080000001AA0000") == "6700"


@pytest.mark.parametrize(
    ("short_read", "answer"), [("9000", "9000"), ("6282", "6282"), ("6Cxx", "6C08")]
)
def test_the_end_of_a_file(short_read: str, answer: str) -> None:
    reader = card(short_read=short_read)
    reader.select(JPKI, "0006")
    last = reader.answer("00B0009800")  # 160 bytes, from the 153rd
    assert last[-2:].hex().upper() == answer
    assert len(last) == (2 if short_read == "6Cxx" else 10)
    assert reader.status("00B0009808") == "9000"
    assert reader.status("00B000A001") == "6B00"


@pytest.mark.parametrize("short_read", ["9000", "6282", "6Cxx"])
def test_our_reader_reads_the_same_file_from_each(short_read: str) -> None:
    reader = card(short_read=short_read)
    reader.select(JPKI)
    whole = scripts.run(scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE), reader.send)
    plain = Terminal()
    plain.select(JPKI)
    assert whole == scripts.run(
        scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE), plain.send
    )


# --- answers to reset -----------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in Atr if name is not Atr.CONTACTLESS_PUPI])
def test_every_answer_to_reset_ends_with_its_check_byte(name: Atr) -> None:
    reader = card(atr=name.value)
    assert reader.card.atr == ATRS[name]
    assert reader.card.atr[0] == 0x3B
    assert reduce(xor, reader.card.atr[1:]) == 0


def test_a_pupi_is_another_one_at_each_power_up_and_never_at_a_reset() -> None:
    reader = card(atr="contactless_pupi")
    seen = []
    for _ in range(8):
        reader.card.power_on()
        seen.append(reader.card.atr)
        reader.card.reset()
        assert reader.card.atr == seen[-1]
    assert len(set(seen)) > 1
    assert all(atr[:4].hex() == "3b888001" and reduce(xor, atr[1:]) == 0 for atr in seen)


def test_the_same_seed_draws_the_same() -> None:
    def drawn(**options: object) -> list[bytes]:
        reader = card(atr="contactless_pupi", **options)
        reader.card.power_on()
        return [reader.card.atr, reader.answer("0084000020"), reader.answer("0084000020")]

    assert drawn(seed="autumn") == drawn(seed="autumn")
    assert drawn(seed="autumn") != drawn(seed="winter")
    assert len(set(drawn(seed="autumn"))) == 3
    assert drawn() != drawn()


# --- the words ------------------------------------------------------------------------------------
def test_options_are_read_from_words() -> None:
    read = options_from(["blocked_try=6983", "first_command_fails", "line=contactless_106"])
    assert (read.blocked_try, read.first_command_fails) == ("6983", True)
    assert read.line is not None and read.line.value == "contactless_106"
    assert options_from(()) == AS_USUAL
    assert options_from(["first_command_fails=false"]) == AS_USUAL


@pytest.mark.parametrize(
    "word", ["colour=red", "blocked_try=9000", "line", "first_command_fails=perhaps", "seed=", ""]
)
def test_words_that_are_no_option_are_refused(word: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        options_from([word])


def test_every_option_says_what_it_does_and_takes_each_of_its_values() -> None:
    rows = list(option_rows())
    assert {row.name for row in rows} == set(CardOptions.__struct_fields__)
    for row in rows:
        assert row.says
        assert row.default is None or row.default in row.values
        for value in row.values:
            reader = Terminal("valid", options_from([f"{row.name}={value}"]))
            reader.status(QUERY)  # the one that may fail
            reader.select(JPKI)


# --- what is on the card besides ------------------------------------------------------------------
def test_the_resident_register_has_a_pin_and_a_record_of_its_own() -> None:
    reader = Terminal()
    reader.select(RESIDENT_REGISTER)
    assert reader.status("00B2011400") == "6982"
    reader.select(RESIDENT_REGISTER, "001C")
    assert reader.verify(PIN) == "9000"
    assert len(reader.answer("00B2011400")) == 16 + 2
    assert reader.status("00B2021400") == "6A83"
    reader.select(RESIDENT_REGISTER, "001C")
    assert reader.verify("0000") == "63C2"
    assert reader.tries(Key.COMMON_PIN) == 3


def test_the_unknown_key_of_jpki_is_queried_and_opened_by_nothing() -> None:
    reader = Terminal()
    reader.select(JPKI, "0010")
    assert reader.status(QUERY) == "63C3"
    assert reader.verify("0") == "63C2"


def test_get_data_answers_before_any_application() -> None:
    reader = Terminal()
    record = Terminal()
    record.select(COMMON)
    serial = record.answer("00B2010C00")[2:-2]
    assert reader.answer("00CA004500")[:-2] + reader.answer("00CA00F000")[:-2] == serial[:20]
    assert reader.answer("00CA00F200")[:-2] == serial[20:]
    assert reader.answer("00CA5F5100")[:-2] == ATRS[Atr.CONTACT][1:]
    assert reader.status("00CADF3005") == "6A88"
    reader.select(JPKI)
    assert reader.status("00CA004500") == "6A88"
    assert Terminal("phone").status("00CA004500") == "6A88"


def test_session_keys_are_never_given() -> None:
    reader = Terminal()
    reader.select(CARD_TEXT, "0011")
    assert reader.verify(PIN) == "9000"
    assert reader.status("80AE0000000100" + "00" * 256) == "66F1"
