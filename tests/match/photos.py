"""JPEG 2000 files for tests: drawn ones, and bombs. No person is in any of them."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

from firmware.match.networks import Grey

START_OF_PICTURE, CODING_STYLE = b"\xff\x4f\xff\x51", b"\xff\x52"


def drawn(width: int = 240, height: int = 320) -> Grey:
    """A smooth picture, bright in the middle."""
    rows, columns = np.indices((height, width))
    away = np.hypot((rows - height / 2) / height, (columns - width / 2) / width)
    return (220 - 250 * away).clip(0, 255).astype(np.uint8)


def jp2(pixels: Grey, file_bytes: int = 5000) -> bytes:
    """The picture as a JP2 file of about so many bytes."""
    file = io.BytesIO()
    rate = [pixels.size / file_bytes]
    picture = Image.fromarray(pixels)
    picture.save(file, "JPEG2000", quality_mode="rates", quality_layers=rate, irreversible=True)
    return file.getvalue()


def codestream(file: bytes) -> bytes:
    """The bare codestream of a JP2 file."""
    return file[file.index(START_OF_PICTURE) :]


def announcing(file: bytes, width: int, height: int, everywhere: bool = True) -> bytes:
    """The same file with another size in its SIZ marker, and in its header if `everywhere`."""
    changed = bytearray(file)
    at = file.index(START_OF_PICTURE)
    struct.pack_into(">II", changed, at + 8, width, height)
    struct.pack_into(">II", changed, at + 24, width, height)  # one tile
    if everywhere and b"ihdr" in file:
        struct.pack_into(">II", changed, file.index(b"ihdr") + 4, height, width)
    return bytes(changed)


def precinct_bomb(side: int = 1000) -> bytes:
    """A black picture within all bounds of SIZ, cut into the smallest precincts that there are.

    A decoder keeps a record for each: 157 bytes took an unlimited one to 560 MB (measured).
    """
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "JPEG2000", irreversible=False, num_resolutions=6)
    stream = bytearray(codestream(file.getvalue()))
    at = stream.index(CODING_STYLE)
    (length,) = struct.unpack_from(">H", stream, at + 2)
    resolutions = stream[at + 9] + 1
    struct.pack_into(">H", stream, at + 2, length + resolutions)
    stream[at + 4] |= 1  # precincts follow: one byte for each resolution, as powers of two
    stream[at + 2 + length : at + 2 + length] = b"\x00" + b"\x11" * (resolutions - 1)
    return bytes(stream)
