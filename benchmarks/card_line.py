"""How long the line alone takes to read the photo and the certificate, by rate and block size.

    python benchmarks/card_line.py [--patient ID] [--world DIR]

The firmware's own scripts run on a virtual card in this process; the bytes of every command and
answer become seconds by `firmware/simulator/line_time.py`. Nothing is measured: no reader, no work
of the chip. A card inserted with `--option line=NAME` takes the same times in the real daemon.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from firmware.card import card_face, jpki, scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.block_size import BlockSize
from firmware.card.credential import CollationNumberB
from firmware.simulator.line_time import Line, line_time_s
from firmware.simulator.patients import find
from firmware.simulator.people import collation_number_b
from firmware.simulator.world import DEFAULT_ROOT, World
from firmware.simulator.world_making import card_of

BLOCKS = {"short": 256, "extended": 32_768}
"""Bytes that one READ BINARY may bring."""
Lengths = list[tuple[int, int]]


def lengths_of_a_visit(patient_id: str, world: World, block: int) -> Lengths:
    """(command, answer) in bytes for each exchange: kind, photo, certificate, nothing else."""
    patient = find(patient_id)
    card, exchanged = card_of(patient, world), Lengths()

    def send(command: CommandApdu) -> ResponseApdu:
        sent = command.encode()
        answer = card.process(sent)
        exchanged.append((len(sent), len(answer)))
        return ResponseApdu.decode(answer)

    card.power_on()
    number = CollationNumberB.parse(collation_number_b(patient))
    passed = BlockSize(block)
    scripts.run(jpki.identify(passed), send)
    scripts.run(jpki.read_certificate(passed), send)
    scripts.run(card_face.read_card_face(number, block=passed), send)
    return exchanged


def rows(lengths: Callable[[int], Lengths]) -> list[str]:
    """The table's lines: a rate, and the seconds for each block size."""
    by_block = {name: lengths(block) for name, block in BLOCKS.items()}
    lines = [
        "| line | " + " | ".join(f"{name} lengths, s" for name in BLOCKS) + " |",
        "| --- |" + " ---: |" * len(BLOCKS),
    ]
    for line in Line:
        seconds = (
            sum(line_time_s(line, *each) for each in exchanged) for exchanged in by_block.values()
        )
        lines.append(f"| `{line}` | " + " | ".join(f"{time_s:.2f}" for time_s in seconds) + " |")
    for name, exchanged in by_block.items():
        total = sum(there + back for there, back in exchanged)
        lines.append(f"\n{name} lengths: {len(exchanged)} commands, {total:,} bytes both ways")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--patient", default="valid")
    parser.add_argument("--world", type=Path, default=DEFAULT_ROOT)
    arguments = parser.parse_args()
    world = World(arguments.world)
    print("\n".join(rows(lambda block: lengths_of_a_visit(arguments.patient, world, block))))


if __name__ == "__main__":
    main()
