"""Photos that ask for too much: refused before any decoder sees them, for what is wrong in them."""

from __future__ import annotations

import io
import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from bombs import Bomb, bombs, in_tile
from hypothesis import given
from hypothesis import strategies as st
from photos import codestream, drawn, jp2, precinct_bomb
from PIL import Image

from firmware.faults import MalformedPhoto
from firmware.match.jpeg2000 import MAX_FILE_BYTES, photo_size
from firmware.match.photo import PhotoDecoder

MEMORY_BYTES = 2 * MAX_FILE_BYTES  # the boxes' contents are looked at in copies
HONEST: dict[str, dict[str, Any]] = {
    "one resolution": {"num_resolutions": 1},
    "eight resolutions": {"num_resolutions": 8},
    "lossless": {"irreversible": False},
    "a dozen layers": {
        "quality_mode": "rates",
        "quality_layers": [200 - 16 * n for n in range(12)],
    },
    "twenty tiles": {"tile_size": (64, 64)},
    "small precincts": {"precinct_size": (64, 64), "codeblock_size": (32, 32)},
    "tiles and precincts": {"tile_size": (128, 128), "precinct_size": (32, 32)},
    "packet lengths": {"plt": True},
    "by position": {"progression": "PCRL"},
    "by component": {"progression": "CPRL"},
    "a comment": {"comment": "taken by a machine"},
}


@pytest.fixture(scope="module")
def decoder() -> Iterator[PhotoDecoder]:
    with PhotoDecoder(deadline_s=60) as ready:
        yield ready


@pytest.mark.parametrize("bomb", bombs(), ids=lambda bomb: bomb.name)
def test_a_bomb_reaches_no_child_and_takes_no_memory(decoder: PhotoDecoder, bomb: Bomb) -> None:
    assert len(bomb.content) <= MAX_FILE_BYTES
    waiting = decoder.waiting_child
    tracemalloc.start()
    try:
        with pytest.raises(MalformedPhoto, match=re.escape(bomb.refusal)):
            decoder.decode(bomb.content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert decoder.waiting_child == waiting
    assert peak < MEMORY_BYTES


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", HONEST.values(), ids=HONEST.keys())
def test_whatever_an_encoder_may_choose_is_let_through(
    decoder: PhotoDecoder, mode: str, options: dict[str, Any]
) -> None:
    file = io.BytesIO()
    small = {"quality_mode": "rates", "quality_layers": [20]}
    Image.fromarray(drawn()).convert(mode).save(file, "JPEG2000", **small | options)
    for form in (bytes, codestream):
        size = photo_size(form(file.getvalue()))
        assert (size.width, size.height) == (240, 320)
    assert decoder.decode(file.getvalue()).shape == (320, 240)


def test_a_tile_may_have_a_style_of_its_own(decoder: PhotoDecoder) -> None:
    assert decoder.decode(in_tile(codestream(jp2(drawn())))).shape == (320, 240)


@pytest.mark.parametrize("padded", [1000, 10_000, 60_000])
def test_a_bomb_that_carries_its_weight_in_bytes_meets_the_limits_of_the_child(
    decoder: PhotoDecoder, padded: int
) -> None:
    """As many packets as bytes is all that a file can ask for; a decoder survives so many."""
    side = int((padded / 334_142) ** 0.5 * 1000)
    bomb = precinct_bomb(side)
    assert photo_size(bomb + bytes(padded)).width == side
    assert decoder.decode(bomb + bytes(padded)).shape == (side, side)


@given(st.data())
def test_any_headers_are_in_bounds_or_malformed(data: st.DataObject) -> None:
    stream = bytearray(codestream(jp2(drawn()))[:200])
    for _ in range(data.draw(st.integers(1, 5))):
        stream[data.draw(st.integers(45, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        photo_size(bytes(stream))
    except MalformedPhoto:
        return
