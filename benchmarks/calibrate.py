"""Chooses the threshold of a device and writes it, with its evidence, into the embedder's card.

Run: python benchmarks/calibrate.py --faces DIR --write-card

DIR holds sets of faces as for `kazashi-match evaluate` (docs/ACCURACY.md), at least one of hundreds
of people. How a threshold is found stands in `firmware.match.evaluation.calibration`. Without
`--write-card` nothing is written but benchmarks/results/calibration.json.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from firmware.faults import EvaluationRefused
from firmware.match.compare import LookRule
from firmware.match.evaluation.calibration import (
    MARGIN,
    WANTED_FMR,
    Calibration,
    calibrate,
    lowest_that_recovered,
    whole_looks,
)
from firmware.match.evaluation.card_photos import CardPhoto
from firmware.match.evaluation.face_folders import FaceSet, read_faces
from firmware.match.evaluation.intervals import Share, rounded_up
from firmware.match.evaluation.measuring import Conditions, border_for, measure
from firmware.match.evaluation.rates import Rates, Trials, rates_at
from firmware.match.evaluation.trials import Attempt, Measured, crossed
from firmware.match.model_card import Form, ModelCard, OperatingPoint
from firmware.match.runtime import EMBEDDER, OnnxNetworks, models_folder
from firmware.settings import LOOKS_OF_A_VISIT

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))
from card_file import read_card, write_card  # noqa: E402  (models/ is a folder of programs)

PROGRESS_EVERY: Final = 200
HOPELESS_MARGIN: Final = 0.05  # below the lowest score that recovered: of other people one may


ON_WHOM: Final = """\
On whom: NUAA, seven Chinese people before a webcam, in sessions weeks apart; LFW-grey, press
pictures of public figures, few of them East Asian, tight grey crops, often years apart. **No card
photo, no patient before this camera and no Japanese face was to be had.** Each reference was stored
as a grey JPEG 2000 of 5 kB, 240 pixels wide.
"""
HOW: Final = """\
How: wanted is an FMR of {wanted:.0e} of a whole visit. A visit allows {looks} looks, each decided
after three, four or five frames, and a stranger may pass with any: a visit is counted as {looks}
times one look, which holds however they hang together. The upper bound (95 %, people drawn again,
widened to exact bounds on pairs of people) has to keep to it, on all people and on either half of
them. The strictest threshold was taken, and a margin of {margin}. FMR counts every pair of
different people, without choosing similar ones. Looks are drawn of people with three fit pictures
or more, of up to five; everybody's pictures are references.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A threshold, what asked for it, and what it does on each set."""

    point: OperatingPoint
    calibrations: tuple[Calibration, ...]
    rates: Mapping[str, Rates]  # of one look
    hopeless_at: float  # the lowest score of a try that recovered
    given_up: Mapping[str, float]  # share of strangers' looks that end before their last frame


def calibrated(sets: Mapping[str, Measured], rule: LookRule, looks: int) -> Evidence:
    """The operating point that all sets together ask for."""
    attempts = {name: whole_looks(measured, rule) for name, measured in sets.items()}
    trials = {name: crossed(name, measured, attempts[name]) for name, measured in sets.items()}
    calibrations = tuple(calibrate(each, looks) for each in trials.values())
    threshold = round(max(each.threshold for each in calibrations) + MARGIN, 3)
    rates = {name: rates_at(each, threshold) for name, each in trials.items()}
    recovered = min(
        lowest_that_recovered(measured, attempts[name], threshold)
        for name, measured in sets.items()
    )
    hopeless = round(recovered - HOPELESS_MARGIN, 2)
    bounded = {each.name for each in calibrations if each.bounded} or set(rates)
    by_fmr = max(bounded, key=lambda name: _seen(rates[name].fmr).upper_95)
    by_fnmr = max(rates, key=lambda name: _seen(rates[name].fnmr).value)
    fmr, fnmr = _seen(rates[by_fmr].fmr), _seen(rates[by_fnmr].fnmr)
    point = OperatingPoint(
        id=f"visit-{looks}x{rule.at_least}to{rule.at_most}-{threshold:.3f}",
        threshold=threshold,
        frames=rule.at_most,
        fmr=_short(looks * fmr.value),
        fmr_upper_95=rounded_up(looks * fmr.upper_95, 3),
        fnmr=_short(fnmr.value),
        fnmr_upper_95=rounded_up(fnmr.upper_95, 3),
        impostor_pairs=fmr.of,
        genuine_pairs=fnmr.of,
        measured_on=f"FMR of a visit: {by_fmr}; FNMR of a look: {by_fnmr}",
        report="models/face-embedder/evaluation.md",
        looks=looks,
        hopeless=hopeless,
    )
    given_up = {
        name: _below(
            crossed(name, measured, [_first_try(each) for each in attempts[name]]), hopeless
        )
        for name, measured in sets.items()
    }
    return Evidence(point, calibrations, rates, recovered, given_up)


def _first_try(attempt: Attempt) -> Attempt:
    return replace(attempt, looks=tuple(look[:1] for look in attempt.looks))


def _below(trials: Trials, score: float) -> float:
    """The share of strangers' scores below this one."""
    return 1 - _seen(rates_at(trials, score).fmr).value


