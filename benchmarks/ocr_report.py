"""What became of the cards, written down: Markdown and a plot for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from ocr_cards import DEVELOPMENT, CardSet

from firmware.simulator.tray_views import LADDER

GOAL_LEVELS = (1, 2, 3)
Row = dict[str, Any]

ON_WHAT = """\
On what: drawn cards, each in its own view, on assumed places, in the fonts below. **No real card
under a real tray camera was to be had.** What the levels mean: `firmware/simulator/tray_views.py`,
fixed beforehand. The reading was tuned on other seeds and on other fonts: {others}. One card in
eight is a foreign resident's, whose expiry is no birthday; one in ten was born at a border of eras.
These cards were scored once before, by an earlier reading: 96.45 % at the first look, none wrong.

The scored fonts have no slashed 0, assumed of the card's print too: where there is one, a scratch
can make it a 6. What no reading of the print can see is a scratch that takes a part of a digit and
leaves another: of 650 cards of the development with strokes aimed at their digits (such as
`--set aimed` draws) one was read wrongly, an 8 whose left half was gone.

A look is up to six frames of the card as it lies. The second look is of the same card laid down
anew. Then the staff key the number in. Intervals are Clopper and Pearson's, 95 %.
"""


def interval(hits: int, of: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval of a share, by bisection of the binomial's tails."""
    if of == 0:
        return 0.0, 1.0
    low = 0.0 if hits == 0 else _bisect(lambda p: _at_least(hits, of, p) - 0.025)
    high = 1.0 if hits == of else _bisect(lambda p: 0.025 - (1.0 - _at_least(hits + 1, of, p)))
    return low, high


def write_report(out: Path, card_set: CardSet, rows: list[Row]) -> str:
    """ocr.md, ocr.json and ocr.png in a folder; the table is returned too."""
    out.mkdir(parents=True, exist_ok=True)
    levels = {level: [row for row in rows if row["level"] == level] for level in range(1, 6)}
    summary = {str(level): _summary(cards) for level, cards in levels.items()}
    summary["1-3"] = _summary([row for row in rows if row["level"] in GOAL_LEVELS])
    summary["1-5"] = _summary(rows)
    fonts = {
        font.file: _summary([row for row in rows if row["font"] == font.file and row["level"] <= 3])
        for font in card_set.fonts
    }
    result = {"set": card_set.name, "levels": summary, "fonts_levels_1_to_3": fonts}
    (out / "ocr.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    table = _table(summary)
    page = [
        "# Reading the printed number\n",
        "Written by `make bench-ocr`.\n",
        ON_WHAT.format(others=", ".join(font.file for font in DEVELOPMENT.fonts)),
        table,
        "By font, levels 1 to 3:\n",
        "| font | Debian package | cards | at the first look | wrong |",
        "|---|---|---|---|---|",
        *(
            f"| {font.file} | {font.package} | {fonts[font.file]['cards']} "
            f"| {_share(fonts[font.file], 'first')} | {fonts[font.file]['wrong']} |"
            for font in card_set.fonts
        ),
        "\n![by level](ocr.png)",
    ]
    (out / "ocr.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    _plot(out / "ocr.png", summary)
    return table


def _summary(cards: list[Row]) -> Row:
    looks = [row["look"] for row in cards]
    times = sorted(spent for row in cards for spent in row["cpu_s"])
    return {
        "cards": len(cards),
        "two_frames": sum(row["look"] == 1 and row["frames"] == 2 for row in cards),
        "first": looks.count(1),
        "second": looks.count(2),
        "keyed": looks.count(None),
        "wrong": sum(row["right"] is False for row in cards),
        "look_ms_median": round(1000 * median(times)) if times else None,
        "look_ms_95": round(1000 * times[int(0.95 * len(times))]) if times else None,
    }


def _table(summary: dict[str, Row]) -> str:
    lines = [
        "| level | cards | after two frames | at the first look | at the second | keyed by staff "
        "| **wrong** | CPU ms a look: median, 95 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in summary.items():
        title = LADDER[int(name) - 1].name if len(name) == 1 else name
        _, most_wrong = interval(row["wrong"], row["cards"])
        lines.append(
            f"| {title} | {row['cards']} | {row['two_frames']} | {_share(row, 'first')} "
            f"| {row['second']} | {row['keyed']} | **{row['wrong']}** (≤ {most_wrong:.2%}) "
            f"| {row['look_ms_median']}, {row['look_ms_95']} |"
        )
    return "\n".join(lines) + "\n"


def _share(row: Row, key: str) -> str:
    if row["cards"] == 0:
        return "–"
    low, high = interval(row[key], row["cards"])
    return f"{row[key]} = {row[key] / row['cards']:.2%} ({low:.2%} – {high:.2%})"


def _at_least(hits: int, of: int, p: float) -> float:
    if p <= 0.0 or p >= 1.0:
        return float(p >= 1.0)
    less = sum(
        math.exp(
            math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
            + k * math.log(p) + (of - k) * math.log1p(-p)
        )
        for k in range(hits)
    )  # fmt: skip
    return max(0.0, 1.0 - less)


def _bisect(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
    return (low + high) / 2


def _plot(path: Path, summary: dict[str, Row]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=110)
    names = [level.name for level in LADDER]
    rows = [summary[str(number)] for number in range(1, 6)]
    bottom = [0.0] * 5
    kinds = (("first", "first look", "#2f7d4f"), ("second", "second look", "#8fc3a3"))
    for key, label, colour in (*kinds, ("keyed", "keyed by staff", "#c9c9c9")):
        part = [100 * row[key] / max(row["cards"], 1) for row in rows]
        axes.bar(names, part, bottom=bottom, label=label, color=colour)
        bottom = [below + height for below, height in zip(bottom, part, strict=True)]
    axes.set(ylabel="% of cards", ylim=(0, 100), title="Reading the printed number, by level")
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
