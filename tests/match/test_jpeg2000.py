"""The SIZ marker and its boxes: known files, everything out of bounds, and any bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photos import START_OF_PICTURE, announcing, codestream, drawn, jp2

from firmware.faults import MalformedPhoto
from firmware.match.jpeg2000 import MAX_FILE_BYTES, SIGNATURE_BOX, PhotoSize, photo_size

FILE = jp2(drawn())
STREAM = codestream(FILE)
SIZ = FILE.index(START_OF_PICTURE) + 4  # where its length stands


def with_field(at: int, form: str, *values: int) -> bytes:
    """The codestream with something else at an offset from the start of SIZ's length."""
    changed = bytearray(STREAM)
    struct.pack_into(form, changed, 4 + at, *values)
    return bytes(changed)


@pytest.mark.parametrize("content", [FILE, STREAM], ids=["jp2", "codestream"])
def test_the_size_of_a_photo(content: bytes) -> None:
    assert photo_size(content) == PhotoSize(width=240, height=320, components=1)


def test_a_box_with_a_long_length_and_one_to_the_end() -> None:
    at = FILE.index(b"jp2c") - 4
    body = FILE[at + 8 :]
    long = FILE[:at] + struct.pack(">I4sQ", 1, b"jp2c", len(body) + 16) + body
    to_the_end = FILE[:at] + struct.pack(">I4s", 0, b"jp2c") + body
    assert photo_size(long) == photo_size(to_the_end) == photo_size(FILE)


BAD = {
    "empty": b"",
    "a JPEG": b"\xff\xd8\xff\xe0" + bytes(100),
    "too many bytes": FILE + bytes(MAX_FILE_BYTES),
    "sixteen gigapixels": announcing(FILE, 1 << 17, 1 << 17),
    "just over a megapixel": announcing(FILE, 1001, 1000),
    "a line": announcing(FILE, 100_000, 1),
    "no pixels": announcing(FILE, 0, 0),
    "a header that says less": announcing(FILE, 900, 900, everywhere=False),
    "no header": FILE[:12] + FILE[FILE.index(b"jp2c") - 4 :],
    "no picture": FILE[: FILE.index(b"jp2c") - 4],
    "two pictures": FILE + struct.pack(">I4s", len(STREAM) + 8, b"jp2c") + STREAM,
    "a box longer than the file": FILE[:12] + b"\x7f\xff\xff\xffftyp" + FILE[20:],
    "a box shorter than its head": FILE[:12] + b"\x00\x00\x00\x07ftyp" + FILE[20:],
    "a hundred boxes": SIGNATURE_BOX + struct.pack(">I4s", 8, b"free") * 100,
    "half of a box's head": SIGNATURE_BOX + b"\x00\x00\x00",
    "a cut SIZ": STREAM[:41],
    "a wrong length": with_field(0, ">H", 44),
    "no components": with_field(36, ">H", 0),
    "four components": with_field(36, ">H", 4),
    "sixteen bits": with_field(38, ">B", 15),
    "signed": with_field(38, ">B", 0x87),
    "subsampled": with_field(39, ">BB", 2, 2),
    "tiles of nothing": with_field(20, ">II", 0, 0),
    "tiles of one pixel": with_field(20, ">II", 1, 1),
    "tiles beside the picture": with_field(28, ">II", 500, 0),
    "tiles below the picture": with_field(28, ">II", 0, 500),
    "a picture that ends before it begins": with_field(12, ">II", 300, 0),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_what_is_out_of_bounds_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedPhoto):
        photo_size(content)


def within_bounds(content: bytes) -> bool:
    try:
        size = photo_size(content)
    except MalformedPhoto:
        return False
    return size.width * size.height <= 1_000_000 and 1 <= size.components <= 3


@given(st.binary(max_size=200))
def test_any_bytes_are_a_size_or_malformed(content: bytes) -> None:
    within_bounds(content)
    within_bounds(START_OF_PICTURE + content)
    within_bounds(SIGNATURE_BOX + content)


@given(st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_photo_with_some_bytes_changed_is_in_bounds_or_malformed(
    changes: list[tuple[int, int]],
) -> None:
    changed = bytearray(FILE)
    for at, value in changes:
        changed[at] = value
    within_bounds(bytes(changed))


@given(st.integers(0, len(FILE)))
def test_a_photo_cut_anywhere_is_in_bounds_or_malformed(length: int) -> None:
    within_bounds(FILE[:length])
