"""BER-TLV: known bytes, bounds, round trips, and a typed fault for everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.card import tlv
from firmware.faults import MalformedCommand, MalformedResponse

ONE_BYTE_TAGS = st.integers(1, 0xFF).filter(lambda tag: tag & 0x1F != 0x1F)
TWO_BYTE_TAGS = st.builds(
    lambda first, second: (first << 5 | 0x1F) << 8 | second, st.integers(0, 7), st.integers(0, 0x7F)
)
OBJECTS = st.tuples(ONE_BYTE_TAGS | TWO_BYTE_TAGS, st.binary(max_size=300))


@pytest.mark.parametrize(
    "first_bytes, tag, header, value",
    [
        ("3082062B", 0x30, 4, 1579),  # a certificate
        ("FF2082167D", 0xFF20, 5, 5757),  # a card face
        ("FF1082021E", 0xFF10, 5, 542),  # second byte below 1F, as the card has it
        ("7F21820233", 0x7F21, 5, 563),
        ("DF2208", 0xDF22, 3, 8),
        ("9003", 0x90, 2, 3),
        ("308180", 0x30, 3, 128),
        ("3083010000", 0x30, 5, 65536),
        ("30820001", 0x30, 4, 1),  # longer than it needs, and BER
    ],
)
def test_headers(first_bytes: str, tag: int, header: int, value: int) -> None:
    found = tlv.read_header(bytes.fromhex(first_bytes))
    assert found == tlv.Header(tag, header, value)
    assert found.total_length == header + value


@pytest.mark.parametrize(
    "content",
    [
        "",
        "30",
        "3082",
        "308201",
        "FF",
        "FF20",
        "3080",  # indefinite
        "308400000001AA",  # four bytes of length
        "30FF",
        "DF810101AA",  # a tag of three bytes
        "FFFFFFFF",  # padding
        "0000",  # a tag of zero
    ],
)
def test_what_is_no_header_is_refused(content: str) -> None:
    with pytest.raises(MalformedResponse):
        tlv.read_header(bytes.fromhex(content))


def test_walk_keeps_the_bytes_as_they_stood() -> None:
    content = bytes.fromhex("DF2202AABB" + "DF23820001CC" + "900100")
    assert [(each.tag, each.offset, each.encoded.hex()) for each in tlv.walk(content)] == [
        (0xDF22, 0, "df2202aabb"),
        (0xDF23, 5, "df23820001cc"),
        (0x90, 11, "900100"),
    ]


@pytest.mark.parametrize("content", ["9002AA", "900100FF", "9001AA90"])
def test_siblings_fill_their_parent_exactly(content: str) -> None:
    with pytest.raises(MalformedResponse):
        tlv.walk(bytes.fromhex(content))


def test_siblings_are_counted() -> None:
    assert len(tlv.walk(b"\x90\x00" * tlv.MAX_SIBLINGS)) == tlv.MAX_SIBLINGS
    with pytest.raises(MalformedResponse):
        tlv.walk(b"\x90\x00" * (tlv.MAX_SIBLINGS + 1))


def test_expect_wants_these_tags_in_this_order() -> None:
    content = bytes.fromhex("900101910102")
    exponent, modulus = tlv.expect(content, 0x90, 0x91)
    assert (exponent.value, modulus.value) == (b"\x01", b"\x02")
    for wrong in ((0x90,), (0x91, 0x90), (0x90, 0x91, 0x92), ()):
        with pytest.raises(MalformedResponse):
            tlv.expect(content, *wrong)


def test_an_object_prints_as_its_size() -> None:
    (found,) = tlv.walk(b"\xdf\x22\x0819800217")
    assert repr(found) == "Tlv(DF22, 8 bytes)"


@given(st.lists(OBJECTS, max_size=8))
def test_every_list_of_objects_survives(objects: list[tuple[int, bytes]]) -> None:
    content = b"".join(tlv.encode(tag, value) for tag, value in objects)
    assert [(each.tag, each.value) for each in tlv.walk(content)] == objects
    assert b"".join(each.encoded for each in tlv.walk(content)) == content


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65535, 65536])
def test_lengths_at_the_edges(size: int) -> None:
    (found,) = tlv.walk(tlv.encode(0xFF20, bytes(size)))
    assert len(found.value) == size


@given(st.binary(max_size=200))
def test_any_bytes_are_objects_or_a_fault(content: bytes) -> None:
    try:
        found = tlv.walk(content)
    except MalformedResponse:
        return
    assert b"".join(each.encoded for each in found) == content


@pytest.mark.parametrize("tag", [0, -1, 0x1F, 0xFF, 0x9001, 0xFF80, 0x10000])
def test_a_tag_that_could_not_be_read_back_is_not_written(tag: int) -> None:
    with pytest.raises(MalformedCommand):
        tlv.encode(tag, b"")


def test_a_value_of_sixteen_megabytes_is_not_written() -> None:
    with pytest.raises(MalformedCommand):
        tlv.encode(0x30, bytes(0x1000000))
