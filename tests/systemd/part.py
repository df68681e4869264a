"""A worker for tests, `part KIND HOW`: `well`, `late` (nobody watches, or looks for a frame),
`deaf` after its first word, or `mute` from the beginning."""

from __future__ import annotations

import signal
import sys

from firmware.card.requests import ReaderSeen
from firmware.card.requests import Well as Watching
from firmware.match.requests import REQUESTS, CameraSeen, VisionMessage
from firmware.match.requests import Well as Looking
from firmware.worker import Line, die_with_parent

OVERDUE_S = {"well": 0.0, "late": 60.0}
WELL = {"card worker": Watching, "vision worker": Looking}
FIRST_WORDS = {"card worker": ReaderSeen(None), "vision worker": CameraSeen(ready=False)}


def main(kind: str, how: str, descriptor: int) -> None:
    die_with_parent()
    line: Line[VisionMessage] = Line(descriptor, REQUESTS)
    if how != "mute":
        line.send(FIRST_WORDS[kind])
    if how not in OVERDUE_S:
        signal.pause()
    while line.receive() is not None:
        line.send(WELL[kind](OVERDUE_S[how]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
