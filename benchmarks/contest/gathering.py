"""Templates of many pictures by one contestant, kept between runs in the working folder.

A slow peer needs half an hour for four thousand pictures; what it made of a picture stays true as
long as its version does, so the version is part of the file's name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contest.ring import Contestant

AT_ONCE = 100
MISSED = np.zeros(0, np.float32)


def gathered(
    contestant: Contestant, paths: Sequence[Path], role: str, border: float, kept: Path
) -> list[NDArray[np.float32] | None]:
    """The template of each picture, None where the contestant found no face.

    `kept` is the file that holds what was gathered before, and will hold what is gathered now.
    """
    known = _read(kept)
    wanted = [path for path in paths if str(path) not in known]
    for start in range(0, len(wanted), AT_ONCE):
        chunk = [str(path) for path in wanted[start : start + AT_ONCE]]
        found = contestant.call("templates", paths=chunk, role=role, border=border)
        for path, values in zip(chunk, found, strict=True):
            known[path] = MISSED if values is None else np.array(values, np.float32)
        _write(kept, known)
        print(
            f"{time.strftime('%X')} {contestant.name} {role} {start + len(chunk)}/{len(wanted)}",
            file=sys.stderr,
            flush=True,
        )
    return [None if known[str(path)].size == 0 else known[str(path)] for path in paths]


def _read(file: Path) -> dict[str, NDArray[np.float32]]:
    if not file.exists():
        return {}
    with np.load(file) as stored:
        return {name: stored[name] for name in stored.files}


def _write(file: Path, known: dict[str, NDArray[np.float32]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part.npz")
    np.savez(unfinished, **known)
    unfinished.replace(file)
