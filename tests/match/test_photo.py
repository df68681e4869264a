"""The child that decodes: a photo comes out, a bomb dies alone, and nobody waits for ever."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
from photos import CODING_STYLE, announcing, codestream, drawn, jp2, precinct_bomb

from firmware.faults import MalformedPhoto
from firmware.match.photo import CHILD, PhotoDecoder
from firmware.match.photo_child import CPU_S, cpu_limit_s


@pytest.fixture
def decoder() -> Iterator[PhotoDecoder]:
    with PhotoDecoder(deadline_s=60) as ready:  # a loaded machine is not what is tested
        yield ready


@pytest.mark.parametrize("form", [bytes, codestream], ids=["jp2", "codestream"])
def test_a_photo_becomes_grey_pixels(decoder: PhotoDecoder, form: type[bytes]) -> None:
    pixels = decoder.decode(form(jp2(drawn())))
    assert (pixels.shape, pixels.dtype) == ((320, 240), np.uint8)
    assert np.abs(pixels.astype(int) - drawn()).max() <= 4


def test_colour_becomes_grey(decoder: PhotoDecoder) -> None:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (64, 48), (255, 0, 0)).save(file, "JPEG2000")
    assert decoder.decode(file.getvalue()).mean() == pytest.approx(76, abs=1)


def test_a_photo_that_cannot_be_decoded_dies_alone(decoder: PhotoDecoder) -> None:
    """Its headers are in order, and then the coding of its blocks is none that there is."""
    broken = bytearray(codestream(jp2(drawn())))
    broken[broken.index(CODING_STYLE) + 10] = 60  # log₂ of a code block's width
    with pytest.raises(MalformedPhoto, match="gave up"):
        decoder.decode(bytes(broken))
    assert decoder.decode(jp2(drawn())).shape == (320, 240)


@pytest.mark.parametrize(
    "bomb", [announcing(jp2(drawn()), 1 << 15, 1 << 15), precinct_bomb()], ids=["size", "precincts"]
)
def test_the_limits_of_the_child_hold_without_any_check_before_it(bomb: bytes) -> None:
    """Nothing is checked here: 32 768² pixels would take a gigabyte, the precincts 560 MB."""
    child = subprocess.run(CHILD, input=bomb, capture_output=True, env={}, check=False, timeout=60)
    assert child.returncode != 0
    assert child.stdout == b""


def test_a_picture_cut_short_is_malformed(decoder: PhotoDecoder) -> None:
    stream = codestream(jp2(drawn()))
    with pytest.raises(MalformedPhoto):
        decoder.decode(stream[:60])


def test_each_child_sees_one_photo(decoder: PhotoDecoder) -> None:
    children = []
    for _ in range(2):
        children.append(decoder.waiting_child)
        decoder.decode(jp2(drawn()))
    assert children[0] != children[1] != decoder.waiting_child


def test_a_child_that_does_not_answer_is_killed_at_the_deadline() -> None:
    with PhotoDecoder(deadline_s=0.0) as hurried, pytest.raises(MalformedPhoto):
        hurried.decode(jp2(drawn()))


def test_a_child_nobody_wants_ends_by_itself() -> None:
    child = subprocess.run(CHILD, input=b"", capture_output=True, env={}, check=False, timeout=60)
    assert (child.returncode, child.stdout) == (0, b"")


@pytest.mark.parametrize(
    ("user_s", "system_s", "whole_s"), [(0.1, 0.1, 1), (3.9, 2.5, 7), (0.0, 2.0, 2)]
)
def test_a_slow_start_takes_nothing_from_a_photos_time(
    user_s: float, system_s: float, whole_s: int
) -> None:
    """The kernel counts its own share of the loading against the limit."""
    used = resource.struct_rusage((user_s, system_s, *(0,) * 14))
    assert cpu_limit_s(used) == whole_s + CPU_S
