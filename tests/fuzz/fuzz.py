"""Fuzz every target for its share of the time, and tell what was found.

    python tests/fuzz/fuzz.py --seconds 600            # make fuzz SECONDS=600
    python tests/fuzz/fuzz.py --target tlv --seconds 60

Inputs that reach new code are collected in build/fuzz/<target>/, findings beside it; a finding is
played again with `python tests/fuzz/child.py TARGET FILE`. Exit code 1 if there is one. `merge.py`
takes what is worth it into the corpus.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from targets import CORPUS, TARGETS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXCEPTION = "=== Uncaught Python exception"
TOLD_CHARACTERS = 2000
SLOWEST_INPUT_S, LARGEST_PROCESS_MB = 10, 1024


@dataclass(frozen=True, slots=True)
class Report:
    """How one target fared. `finding` is empty when there is none, else what the process said of
    it: the exception, or its last lines when it was too slow, too large, or did not even start."""

    name: str
    runs: int
    finding: str


def fuzz(
    name: str, seconds: int, out: Path, *, seed: int = 0, root: Path = ROOT, corpus: Path = CORPUS
) -> Report:
    """Fuzz one target, with the firmware of the tree at `root`; seed 0 takes another each time."""
    grown, findings = out / name, out / "findings"
    grown.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    arguments = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={TARGETS[name].max_bytes}",
        f"-timeout={SLOWEST_INPUT_S}",
        f"-rss_limit_mb={LARGEST_PROCESS_MB}",
        f"-artifact_prefix={findings}/{name}-",
        "-print_final_stats=1",
        str(grown),
        str(corpus / name),
    ]
    done = _child(name, arguments, root)
    said = done.stdout + done.stderr
    runs = re.search(r"number_of_executed_units: (\d+)|Done (\d+) runs", said)
    count = int(runs[1] or runs[2]) if runs else 0
    if done.returncode == 0:
        return Report(name, count, "")
    return Report(name, count, f"exit code {done.returncode}\n{_telling(said)}")


def _telling(said: str) -> str:
    """What to read of it: from the exception on, if there was one."""
    _before, exception, after = said.partition(EXCEPTION)
    return exception + after[:TOLD_CHARACTERS] if exception else said[-TOLD_CHARACTERS:]


def _child(name: str, arguments: Sequence[str], root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(HERE / "child.py"), name, *arguments],
        env=os.environ | {"PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="again for more")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    chosen = parser.parse_args()
    names = chosen.target or list(TARGETS)
    found = 0
    for name in names:
        report = fuzz(name, max(1, chosen.seconds // len(names)), chosen.out)
        found += bool(report.finding)
        print(f"{name:14}{report.runs:>12} runs  {report.finding or 'nothing found'}", flush=True)
    print(f"findings: {found}; inputs and findings are in {chosen.out}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
