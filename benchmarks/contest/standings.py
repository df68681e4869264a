"""Who was how fast, out of rounds in which everybody ran: medians and ratios, nothing else.

A ratio is taken within each round and its median over the rounds, so that a busy machine, which
slows a whole round, changes it little. An absolute time says something of one machine on one day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds of each contestant in one round: on the clock, and of CPU."""

    wall_ms: Mapping[str, float]
    cpu_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A median ratio and the quartiles around it."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One contestant: its median times, and how many times as long as another it took."""

    name: str
    wall_ms: float
    cpu_ms: float
    to_best: Ratio
    to_best_cpu: Ratio


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Of two series that were measured in pairs."""
    each = [a / b for a, b in zip(above, below, strict=True)]
    if len(each) < 2:
        return Ratio(each[0], each[0], each[0])
    low, middle, high = quantiles(each, n=4, method="inclusive")
    return Ratio(middle, low, high)


def ratio_of(rounds: Sequence[Round], name: str, other: str) -> Ratio:
    """How many times as long as `other` this contestant took, on the clock."""
    return ratio([r.wall_ms[name] for r in rounds], [r.wall_ms[other] for r in rounds])


def cpu_ratio_of(rounds: Sequence[Round], name: str, other: str) -> Ratio:
    """How many times as much CPU as `other` this contestant spent."""
    return ratio([r.cpu_ms[name] for r in rounds], [r.cpu_ms[other] for r in rounds])


def standings(rounds: Sequence[Round]) -> list[Standing]:
    """All contestants, the fastest first; the best is whoever has the smallest median."""
    wall = {name: median(r.wall_ms[name] for r in rounds) for name in rounds[0].wall_ms}
    cpu = {name: median(r.cpu_ms[name] for r in rounds) for name in rounds[0].cpu_ms}
    best, best_cpu = min(wall, key=wall.__getitem__), min(cpu, key=cpu.__getitem__)
    return [
        Standing(
            name,
            wall[name],
            cpu[name],
            ratio_of(rounds, name, best),
            cpu_ratio_of(rounds, name, best_cpu),
        )
        for name in sorted(wall, key=wall.__getitem__)
    ]
