"""How often is 照合番号B read off a drawn card, how often doubted, and is it ever wrong?

    python benchmarks/ocr.py --set scored --cards 667,667,666,40,40
    python benchmarks/ocr.py --set development --cards 50 --chunk 0/2   # one of two processes
    python benchmarks/ocr.py --set aimed --cards 150,150,300,0,0        # scratched on purpose

A look is one `READ_PRINT`: frames of the card as it lies, six at most, until the reading is sure.
After doubt the card is laid down anew for a second look, then the staff key the number in (the
device asks them after the first). Each card's end is a line of build/ocr/SET.jsonl: a run that was
stopped goes on where it was, and several processes may share the cards. The cards are drawn, so the
figures say that the chain works and how it fails, not what a real card under a real lens will give.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
from ocr_cards import AIMED, DEVELOPMENT, SCORED, TODAY, BenchCard, CardSet
from ocr_report import write_report

from firmware.camera.frame import Frame
from firmware.match.errands import READ_PRINT_FRAMES
from firmware.match.ocr import PrintedNumberReading
from firmware.match.text_reader import PpOcrReader

LOOKS = 2
SETS = {card_set.name: card_set for card_set in (DEVELOPMENT, AIMED, SCORED)}
FOLDER = Path("build/ocr")
RESULTS = Path("benchmarks/results")


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one card."""

    level: int
    index: int
    font: str
    look: int | None  # the one that read it; None: keyed by the staff
    frames: int  # of the last look
    right: bool | None  # None: nothing was passed on
    cpu_s: tuple[float, ...]  # of each look


def read(card: BenchCard, index: int, reader: PpOcrReader) -> Ended:
    """Look at a card as often as a visit would."""
    spent: list[float] = []
    for look in range(1, LOOKS + 1):
        frames = card.laid_down(look)
        reading = PrintedNumberReading(reader, TODAY)
        spent.append(0.0)
        for number in range(1, READ_PRINT_FRAMES + 1):
            frame = Frame(frames(number), number, 0.0)
            began_s = time.process_time()
            found = reading.feed(frame)
            spent[-1] += time.process_time() - began_s
            if found is not None:
                right = found == card.number
                name = card.style.font.name
                return Ended(card.level, index, name, look, number, right, tuple(spent))
    name = card.style.font.name
    return Ended(card.level, index, name, None, READ_PRINT_FRAMES, None, tuple(spent))


def ended_so_far(card_set: CardSet) -> list[Ended]:
    """Every card that any process has finished."""
    lines = []
    for path in sorted(FOLDER.glob(f"{card_set.name}*.jsonl")):
        lines += path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Ended(**{**row, "cpu_s": tuple(row["cpu_s"])}) for row in rows]


def run(card_set: CardSet, counts: list[int], part: int, parts: int) -> None:
    """Read what is left of this share; levels take turns, so a stop leaves some of each."""
    done = {(one.level, one.index) for one in ended_so_far(card_set)}
    wanted = [
        (level, index)
        for index in range(part, max(counts), parts)
        for level, count in enumerate(counts, start=1)
        if index < count and (level, index) not in done
    ]
    reader = PpOcrReader()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{card_set.name}-{part}.jsonl").open("a", encoding="utf-8") as out:
        for level, index in wanted:
            ended = read(card_set.card(level, index), index, reader)
            out.write(json.dumps(dataclasses.asdict(ended)) + "\n")
            out.flush()


def main() -> None:
    """Read the cards, then write what is known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=SETS, default=SCORED.name)
    parser.add_argument("--cards", default="667,667,666,40,40", help="of each level, or of all")
    parser.add_argument("--chunk", default="0/1", metavar="PART/PARTS")
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.cards.split(",")]
    part, parts = (int(number) for number in arguments.chunk.split("/"))
    cv2.setNumThreads(1)
    card_set = SETS[arguments.set]
    run(card_set, counts * 5 if len(counts) == 1 else counts, part, parts)
    out = RESULTS if card_set is SCORED else FOLDER
    print(write_report(out, card_set, [dataclasses.asdict(one) for one in ended_so_far(card_set)]))


if __name__ == "__main__":
    main()
