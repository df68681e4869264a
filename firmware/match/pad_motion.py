"""Do the points of a face move over the looks like those of a body, or like those of a sheet?

Seen from some way off, the points of a sheet move as one affine map, whatever it is turned to; the
nose of a head that turns runs ahead of its cheeks. It judges nothing, and a head that was held
still tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware.match.networks import Reals

LEAST_RELIEF: Final = 1e-3
"""Squares of depth in widths of the face. Measured: the mesh gives 6 to 8, to pictures as well."""


def runs_ahead(points: Sequence[Reals]) -> float | None:
    """How far near points ran ahead of far ones, beyond what a sheet's can, in widths of the face.

    From the meshes of several looks, each 468 × 3; None of fewer than three.
    """
    if len(points) < 3:
        return None
    stack = np.stack(points).astype(np.float64)
    stack -= stack.mean(axis=1, keepdims=True)
    width = float(np.ptp(stack[..., 0], axis=1).mean())
    stack /= max(width, 1e-6)
    shape, depth = stack[..., :2], stack[..., 2].mean(axis=0)
    mean = shape.mean(axis=0)
    flat = np.hstack([mean, np.ones((len(mean), 1))])
    relief = _left(depth[:, None], flat)[:, 0]
    over = max(float((relief**2).sum()), LEAST_RELIEF)
    slopes = [relief @ _left(each, flat) / over for each in shape]
    return float(np.sqrt(np.mean([(slope**2).sum() for slope in slopes])))


def _left(values: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """What least squares on a basis leaves of n × k values."""
    return np.asarray(values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0])
