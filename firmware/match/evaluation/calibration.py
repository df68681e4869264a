"""The threshold at which a whole visit accepts a stranger no more often than was wanted.

A visit allows several looks, each of them several tries by the rule of `firmware.match.compare`. A
stranger may pass with any of them, so a visit's FMR is at most its looks times that of one look,
however the looks of one stranger hang together.

People are split in halves that share nobody. On each half the threshold is found at which the upper
bound (95 %, by people) is what was wanted. The strictest of all, and a margin, is what a device
gets; so the other half, who had no part in it, show what one half's threshold and the margin do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware.match.compare import LookRule
from firmware.match.evaluation.face_folders import split_by_identity
from firmware.match.evaluation.intervals import Share
from firmware.match.evaluation.rates import Trials, rates_at, threshold_for
from firmware.match.evaluation.trials import Attempt, Measured, by_rule

WANTED_FMR: Final = 1e-4  # of a visit
MARGIN: Final = 0.005  # of score: other faces than these will come
DRAWS: Final = 5  # looks of each person and session, each of other pictures or in another order
NOBODY_PASSES: Final = 4.0  # no product of two templates is greater
FINEST: Final = 1e-3  # of a threshold


@dataclass(frozen=True, slots=True)
class Half:
    """What one half of the people asks for, and what a device that knew only them does there."""

    people: int
    impostor_pairs: int
    threshold: float
    visit_fmr: float  # here, at this threshold
    visit_fmr_upper_95: float
    other_visit_fmr: float  # there, with the margin
    other_visit_fmr_upper_95: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one set of people asks for."""

    name: str
    people: int
    impostor_pairs: int
    threshold: float
    bounded: bool  # by the upper bound; otherwise, of few people, by what was seen
    halves: tuple[Half, ...]


def whole_looks(measured: Measured, rule: LookRule, seed: int = 0) -> list[Attempt]:
    """Whole looks of everybody with frames enough for one.

    Own references are of other pictures, and where sessions are known of other sessions.
    """
    random = np.random.default_rng(seed)
    pools: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    everything: dict[str, list[int]] = defaultdict(list)
    for index in np.flatnonzero(measured.live.there).tolist():
        picture = measured.pictures[index]
        pools[picture.person, picture.session].append(index)
    for number, picture in enumerate(measured.pictures):
        everything[picture.person].append(number)
    tries = by_rule(rule)
    made = []
    for (person, session), pool in pools.items():
        if len(pool) < rule.at_least:
            continue
        for _ in range(DRAWS):
            taken = random.permutation(pool)[: rule.at_most]
            own = np.setdiff1d(everything[person], pool if session else taken)
            made.append(Attempt(person, (tries(measured.live.values[taken]),), own))
    return made


def calibrate(trials: Trials, looks: int, seed: int = 1) -> Calibration:
    """The threshold for visits of so many looks, of each half of the people and of all."""
    people = len(trials.people)
    first, second = split_by_identity(trials.people, seed)
    parts = trials.among(first), trials.among(second)
    if not all(_can_be_bounded(part, looks) for part in parts):
        threshold = threshold_for(trials, WANTED_FMR)  # of one look: too few for less
        if threshold is None:
            raise ValueError(f"{trials.name}: too few comparisons")
        return Calibration(trials.name, people, trials.impostor_pairs, threshold, False, ())
    halves = tuple(_half(here, there, looks) for here, there in (parts, parts[::-1]))
    strictest = max(_bounded_threshold(trials, looks), *(half.threshold for half in halves))
    return Calibration(trials.name, people, trials.impostor_pairs, strictest, True, halves)


def _look_fmr(trials: Trials, threshold: float) -> Share:

    share = rates_at(trials, threshold).fmr
    if share is None:
        raise ValueError(f"{trials.name}: nobody to be taken for")
    return share


def lowest_that_recovered(measured: Measured, looks: Sequence[Attempt], threshold: float) -> float:
    """The lowest score of a try that failed, in looks of one person that a later try decided.

    1.0 when no look was decided by a later try.
    """
    lowest, references = 1.0, measured.cards
    for attempt in looks:
        own = np.asarray(attempt.own, np.intp)
        own = own[references.there[own]]
        for tried in (look @ references.values[own].T for look in attempt.looks):
            before = np.cumsum(tried >= threshold, axis=0) == 0
            failed = tried[before & (tried.max(axis=0) >= threshold)]
            lowest = min(lowest, float(failed.min(initial=1.0)))
    return lowest


def _half(here: Trials, there: Trials, looks: int) -> Half:
    threshold = _bounded_threshold(here, looks)
    mine, others = _look_fmr(here, threshold), _look_fmr(there, threshold + MARGIN)
    return Half(
        people=len(here.people),
        impostor_pairs=here.impostor_pairs,
        threshold=threshold,
        visit_fmr=looks * mine.value,
        visit_fmr_upper_95=looks * mine.upper_95,
        other_visit_fmr=looks * others.value,
        other_visit_fmr_upper_95=looks * others.upper_95,
    )


def _can_be_bounded(trials: Trials, looks: int) -> bool:
    """Whether there are people enough to show what is wanted, if none of them were accepted."""
    fmr = rates_at(trials, NOBODY_PASSES).fmr if trials.impostor.size else None
    return fmr is not None and looks * fmr.upper_95 <= WANTED_FMR


def _bounded_threshold(trials: Trials, looks: int) -> float:
    """The lowest threshold, to a thousandth, at which the bound on a visit is what was wanted."""
    low, high = threshold_for(trials, WANTED_FMR / looks) or trials.floor, NOBODY_PASSES
    while high - low > FINEST:
        middle = (low + high) / 2
        if looks * _look_fmr(trials, middle).upper_95 <= WANTED_FMR:
            high = middle
        else:
            low = middle
    return high
