"""Nothing of a person and no secret in a masked trace, and the secret in no trace at all."""

from __future__ import annotations

import json

import pytest
from personalised import CARD_FACE, CARD_TEXT, COMMON, JPKI, NUMBER_B, PASSWORD, PIN, image
from recorded import Bench

from firmware.card import card_face, files, tlv
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.collation import birth_digits
from firmware.simulator.card_contents import DEMONSTRATION_NUMBER
from firmware.simulator.patients import find
from firmware.testbench.following import Heard
from firmware.testbench.masking import HARMLESS_FILES, mask, without_secret
from firmware.testbench.trace import Trace, encode

PERSON = find("valid").person
WINDOW = 6  # bytes of a picture or a signature that would be too many


def select(application: str, ef: str = "") -> tuple[str, ...]:
    name = f"00A4040C {len(application) // 2:02X} {application}"
    return (name, f"00A4020C 02 {ef}") if ef else (name,)


def verify(secret: str) -> str:
    return f"00200080 {len(secret):02X} {secret.encode().hex()}"


def everything(bench: Bench) -> None:
    """Reads all that the holder of every secret could read, in many ways."""
    bench.read()
    commands = (
        *select(CARD_FACE, "0011"),
        verify(birth_digits(PERSON.born)),
        *("00A4020C 02 0001", "00B00000 0000 00"),
        *(*select(CARD_FACE, "0013"), verify(DEMONSTRATION_NUMBER)),
        *("00A4020C 02 0005", "00B00000 0000 00", "00B08200 0000 00", "00B08210 80", "00B00040 20"),
        *(*select(CARD_TEXT, "0011"), verify(PIN)),
        *("00B08100 00", "00B08200 00", "00A4020C 02 0003", "00B00000 0000 00", "00B08700 0000 00"),
        *(*select(COMMON), "00B2010C 00"),
        *(*select(JPKI, "001B"), verify(PASSWORD)),
        *("00A4020C 02 0001", "00B00000 0000 00"),
        *("00A4020C 02 0018", verify(PIN), "00A4020C 02 0017", f"802A0080 33 {'5A' * 51} 00"),
        *(f"00240180 08 {(PIN + PIN).encode().hex()}", f"00210080 04 {PIN.encode().hex()}"),
        *(f"01200080 04 {PIN.encode().hex()}", f"002C0080 04 {PIN.encode().hex()}"),
        f"00D60000 08 {f'{PERSON.born:%Y%m%d}'.encode().hex()}",
    )
    for command in commands:
        bench.send(command)


def everything_read(*, synthetic_holder: bool = False) -> str:
    bench = Bench(synthetic_holder=synthetic_holder)
    everything(bench)
    return encode(bench.trace()).decode()


def in_a_trace(content: bytes) -> str:
    return content.hex().upper()


def objects_of_the_face() -> dict[int, bytes]:
    content = image("valid").files[files.CARD_FACE]
    outer = tlv.read_header(content)
    body = content[outer.header_length : outer.total_length]
    return {each.tag: each.value for each in tlv.walk(body)}


def windows(content: bytes) -> set[str]:
    """Every run of `WINDOW` bytes in which there is something to see."""
    runs = (content[at : at + WINDOW] for at in range(len(content) - WINDOW + 1))
    return {in_a_trace(run) for run in runs if len(set(run)) > 2}


def in_words(told: str) -> bytes:
    """What of a trace is no hex, in which any four digits may stand by chance."""
    lines = [json.loads(line) for line in told.splitlines()]
    return json.dumps(
        [{name: each[name] for name in each.keys() - {"command", "response"}} for each in lines],
        ensure_ascii=False,
    ).encode()


SECRETS = {
    "PIN": PIN,
    "collation number B": NUMBER_B,
    "signature password": PASSWORD,
    "Individual Number": DEMONSTRATION_NUMBER,
}


@pytest.fixture(scope="module")
def masked() -> str:
    return everything_read()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_command_with_a_secret_is_told(secret: str) -> None:
    bench = Bench()
    for reference, aimed in (("0018", JPKI), ("0012", CARD_FACE), ("0011", CARD_TEXT)):
        for command in (*select(aimed, reference), verify(secret)):
            bench.send(command)
        bench.send(f"00210080 {len(secret):02X} {secret.encode().hex()}")
        bench.send(f"00240180 {2 * len(secret):02X} {(secret + secret).encode().hex()}")
        bench.send(f"002C0080 00 00{len(secret):02X} {secret.encode().hex()} 0000")
    told = encode(bench.trace()).decode()
    assert in_a_trace(secret.encode()) not in told
    assert f"00200080{len(secret):02X}{'XX' * len(secret)}" in told


@pytest.mark.parametrize(
    "canary",
    [
        *(secret.encode() for secret in SECRETS.values()),
        *(text.encode() for text in (PERSON.name, PERSON.address, PERSON.kana)),
        *(PERSON.name.encode("shift_jis"), PERSON.romaji.encode()),
        f"{PERSON.born:%Y%m%d}".encode(),
        birth_digits(PERSON.born).encode(),
    ],
)
def test_no_canary_is_in_a_masked_trace(masked: str, canary: bytes) -> None:
    assert in_a_trace(canary) not in masked
    assert canary not in in_words(masked)


