"""What the headers of a JPEG 2000 codestream make a decoder keep: its packets, and their records.

A decoder makes a record of every packet before it reads one (ISO/IEC 15444-1 B.12): 157 bytes that
cut a black picture into the smallest precincts took one to 560 MB. But a packet that is there takes
a byte at least, so a stream that announces more packets than it has bytes lies. Every header is
read, because a tile's own may say something else than the first; nothing is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from firmware.faults import MalformedPhoto

COD, COC, SOT, SOD, EOC = 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
MAX_SEGMENTS: Final = 256
MAX_STYLES: Final = 8
"""Segments that say how something is coded; a photo has one, or one for each component."""
MOST_LEVELS: Final = 32  # Table A.15
WHOLE: Final = 15  # log₂ of a precinct's side when none is said (A.6.1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a picture lies on the reference grid, and how many tiles it is cut into."""

    left: int
    top: int
    right: int
    bottom: int
    columns: int
    rows: int
    components: int


def check_packets(stream: bytes, start: int, grid: Grid) -> None:
    """`MalformedPhoto` if a stream announces more packets than it can hold, or ends too soon.

    `start` is where the marker after SIZ stands.
    """
    layers = styles = 0
    for marker, body in _segments(stream, start):
        if marker not in (COD, COC):
            continue
        styles += 1
        if styles > MAX_STYLES:
            raise MalformedPhoto("a picture that is coded in too many ways")
        if marker == COD:  # of all components, of the picture or of a tile
            own, said_layers = _fields(">BxHx", body)
            layers = max(layers, said_layers)
            precincts = grid.components * _precincts(own, body[5:], grid)
        else:
            (own,) = _fields(">xB", body)
            precincts = _precincts(own, body[2:], grid)
        if not 1 <= layers * precincts <= len(stream):
            raise MalformedPhoto(f"a picture of {layers * precincts} packets")
    if not styles:
        raise MalformedPhoto("a picture that does not say how it is coded")


def _segments(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of the main header and of every tile-part's, to the end of the picture."""
    end = 0  # of the tile-part whose header is read
    for _ in range(MAX_SEGMENTS):
        (marker,) = _fields(">H", stream, at)
        if marker == SOD:  # the packets follow, and then another tile-part or the end
            if end <= at:
                raise MalformedPhoto("packets of no tile")
            at = end
            if at == len(stream):
                return
            (marker,) = _fields(">H", stream, at)
            if marker == EOC:
                return
        (length,) = _fields(">H", stream, at + 2)
        content = stream[at + 4 : at + 2 + length]
        if length < 2 or len(content) != length - 2:
            raise MalformedPhoto("a picture that ends in a header")
        if marker == SOT:
            (size,) = _fields(">xxI", content)
            end = at + size if size else len(stream)
            if not at < end <= len(stream):
                raise MalformedPhoto("a picture that is cut short")
        yield marker, content
        at += 2 + length
    raise MalformedPhoto("a picture with too many headers")


def _precincts(own: int, style: bytes, grid: Grid) -> int:
    """Into how many precincts one component is cut, over all tiles and resolutions (B.6).

    Exact for one tile; for several, a precinct that a tile's border cuts may count once too often.
    """
    (levels,) = _fields(">B", style)
    if levels > MOST_LEVELS:
        raise MalformedPhoto(f"a picture of {levels} levels")
    sides = _fields(f">5x{levels + 1}B", style) if own & 1 else (WHOLE << 4 | WHOLE,) * (levels + 1)
    return sum(
        _cut(grid.left, grid.right, levels - resolution, side & 15, grid.columns)
        * _cut(grid.top, grid.bottom, levels - resolution, side >> 4, grid.rows)
        for resolution, side in enumerate(sides)
    )


def _cut(low: int, high: int, halvings: int, side: int, tiles: int) -> int:
    """Pieces of 2**side between two places on the grid after so many halvings."""
    first, last = -(-low >> halvings), -(-high >> halvings)  # rounded up
    return -(-last >> side) - (first >> side) + tiles - 1


def _fields(form: str, content: bytes, at: int = 0) -> tuple[int, ...]:
    if at + struct.calcsize(form) > len(content):
        raise MalformedPhoto("a picture that ends in a header")
    return struct.unpack_from(form, content, at)
