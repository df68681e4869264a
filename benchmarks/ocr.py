"""How often is 照合番号B read off a printed card, how often doubted, and is it ever wrong?

Drawn cards under drawn light: the print is Noto Sans on assumed places, so these figures say that
the chain works and how it fails, not what a real card under a real lens will give.

    python benchmarks/ocr.py --cards 60
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, field

from ocr_cards import DEVELOPMENT, TODAY

from firmware.camera.frame import Frame
from firmware.match.ocr import PrintedNumberReading, read_number_b
from firmware.match.text_reader import PpOcrReader

FRAMES = 6
"""What a visit can read in the time it gives to the tray."""


@dataclass
class Tally:
    """What became of the cards of one kind of view."""

    read: int = 0
    doubted: int = 0
    wrong: int = 0
    single_frames: int = 0
    single_frames_read: int = 0
    single_frames_wrong: int = 0
    frames_needed: list[int] = field(default_factory=list)
    frame_s: list[float] = field(default_factory=list)


def measure(cards: int, level: int) -> Tally:
    """Read `cards` invented cards, at most six frames each."""
    tally, reader = Tally(), PpOcrReader()
    for index in range(cards):
        card = DEVELOPMENT.card(level, index)
        frame, truth = card.frames(), card.number
        reading, found, needed = PrintedNumberReading(reader, TODAY), None, 0
        while found is None and needed < FRAMES:
            needed += 1
            picture = frame(needed)
            alone = read_number_b(picture, reader, TODAY)
            tally.single_frames += 1
            tally.single_frames_read += alone == truth
            tally.single_frames_wrong += alone not in (truth, None)
            began_s = time.perf_counter()
            found = reading.feed(Frame(picture, needed, 0.0))
            tally.frame_s.append(time.perf_counter() - began_s)
        tally.read += found == truth
        tally.doubted += found is None
        tally.wrong += found not in (truth, None)
        if found is not None:
            tally.frames_needed.append(needed)
    return tally


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=60)
    cards = parser.parse_args().cards
    print("views   cards  read  doubt  wrong  one frame: read  wrong  frames  ms/frame")
    for level in range(1, 6):
        tally = measure(cards, level)
        needed = statistics.mean(tally.frames_needed) if tally.frames_needed else float("nan")
        print(
            f"{level:6} {cards:6} {tally.read:5} {tally.doubted:6} {tally.wrong:6}"
            f" {tally.single_frames_read:11}/{tally.single_frames:<4}"
            f" {tally.single_frames_wrong:5} {needed:7.2f}"
            f" {1000 * statistics.median(tally.frame_s):9.0f}"
        )


if __name__ == "__main__":
    main()
