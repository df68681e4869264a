"""Photos that ask a decoder for far more than they hold, made here out of drawn ones.

Each tells one lie, so its words of refusal say whether that lie was seen.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import cache

from photos import CODING_STYLE, START_OF_PICTURE, codestream, drawn, jp2, precinct_bomb
from PIL import Image

TILE_PART = b"\xff\x90"
FAR = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Bomb:
    """A file, and the words with which it is to be refused."""

    name: str
    refusal: str
    content: bytes


@cache
def bombs() -> tuple[Bomb, ...]:
    """All of them."""
    stream, large = codestream(jp2(drawn())), black(5000, 4000)
    depth, tile = "not eight bits for each pixel", "the first tile lies beside"
    rows = (
        ("20 megapixels", "5000 × 4000 pixels", large),
        ("20 megapixels, a bare codestream", "5000 × 4000 pixels", codestream(large)),
        ("20 megapixels behind a small header", "5000 × 4000 pixels", jp2_of(large)),
        ("4096 megapixels", "65536 × 65536", sized(stream, ">IIII", 8, 1 << 16, 1 << 16, 0, 0)),
        ("pixels beyond 63 bits", "× 4294967295", sized(stream, ">IIII", 8, FAR, FAR, 0, 0)),
        ("no width", "0 × 320 pixels", sized(stream, ">IIII", 8, 0, 320, 0, 0)),
        ("a picture that ends before it begins", "-60 × 320", sized(stream, ">II", 16, 300, 0)),
        ("tiles of no size", tile, sized(stream, ">II", 24, 0, 0)),
        ("tiles of one pixel", "76800 tiles", sized(stream, ">II", 24, 1, 1)),
        ("a tile for each line", "320 tiles", sized(stream, ">II", 24, 240, 1)),
        ("tiles after the picture", tile, sized(stream, ">II", 32, FAR, FAR)),
        ("16384 components", "16384 components", components(stream, 16384)),
        ("16384 undescribed", "16384 components", sized(stream, ">H", 40, 16384)),
        ("255 small components", "255 components", components(stream, 255)),
        ("38 bits a pixel", depth, sized(stream, ">B", 42, 37)),
        ("a sample for 255 × 255 pixels", depth, sized(stream, ">BB", 43, 255, 255)),
        ("a sample every 0 pixels", depth, sized(stream, ">BB", 43, 0, 0)),
        ("the smallest precincts", "334142 packets", precinct_bomb()),
        ("the same in a tile's header", "334142 packets", in_tile(precinct_bomb())),
        ("65535 layers", "393210 packets", coded(stream, ">H", 6, 65535)),
        ("no layers", " 0 packets", coded(stream, ">H", 6, 0)),
        ("255 resolutions", "254 levels", coded(stream, ">B", 9, 254)),
        ("a palette of 255 columns", "palette", with_header_box(b"pclr", palette(255))),
        ("boxes without end", "too many boxes", boxes(6000)),
        ("boxes in boxes in boxes", "header without size", nested(6000)),
        ("headers without end", "too many headers", segments(stream, b"\xff\x64\x00\x02", 12_000)),
        ("styles without end", "too many ways", segments(stream, coding_style(stream), 3_000)),
        ("tile-parts without end", "too many headers", tile_parts(stream, 4_000)),
        ("a tile-part beyond the end", "cut short", sized_tile_part(stream, FAR)),
        ("a tile-part of one byte", "packets of no tile", sized_tile_part(stream, 1)),
    )
    return tuple(Bomb(*row) for row in rows)


def black(width: int, height: int) -> bytes:
    """A whole and honest file of a black picture."""
    file = io.BytesIO()
    picture = Image.new("L", (width, height))
    picture.save(file, "JPEG2000", irreversible=False, num_resolutions=6)
    return file.getvalue()


def sized(stream: bytes, form: str, at: int, *values: int) -> bytes:
    """The codestream with other fields in SIZ, at an offset from its start."""
    changed = bytearray(stream)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def components(stream: bytes, count: int) -> bytes:
    """So many components, each described, in a picture of 16 × 16 pixels."""
    siz = struct.pack(">HHHIIIIIIIIH", 0xFF51, 38 + 3 * count, 0, 16, 16, 0, 0, 16, 16, 0, 0, count)
    return START_OF_PICTURE[:2] + siz + b"\x07\x01\x01" * count + stream[45:]


def coded(stream: bytes, form: str, at: int, value: int) -> bytes:
    """The codestream with another value in COD, at an offset from its marker."""
    changed = bytearray(stream)
    struct.pack_into(form, changed, stream.index(CODING_STYLE) + at, value)
    return bytes(changed)


def coding_style(stream: bytes) -> bytes:
    """The whole COD segment."""
    at = stream.index(CODING_STYLE)
    (length,) = struct.unpack_from(">H", stream, at + 2)
    return stream[at : at + 2 + length]


def in_tile(bomb: bytes) -> bytes:
    """The same, with an innocent COD in the main header and its own in the first tile's."""
    style, at = coding_style(bomb), bomb.index(TILE_PART)
    innocent = bytearray(style[: 4 + 10])
    innocent[4] &= ~1
    struct.pack_into(">H", innocent, 2, 12)
    head, tile = bomb[:at].replace(style, bytes(innocent)), bytearray(bomb[at:])
    (length,) = struct.unpack_from(">I", tile, 6)
    struct.pack_into(">I", tile, 6, length + len(style) if length else 0)
    return head + bytes(tile[:12]) + style + bytes(tile[12:])


def segments(stream: bytes, segment: bytes, count: int) -> bytes:
    """One segment many times, before the first tile-part."""
    at = stream.index(TILE_PART)
    return (stream[:at] + segment * count + stream[at:])[: 60 * 1024]


def tile_parts(stream: bytes, count: int) -> bytes:
    """Empty tile-parts before the true one."""
    at = stream.index(TILE_PART)
    empty = struct.pack(">HHHIBB", 0xFF90, 10, 0, 14, 0, 0) + b"\xff\x93"
    return stream[:at] + empty * count + stream[at:]


def sized_tile_part(stream: bytes, length: int) -> bytes:
    """The first tile-part with another length."""
    changed = bytearray(stream)
    struct.pack_into(">I", changed, stream.index(TILE_PART) + 6, length)
    return bytes(changed)


def with_header_box(kind: bytes, body: bytes) -> bytes:
    """A photo with one box more in its header."""
    file = bytearray(jp2(drawn()))
    at = file.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", file, at)
    struct.pack_into(">I", file, at, length + 8 + len(body))
    file[at + length : at + length] = struct.pack(">I4s", 8 + len(body), kind) + body
    return bytes(file)


def palette(columns: int) -> bytes:
    """One entry of so many columns of eight bits."""
    return struct.pack(">HB", 1, columns) + b"\x07" * columns + b"\xff" * columns


def boxes(count: int) -> bytes:
    """Empty boxes after the signature."""
    return jp2(drawn())[:12] + struct.pack(">I4s", 8, b"free") * count


def nested(depth: int) -> bytes:
    """Boxes that each hold the next, in place of the header."""
    inside = b"".join(struct.pack(">I4s", 8 * (depth - at), b"jp2h") for at in range(depth))
    return jp2(drawn())[:12] + inside


def jp2_of(other: bytes) -> bytes:
    """The boxes of a small photo around the codestream of another file."""
    file = jp2(drawn())
    head = file[: file.index(b"jp2c") - 4]
    return head + struct.pack(">I4s", 0, b"jp2c") + codestream(other)
