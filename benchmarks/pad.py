"""Presentation-attack detection measured: attacks by species, living people, and NUAA's prints.

`make bench-pad FACES=DIR` plays presentations of the generator's scored seeds as the device would
see them and writes benchmarks/results/pad.{md,json,png}; `--write-card` lets the card quote them.
With `--fit` the card's shapes, weights and thresholds are first fitted on the development seeds,
and the card is written together with its evidence. With `--held-out` a second sample is played,
which has more of each kind of living people, and its report written elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import numpy as np
import pad_fit
from numpy.typing import NDArray
from pad_presentations import (
    DEVELOPMENT_SEEDS,
    HELD_OUT_SEEDS,
    SCORED_SEEDS,
    Presented,
    looker,
    present,
)
from pad_prints import Prints, fit, left_out_scores, read_prints
from pad_report import PADS, write_pad_card, write_report

from firmware.match.compare import Comparer
from firmware.match.evaluation.intervals import exact_bounds
from firmware.match.pad import SPARE_LOOKS, Try, decide, tries_in_light, tries_without_light
from firmware.match.pad_card import PadCard, PadEvidence
from firmware.match.runtime import OnnxNetworks, models_folder, read_pad_card
from firmware.simulator.portraits import PortraitOf, portraits_of
from firmware.simulator.presentation_species import ATTACKS, LIVING, Species
from firmware.simulator.world import DEFAULT_ROOT, World
from firmware.words import PadDecision

CONFIDENCE: Final = 0.95
MORE_LIVING: Final = 3
"""Of each seed: who fits, or asks about a kind of people, knows too little by one of them."""
LOOKS: Final = pad_fit.AT_MOST + SPARE_LOOKS


def main() -> None:
    """Measure, and write the report; with `--fit` the card as well."""
    arguments = _arguments()
    cv2.setNumThreads(1)
    networks = OnnxNetworks(models_folder())
    prints = read_prints(arguments.faces, networks)
    card = read_pad_card(PADS)
    if arguments.held_out:
        others = _play(HELD_OUT_SEEDS, arguments.count, MORE_LIVING, arguments.jobs)
        write_report(arguments.held_out, measure(others, card, prints))
        return
    if arguments.fit:
        texture = fit(prints.rows, prints.live)
        card = msgspec.structs.replace(card, texture=texture)
        played = _play(DEVELOPMENT_SEEDS, arguments.fit, MORE_LIVING, arguments.jobs)
        card = pad_fit.fit(played, card)
    result = measure(_play(SCORED_SEEDS, arguments.count, 1, arguments.jobs), card, prints)
    write_report(arguments.out, result)
    if arguments.fit or arguments.write_card:
        write_pad_card(evidenced(card, result))


def measure(presented: Sequence[Presented], card: PadCard, prints: Prints) -> dict[str, Any]:
    """All that the report says."""
    lit = [list(tries_in_light(each.sightings, each.shown, card)) for each in presented]
    unlit = [list(tries_without_light(each.sightings, card)) for each in presented]
    return {
        "model_id": card.model_id,
        "presentations": len(presented),
        "scored_seeds": [presented[0].seed, presented[-1].seed],
        "with_light": _rates(presented, lit, card, "with_light"),
        "without_light": _rates(presented, unlit, card, "without_light"),
        "scores": {
            species: [
                _finite(pad_fit.best(tries))
                for each, tries in zip(presented, lit, strict=True)
                if each.species is species
            ]
            for species in Species
        },
        "prints": _prints(prints, card),
    }


def evidenced(card: PadCard, result: dict[str, Any]) -> PadCard:
    """The card with what was measured at its points."""
    return msgspec.structs.replace(
        card,
        evidence=_evidence(result["with_light"]),
        evidence_without_light=_evidence(result["without_light"]),
    )


def _play(seeds: range, count: int, living: int, jobs: int) -> list[Presented]:
    """So many presentations of each kind of attack, and so many living people beside each."""
    people = cycle(LIVING)
    wanted = [
        (species, seed) for seed in seeds[:count] for species in (*ATTACKS, *islice(people, living))
    ]
    played = []
    with get_context("spawn").Pool(jobs) as pool:
        for one in pool.imap(_presented, wanted, chunksize=4):
            played.append(one)
            print(f"{len(played)} of {len(wanted)}", end="\r", file=sys.stderr)
    return played


def _presented(wanted: tuple[Species, int]) -> Presented:
    portrait_of, comparer = _stage()
    return present(*wanted, portrait_of, comparer, looks=LOOKS)


@cache
def _stage() -> tuple[PortraitOf, Comparer]:
    """What each process loads once."""
    cv2.setNumThreads(1)
    networks = OnnxNetworks(models_folder())
    portrait_of = cache(portraits_of(World(DEFAULT_ROOT)))
    return portrait_of, looker(networks, networks.operating_point)


def _rates(
    presented: Sequence[Presented], tries: Sequence[Sequence[Try]], card: PadCard, name: str
) -> dict[str, Any]:
    """Each species: how many there were, and how many of them were wrongly decided on.

    A presentation of which nothing could be told is a living person's error, and no attack's.
    """
    point = getattr(card, name)
    told = [decide(each, point) for each in tries]
    live = np.array([each is not None and each[0] is PadDecision.LIVE for each in told])
    untold = np.array([each is None for each in told])
    whose = np.array([each.species for each in presented])
    rows = {}
    for species in Species:
        theirs = whose == species
        errors = ~live[theirs] if species.living else live[theirs]
        rows[species.value] = _row(errors) | {"untold": int(untold[theirs].sum())}
    living = np.array([each.species.living for each in presented])
    worst = max(ATTACKS, key=lambda species: rows[species]["rate"])
    return {
        "id": point.id,
        "threshold": point.threshold,
        "texture": point.texture,
        "looks": point.looks,
        "at_most": point.at_most,
        "species": rows,
        "apcer": rows[worst] | {"species": worst.value},
        "apcer_all": _row(live[~living]),
        "bpcer": _row(~live[living]),
    }


def _prints(prints: Prints, card: PadCard) -> dict[str, Any]:
    """The passive cue alone on NUAA, people left out, at the card's least and where it is best."""
    scores = left_out_scores(prints)
    thresholds = np.sort(scores)
    worse = [max(_apcer(scores, prints, at), _bpcer(scores, prints, at)) for at in thresholds]
    equal = float(thresholds[int(np.argmin(worse))])
    return {
        "people": int(np.unique(prints.person).size),
        "at_the_point": _both(scores, prints, card.with_light.texture),
        "at_equal_errors": _both(scores, prints, equal),
        "apcer_at_bpcer_5": _apcer(scores, prints, float(np.quantile(scores[prints.live], 0.05))),
    }


