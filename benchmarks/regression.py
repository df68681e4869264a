"""Logistic regression of a few measures: what the weights of presentation-attack detection are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RIDGE: Final = 3.0
STEPS: Final = 50
"""Newton's method needs about ten; the rest costs nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Log-odds of being live: (row − mean) / spread · weight + constant."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    constant: float


def regression(rows: NDArray[np.floating], live: NDArray[np.bool_]) -> Regression:
    """Fit n × k measures with a ridge, the living and the attacks weighing the same."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    scaled = np.hstack([(rows - mean) / spread, np.ones((len(rows), 1))])
    counts = np.where(live, 0.5 / live.mean(), 0.5 / (1 - live.mean()))
    ridge = np.diag([RIDGE] * rows.shape[1] + [1e-6])
    weight = np.zeros(scaled.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-scaled @ weight))
        slope = scaled.T @ (counts * (likely - live)) + ridge @ weight
        bend = (scaled * (counts * likely * (1 - likely))[:, None]).T @ scaled + ridge
        weight -= np.linalg.solve(bend, slope)
    return Regression(mean, spread, weight[:-1], float(weight[-1]))
