"""Contestants side by side: each in its own process, called in turn, round by round.

Whatever else the machine does meets all of them alike, so the rounds are compared in pairs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from contest.standings import Round

ROOT = Path(__file__).resolve().parents[2]
OURS = Path(sys.executable)
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LEAVING_S = 10.0


class Absent(Exception):
    """A contestant cannot take part here; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who takes part: a name, the Python that has its libraries, and what is made there."""

    name: str
    python: Path
    entry: str
    arguments: Mapping[str, Any]
    pause_s: float = 0.0
    """Before each timed call: what it prepares between two calls is then ready."""


class Contestant:
    """One child process; `Absent` when it cannot be made, or does not survive what it is asked."""

    def __init__(self, entry: Entry, threads: int = 1) -> None:
        self.name, self._pause_s = entry.name, entry.pause_s
        environment = {
            **os.environ,
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            "OMP_WAIT_POLICY": "passive",  # nobody spins, as ours does not
            "PYTHONPATH": f"{ROOT / 'benchmarks'}:{ROOT}",
        }
        self._complaints = TemporaryFile()  # noqa: SIM115  (closed by close)
        self._process = subprocess.Popen(
            [str(entry.python), "-m", "contest.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
            text=True,
        )
        try:
            answer = self._ask({"make": entry.entry, "arguments": dict(entry.arguments)})
            if "absent" in answer:
                raise Absent(answer["absent"])
        except Absent:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def call(self, method: str, **arguments: Any) -> Any:
        """What the contestant's method answers."""
        return self._ask({"call": method, "arguments": arguments})

    def time(self, method: str, calls: int) -> list[tuple[float, float]]:
        """(wall, CPU) milliseconds of each call."""
        request = {"time": method, "calls": calls, "pause_s": self._pause_s}
        return [(wall, cpu) for wall, cpu in self._ask(request)]

    def close(self) -> None:
        """End the process; it ends by itself when nobody asks any more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(LEAVING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._complaints.close()

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Absent(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with code {self._process.returncode}"


@contextmanager
def contestants(
    entries: list[Entry], threads: int
) -> Iterator[tuple[list[Contestant], dict[str, str]]]:
    """All that can take part, and why the others cannot."""
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        present = []
        for entry in entries:
            try:
                present.append(stack.enter_context(Contestant(entry, threads)))
            except Absent as reason:
                absent[entry.name] = str(reason)
        yield present, absent


def race(present: list[Contestant], method: str, rounds: int, calls: int) -> list[Round]:
    """So many rounds; in each, everybody's median of so many calls. Who begins, changes."""
    for contestant in present:
        contestant.time(method, 3)  # whatever a library does once, it has done
    found = []
    for number in range(rounds):
        first = number % len(present)
        wall, cpu = {}, {}
        for contestant in (*present[first:], *present[:first]):
            spent = contestant.time(method, calls)
            wall[contestant.name] = median(each for each, _ in spent)
            cpu[contestant.name] = median(each for _, each in spent)
        found.append(Round(wall, cpu))
    return found
