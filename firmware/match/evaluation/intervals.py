"""How sure a share of errors is: exact binomial bounds, and people drawn again (ISO/IEC 19795-1).

Comparisons of one person hang together, so people are resampled, never comparisons. Where few
people erred, resampling sees too little: the exact bounds on people, or on pairs of people, then
widen the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1000
HALVINGS: Final = 60  # of the interval that holds a bound: more than a double can tell

Floats: TypeAlias = NDArray[np.float64]
_Rising: TypeAlias = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Share:
    """An error rate: what was seen, and how far the truth may be from it."""

    value: float
    low: float  # two-sided, 95 %
    high: float
    upper_95: float  # one-sided: the truth is below it with 95 %
    errors: int
    of: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """How many people (or pairs of people) were counted, and with how many something went wrong."""

    wrong: int
    of: int


def rounded_up(bound: float, digits: int) -> float:
    """A bound in so many significant digits, and still a bound: never less than it was."""
    return float(Context(prec=digits, rounding=ROUND_CEILING).create_decimal(repr(float(bound))))


def drawn_again(people: int, seed: int, resamples: int = RESAMPLES) -> Floats:
    """resamples × people: how often each person is drawn when as many are drawn as there are."""
    random = np.random.default_rng(seed)
    return random.multinomial(people, np.full(people, 1 / people), resamples).astype(np.float64)


def share_of(errors: int, of: int, resampled: Floats, clusters: Clusters) -> Share:
    """The share with its bounds: the wider, at each end, of resampling and exact counting.

    Without any error the bounds are those of as many independent trials as there are clusters: the
    trials of one cluster may all go the same way. `resampled` may hold NaN (nothing was drawn).
    """
    if not of:
        raise ValueError("a share of nothing")
    value, alpha = errors / of, 1 - CONFIDENCE
    low, high = exact_bounds(clusters.wrong, clusters.of, CONFIDENCE)
    _, upper = exact_bounds(clusters.wrong, clusters.of, 1 - 2 * alpha)
    if clusters.wrong:
        scale = value / (clusters.wrong / clusters.of)
        drawn = resampled[np.isfinite(resampled)]
        quantiles = np.quantile(drawn, (alpha / 2, 1 - alpha / 2, 1 - alpha)).tolist()
        low = min(low * scale, quantiles[0])
        high, upper = max(high * scale, quantiles[1]), max(upper * scale, quantiles[2])
    return Share(value, low, min(1.0, high), min(1.0, upper), errors, of)


def exact_bounds(errors: int, trials: int, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's two-sided interval for `errors` of `trials` independent trials."""
    half = (1 - confidence) / 2
    low = 0.0 if errors == 0 else _where(lambda p: 1 - _at_most(errors - 1, trials, p) - half)
    high = 1.0 if errors == trials else _where(lambda p: half - _at_most(errors, trials, p))
    return low, high


def _where(rises: _Rising) -> float:
    """The root in 0 … 1 of a function that rises."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rises(middle) > 0 else (middle, high)
    return (low + high) / 2


def _at_most(errors: int, trials: int, p: float) -> float:
    """P(X ≤ errors), X binomial."""
    if p <= 0.0 or p >= 1.0:
        return float(p <= 0.0 or errors >= trials)
    seen = np.arange(errors + 1)
    ways = np.zeros(errors + 1)
    ways[1:] = np.cumsum(np.log((trials - seen[1:] + 1) / seen[1:]))
    return float(np.exp(ways + seen * np.log(p) + (trials - seen) * np.log1p(-p)).sum())
