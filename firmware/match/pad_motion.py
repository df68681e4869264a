"""Do the points of a face move over the looks like those of a body, or like those of a sheet?

Seen from some way off, the points of a sheet move as one affine map, whatever it is turned to; the
nose of a head that turns runs ahead of its cheeks. It judges nothing, and a head that was held
still tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.match.networks import Reals


@dataclass(frozen=True, slots=True)
class Motion:
    """What the looks moved by, in widths of the face."""

    turned: float
    """Change of shape of the whole face: how far points moved beyond shift, size and level turn."""
    ahead: float
    """How far near points ran ahead of far ones, beyond what a sheet's points can."""


def motion(points: Sequence[Reals]) -> Motion | None:
    """From the meshes of several looks, each 468 × 3; None of fewer than three."""
    if len(points) < 3:
        return None
    stack = np.stack(points).astype(np.float64)
    stack -= stack.mean(axis=1, keepdims=True)
    width = float(np.linalg.norm(np.ptp(stack[..., 0], axis=1).mean()))
    stack /= max(width, 1e-6)
    shape, depth = stack[..., :2], stack[..., 2].mean(axis=0)
    mean = shape.mean(axis=0)
    rigid = [_left(each, _similar(mean)) for each in shape]
    flat = np.hstack([mean, np.ones((len(mean), 1))])
    relief = _left(depth[:, None], flat)[:, 0]
    over = float((relief**2).sum()) or 1.0
    slopes = [relief @ _left(each, flat) / over for each in shape]
    return Motion(
        turned=float(np.sqrt(np.mean([(each**2).sum(axis=1).mean() for each in rigid]))),
        ahead=float(np.sqrt(np.mean([(slope**2).sum() for slope in slopes]))),
    )


def _similar(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """A basis of shift, size and level turn, over x and y one after the other."""
    x, y = mean.T
    ones, none = np.ones_like(x), np.zeros_like(x)
    return np.stack([np.r_[x, y], np.r_[-y, x], np.r_[ones, none], np.r_[none, ones]], axis=1)


def _left(values: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """What least squares on a basis leaves; values n × k, or 2n in a row where the basis is so."""
    rows = values.T.reshape(-1, 1) if len(basis) == 2 * len(values) else values
    left = rows - basis @ np.linalg.lstsq(basis, rows, rcond=None)[0]
    return np.asarray(left.reshape(2, -1).T if len(basis) == 2 * len(values) else left)
