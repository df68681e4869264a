"""The counters as a picture: visits by how they ended, and how long they took. [shell]

matplotlib is an extra of its own, and is imported when a picture is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from firmware.words import Outcome
from hostdriver.faults import PlotsMissing
from hostdriver.figures import Period

# Told apart by lightness too, for whoever sees no colours.
COLOURS: Final = {
    Outcome.VERIFIED: "#1b7f5c",
    Outcome.CANCELLED: "#9ecae1",
    Outcome.REFUSED: "#f0b429",
    Outcome.FAILED: "#8b1e3f",
}
WAY_OUT: Final = (
    "a picture needs matplotlib, which is not installed: pip install 'kazashi[plots]', or Debian's "
    "python3-matplotlib; --json gives the same figures"
)
PICTURES: Final = (".png", ".svg", ".pdf")
INCHES: Final = (10.0, 6.0)
MOST_LABELS: Final = 16


def draw(periods: tuple[Period, ...], path: Path) -> None:
    """Write the picture, of the kind that the ending says: one of `PICTURES`.

    Raises `PlotsMissing`, `OSError`.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as cause:
        raise PlotsMissing(WAY_OUT) from cause
    figure = Figure(figsize=INCHES, layout="constrained")
    visits, seconds = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    names = [period.period for period in periods]
    below = [0] * len(periods)
    for outcome, colour in COLOURS.items():
        heights = [
            sum(row.visits for row in period.ended if row.outcome == outcome) for period in periods
        ]
        visits.bar(names, heights, bottom=below, color=colour, label=outcome.value)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    visits.set_ylabel("visits")
    visits.legend(loc="upper left", ncols=len(COLOURS))
    timed = [(p.period, p.spent["total"]) for p in periods if "total" in p.spent]
    for of, style in (("p50_ms", "o-"), ("p90_ms", "s--")):
        values = [getattr(spent, of) / 1000 for _, spent in timed]
        seconds.plot([name for name, _ in timed], values, style, label=f"{of[1:3]} %")
    seconds.set_ylabel("seconds per visit")
    if timed:
        seconds.legend(loc="upper left")
    seconds.set_xticks(range(len(names))[:: max(1, len(names) // MOST_LABELS)])
    seconds.tick_params(axis="x", rotation=45)
    figure.savefig(path)
