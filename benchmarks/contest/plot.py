"""The plot of a run: who is how many times slower than the best, and who errs how often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Json = dict[str, Any]
OURS_COLOUR, PEER_COLOUR, GRID = "#0b6e5f", "#b9c2c9", "#e4e8eb"
FRAMES = {1: "1 frame", 5: "5 frames"}
MISSED = "not measured in this run"


def draw(path: Path, every: Json) -> None:
    """Three panels into a PNG: error rates, whole frames, the embedding by engine."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9})
    figure, panels = pyplot.subplots(1, 3, figsize=(14, 4.6), dpi=100)
    _errors(panels[0], every.get("errors", {}).get("found", []))
    _frames(panels[1], every.get("pipelines", {}).get("found", []))
    _embedding(panels[2], every.get("engines", {}).get("found", []))
    figure.tight_layout(w_pad=3)
    figure.savefig(path, metadata={"Software": None})
    pyplot.close(figure)


def _errors(axes: Any, rows: list[Json]) -> None:
    rows = [row for row in rows if row["fnmr"] is not None]
    rows.sort(key=lambda row: (row["faces"], row["frames"], row["fnmr"]["value"]), reverse=True)
    values = [100 * row["fnmr"]["value"] for row in rows]
    spreads = [
        [max(0.0, v - 100 * row["fnmr"]["low"]) for v, row in zip(values, rows, strict=True)],
        [max(0.0, 100 * row["fnmr"]["high"] - v) for v, row in zip(values, rows, strict=True)],
    ]
    names = [f"{row['faces']}, {FRAMES[row['frames']]}: {row['pipeline']}" for row in rows]
    _bars(axes, names, values, "%", spreads)
    _title(axes, "The right person refused, at FMR 10⁻⁴")


def _frames(axes: Any, tables: list[Json]) -> None:
    names, values = [], []
    for table in tables[:2]:
        best = min(row["cpu_ms"] for row in table["standings"])
        for row in sorted(table["standings"], key=lambda row: -row["cpu_ms"]):
            names.append(f"{table['part'].partition(',')[0]}: {row['name']}")
            values.append(row["cpu_ms"] / best)
    _bars(axes, names, values, "×")
    _title(axes, "A pipeline's CPU time, times the best")


def _embedding(axes: Any, tables: list[Json]) -> None:
    names, values = [], []
    for table in tables:
        if table["threads"] == 1 and table["network"] == "face-embedder":
            for row in reversed(table["standings"]):
                names.append(row["name"])
                values.append(row["to_best_cpu"]["median"])
    _bars(axes, names, values, "×")
    _title(axes, "SFace by engine, in CPU time")


def _title(axes: Any, text: str) -> None:
    axes.set_title(text, loc="center", fontsize=10, fontweight="bold", pad=10)


def _bars(axes: Any, names: list[str], values: list[float], unit: str, spreads: Any = None) -> None:
    colours = [OURS_COLOUR if "ours" in name else PEER_COLOUR for name in names]
    places = range(len(names))
    axes.barh(places, values, color=colours, xerr=spreads, ecolor="#5b6770", capsize=2, height=0.7)
    axes.set_yticks(list(places), names)
    ends = [v + (spreads[1][i] if spreads else 0.0) for i, v in enumerate(values)]
    widest = max(ends, default=1.0)
    for place, (value, end) in enumerate(zip(values, ends, strict=True)):
        axes.text(end + widest * 0.02, place, f"{value:.2f} {unit}", va="center", fontsize=8)
    axes.set_xlim(0, widest * 1.22)
    axes.xaxis.grid(visible=True, color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    if not names:
        axes.text(0.5, 0.5, MISSED, ha="center", transform=axes.transAxes)
