"""What models/pad/pad.toml says: from where on each cue counts, and how often that was wrong."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from firmware.match.pad_zones import BESIDE, FACE_ZONES

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1)]
ZONES: Final = len(FACE_ZONES) + len(BESIDE)
Finite = Annotated[float, Meta(ge=-1e6, le=1e6)]
"""No infinity and no NaN: TOML has both, and nothing measured is either."""
Positive = Annotated[float, Meta(gt=0.0, le=1e6)]
Shape = Annotated[tuple[Positive, ...], Meta(min_length=ZONES, max_length=ZONES)]


class Shapes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the zones of `pad_zones` answer in proportion, face first, then what is beside it."""

    head: Shape
    sheet: Shape
    """One that is worn or bent: its middle is nearer than its sides, and it has no nose."""
    fitted_on: str


class LightWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A logistic regression on `pad.light_row`."""

    weight: Annotated[tuple[Finite, ...], Meta(min_length=14, max_length=14)]
    constant: Finite
    fitted_on: str


class PadPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which score on a face counts as live, and what is asked for before."""

    id: str
    looks: Count
    """Fewest that may tell life; with the light, lit ones."""
    at_most: Count
    """So many looks without a sign of life, and it is told that there is none."""
    threshold: Finite
    """Least score: log-odds."""
    texture: Finite
    """Least score of the passive cue."""

    def __post_init__(self) -> None:
        if self.at_most < self.looks:
            raise ValueError("at_most is less than looks")


class TextureWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A logistic regression: (measure - mean) / spread, times weight, and a constant."""

    mean: tuple[Finite, Finite, Finite]
    spread: tuple[Positive, Positive, Positive]
    weight: tuple[Finite, Finite, Finite]
    constant: Finite
    fitted_on: str


class PadEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured at a point (ISO/IEC 30107-3), in the report that is named."""

    apcer: Share
    """Of the kind of attack that came through most often, which is named."""
    apcer_upper_95: Share
    apcer_species: str
    apcer_all: Share
    """Of all attacks together."""
    attacks: Count
    bpcer: Share
    bpcer_upper_95: Share
    live: Count
    measured_on: str
    report: str


class PadCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole card."""

    model_id: str
    texture: TextureWeights
    shapes: Shapes
    light: LightWeights
    with_light: PadPoint
    without_light: PadPoint
    evidence: PadEvidence | None = None
    evidence_without_light: PadEvidence | None = None
