"""Error rates of a verification system (ISO/IEC 19795-1) out of the scores of one experiment.

FMR: comparisons of strangers that were accepted. FNMR: comparisons of one person that were refused.
GFRR: attempts of one person that did not succeed, those counted in that came to no comparison
because a reference or a look gave no template. Thresholds accept from themselves on upwards.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from firmware.match.evaluation.intervals import (
    Clusters,
    Floats,
    Share,
    drawn_again,
    share_of,
)
from firmware.match.networks import Reals

Indices: TypeAlias = NDArray[np.int32]
TAIL_BEYOND: Final = 10  # times the strangers who are accepted: what a resampled threshold may need
LEAST_TAIL: Final = 1000


class ImpostorPairs(Protocol):
    """All comparisons of different people, also those whose scores are not kept."""

    def total(self, drawn: Floats) -> Floats:
        """How many there are, by draw, when each person is drawn so often (draws × people)."""

    def pairs_of_people(self) -> int:
        """How many pairs of people were compared at all."""

    def among(self, people: NDArray[np.bool_]) -> ImpostorPairs:
        """Those of which both people are among these."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Each person's probes against everybody else's references."""

    probes: Floats  # how many each person has
    references: Floats

    def total(self, drawn: Floats) -> Floats:
        # Whoever is drawn twice is two people; his own pairs are nobody's impostor.
        mine, theirs = drawn * self.probes, drawn * self.references
        return np.asarray(mine.sum(-1) * theirs.sum(-1) - (mine * theirs).sum(-1))

    def pairs_of_people(self) -> int:
        probing, referred = self.probes > 0, self.references > 0
        both = int((probing & referred).sum())
        ordered = int(probing.sum()) * int(referred.sum()) - both
        return ordered - both * (both - 1) // 2

    def among(self, people: NDArray[np.bool_]) -> Crossed:
        return Crossed(self.probes[people], self.references[people])


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Comparisons that somebody wrote down one by one."""

    people: Indices  # 2 × n: whose probe, whose reference

    def total(self, drawn: Floats) -> Floats:
        return np.array([_times_drawn(weights, self.people).sum() for weights in drawn])

    def pairs_of_people(self) -> int:
        return _distinct_pairs(self.people)

    def among(self, people: NDArray[np.bool_]) -> Listed:
        return Listed(_renumbered(self.people, people))


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """All scores of one experiment; of strangers' scores only the highest are kept."""

    name: str
    people: tuple[str, ...]  # everybody who takes part; indices below mean this
    genuine: Reals
    genuine_person: Indices
    failed: Indices  # by person: attempts of one person that came to no score
    impostor: Reals  # the highest first
    impostor_people: Indices  # 2 × n: whose probe, whose reference
    pairs: ImpostorPairs
    floor: float  # the lowest threshold of which FMR is known: all scores from it on are kept

    @property
    def impostor_pairs(self) -> int:
        return round(float(self.pairs.total(np.ones((1, len(self.people))))[0]))

    def among(self, people: Collection[str]) -> Trials:
        """The comparisons of these people with each other."""
        taken = np.array([person in people for person in self.people], bool)
        mine = taken[self.genuine_person]
        both = taken[self.impostor_people].all(axis=0)
        return replace(
            self,
            people=tuple(person for person in self.people if person in people),
            genuine=self.genuine[mine],
            genuine_person=_renumbered(self.genuine_person, taken),
            failed=self.failed[taken],
            impostor=self.impostor[both],
            impostor_people=_renumbered(self.impostor_people, taken),
            pairs=self.pairs.among(taken),
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """Error rates at one threshold; None where there was nothing to count."""

    threshold: float
    fmr: Share | None
    fnmr: Share | None
    gfrr: Share | None


@dataclass(frozen=True, slots=True)
class AtFmr:
    """FNMR at the threshold at which FMR is what was wanted; the interval knows both errors."""

    fmr: float
    strangers: int  # who are accepted there: with few of them the threshold hangs on few people
    threshold: float
    fnmr: Share


def rates_at(trials: Trials, threshold: float, seed: int = 1) -> Rates:
    """FMR, FNMR and GFRR at one threshold, which must not lie below the trials' `floor`."""
    if threshold < trials.floor:
        raise ValueError(f"of {trials.name} no score below {trials.floor} was kept")
    drawn = drawn_again(len(trials.people), seed)
    refused = trials.genuine < np.float64(threshold)
    by_person = np.bincount(trials.genuine_person, minlength=len(trials.people))
    wrong = np.bincount(trials.genuine_person[refused], minlength=len(trials.people))
    return Rates(
        threshold=threshold,
        fmr=_fmr(trials, threshold, drawn),
        fnmr=share_by_person(wrong, by_person, drawn),
        gfrr=share_by_person(wrong + trials.failed, by_person + trials.failed, drawn),
    )


def threshold_for(trials: Trials, fmr: float) -> float | None:
    """The lowest threshold at which at most this share of strangers is accepted.

    None when the trials cannot tell: fewer pairs than one error would need, or too few kept.
    """
    allowed = int(fmr * trials.impostor_pairs + 1e-9)
    if allowed < 1 or allowed >= trials.impostor.size:
        return None
    return _above(trials.impostor[allowed])


def fnmr_at_fmr(trials: Trials, fmr: float, seed: int = 1) -> AtFmr | None:
    """FNMR where FMR is as wanted, the threshold found anew for each resampling; None: see
    `threshold_for`."""
    threshold = threshold_for(trials, fmr)
    if threshold is None or not trials.genuine.size:
        return None
    drawn = drawn_again(len(trials.people), seed)
    tail = min(
        trials.impostor.size,
        max(LEAST_TAIL, TAIL_BEYOND * int(fmr * trials.impostor_pairs)),
    )
    allowed = fmr * trials.pairs.total(drawn)
    order = np.argsort(trials.genuine, kind="stable")
    genuine, owner = trials.genuine[order], trials.genuine_person[order]
    by_person = np.bincount(owner, minlength=len(trials.people))
    shares = np.full(len(drawn), np.nan)
    for index, (weights, most) in enumerate(zip(drawn, allowed, strict=True)):
        accepted = np.cumsum(_times_drawn(weights, trials.impostor_people[:, :tail]))
        last = trials.impostor[min(int(np.searchsorted(accepted, most, "right")), tail - 1)]
        refused = owner[: np.searchsorted(genuine, _above(last), "left")]
        if total := weights @ by_person:
            shares[index] = weights[refused].sum() / total
    wrong = owner[: np.searchsorted(genuine, threshold, "left")]
    clusters = Clusters(len(np.unique(wrong)), int((by_person > 0).sum()))
    strangers = int((trials.impostor >= np.float64(threshold)).sum())
    return AtFmr(fmr, strangers, threshold, share_of(wrong.size, genuine.size, shares, clusters))


def share_by_person(
    wrong: NDArray[np.integer], counted: NDArray[np.integer], drawn: Floats
) -> Share | None:
    """Wrong ones of those counted, by person; `drawn` says how often each person is drawn."""
    if not counted.any():
        return None
    totals = drawn @ counted
    shares = np.divide(drawn @ wrong, totals, out=np.full(len(drawn), np.nan), where=totals > 0)
    clusters = Clusters(int((wrong > 0).sum()), int((counted > 0).sum()))
    return share_of(int(wrong.sum()), int(counted.sum()), shares, clusters)


def equal_error_rate(trials: Trials) -> float | None:
    """Where FMR and FNMR meet; None when that is below the scores that were kept."""
    fmr, fnmr = det_curve(trials, points=2000)
    crossed = [(a + b) / 2 for a, b in zip(fmr, fnmr, strict=True) if a >= b]
    return crossed[0] if crossed else None


def det_curve(trials: Trials, points: int = 200) -> tuple[list[float], list[float]]:
    """(FMR, FNMR) over thresholds that are spread evenly on FMR's logarithm, FMR rising."""
    if not trials.impostor.size or not trials.genuine.size:
        return [], []
    accepted = np.unique(np.geomspace(1, trials.impostor.size, points).astype(int))
    genuine = np.sort(trials.genuine)
    # At a score itself, so that ties are all accepted together.
    at = trials.impostor[accepted - 1]
    fmr = np.searchsorted(-trials.impostor, -at, "right") / trials.impostor_pairs
    return fmr.tolist(), (np.searchsorted(genuine, at, "left") / genuine.size).tolist()


def _above(score: np.float32) -> float:
    return float(np.nextafter(np.float32(score), np.float32(np.inf)))


def _fmr(trials: Trials, threshold: float, drawn: Floats) -> Share | None:
    pairs = trials.impostor_pairs
    if not pairs:
        return None
    accepted = int((trials.impostor >= np.float64(threshold)).sum())
    people = trials.impostor_people[:, :accepted]
    totals = trials.pairs.total(drawn)
    wrong = np.array([_times_drawn(weights, people).sum() for weights in drawn])
    shares = np.divide(wrong, totals, out=np.full(len(drawn), np.nan), where=totals > 0)
    clusters = Clusters(_distinct_pairs(people), trials.pairs.pairs_of_people())
    return share_of(accepted, pairs, shares, clusters)


def _times_drawn(drawn: Floats, people: Indices) -> Floats:
    """How often each comparison happens when people are drawn so often; … × comparisons."""
    probe, reference = people
    times = drawn[..., probe] * drawn[..., reference]
    # Somebody listed against himself as a stranger stays one comparison for each time he is drawn.
    return np.where(probe == reference, drawn[..., probe], times)


def _distinct_pairs(people: Indices) -> int:
    low, high = np.minimum(*people).astype(np.int64), np.maximum(*people)
    return len(np.unique(low << 32 | high))


def _renumbered(people: Indices, taken: NDArray[np.bool_]) -> Indices:
    """Indices of people among those taken, of comparisons in which nobody else takes part."""
    kept = people[..., np.atleast_2d(taken[people]).all(axis=0)]
    return (np.cumsum(taken) - 1)[kept].astype(np.int32)
