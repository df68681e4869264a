"""A face as some hundred numbers, and how near two of them are. It knows no threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware.match.networks import FaceNetworks, Grey, Reals

# Nothing that `join` makes is longer: what is, is taken for a direction alone.
LONGEST: Final = 2.0
# A raw vector this many times shorter or longer than usual says nothing more by its length.
LENGTHS: Final = (0.5, 2.0)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceTemplate:
    """The embedding of one face, or of several pictures of it: a vector of length about 1."""

    values: Reals

    def __repr__(self) -> str:
        return f"FaceTemplate({self.values.size} values)"


@dataclass(frozen=True, slots=True)
class Opinion:
    """How one embedder's outputs are taken."""

    weight: float  # beside the other embedders
    typical_length: float  # of its raw outputs
    exponent: float  # how much the length counts; 0: a unit vector


def embed(networks: FaceNetworks, face: Grey) -> FaceTemplate:
    """The template of one aligned 112 × 112 face."""
    values = networks.embed(face)
    length = _length(values)
    return FaceTemplate(_at_length(values, 1.0 if length > LONGEST else length))


def join(outputs: Sequence[tuple[Reals, Opinion]]) -> Reals:
    """The raw outputs of several embedders as one vector of length about 1.

    A face of which a network saw little gives a short raw vector, and pictures of one person score
    low then, strangers hardly less. So a short one is left a little longer than a unit vector:
    length = (raw / typical)^-exponent. Measured: docs/adr/0011-two-embedders-and-their-lengths.md.
    Where one of them saw nothing the others decide nothing: all values are 0.
    """
    whole = sum(opinion.weight**2 for _, opinion in outputs) ** 0.5
    parts = []
    for values, opinion in outputs:
        relative = np.clip(_length(values) / opinion.typical_length, *LENGTHS)
        length = opinion.weight / whole * float(relative) ** -opinion.exponent
        parts.append(_at_length(values, length))
    joined = np.concatenate(parts)
    return joined if all(part.any() for part in parts) else np.zeros_like(joined)


def fuse(templates: Sequence[FaceTemplate]) -> FaceTemplate:
    """One template out of several pictures of the same face: their mean, as long as they are."""
    rows = np.stack([each.values for each in templates])
    length = float(np.linalg.norm(rows, axis=1).mean())
    return FaceTemplate(_at_length(rows.mean(axis=0), length))


def compare(probe: FaceTemplate, reference: FaceTemplate) -> float:
    """Similarity: the cosine of the angle between the two, times their lengths."""
    return float(probe.values @ reference.values)


def _length(values: Reals) -> float:
    return float(np.linalg.norm(values))


def _at_length(values: Reals, wanted: float) -> Reals:
    length = _length(values)
    # A network that gives nothing, or no numbers, has seen nothing: similar to nobody.
    if not np.isfinite(length) or length < 1e-6:
        return np.zeros_like(values)
    return np.asarray(values * np.float32(wanted / length), np.float32)
