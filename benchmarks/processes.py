"""What processes use, as Linux counts it: CPU seconds, resident memory now and at its peak.

Resident, not proportional, memory (RSS, not PSS): the budgets speak of it, the kernel keeps its
peak (VmHWM) besides, and a worker that leaves no core dump lets nobody but root read its shares. A
library that two processes map is counted in both, so sums come out too high rather than too low.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
KB_PER_MB: Final = 1024
PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment."""

    pid: int
    parent: int
    command: tuple[str, ...]
    cpu_s: float
    """Its own, and of children that ended and were waited for."""
    rss_mb: float
    peak_mb: float
    """The most it ever had resident."""


def usage_of(pid: int) -> Usage | None:
    """What a process uses; None when it is gone, or has no memory of its own any more."""
    with suppress(FileNotFoundError, ProcessLookupError):
        command = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
        # The name, in brackets, may hold anything; what follows it is numbers (proc(5)).
        numbers = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        status = dict(
            line.split(":", 1) for line in (PROC / str(pid) / "status").read_text().splitlines()
        )
        if "VmHWM" not in status:
            return None
        return Usage(
            pid=pid,
            parent=int(numbers[1]),
            command=tuple(command.rstrip("\0").split("\0")),
            cpu_s=sum(map(int, numbers[11:15])) / TICKS_PER_S,
            rss_mb=_megabytes(status["VmRSS"]),
            peak_mb=_megabytes(status["VmHWM"]),
        )
    return None


def below(ancestor: int) -> dict[int, Usage]:
    """Every descendant of a process, by its id."""
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())
    return descendants([usage for pid in pids if (usage := usage_of(pid)) is not None], ancestor)


def descendants(usages: Iterable[Usage], ancestor: int) -> dict[int, Usage]:
    """Those whose line of parents leads to `ancestor`, which is not one of them."""
    children: dict[int, list[Usage]] = {}
    for usage in usages:
        children.setdefault(usage.parent, []).append(usage)
    found: dict[int, Usage] = {}
    waiting = [ancestor]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return found


def cpu_s_between(before: Mapping[int, Usage], after: Mapping[int, Usage]) -> dict[int, float]:
    """CPU seconds of every process of `after` since `before`; a new one began at nothing."""
    return {
        pid: usage.cpu_s - (before[pid].cpu_s if pid in before else 0.0)
        for pid, usage in after.items()
    }


def percent_of_one_core(cpu_s: float, elapsed_s: float) -> float:
    """100 is one core, busy all the time."""
    return 100.0 * cpu_s / elapsed_s


def _megabytes(line: str) -> float:
    kilobytes, unit = line.split()
    assert unit == "kB"
    return int(kilobytes) / KB_PER_MB
