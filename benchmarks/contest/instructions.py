"""Instructions of one embedding and of one whole look, counted by callgrind, whom no noise touches.

valgrind's processor has no AVX-512, so on a machine with it ONNX Runtime takes other kernels here
than it does otherwise: compare these counts with each other only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contest.counted_calls import MARK
from contest.ring import OURS, ROOT, THREAD_VARIABLES

TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Instructions:
    """Counted for one call each, and whether the machine has wider units than valgrind shows."""

    embedding: int
    look: int
    tool: str
    hides_avx512: bool


def count_instructions(portrait: Path) -> Instructions | str:
    """The counts, or why there are none. Takes minutes: callgrind is some fifty times slower."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed (Debian package valgrind)"
    version = subprocess.run(["valgrind", "--version"], check=True, capture_output=True, text=True)
    embedding, look = _counted(portrait)
    return Instructions(
        embedding,
        look,
        tool=f"callgrind, {version.stdout.strip()}",
        hides_avx512="avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8"),
    )


def _counted(portrait: Path) -> tuple[int, int]:
    environment = {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, "1"),
        "PYTHONPATH": f"{ROOT / 'benchmarks'}:{ROOT}",
        "PYTHONHASHSEED": "0",
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", f"--dump-before={MARK}"),
                *(f"--callgrind-out-file={folder}/out", str(OURS)),
                *("-m", "contest.counted_calls", str(portrait)),
            ],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
        parts = [Path(folder) / f"out.{number}" for number in (1, 2, 3)]
        if done.returncode or not all(part.is_file() for part in parts):
            raise SystemExit(f"callgrind failed:\n{done.stderr[-2000:]}")
        _, embedding, look = (counted_in(part.read_text(encoding="utf-8")) for part in parts)
    return embedding, look


def counted_in(dump: str) -> int:
    """The instructions of one of callgrind's dumps."""
    found = TOTAL.search(dump)
    if found is None:
        raise ValueError("callgrind's dump names no total")
    return int(found[1])
