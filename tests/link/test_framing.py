"""Lines: any slicing, bounded memory, noise dropped."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware.link.framing import LINE_END, LineDecoder

LIMIT = 20
LINES = st.lists(st.binary(max_size=60).map(lambda line: line.replace(LINE_END, b"?")), max_size=12)


def fed(decoder: LineDecoder, data: bytes, cuts: list[int]) -> list[bytes]:
    """All that comes out of `data`, cut at `cuts`."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    parts = [data[start:end] for start, end in pairwise(edges)]
    return [payload for part in parts for payload in decoder.feed(part)]


@given(LINES, st.lists(st.integers(0, 1000), max_size=40))
def test_lines_come_out_of_any_slicing(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + LINE_END for line in lines)
    assert fed(LineDecoder(LIMIT), stream, cuts) == [line[: LIMIT + 1] for line in lines]


def test_a_line_without_an_end_is_not_kept_whole() -> None:
    decoder = LineDecoder(LIMIT)
    for _ in range(1000):
        assert decoder.feed(b"x" * 1000) == []
    assert decoder.feed(b"\nshort\n") == [b"x" * (LIMIT + 1), b"short"]
