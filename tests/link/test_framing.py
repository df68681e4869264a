"""Lines and frames: any slicing, bounded memory, noise dropped."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import MalformedFrame
from firmware.link.framing import (
    DELIMITER,
    LINE_END,
    MAX_FRAME_BYTES,
    FrameDecoder,
    LineDecoder,
    cobs_decode,
    cobs_encode,
    unwrap,
    wrap,
)

LIMIT = 20
CUTS = st.lists(st.integers(0, 4000), max_size=40)
LINES = st.lists(st.binary(max_size=60).map(lambda line: line.replace(LINE_END, b"?")), max_size=12)
# Bytes with many zeros, and runs around the 254 bytes at which COBS begins another block.
CONTENTS = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"\0", b"\1", b"x" * 253, b"x" * 254, b"x" * 255]), max_size=3).map(
        b"".join
    ),
)


def fed(decoder: LineDecoder | FrameDecoder, data: bytes, cuts: list[int]) -> list[bytes]:
    """All that comes out of `data`, cut at `cuts`."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    parts = [data[start:end] for start, end in pairwise(edges)]
    return [payload for part in parts for payload in decoder.feed(part)]


@given(LINES, CUTS)
def test_lines_come_out_of_any_slicing(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + LINE_END for line in lines)
    assert fed(LineDecoder(LIMIT), stream, cuts) == [line[: LIMIT + 1] for line in lines]


def test_a_line_without_an_end_is_not_kept_whole() -> None:
    decoder = LineDecoder(LIMIT)
    for _ in range(1000):
        assert decoder.feed(b"x" * 1000) == []
    assert decoder.feed(b"\nshort\n") == [b"x" * (LIMIT + 1), b"short"]


@pytest.mark.parametrize(
    ("content", "encoded"),
    [
        ("", "01"),
        ("00", "0101"),
        ("0000", "010101"),
        ("00112200", "0103112201"),
        ("11220033", "031122 0233"),
        ("11000000", "0211010101"),
    ],
)
def test_cobs_by_known_bytes(content: str, encoded: str) -> None:
    assert cobs_encode(bytes.fromhex(content)) == bytes.fromhex(encoded)


@given(CONTENTS)
def test_cobs_leaves_no_zero_and_gives_all_back(content: bytes) -> None:
    encoded = cobs_encode(content)
    assert 0 not in encoded
    assert len(encoded) <= len(content) + len(content) // 254 + 1
    assert cobs_decode(encoded) == content


@given(st.binary(max_size=40))
def test_any_bytes_are_a_payload_or_a_malformed_frame(part: bytes) -> None:
    try:
        payload = unwrap(part)
    except MalformedFrame:
        return
    assert unwrap(wrap(payload).strip(DELIMITER)) == payload


@given(st.lists(CONTENTS, max_size=6), CUTS)
def test_frames_come_out_of_any_slicing(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(wrap, payloads))
    assert fed(FrameDecoder(), stream, cuts) == payloads


@given(st.lists(CONTENTS, max_size=4), st.lists(st.binary(max_size=30), max_size=5), CUTS)
def test_noise_between_frames_costs_no_frame(
    payloads: list[bytes], noises: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(
        noise + wrap(payload)
        for noise, payload in zip(noises + [b""] * len(payloads), payloads, strict=False)
    )
    assert fed(FrameDecoder(), stream, cuts) == payloads


def test_every_flipped_bit_of_a_frame_is_dropped() -> None:
    frame = wrap(bytes(range(40)))
    for bit in range(8 * len(frame)):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        assert FrameDecoder().feed(bytes(flipped) + DELIMITER) in ([], [bytes(range(40))])
        if 8 <= bit < 8 * (len(frame) - 1):  # a delimiter that is gone costs only its own frame
            assert FrameDecoder().feed(bytes(flipped)) == []


def test_an_endless_frame_is_dropped_up_to_its_delimiter() -> None:
    decoder = FrameDecoder()
    noise = random.Random(1)
    for _ in range(500):
        assert decoder.feed(bytes(noise.randrange(1, 256) for _ in range(97))) == []
    assert len(decoder._parts._rest) <= MAX_FRAME_BYTES + 1
    assert decoder.feed(DELIMITER + wrap(b"after")) == [b"after"]
    assert decoder.dropped == 1