@pytest.mark.parametrize(
    "tag",
    [
        *(card_face.NAME, card_face.ADDRESS, card_face.PHOTO),
        *(card_face.SIGNATURE, card_face.SECURITY_CODE),
    ],
)
def test_no_piece_of_a_picture_or_of_the_signature_is_told(masked: str, tag: int) -> None:
    pieces = windows(objects_of_the_face()[tag])
    assert len(pieces) > 50
    assert not [piece for piece in pieces if piece in masked]


@pytest.mark.parametrize(
    "ef",
    [
        *(files.AGE_RECORD, files.NUMBER_IMAGE, files.NUMBER_TEXT, files.BASIC_FOUR),
        *(files.TEXT_INTEGRITY, files.CARD_SERIAL, files.SIGNATURE_CERTIFICATE),
    ],
    ids=lambda ef: ef.name,
)
def test_no_piece_of_a_file_about_the_holder_is_told(masked: str, ef: files.Ef) -> None:
    # The chip's public key stands in the age record as well, and issuers' names in certificates.
    face = image("valid").files[files.CARD_FACE]
    key = face.index(b"\xdf\x24")
    allowed = windows(face[key : key + 280])
    for harmless in HARMLESS_FILES:
        allowed |= windows(image("valid").files[harmless])
    pieces = windows(image("valid").files[ef]) - allowed
    assert pieces
    assert not [piece for piece in pieces if piece in masked]


def test_the_canaries_do_sing() -> None:
    """With a synthetic holder the same trace shows all of them, and the secrets too."""
    told = everything_read(synthetic_holder=True)
    for content in (PERSON.name.encode(), f"{PERSON.born:%Y%m%d}".encode()):
        assert in_a_trace(content) in told
    assert all(piece in told for piece in list(windows(objects_of_the_face()[card_face.PHOTO]))[:9])
    for secret in (NUMBER_B, PASSWORD):
        assert in_a_trace(secret.encode()) in told


def answers(trace: Trace, command: str) -> list[str]:
    return [each.response.text for each in trace.exchanges if each.command.text.startswith(command)]


def test_the_skeleton_of_the_face_stays() -> None:
    bench = Bench()
    bench.read()
    (first, *_) = answers(bench.trace(), "00B08200000000")
    face = objects_of_the_face()
    assert first.startswith("FF2082")
    assert in_a_trace(face[card_face.OFFSETS]) in first
    assert f"DF2208{'XX' * 8}DF2301XXDF2482" in first
    assert in_a_trace(face[card_face.PUBLIC_KEY][:100]) in first
    assert first.endswith("9000")


def test_harmless_files_are_told_whole() -> None:
    bench = Bench()
    bench.read(None)
    told = "".join(answers(bench.trace(), "00B0")).replace("9000", "")
    certificate = image("valid").content(files.USER_AUTHENTICATION_CERTIFICATE)
    assert in_a_trace(certificate).replace("9000", "") in told
    assert "XX" not in told


@pytest.mark.parametrize(
    "commands",
    [
        ("00B00000 08",),  # nothing was selected
        (*select(JPKI, "000A"), "00A4040C 05 A000000001", "00B00000 08"),  # a SELECT refused
        (*select(JPKI, "000A"), "00A4020C 02 7777", "00B00000 08"),
        (*select(JPKI, "000A"), "00A40000 02 3F00", "00B00000 08"),  # the master file
        (*select(JPKI), "00A4040C 02 D392", "00B08A00 08"),  # a part of a name
        (*select(JPKI, "000A"), "01A4040C 02 D392", "00B00000 08"),  # a logical channel
        (*select(JPKI, "000A"), "00B08100 08", "00B00000 08"),  # a short id refused
        (*select(JPKI, "000A"), "00B00000 08", "00C00000 08", "00CA0000 00", "00C00000 08"),
    ],
)
def test_what_cannot_be_followed_is_masked(commands: tuple[str, ...]) -> None:
    """Whatever a card might answer to the last command."""
    bench = Bench()
    heard = []
    for at_ms, command in enumerate(commands):
        decoded = CommandApdu.decode(bytes.fromhex(command))
        response = bench.transmit(decoded)
        if at_ms == len(commands) - 1:
            response = ResponseApdu(b"somebody", 0x9000)
        heard.append(Heard(at_ms, without_secret(decoded.encode()), response))
    assert mask(heard, synthetic_holder=False)[-1].response.text == "XX" * 8 + "9000"


def test_a_face_that_reads_in_two_ways_is_masked_whole() -> None:
    """The skeleton of one reading must not uncover another."""
    read = without_secret(CommandApdu.read_binary(0, 16).encode())
    opening = [
        Heard(0, without_secret(bytes.fromhex(command)), ResponseApdu(b"", 0x9000))
        for command in select(CARD_FACE, "0002")
    ]
    harmless = Heard(1, read, ResponseApdu(bytes.fromhex("FF2010DF210C") + bytes(10), 0x9000))
    telling = Heard(2, read, ResponseApdu(bytes.fromhex("FF2010DF2208") + b"1980021700", 0x9000))
    alone = mask([*opening, harmless], synthetic_holder=False)
    assert "XX" not in alone[-1].response.text
    both = mask([*opening, harmless, telling], synthetic_holder=False)
    assert {each.response.text for each in both[2:]} == {"XX" * 16 + "9000"}


def test_a_digit_that_a_wrong_length_leaves_out_is_hidden_as_well() -> None:
    assert without_secret(bytes.fromhex("00200080 03 31323334")).text == "0020008003XXXXXXXX"
