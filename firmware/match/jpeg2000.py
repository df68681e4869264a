"""What a JPEG 2000 file says of its size, and the bounds within which we are willing to decode it.

A small file may ask a decoder for a gigabyte (812 bytes did), and it comes from a card that a
stranger hands over. So the boxes (ISO/IEC 15444-1 Annex I) and the SIZ marker (A.5.1) are read
here, without any decoder, before one sees the file; `codestream` reads the headers after it. What
else a file may hide is the affair of the limits of `photo_child`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from firmware.faults import MalformedPhoto
from firmware.match.codestream import Grid, check_packets

MAX_FILE_BYTES = 64 * 1024
MAX_PIXELS = 1_000_000
MAX_COMPONENTS = 3
MAX_TILES = 64
LEAST_SIDE = 16  # pixels: no face is smaller
MAX_BOXES = 32

SIGNATURE_BOX = bytes.fromhex("0000000C 6A502020 0D0A870A")
START_OF_CODESTREAM_AND_SIZ = bytes.fromhex("FF4F FF51")


@dataclass(frozen=True, slots=True)
class PhotoSize:
    """What the SIZ marker announces."""

    width: int
    height: int
    components: int


def photo_size(content: bytes) -> PhotoSize:
    """The size of a JP2 file or a bare codestream; `MalformedPhoto` if it is none of ours."""
    if len(content) > MAX_FILE_BYTES:
        raise MalformedPhoto(f"a photo of {len(content)} bytes")
    if content.startswith(START_OF_CODESTREAM_AND_SIZ):
        return _size_of_codestream(content)
    if not content.startswith(SIGNATURE_BOX):
        raise MalformedPhoto("the photo is no JPEG 2000 file")
    announced, size = None, None
    for kind, body in _boxes(content):
        if kind == b"jp2h":
            announced = _announced(body)
        elif kind == b"jp2c":
            if size is not None:
                raise MalformedPhoto("a photo with two pictures")
            size = _size_of_codestream(body)
    if size is None or announced is None:
        raise MalformedPhoto("a JPEG 2000 file without header or picture")
    if announced != size:
        raise MalformedPhoto("header and picture announce different sizes")
    return size


def _boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(content):
        if len(found) == MAX_BOXES or len(content) - at < 8:
            raise MalformedPhoto("too many boxes, or half of one")
        length, kind = struct.unpack_from(">I4s", content, at)
        start = 8
        if length == 1:  # the true length follows in eight bytes
            if len(content) - at < 16:
                raise MalformedPhoto("half a box")
            (length,) = struct.unpack_from(">Q", content, at + 8)
            start = 16
        elif length == 0:  # as far as the file goes
            length = len(content) - at
        if not start <= length <= len(content) - at:
            raise MalformedPhoto("a box that is longer than the file, or shorter than its head")
        found.append((kind, content[at + start : at + length]))
        at += length
    return found


def _announced(header: bytes) -> PhotoSize:
    """The image header must be the first box in the header (I.5.3.1)."""
    if len(header) < 22 or header[:8] != b"\x00\x00\x00\x16ihdr":
        raise MalformedPhoto("a header without size")
    if any(kind == b"pclr" for kind, _ in _boxes(header)):
        raise MalformedPhoto("a photo with a palette")  # it makes up to 255 components out of one
    height, width, components = struct.unpack_from(">IIH", header, 8)
    return PhotoSize(width, height, components)


def _size_of_codestream(stream: bytes) -> PhotoSize:
    if len(stream) < 42 or not stream.startswith(START_OF_CODESTREAM_AND_SIZ):
        raise MalformedPhoto("a picture that does not begin with its size")
    length, _, right, bottom, left, top = struct.unpack_from(">HHIIII", stream, 4)
    tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">IIIIH", stream, 24
    )
    if not 1 <= components <= MAX_COMPONENTS or length != 38 + 3 * components:
        raise MalformedPhoto(f"a picture of {components} components")
    if len(stream) < 4 + length:
        raise MalformedPhoto("a picture that ends in its size")
    for depth, across, down in struct.iter_unpack(">BBB", stream[42 : 4 + length]):
        if depth != 7 or across != 1 or down != 1:  # 7: eight bits, unsigned
            raise MalformedPhoto("components that are not eight bits for each pixel")
    width, height = right - left, bottom - top
    if min(width, height) < LEAST_SIDE or width * height > MAX_PIXELS:
        raise MalformedPhoto(f"a picture of {width} × {height} pixels")
    if not (tile_left <= left < tile_left + tile_width):
        raise MalformedPhoto("the first tile lies beside the picture")
    if not (tile_top <= top < tile_top + tile_height):
        raise MalformedPhoto("the first tile lies above or below the picture")
    columns = -(-(right - tile_left) // tile_width)
    rows = -(-(bottom - tile_top) // tile_height)
    if columns * rows > MAX_TILES:
        raise MalformedPhoto(f"a picture of {columns * rows} tiles")
    grid = Grid(left, top, right, bottom, columns, rows, components)
    check_packets(stream, 4 + length, grid)
    return PhotoSize(width, height, components)
