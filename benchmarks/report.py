"""How the accuracy is written down: Markdown and a DET plot for people, JSON for the tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from error_rates import Trials, det_curve

ROOT = Path(__file__).resolve().parents[1]
EMBEDDER = ROOT / "models" / "face-embedder"

sys.path.insert(0, str(ROOT / "models"))
from card_file import read_card, write_card  # noqa: E402  (models/ is a folder of programs)

ON_WHOM = """\
On whom: NUAA, seven Chinese people before a webcam, in sessions weeks apart; LFW-grey, press
pictures of public figures, few of them East Asian, tight grey crops, often years apart. **No card
photo, no patient before this camera and no Japanese face was to be had.** The pictures were given a
grey border before they were shown to the detector. Each reference was stored as a grey JPEG 2000
of 5 kB, 240 pixels wide.
"""
HOW = """\
How: the threshold is the strictest of those at which FMR was 10⁻⁴ in each experiment, plus a
margin of {margin}. The sequential rule is part of the measurement: an impostor's score of a whole
look is the best of his tries with three, four and five frames. FMR counts every pair of different
people, without choosing similar ones. Bounds are one-sided, 95 %, over resampled people; where no
error was seen, over pairs of people. Seven people say little, whatever the number of pairs. The
pictures that chose the threshold are the ones that were counted: on others it will do worse, and
the margin is there for that.
"""


def write_report(out: Path, result: dict[str, Any], trials: list[Trials]) -> None:
    """accuracy.md, accuracy.json and accuracy.png in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "accuracy.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    page = "# Accuracy of the face comparison\n\n" + _body(result) + "\n![DET](accuracy.png)\n"
    (out / "accuracy.md").write_text(page, encoding="utf-8")
    _plot(out / "accuracy.png", result, trials)


def write_card_and_evaluation(result: dict[str, Any]) -> None:
    """The operating point into the embedder's card, and the same numbers beside it in words."""
    write_card(EMBEDDER, {**read_card(EMBEDDER), "operating_point": result["operating_point"]})
    page = f"# Evaluation of {result['model_id']}\n\n{_body(result)}\n"
    page += (
        "The curves: `benchmarks/results/accuracy.png`. What is too small, blurred or dark to be\n"
    )
    page += "compared: `benchmarks/results/quality.md`.\n"
    (EMBEDDER / "evaluation.md").write_text(page, encoding="utf-8")


def _body(result: dict[str, Any]) -> str:
    point = result["operating_point"]
    lines = [
        f"Written by `make bench-accuracy`. Model `{result['model_id']}`, SHA-256 "
        f"`{result['model_sha256'][:16]}…`.\n",
        f"**Operating point `{point['id']}`: threshold {point['threshold']} (cosine), FMR "
        f"{point['fmr']:.2e} (≤ {point['fmr_upper_95']:.2e}), FNMR {point['fnmr']:.2%} "
        f"(≤ {point['fnmr_upper_95']:.2%})**; {point['measured_on']}.\n",
        ON_WHOM,
        HOW.format(margin=result["margin"]),
        "| experiment | people | impostor pairs | genuine pairs | threshold at FMR 10⁻⁴ "
        "| FMR here | ≤ | FNMR here | ≤ |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for rate in result["rates"]:
        alone = result["threshold_at_wanted_fmr"][rate["name"]]
        lines.append(
            f"| {rate['name']} | {rate['people']} | {rate['impostor_pairs']:,} "
            f"| {rate['genuine_pairs']:,} | {alone:.3f} | {rate['fmr']:.1e} "
            f"| {rate['fmr_upper_95']:.1e} | {rate['fnmr']:.2%} | {rate['fnmr_upper_95']:.2%} |"
        )
    lines += ["", "Pictures that gave no template (failure to acquire; left out of the rates):\n"]
    lines += ["| pictures | of | refused |", "|---|---|---|"]
    for name, row in result["acquired"].items():
        reasons = ", ".join(f"{hint} {count}" for hint, count in sorted(row["refused"].items()))
        lines.append(f"| {name} | {row['pictures']} | {reasons or 'none'} |")
    return "\n".join(lines) + "\n"


def _plot(path: Path, result: dict[str, Any], trials: list[Trials]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5), dpi=110)
    for each, rate in zip(trials, result["rates"], strict=True):
        fmr, fnmr = det_curve(each)
        (line,) = axes.plot(fmr, fnmr, label=each.name)
        if rate["fmr"] > 0:
            axes.plot([rate["fmr"]], [rate["fnmr"]], "o", color=line.get_color())
    axes.set(xscale="log", yscale="log", xlim=(1e-6, 0.1), ylim=(1e-4, 0.5))
    axes.set(xlabel="FMR: strangers accepted", ylabel="FNMR: patients refused")
    axes.set_title(f"DET; dots: threshold {result['threshold']}")
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
