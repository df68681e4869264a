"""Mutated photos through the decoder: a picture or `MalformedPhoto`, and nobody else notices.

A few hundred here; `make photo-mutants` sends a hundred thousand and prints how they ended.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import closing
from pathlib import Path

from mutants import Mutants, good_photos
from nursery import Nursery

from firmware.faults import MalformedPhoto
from firmware.match.jpeg2000 import photo_size
from firmware.match.photo import PhotoDecoder

RUNS = int(os.environ.get("KAZASHI_JP2_MUTANTS", "500"))
SEED = int(os.environ.get("KAZASHI_SEED", "1"))
DEADLINE_S = 60.0
"""A child has two seconds of a processor; how long it waits for one says nothing of the photo."""
GROWTH_BYTES = 32 * 1024 * 1024
FEW = 100
REFUSED, GAVE_UP, PICTURE = "refused unseen", "given up by the child", "a picture"


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def outcome(decoder: PhotoDecoder, photo: bytes) -> str:
    """What became of one photo; whatever else it does than the three fails the test."""
    waiting = decoder.waiting_child
    try:
        pixels = decoder.decode(photo)
    except MalformedPhoto:
        return REFUSED if decoder.waiting_child == waiting else GAVE_UP
    size = photo_size(photo)
    assert pixels.shape == (size.height, size.width)
    assert decoder.waiting_child != waiting
    return PICTURE


def how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit {status}"


def test_a_mutant_is_a_picture_or_malformed_and_the_next_photo_is_decoded() -> None:
    outcomes: Counter[str] = Counter()
    mutants = Mutants(SEED)
    with closing(Nursery()) as nursery, PhotoDecoder(DEADLINE_S, nursery.start) as decoder:
        good = good_photos()
        assert [outcome(decoder, photo) for photo in good] == [PICTURE] * len(good)
        nursery.ends.clear()
        early = 0
        for run in range(RUNS):
            outcomes[outcome(decoder, mutants.next())] += 1
            if run == min(FEW, RUNS // 2):
                early = resident_bytes()
        grown = resident_bytes() - early
        ends = dict(nursery.ends)
        assert [outcome(decoder, photo) for photo in good] == [PICTURE] * len(good)
    print(f"\n{RUNS} mutants of seed {SEED}: {dict(outcomes)}")
    print(f"children: {', '.join(f'{count} {how(status)}' for status, count in ends.items())}")
    print(f"this process grew by {grown / 1e6:.1f} MB after the first {FEW}")
    assert sum(ends.values()) == outcomes[GAVE_UP] + outcomes[PICTURE]
    assert all(outcomes[each] > RUNS / 20 for each in (REFUSED, GAVE_UP, PICTURE)), outcomes
    assert grown < GROWTH_BYTES


def test_one_seed_gives_one_series() -> None:
    one, same, other = Mutants(1), Mutants(1), Mutants(2)
    series = [one.next() for _ in range(20)]
    assert series == [same.next() for _ in range(20)]
    assert series != [other.next() for _ in range(20)]
