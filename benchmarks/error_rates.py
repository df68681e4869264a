"""Error rates of a verification system and how sure they are (ISO/IEC 19795-1).

Pairs of one person hang together, so bounds resample people, never pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Trials:
    """All scores of one experiment: probes × references, and which of the pairs count as what."""

    name: str
    scores: NDArray[np.float32]
    genuine: NDArray[np.bool_]
    impostor: NDArray[np.bool_]
    probe_person: NDArray[np.intp]
    reference_person: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rates:
    """Error rates at one threshold, with one-sided 95 % bounds."""

    name: str
    threshold: float
    people: int
    impostor_pairs: int
    genuine_pairs: int
    fmr: float
    fmr_upper_95: float
    fnmr: float
    fnmr_upper_95: float


def threshold_for(trials: Trials, fmr: float) -> float:
    """The lowest threshold at which at most this share of impostor pairs is accepted."""
    scores = np.sort(trials.scores[trials.impostor])
    allowed = int(fmr * scores.size)
    return float(np.nextafter(scores[scores.size - 1 - allowed], np.float32(2)))


def rates_at(trials: Trials, threshold: float, seed: int = 1) -> Rates:
    """FMR, FNMR and their bounds."""
    accepted = trials.scores >= threshold
    random = np.random.default_rng(seed)
    fmr, fmr_bound = _share(trials, accepted & trials.impostor, trials.impostor, random)
    fnmr, fnmr_bound = _share(trials, ~accepted & trials.genuine, trials.genuine, random)
    return Rates(
        name=trials.name,
        threshold=threshold,
        people=len(np.union1d(trials.probe_person, trials.reference_person)),
        impostor_pairs=int(trials.impostor.sum()),
        genuine_pairs=int(trials.genuine.sum()),
        fmr=fmr,
        fmr_upper_95=fmr_bound,
        fnmr=fnmr,
        fnmr_upper_95=fnmr_bound,
    )


def det_curve(trials: Trials, points: int = 200) -> tuple[list[float], list[float]]:
    """(FMR, FNMR) over thresholds that are evenly spread on FMR's logarithm."""
    impostor = np.sort(trials.scores[trials.impostor])
    genuine = np.sort(trials.scores[trials.genuine])
    wanted = np.logspace(-np.log10(impostor.size), 0, points, endpoint=False)
    at = impostor[
        impostor.size - 1 - (wanted * impostor.size).astype(int).clip(0, impostor.size - 1)
    ]
    fmr = 1 - np.searchsorted(impostor, at, side="right") / impostor.size
    fnmr = np.searchsorted(genuine, at, side="right") / genuine.size
    return fmr.tolist(), fnmr.tolist()


def _share(
    trials: Trials,
    errors: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    random: np.random.Generator,
) -> tuple[float, float]:
    """The share of counted pairs that are errors, and its bound over resampled people."""
    people = int(max(trials.probe_person.max(), trials.reference_person.max())) + 1
    wrong, of = _by_people(trials, errors, people), _by_people(trials, counted, people)
    share = float(wrong.sum() / of.sum())
    if share == 0.0:
        # None was seen: as many independent trials as there are pairs of people (or people).
        independent = np.count_nonzero(np.triu(of + of.T))
        return 0.0, float(1 - (1 - CONFIDENCE) ** (1 / independent))
    shares = []
    for weights in random.multinomial(people, np.full(people, 1 / people), RESAMPLES):
        # On the diagonal a person drawn twice is two people, each with one own pair.
        total = weights @ of @ weights - (weights * (weights - 1)) @ np.diagonal(of)
        bad = weights @ wrong @ weights - (weights * (weights - 1)) @ np.diagonal(wrong)
        if total > 0:
            shares.append(bad / total)
    return share, float(np.quantile(shares, CONFIDENCE))


def _by_people(trials: Trials, pairs: NDArray[np.bool_], people: int) -> NDArray[np.float64]:
    """How many of the pairs lie between each two people: people × people."""
    by_reference = np.zeros((len(pairs), people))
    for person in range(people):
        columns = trials.reference_person == person
        if columns.any():
            by_reference[:, person] = pairs[:, columns].sum(axis=1)
    total = np.zeros((people, people))
    np.add.at(total, trials.probe_person, by_reference)
    return total
