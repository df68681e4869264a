"""A face as 128 numbers, and how near two of them are. It knows no threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from firmware.match.networks import FaceNetworks, Grey, Reals


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceTemplate:
    """The embedding of one face, or of several pictures of it, as a unit vector."""

    values: Reals

    def __repr__(self) -> str:
        return f"FaceTemplate({self.values.size} values)"


def embed(networks: FaceNetworks, face: Grey) -> FaceTemplate:
    """The template of one aligned 112 × 112 face."""
    return FaceTemplate(_unit(networks.embed(face)))


def fuse(templates: Sequence[FaceTemplate]) -> FaceTemplate:
    """One template out of several pictures of the same face: the mean of their unit vectors."""
    return FaceTemplate(_unit(np.mean([each.values for each in templates], axis=0)))


def compare(probe: FaceTemplate, reference: FaceTemplate) -> float:
    """Similarity, -1 … 1: the cosine of the angle between the two."""
    return float(probe.values @ reference.values)


def _unit(values: Reals) -> Reals:
    length = float(np.linalg.norm(values))
    # A network that gives nothing, or no numbers, has seen nothing: similar to nobody.
    if not np.isfinite(length) or length < 1e-6:
        return np.zeros_like(values)
    return values / np.float32(length)
