"""How often is 照合番号B read off a printed card, how often doubted, and is it ever wrong?

Drawn cards under drawn light: the print is Noto Sans on assumed places, so these figures say that
the chain works and how it fails, not what a real card under a real lens will give.

    python -m benchmarks.ocr --cards 60
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import statistics
import time
from dataclasses import dataclass, field

from firmware.camera.frame import Frame
from firmware.card.collation import Calendar, number_b
from firmware.match.ocr import PrintedNumberReading, read_number_b
from firmware.match.text_reader import PpOcrReader
from firmware.simulator.people import birthday_after
from firmware.simulator.printed_face import PrintedFace, draw_face, seen_in_tray, some_view

TODAY = dt.date(2025, 11, 22)
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


def some_face(seed: int) -> PrintedFace:
    """An invented card that has not expired; one in eight belongs to a foreign resident."""
    draw = random.Random(seed)
    eldest = dt.date(2019, 5, 1) if draw.random() < 0.2 else dt.date(1930, 1, 1)  # 令和, or any era
    born = eldest + dt.timedelta(days=draw.randrange((TODAY - eldest).days))
    issued = max(born, TODAY - dt.timedelta(days=draw.randrange(1_400)))
    gregorian = draw.random() < 0.125
    expiry = birthday_after(born, issued, 5 if issued.year - born.year < 18 else 10)
    if gregorian:  # the end of a stay, not a birthday
        expiry = TODAY + dt.timedelta(days=draw.randrange(1, 1_800))
    code = f"{draw.randrange(10_000):04d}"
    return PrintedFace(f"見本　{seed}", "東京都架空区例示１－２－３", born, expiry, code, gregorian)


def true_number(face: PrintedFace) -> str:
    """照合番号B of a drawn card."""
    printed_in = Calendar.GREGORIAN if face.gregorian else Calendar.JAPANESE
    return number_b(face.born, face.expiry.year, face.security_code, printed_in)


def measure(cards: int, *, hard: bool, first_seed: int = 0) -> Tally:
    """Read `cards` invented cards, at most six frames each."""
    tally, reader = Tally(), PpOcrReader()
    for seed in range(first_seed, first_seed + cards):
        face = some_face(seed)
        flat, truth = draw_face(face, None), true_number(face)
        reading, found, needed = PrintedNumberReading(reader, TODAY), None, 0
        while found is None and needed < FRAMES:
            needed += 1
            picture = seen_in_tray(flat, some_view(seed, hard=hard), seed * 100 + needed)
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
    for name, hard in (("plain", False), ("hard", True)):
        tally = measure(cards, hard=hard)
        needed = statistics.mean(tally.frames_needed) if tally.frames_needed else float("nan")
        print(
            f"{name:6} {cards:6} {tally.read:5} {tally.doubted:6} {tally.wrong:6}"
            f" {tally.single_frames_read:11}/{tally.single_frames:<4}"
            f" {tally.single_frames_wrong:5} {needed:7.2f}"
            f" {1000 * statistics.median(tally.frame_s):9.0f}"
        )


if __name__ == "__main__":
    main()
