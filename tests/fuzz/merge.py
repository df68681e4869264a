"""Put into the corpus what a fuzzing run found and what runs lines that the corpus does not.

`python tests/fuzz/merge.py FOLDER`, the folder with one folder of inputs for each target. The
shortest first, so that the corpus stays small.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

from targets import CORPUS, TARGETS

ROOT = Path(__file__).parents[2]
OURS = (str(ROOT / "firmware"), str(ROOT / "hostdriver"))

Place = tuple[str, int]


def lines_of(run: Callable[[bytes], None], content: bytes) -> set[Place]:
    """The lines of our own code that one input runs."""
    seen: set[Place] = set()

    def trace(frame: FrameType, event: str, _argument: object) -> object:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        run(content)
    finally:
        sys.settrace(None)
    return seen


def worth_keeping(
    run: Callable[[bytes], None], known: Iterable[bytes], found: Iterable[bytes]
) -> list[bytes]:
    """Those of `found` that add a line to what `known` and the shorter ones run."""
    reached: set[Place] = set()
    for content in known:
        reached |= lines_of(run, content)
    kept = []
    for content in sorted(found, key=len):
        if not (reached >= (lines := lines_of(run, content))):
            reached |= lines
            kept.append(content)
    return kept


def main(folder: Path) -> None:
    """For every target that the folder has something for."""
    for target in TARGETS.values():
        corpus, found = CORPUS / target.name, folder / target.name
        if found.is_dir():
            known = [path.read_bytes() for path in sorted(corpus.iterdir())]
            inputs = [path.read_bytes() for path in sorted(found.iterdir())]
            for content in worth_keeping(target.run, known, inputs):
                (corpus / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
