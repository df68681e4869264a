"""What the figures have to show, and whether they do: read out of a run's own findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
US = "ours"
EMBEDDER = "face-embedder"
QUANTISED = ", int8"
SHIPPED, IN_FP32 = "as shipped (int8 where there are dot products of it)", "fp32"
SAME_WEIGHTS = "embedding, SFace alone"
TO_BEST_ENGINE, TO_OPENCV = 1.1, 0.6


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise, what was seen, and whether it is kept."""

    text: str
    seen: str
    kept: bool


def goals(every: Json) -> Iterator[Goal]:
    """Those that the parts at hand can answer. Speed is judged in CPU time, on one thread."""
    for table in _found(every, "engines"):
        form = table["network"].removeprefix(EMBEDDER)
        if form in ("", QUANTISED) and table["threads"] == 1:
            (ours,) = (r for r in table["standings"] if r["name"].startswith(US))
            yield _at_most(
                f"embedding{form} ≤ {TO_BEST_ENGINE} × the best engine",
                ours["to_best_cpu"]["median"],
                TO_BEST_ENGINE,
            )
    for table in _found(every, "pipelines"):
        if table["part"] == f"{SAME_WEIGHTS}, {SHIPPED}":
            for peer, ratio in table["ours_to_each_cpu"].items():
                yield _at_most(
                    f"embedding{table['part'].removeprefix(SAME_WEIGHTS)} ≤ {TO_OPENCV} × {peer}'s "
                    "call (fp32) on the same weights",
                    ratio["median"],
                    TO_OPENCV,
                )
    device: Json = every.get("device", {}).get("found", {})
    for budget in device.get("budgets", []):
        yield Goal(
            f"{budget['what']} ≤ {budget['limit']:.0f} {budget['unit']}",
            f"{budget['seen']:.1f}",
            budget["kept"],
        )
    rows = [row for row in _found(every, "errors") if row["fnmr"] is not None]
    for ours in (row for row in rows if row["pipeline"] == US):
        for peer in rows:
            same = (peer["faces"], peer["frames"]) == (ours["faces"], ours["frames"])
            if same and peer["pipeline"] != US:
                mine, theirs = ours["fnmr"]["value"], peer["fnmr"]["value"]
                yield Goal(
                    f"fewer refused than by {peer['pipeline']}: {ours['faces']}, "
                    f"{ours['frames']} frames",
                    f"{mine:.2%} against {theirs:.2%}",
                    mine < theirs,
                )


def _found(every: Json, part: str) -> list[Json]:
    found: list[Json] = every.get(part, {}).get("found", [])
    return found


def _at_most(text: str, seen: float, limit: float) -> Goal:
    return Goal(text, f"{seen:.2f}", seen <= limit)
