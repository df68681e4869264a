"""EF 0002: parsed as issued, refused when anything is moved, cut or changed in form."""

from hashlib import sha256

import pytest
from card_dialogue import FileCard, answer
from card_issued import PHOTO, face_file, face_objects, key, public_key, tlv
from hypothesis import given
from hypothesis import strategies as st

from firmware.card import scripts
from firmware.card.card_face import parse, parse_public_key, read_card_face
from firmware.card.credential import CollationNumberB
from firmware.faults import Fault, MalformedResponse, RetryCounterLow

OBJECTS = face_objects()
FACE = face_file(OBJECTS)


def test_a_face_as_issued() -> None:
    face = parse(FACE)
    assert (face.birth_date, face.sex, face.expiry) == ("19800217", "2", "20350217")
    assert face.photo == PHOTO
    assert face.public_key == key("chip").public_key()
    assert face.signature == OBJECTS["DF28"][-256:]
    assert (
        face.signed_hashes[:32]
        == sha256(OBJECTS["DF22"] + OBJECTS["DF23"] + OBJECTS["DF24"]).digest()
    )
    assert face.signed_hashes[32:64] == sha256(OBJECTS["DF25"] + OBJECTS["DF26"]).digest()
    assert face.signed_hashes[64:] == sha256(OBJECTS["DF27"]).digest()


def test_a_face_prints_as_a_size() -> None:
    assert repr(parse(FACE)) == f"CardFace(photo of {len(PHOTO)} bytes)"


def test_a_face_keeps_neither_name_nor_address() -> None:
    face = parse(FACE)
    kept = b"".join(
        value
        for value in (getattr(face, name) for name in face.__slots__)
        if isinstance(value, bytes)
    )
    assert b"PNG" not in kept


def test_a_card_may_have_no_photo() -> None:
    assert parse(face_file(OBJECTS | {"DF27": tlv("DF27", b"")})).photo == b""


@pytest.mark.parametrize("error", [-1, 1, 256])
def test_the_offset_table_must_be_right(error: int) -> None:
    with pytest.raises(MalformedResponse):
        parse(face_file(OBJECTS, offset_error=error))


@pytest.mark.parametrize("missing", OBJECTS)
def test_every_object_must_be_there(missing: str) -> None:
    with pytest.raises(MalformedResponse):
        parse(face_file({tag: each for tag, each in OBJECTS.items() if tag != missing}))


def test_objects_stand_in_order() -> None:
    with pytest.raises(MalformedResponse):
        parse(face_file(dict(reversed(OBJECTS.items()))))


@pytest.mark.parametrize(
    "tag, value",
    [
        ("DF22", b"1980021"),
        ("DF22", b"1980-2-1"),
        ("DF23", b"3"),
        ("DF23", b""),
        ("DF23", b"\xb2"),
        ("DF28", bytes(255)),
        ("DF29", b"203502170"),
        ("DF24", b""),
        ("DF24", tlv("90", b"\x01\x00\x01") + tlv("91", b"\xff" * 128)),  # 1,024 bits
        ("DF24", tlv("90", b"\x03") + tlv("91", b"\xff" * 256)),
        ("DF24", tlv("90", b"\x01\x00\x01") + tlv("91", b"\xff" * 255 + b"\xfe")),  # even
        ("DF24", public_key("chip") + b"\x00"),
    ],
)
def test_every_value_must_have_its_form(tag: str, value: bytes) -> None:
    with pytest.raises(MalformedResponse):
        parse(face_file(OBJECTS | {tag: tlv(tag, value)}))


def test_nothing_may_follow_the_file() -> None:
    with pytest.raises(MalformedResponse):
        parse(FACE + b"\xff")
    with pytest.raises(MalformedResponse):
        parse(b"")


@given(st.integers(0, len(FACE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_a_face_or_a_fault(at: int, difference: int) -> None:
    changed = FACE[:at] + bytes((FACE[at] ^ difference,)) + FACE[at + 1 :]
    try:
        face = parse(changed)
    except MalformedResponse:
        return
    unsigned = len(FACE) - len(OBJECTS["DF29"]) - len(OBJECTS["DF2A"])
    original = parse(FACE)
    differs = (face.signed_hashes, face.signature) != (original.signed_hashes, original.signature)
    assert differs or at >= unsigned


@given(st.integers(0, len(FACE) - 1))
def test_a_cut_file_is_a_fault(length: int) -> None:
    with pytest.raises(MalformedResponse):
        parse(FACE[:length])


@given(st.binary(max_size=400))
def test_any_bytes_are_a_face_or_a_fault(content: bytes) -> None:
    for read in (parse, parse_public_key):
        with pytest.raises(MalformedResponse):
            read(content)


def face_card(tries: str) -> FileCard:
    return FileCard(
        {0x0012: b"", 0x0002: FACE + b"\xff" * 100},
        {0x20: lambda command: answer("9000" if command.data else tries)},
    )


def test_the_face_opens_with_b_and_is_read_once() -> None:
    card = face_card("63CA")
    face = scripts.run(read_card_face(CollationNumberB.parse("55021720352285")), card)
    assert face.photo == PHOTO
    assert card.instructions == [0xA4, 0xA4, 0x20, 0x20, 0xB0]


def test_no_try_is_spent_below_half() -> None:
    card = face_card("63C5")
    with pytest.raises(RetryCounterLow) as fault:
        scripts.run(read_card_face(CollationNumberB.parse("55021720352285")), card)
    assert isinstance(fault.value, Fault)
    assert not any(command.is_secret for command in card.sent)
