"""Select, read and sign, each against a list of answers."""

import pytest
from card_dialogue import OK, FileCard, Listed
from hypothesis import given
from hypothesis import strategies as st

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.block_size import BlockSize
from firmware.card.files import (
    CARD_FACE,
    CERTIFICATE_STATUS,
    EFS,
    TOKEN_INFO,
    USER_AUTHENTICATION_CERTIFICATE,
    USER_AUTHENTICATION_KEY,
    Aid,
)
from firmware.faults import (
    CardRemoved,
    Fault,
    MalformedCommand,
    MalformedResponse,
    UnexpectedStatus,
)

FILE = bytes.fromhex("3082030A") + bytes(range(256)) * 3 + bytes(10)  # 782 bytes with its header


def file_card(content: bytes = FILE, **options: int) -> FileCard:
    return FileCard({USER_AUTHENTICATION_CERTIFICATE.ef_id: content}, **options)


def test_select_asks_once_more_after_power_up() -> None:
    card = Listed("6F00", OK)
    card.play(scripts.select_application(Aid.JPKI))
    assert card.sent_hex == ["00A4040C0AD392F000260100000001"] * 2


def test_select_asks_no_third_time() -> None:
    with pytest.raises(UnexpectedStatus):
        Listed("6F00", "6F00").play(scripts.select_application(Aid.JPKI))


def sent(card: FileCard | Listed) -> list[str]:
    return [command.encode().hex().upper() for command in card.sent]


def test_a_file_is_one_read_where_the_reader_passes_it() -> None:
    card = file_card(FILE + b"\xff" * 500)
    read = scripts.run(scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE), card)
    assert read == FILE
    assert sent(card) == ["00B08A00000000"]


def test_a_file_in_short_blocks_is_read_in_as_few_commands_as_can_be() -> None:
    card = file_card(FILE + b"\xff" * 500)
    script = scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE, BlockSize(256))
    assert scripts.run(script, card) == FILE
    assert sent(card) == ["00B08A0000", "00B0010000", "00B0020000", "00B003000E"]


def test_a_small_file_is_one_read() -> None:
    card = file_card(b"\x30\x03abc" + b"\xff" * 300)
    script = scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE, BlockSize(256))
    assert scripts.run(script, card) == b"\x30\x03abc"
    assert len(card.sent) == 1


def test_a_file_of_fixed_length_needs_no_header() -> None:
    card = Listed("8F8F009000")
    script = scripts.read_transparent_file(CERTIFICATE_STATUS, BlockSize(256))
    assert card.play(script) == b"\x8f\x8f\x00"
    assert card.sent_hex == ["00B0880003"]


@pytest.mark.parametrize("blank", [b"\xff" * 600, bytes(600)])
def test_a_file_that_was_never_written_is_empty(blank: bytes) -> None:
    script = scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE)
    assert scripts.run(script, file_card(blank)) == b""


@given(st.binary(min_size=0, max_size=3000), st.integers(64, 700), st.integers(64, 700))
def test_any_file_in_any_blocks(value: bytes, block: int, longest: int) -> None:
    content = b"\x30\x82" + len(value).to_bytes(2, "big") + value
    script = scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE, BlockSize(block))
    card = file_card(content, longest_answer=longest)
    assert scripts.run(script, card) == content


def test_exact_lengths_are_followed_once() -> None:
    card = Listed("6C05", "01020304059000")
    assert card.play(scripts.exchange(CommandApdu.read_binary(0, 256))).data == bytes(range(1, 6))
    assert card.sent_hex == ["00B0000000", "00B0000005"]
    twice = Listed("6C05", "6C04").play(scripts.exchange(CommandApdu.read_binary(0, 256)))
    assert twice.status_word == 0x6C04


def test_more_data_is_fetched() -> None:
    card = Listed("01026102", "03049000")
    assert card.play(scripts.exchange(CommandApdu.read_binary(0, 256))).data == b"\1\2\3\4"
    assert card.sent_hex == ["00B0000000", "00C0000002"]


def test_more_data_has_an_end() -> None:
    endless = Listed(*["016101"] * 50)
    response = scripts.run(scripts.exchange(CommandApdu.read_binary(0, 256)), endless)
    assert response.status_word == 0x6101
    assert len(endless.sent) == 3


def test_the_last_bytes_may_come_with_a_warning() -> None:
    assert Listed("01026282").play(scripts.read_binary(2)) == b"\1\2"


def test_short_answers_are_joined() -> None:
    card = Listed("01029000", "039000")
    assert card.play(scripts.read_binary(3, offset=0x0200)) == b"\1\2\3"
    assert card.sent_hex == ["00B0020003", "00B0020201"]


@pytest.mark.parametrize(
    "answers, fault",
    [
        (["9000"], MalformedResponse),  # nothing came
        (["010203049000"], MalformedResponse),  # more than was asked
        (["6B00"], UnexpectedStatus),
        (["01026282", "6B00"], UnexpectedStatus),  # the file ended early
        (["019000"] * 4, MalformedResponse),  # in endless small pieces
        (["6C03", "6C03"], UnexpectedStatus),
    ],
)
def test_what_is_no_answer_to_a_read(answers: list[str], fault: type[Fault]) -> None:
    with pytest.raises(fault):
        scripts.run(scripts.read_binary(3 if len(answers) < 4 else 200), Listed(*answers))


def test_nothing_is_read_for_nothing() -> None:
    assert Listed().play(scripts.read_binary(0)) == b""


@pytest.mark.parametrize("header", ["3083010000", "30827FFD", "3080", "DF8101"])
def test_a_header_that_cannot_be_ends_the_read(header: str) -> None:
    card = Listed(header + "00" * 20 + OK)
    with pytest.raises(MalformedResponse):
        card.play(scripts.read_transparent_file(CARD_FACE))
    assert not card.answers


def test_the_largest_file_that_offsets_reach() -> None:
    content = b"\x30\x82\x7f\xfc" + bytes(0x7FFC)
    script = scripts.read_transparent_file(USER_AUTHENTICATION_CERTIFICATE)
    assert scripts.run(script, file_card(content)) == content


@pytest.mark.parametrize("ef", [ef for ef in EFS if ef.off_limits], ids=lambda ef: ef.name)
def test_files_off_limits_are_not_even_selected(ef) -> None:
    for script in (scripts.read_transparent_file(ef), scripts.read_start(ef, 4)):
        with pytest.raises(MalformedCommand):
            Listed().play(script)


def test_the_start_of_a_file() -> None:
    card = Listed("4A509000")
    assert card.play(scripts.read_start(TOKEN_INFO, 2, BlockSize(256))) == b"JP"
    assert card.sent_hex == ["00B0860002"]


def test_a_signature_has_256_bytes() -> None:
    signature = bytes(range(256))
    card = Listed(OK, ResponseApdu(signature, 0x9000))
    assert card.play(scripts.compute_signature(USER_AUTHENTICATION_KEY, b"info")) == signature
    assert card.sent_hex == ["00A4020C020017", "802A008004696E666F00"]
    for wrong in (ResponseApdu(signature[:-1], 0x9000), ResponseApdu(b"", 0x9000)):
        with pytest.raises(MalformedResponse):
            Listed(wrong).play(scripts.internal_signature(b"info"))


def test_a_card_that_leaves_ends_the_script_and_closes_it() -> None:
    script = scripts.read_transparent_file(CARD_FACE)

    def transmit(command: CommandApdu) -> ResponseApdu:
        raise CardRemoved("gone")

    with pytest.raises(CardRemoved):
        scripts.run(script, transmit)
    with pytest.raises(StopIteration):
        next(script)