def _both(scores: NDArray[np.float64], prints: Prints, at: float) -> dict[str, Any]:
    return {
        "threshold": round(at, 3),
        "apcer": _row(scores[~prints.live] >= at),
        "bpcer": _row(scores[prints.live] < at),
    }


def _apcer(scores: NDArray[np.float64], prints: Prints, at: float) -> float:
    return float((scores[~prints.live] >= at).mean())


def _bpcer(scores: NDArray[np.float64], prints: Prints, at: float) -> float:
    return float((scores[prints.live] < at).mean())


def _row(errors: NDArray[np.bool_]) -> dict[str, Any]:
    count, of = int(errors.sum()), int(errors.size)
    low, high = exact_bounds(count, of, CONFIDENCE) if of else (0.0, 1.0)
    rate = count / of if of else 0.0
    return {
        "errors": count,
        "of": of,
        "rate": round(rate, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _evidence(rates: dict[str, Any]) -> PadEvidence:
    apcer, bpcer = rates["apcer"], rates["bpcer"]
    return PadEvidence(
        apcer=apcer["rate"],
        apcer_upper_95=apcer["high"],
        apcer_species=apcer["species"],
        apcer_all=rates["apcer_all"]["rate"],
        bpcer=bpcer["rate"],
        bpcer_upper_95=bpcer["high"],
        attacks=rates["apcer_all"]["of"],
        live=bpcer["of"],
        measured_on="the generator's scored seeds, none of which was used in development",
        report="benchmarks/results/pad.md",
    )


def _finite(score: float) -> float | None:
    return round(score, 2) if np.isfinite(score) else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="folder with nuaa/live and print")
    parser.add_argument("--count", type=int, default=150, help="presentations of each species")
    parser.add_argument("--fit", type=int, help="fit the card first, on so many of each species")
    parser.add_argument("--held-out", type=Path, help="measure a second sample, into this folder")
    parser.add_argument("--write-card", action="store_true", help="write the evidence into it")
    parser.add_argument("--jobs", type=int, default=2, help="processes that play them")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if not any((arguments.faces / "nuaa").glob("*/*.jpg")):
        parser.error(f"--faces: no pictures in {arguments.faces}/nuaa/live and print")
    return arguments


if __name__ == "__main__":
    main()
