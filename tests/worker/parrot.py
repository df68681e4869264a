"""A worker for tests: says a word again, its process id, nothing at all, or nonsense."""

from __future__ import annotations

import os
import sys

import msgspec

from firmware.worker import Line, die_with_parent


class Say(msgspec.Struct, frozen=True, tag="say"):
    """→ `Said`"""

    word: str


class Said(msgspec.Struct, frozen=True, tag="said"):
    word: str
    process: int


class Chirp(msgspec.Struct, frozen=True, tag="chirp"):
    """News: sent before every answer."""


def main() -> None:
    die_with_parent()
    line: Line[Say] = Line(int(sys.argv[-1]), Say)
    while (request := line.receive()) is not None:
        match request.word:
            case "mute":
                continue
            case "die":
                return
            case "nonsense":
                os.write(line.fileno(), b"\0\0\0\1\xc1")
            case word:
                line.send(Chirp())
                line.send(Said(word, os.getpid()))


if __name__ == "__main__":
    main()
