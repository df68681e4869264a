"""How often each pipeline refuses the right person where it accepts one stranger in 10,000.

The same faces, trials and intervals for everybody (`firmware.match.evaluation`), one frame and five
frames; each pipeline by its own score: ours and OpenCV's the cosine, dlib's the distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.match.compare import LookRule
from firmware.match.evaluation.face_folders import FaceSet
from firmware.match.evaluation.intervals import Share
from firmware.match.evaluation.rates import Trials, fnmr_at_fmr, rates_at
from firmware.match.evaluation.trials import (
    SINGLE,
    Frames,
    Measured,
    Templates,
    crossed,
    fused_frames,
    several_frames,
    single_frames,
)

FMR = 1e-4
SEVERAL = 5

Rows = NDArray[np.float32]
Found = Sequence[Rows | None]
"""A template for each picture of a set; None where a pipeline found no face."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a pipeline compares: what stands for a probe, for a reference, and for several probes.

    Rows are made such that their product is the score.
    """

    probe: Callable[[Rows], Rows]
    reference: Callable[[Rows], Rows]
    fused: Callable[[Rows], Rows]


def _as_it_is(rows: Rows) -> Rows:
    return rows


def _probe_by_distance(rows: Rows) -> Rows:
    """(2a, -|a|², -1): its product with (b, 1, |b|²) is -|a - b|²."""
    squares = (rows**2).sum(axis=1, keepdims=True)
    return np.hstack([2 * rows, -squares, -np.ones_like(squares)])


def _reference_by_distance(rows: Rows) -> Rows:
    squares = (rows**2).sum(axis=1, keepdims=True)
    return np.hstack([rows, np.ones_like(squares), squares])


def _mean_by_distance(probes: Rows) -> Rows:
    """The mean of what was compared by itself, compared in its turn."""
    descriptors = probes[:, :-2] / 2
    return _probe_by_distance(descriptors.mean(axis=0, keepdims=True))


COSINE = Scoring(_as_it_is, _as_it_is, fused_frames)
DISTANCE = Scoring(_probe_by_distance, _reference_by_distance, _mean_by_distance)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One pipeline on one set with so many frames."""

    faces: str
    pipeline: str
    frames: int
    people: int
    genuine: int
    impostors: int
    no_template: float
    """Share of live pictures that gave no template (failure to acquire)."""
    no_reference: float
    fmr: float
    fnmr: Share | None
    """None where there are too few strangers to find that threshold."""
    all_refusals: Share | None
    """The same, attempts counted in that came to no comparison."""
    fnmr_of_common: Share | None
    """FNMR at its own FMR of 1e-4 on the pictures alone of which every pipeline made a template."""


def error_rows(
    faces: FaceSet, found: Mapping[str, tuple[Found, Found]], scorings: Mapping[str, Scoring]
) -> Iterator[ErrorRow]:
    """For each pipeline (live templates, card templates) a row with one frame and one with five."""
    common = _of_common(found)
    for pipeline, (live, cards) in found.items():
        scoring = scorings[pipeline]
        several = Frames(SEVERAL, LookRule().at_least, scoring.fused)
        for frames in (SINGLE, several):
            trials = _trials(faces, (live, cards), scoring, frames)
            at = fnmr_at_fmr(trials, FMR)
            shared = fnmr_at_fmr(_trials(faces, common[pipeline], scoring, frames), FMR)
            yield ErrorRow(
                faces=faces.name,
                pipeline=pipeline,
                frames=frames.count,
                people=len(faces.people),
                genuine=trials.genuine.size,
                impostors=trials.impostor_pairs,
                no_template=_missing(live),
                no_reference=_missing(cards),
                fmr=FMR,
                fnmr=None if at is None else at.fnmr,
                all_refusals=None if at is None else rates_at(trials, at.threshold).gfrr,
                fnmr_of_common=None if shared is None else shared.fnmr,
            )


def _trials(faces: FaceSet, found: tuple[Found, Found], scoring: Scoring, frames: Frames) -> Trials:
    live, cards = found
    measured = Measured(
        faces.pictures, _templates(live, scoring.probe), _templates(cards, scoring.reference)
    )
    attempts = single_frames(measured) if frames is SINGLE else several_frames(measured, frames)
    return crossed(f"{faces.name}, {frames.count}", measured, attempts)


def _of_common(found: Mapping[str, tuple[Found, Found]]) -> dict[str, tuple[Found, Found]]:
    """Of each pipeline's templates those of pictures of which every pipeline has one."""
    sides = []
    for side in (0, 1):
        everybody = zip(*(each[side] for each in found.values()), strict=True)
        sides.append([all(template is not None for template in each) for each in everybody])
    live_too, cards_too = sides
    return {
        name: (
            [each if kept else None for each, kept in zip(live, live_too, strict=True)],
            [each if kept else None for each, kept in zip(cards, cards_too, strict=True)],
        )
        for name, (live, cards) in found.items()
    }


def _templates(found: Found, form: Callable[[Rows], Rows]) -> Templates:
    length = next(each.size for each in found if each is not None)
    plain = np.stack([np.zeros(length, np.float32) if each is None else each for each in found])
    rows = form(plain)
    there = np.array([each is not None for each in found], bool)
    rows[~there] = 0
    return Templates(
        np.asarray(rows, np.float32),
        tuple(None if fit else "no face" for fit in there),
    )


def _missing(found: Found) -> float:
    return sum(each is None for each in found) / len(found)