def _seen(share: Share | None) -> Share:
    if share is None:
        raise SystemExit("a set without strangers, or without anybody twice, calibrates nothing")
    return share


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def page(evidence: Evidence, form: ModelCard | Form, first: str, model_id: str) -> str:
    """evaluation.md: the operating point and where it comes from, in words."""
    point = evidence.point
    lines = [
        f"# Evaluation of {model_id}\n",
        f"Written by `benchmarks/calibrate.py`. First embedder `{first}`, as `{form.file}`, "
        f"SHA-256 `{form.sha256[:16]}…`.\n",
        f"**Operating point `{point.id}`: threshold {point.threshold}; FMR of a visit of up to "
        f"{point.looks} looks {point.fmr:.2g} (≤ {rounded_up(point.fmr_upper_95, 2):.1e}), FNMR of "
        f"one look {point.fnmr:.2%} (≤ {100 * point.fnmr_upper_95:.3g}%)**; {point.measured_on}.\n",
        ON_WHOM,
        HOW.format(wanted=WANTED_FMR, looks=point.looks, margin=MARGIN),
        "| set | people | pairs of strangers | asks for |\n|---|---|---|---|",
        *(
            f"| {each.name} | {each.people} | {each.impostor_pairs:,} | {each.threshold:.3f}"
            f"{' (bound)' if each.bounded else ' (seen, of one look: too few people)'} |"
            for each in evidence.calibrations
        ),
        "\nThe halves share nobody; each chose its threshold alone.\n"
        f"The other one shows what that and the margin of {MARGIN} do to people who had no part:\n",
        "| half of | people | chose | FMR of a visit there | ≤ | on the other half | ≤ |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {each.name} | {half.people} | {half.threshold:.3f} | {half.visit_fmr:.1e} | "
            f"{rounded_up(half.visit_fmr_upper_95, 2):.1e} | {half.other_visit_fmr:.1e} | "
            f"{rounded_up(half.other_visit_fmr_upper_95, 2):.1e} |"
            for each in evidence.calibrations
            for half in each.halves
        ),
        f"\nAt the shipped threshold of {point.threshold}, one whole look:\n",
        "| set | FMR of a visit | ≤ | FNMR | ≤ | strangers refused after three frames |",
        "|---|---|---|---|---|---|",
        *(_row(name, evidence, point.looks) for name in evidence.rates),
        f"\nA try below {point.hopeless} ends a look at once: the lowest score of one person that "
        f"a later try of the same look mended was {evidence.hopeless_at:.3f}.\n",
        "Rates of single frames, curves and groups: `benchmarks/results/accuracy.md`. What is too "
        "small,\nblurred or dark to be compared: `benchmarks/results/quality.md`.",
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, evidence: Evidence, looks: int) -> str:
    rates = evidence.rates[name]
    fmr, fnmr = _seen(rates.fmr), _seen(rates.fnmr)
    return (
        f"| {name} | {looks * fmr.value:.1e} "
        f"| {rounded_up(min(1.0, looks * fmr.upper_95), 2):.1e} | {fnmr.value:.2%} "
        f"| {100 * rounded_up(fnmr.upper_95, 3):.3g}% | {evidence.given_up[name]:.1%} |"
    )


def write(evidence: Evidence, form: ModelCard | Form, first: str, model_id: str) -> None:
    """The operating point into the embedder's card, and its evidence beside it."""
    folder = ROOT / "models" / EMBEDDER
    operating_point = msgspec.to_builtins(evidence.point)
    write_card(folder, {**read_card(folder), "operating_point": operating_point})
    (folder / "evaluation.md").write_text(page(evidence, form, first, model_id), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--write-card", action="store_true", help="this becomes the threshold")
    arguments = parser.parse_args()
    models = models_folder()
    networks = OnnxNetworks(models)
    form, card = networks.embedder_form, networks.embedder_card
    if arguments.write_card and form != (card.quantised or card):
        raise SystemExit(
            f"{form.file} was loaded: a card is written with the quantised form, see docs/adr/0013"
        )
    sets = {
        faces.name: _measured(faces, networks, models, arguments.jobs)
        for faces in read_faces(arguments.faces).sets
    }
    evidence = calibrated(sets, LookRule(), LOOKS_OF_A_VISIT)
    write_results(evidence, arguments.out)
    if arguments.write_card:
        write(evidence, form, card.model_id, networks.model_id)


def write_results(evidence: Evidence, out: Path) -> None:
    """calibration.json: what the card quotes."""
    content = msgspec.json.format(msgspec.json.encode(asdict(evidence)), indent=2)
    out.mkdir(parents=True, exist_ok=True)
    (out / "calibration.json").write_bytes(content + b"\n")


def _measured(faces: FaceSet, networks: OnnxNetworks, models: Path, jobs: int) -> Measured:
    def progress(done: int, of: int) -> None:
        if done % PROGRESS_EVERY == 0:
            print(f"{faces.name}: {done} of {of}", file=sys.stderr, flush=True)

    border = border_for(networks, faces.pictures)
    conditions = Conditions(border.share, CardPhoto())
    return measure(faces, conditions, models=models, jobs=jobs, progress=progress).measured


if __name__ == "__main__":
    try:
        main()
    except EvaluationRefused as fault:
        sys.exit(str(fault))
