"""Photos of a stranger: good ones with anything done to them, the same for the same seed."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from bombs import TILE_PART, bombs, in_tile
from photos import codestream, drawn, jp2
from PIL import Image

from firmware.match.jpeg2000 import MAX_FILE_BYTES

NEXT: Final = b"\x00\x0a"  # the length of the segment that begins a tile-part
TELLING: Final = (0x00, 0x01, 0x07, 0x7F, 0x80, 0xFE, 0xFF)
HEADERS_BYTES: Final = 240
LONGEST_PART: Final = 64


@cache
def good_photos() -> tuple[bytes, ...]:
    """Files that decode, coded in many ways."""
    options: tuple[dict[str, Any], ...] = (
        {"num_resolutions": 2},
        {"irreversible": True, "quality_mode": "rates", "quality_layers": [60, 30, 15]},
        {"tile_size": (32, 32)},
        {"precinct_size": (32, 32), "codeblock_size": (16, 16), "progression": "PCRL"},
        {"plt": True, "progression": "CPRL"},
    )
    files = [jp2(drawn())]
    for mode in ("L", "RGB"):
        for chosen in options:
            file = io.BytesIO()
            Image.fromarray(drawn(60, 80)).convert(mode).save(file, "JPEG2000", **chosen)
            files.append(file.getvalue())
    return (*files, *map(codestream, files), in_tile(codestream(jp2(drawn()))))


def mend_lengths(mutant: bytearray) -> None:
    """Let the picture and its last tile-part reach as far as the file: what was done to either is
    then found by a decoder, and not by who checks their lengths."""
    box, tile_part = mutant.find(b"jp2c"), mutant.rfind(TILE_PART + NEXT)
    if box >= 4:
        struct.pack_into(">I", mutant, box - 4, 0)
    if 0 <= tile_part <= len(mutant) - 10:
        struct.pack_into(">I", mutant, tile_part + 6, 0)


class Mutants:
    """An endless series of files, each a few changes away from a good photo or a bomb."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._parents = good_photos()
        self._bombs = [bomb.content for bomb in bombs()]
        self._changes: tuple[Callable[[bytearray], None], ...] = (
            self._flip,
            self._overwrite,
            self._number,
            self._remove,
            self._repeat,
            self._insert,
            self._graft,
            self._cut,
        )

    def next(self) -> bytes:
        """The next one."""
        chance = self._random
        parents = self._bombs if chance.random() < 0.05 else self._parents
        mutant = bytearray(chance.choice(parents))
        for _ in range(chance.randint(1, 4)):
            chance.choice(self._changes)(mutant)
        if chance.random() < 0.7:
            mend_lengths(mutant)
        return bytes(mutant[: MAX_FILE_BYTES + 1])

    def _place(self, mutant: bytearray) -> int:
        """Anywhere, but often in the headers."""
        most = len(mutant) if self._random.random() < 0.7 else min(len(mutant), HEADERS_BYTES)
        return self._random.randrange(most) if most else 0

    def _part(self, of: bytes | bytearray) -> tuple[int, int]:
        start = self._random.randrange(len(of)) if of else 0
        return start, start + self._random.randint(1, LONGEST_PART)

    def _flip(self, mutant: bytearray) -> None:
        if mutant:
            mutant[self._place(mutant)] ^= 1 << self._random.randrange(8)

    def _overwrite(self, mutant: bytearray) -> None:
        if mutant:
            mutant[self._place(mutant)] = self._random.choice(TELLING)

    def _number(self, mutant: bytearray) -> None:
        form, bits = self._random.choice(((">H", 16), (">I", 32)))
        at = self._place(mutant)
        if at + bits // 8 <= len(mutant):
            (value,) = struct.unpack_from(form, mutant, at)
            changed = self._random.choice(
                (value + 1, value - 1, value << 1, ~value, 1 << (bits - 1))
            )
            struct.pack_into(form, mutant, at, changed % (1 << bits))

    def _remove(self, mutant: bytearray) -> None:
        start, end = self._part(mutant)
        del mutant[start:end]

    def _repeat(self, mutant: bytearray) -> None:
        start, end = self._part(mutant)
        mutant[start:start] = mutant[start:end]

    def _insert(self, mutant: bytearray) -> None:
        at = self._place(mutant)
        mutant[at:at] = self._random.randbytes(self._random.randint(1, 8))

    def _graft(self, mutant: bytearray) -> None:
        other = self._random.choice(self._parents)
        start, end = self._part(other)
        at = self._place(mutant)
        mutant[at : at + end - start] = other[start:end]

    def _cut(self, mutant: bytearray) -> None:
        del mutant[self._random.randrange(len(mutant) + 1) :]
