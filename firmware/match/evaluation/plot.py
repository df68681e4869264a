"""The DET curves of an evaluation as a picture. [shell]

matplotlib is an extra of its own, and is imported when a picture is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from firmware.faults import PlotsMissing
from firmware.match.evaluation.result import Evaluation

WAY_OUT: Final = (
    "the curves need matplotlib, which is not installed: pip install 'kazashi[plots]', or Debian's "
    "python3-matplotlib; the other files have the same figures"
)
LEAST_FNMR: Final = 1e-4  # none at all lies on the lower edge
INCHES: Final = (8.0, 6.0)
DOTS_PER_INCH: Final = 80  # a picture of some eight curves stays below 100 kB
STYLES: Final = ("-", "--")  # every picture as photo, and only fit ones


def draw(found: Evaluation, path: Path) -> None:
    """Write a PNG; raises `PlotsMissing`, `OSError`."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as cause:
        raise PlotsMissing(WAY_OUT) from cause
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()
    photos = list(dict.fromkeys(each.photos for each in found.experiments))
    kinds = list(dict.fromkeys((each.set, each.name) for each in found.experiments))
    for each in found.experiments:
        if not each.det:
            continue
        fmr, errors = zip(*each.det, strict=True)
        fnmr = [max(share, LEAST_FNMR) for share in errors]
        first = each.photos == photos[0]
        label = f"{each.set}, {each.name}" if first else None
        style = STYLES[photos.index(each.photos)]
        colour = f"C{kinds.index((each.set, each.name))}"
        (line,) = axes.plot(fmr, fnmr, style, color=colour, label=label)
        at = each.operating_point
        if at.fmr and at.fnmr and at.fmr.errors:
            here = [max(at.fnmr.value, LEAST_FNMR)]
            axes.plot([at.fmr.value], here, "o", color=line.get_color())
    axes.set(xscale="log", yscale="log", xlim=(1e-7, 0.1), ylim=(LEAST_FNMR, 0.5))
    axes.set(xlabel="FMR: strangers accepted", ylabel="FNMR: holders refused")
    point = found.operating_point
    axes.set_title(
        f"{found.model_id}\ndots: the shipped threshold {point['threshold']}; "
        f"broken lines: only fit pictures as photo",
        fontsize="medium",
    )
    axes.grid(visible=True, which="both", alpha=0.25)
    if axes.lines:
        figure.legend(loc="outside lower center", ncols=2, fontsize="x-small")
    figure.savefig(path, metadata={"Software": None})
