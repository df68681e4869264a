"""A vision worker for tests: `part well`, `part late` (no frame was looked for), `part deaf`."""

from __future__ import annotations

import signal
import sys

from firmware.match.requests import REQUESTS, VisionMessage, Well
from firmware.worker import Line, die_with_parent

OVERDUE_S = {"well": 0.0, "late": 60.0}


def main(how: str, descriptor: int) -> None:
    die_with_parent()
    line: Line[VisionMessage] = Line(descriptor, REQUESTS)
    if how not in OVERDUE_S:
        signal.pause()
    while line.receive() is not None:
        line.send(Well(OVERDUE_S[how]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
