"""How long the line alone takes to read the photo and the certificate, by rate and block size.

    python benchmarks/card_line.py [--patient ID] [--world DIR]

The card worker's own desk reads a virtual card in this process, as `apdus.py` counts it; the bytes
of every command and answer become seconds by `firmware/simulator/line_time.py`. Nothing is
measured: no reader, no work of the chip. A card inserted with `--option line=NAME` takes the same
times in the real daemon.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from apdus import Lengths, exchanged, photo_and_certificate

from firmware.card.apdu import EXTENDED_LE_MAX, SHORT_LE_MAX
from firmware.simulator.card_image import load
from firmware.simulator.line_time import Line, line_time_s
from firmware.simulator.world import DEFAULT_ROOT, World

BLOCKS = {"short": SHORT_LE_MAX, "extended": EXTENDED_LE_MAX}
"""Bytes that one READ BINARY may bring."""


def rows(lengths: Callable[[int], Lengths]) -> list[str]:
    """The table's lines: a rate, and the seconds for each block size."""
    by_block = {name: lengths(block) for name, block in BLOCKS.items()}
    lines = [
        "| line | " + " | ".join(f"{name} lengths, s" for name in BLOCKS) + " |",
        "| --- |" + " ---: |" * len(BLOCKS),
    ]
    for line in Line:
        seconds = (sum(line_time_s(line, *each) for each in pairs) for pairs in by_block.values())
        lines.append(f"| `{line}` | " + " | ".join(f"{time_s:.2f}" for time_s in seconds) + " |")
    for name, pairs in by_block.items():
        total = sum(there + back for there, back in pairs)
        lines.append(f"\n{name} lengths: {len(pairs)} commands, {total:,} bytes both ways")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--patient", default="valid")
    parser.add_argument("--world", type=Path, default=DEFAULT_ROOT)
    arguments = parser.parse_args()
    image = load(World(arguments.world).cards / arguments.patient)
    requests = photo_and_certificate(arguments.patient)
    print("\n".join(rows(lambda block: exchanged(image, block, *requests))))


if __name__ == "__main__":
    main()
