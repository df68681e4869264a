"""What an evaluation found: the words of accuracy.json, and how they are computed from trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from firmware.match.evaluation.groups import Groups
from firmware.match.evaluation.intervals import Share, drawn_again
from firmware.match.evaluation.rates import (
    AtFmr,
    Rates,
    Trials,
    det_curve,
    equal_error_rate,
    fnmr_at_fmr,
    rates_at,
    share_by_person,
)
from firmware.match.evaluation.trials import Measured, Templates

FORMAT: Final = 2
WANTED_FMR: Final = (1e-3, 1e-4, 1e-5)
CURVE_POINTS: Final = 60


class Refusals(msgspec.Struct, frozen=True):
    """Pictures that gave no template, as share of all, and why."""

    rate: Share
    reasons: dict[str, int]


class SetReport(msgspec.Struct, frozen=True):
    """One folder of faces, and what became of its pictures."""

    name: str
    pictures: int
    people: int
    named_by: str
    border: float  # grey, added on each side, in parts of the height
    border_why: str
    photo_bytes: float  # the mean
    left_out: int  # files that are no pictures
    failure_to_acquire: Refusals  # live frames
    failure_to_enrol: Refusals  # references
    unfit_photos: Refusals  # references, and those that would not be fit as live frames
    people_with_frames: dict[str, int]  # by number of frames: how many people can fill it


class GroupRates(msgspec.Struct, frozen=True):
    """People of one group among themselves, at the operating point."""

    group: str
    people: int
    rates: Rates


class Experiment(msgspec.Struct, frozen=True):
    """One way of comparing, over one set. None: there was too little to tell."""

    name: str
    set: str
    photos: str  # which pictures stood for a card's photo
    frames: str
    people: int  # with a genuine comparison
    genuine: int
    failed: int
    impostor_pairs: int
    equal_error_rate: float | None
    at_fmr: list[AtFmr]  # of 1e-3, 1e-4, 1e-5 those for which there are pairs enough
    operating_point: Rates  # at the shipped threshold
    det: list[tuple[float, float]]  # FMR, FNMR
    groups: list[GroupRates]


class Asked(msgspec.Struct, frozen=True):
    """What was asked for."""

    frames: list[int]
    photo_bytes: int
    photo_width: int
    photo_height: int | None
    pairs: str | None  # the file's name
    pairs_missing: int  # rows that name pictures which are not there
    identity_pattern: str | None


class Evaluation(msgspec.Struct, frozen=True):
    """Everything; `accuracy.json` is this."""

    format: int
    model_id: str
    model_sha256: str
    operating_point: dict[str, Any]  # as the embedder's card has it
    asked: Asked
    sets: list[SetReport]
    experiments: list[Experiment]
    notes: list[str]


def refusals(measured: Measured, templates: Templates) -> Refusals:
    """Which share of pictures gave no template, resampled by people."""
    people = sorted({picture.person for picture in measured.pictures})
    number = {person: index for index, person in enumerate(people)}
    owners = np.array([number[picture.person] for picture in measured.pictures])
    wrong = np.bincount(owners[~templates.there], minlength=len(people))
    counted = np.bincount(owners, minlength=len(people))
    rate = share_by_person(wrong, counted, drawn_again(len(people), seed=1))
    if rate is None:
        raise ValueError("a set without pictures")
    reasons = Counter(reason for reason in templates.refused if reason is not None)
    return Refusals(rate, dict(sorted(reasons.items())))


def experiment(
    trials: Trials,
    *,
    set_name: str,
    photos: str,
    frames: str,
    threshold: float,
    groups: Groups,
) -> Experiment:
    """All rates of one way of comparing."""
    curve = det_curve(trials, CURVE_POINTS)
    return Experiment(
        name=trials.name,
        set=set_name,
        photos=photos,
        frames=frames,
        people=len(np.unique(trials.genuine_person)),
        genuine=trials.genuine.size,
        failed=int(trials.failed.sum()),
        impostor_pairs=trials.impostor_pairs,
        equal_error_rate=equal_error_rate(trials),
        at_fmr=[at for fmr in WANTED_FMR if (at := fnmr_at_fmr(trials, fmr)) is not None],
        operating_point=rates_at(trials, max(threshold, trials.floor)),
        det=[(fmr, fnmr) for fmr, fnmr in zip(*curve, strict=True)],
        groups=_of_groups(trials, threshold, groups),
    )


def people_with_frames(measured: Measured, frames: Sequence[int]) -> dict[str, int]:
    """By number of frames: how many people have so many fit pictures beside a reference."""
    fit = Counter[tuple[str, str | None]](
        (picture.person, picture.session)
        for picture, reason in zip(measured.pictures, measured.live.refused, strict=True)
        if reason is None
    )
    sessions: Mapping[str, set[str | None]] = _sessions(measured)
    filled: dict[str, int] = {}
    for count in frames:
        filled[str(count)] = len(
            {
                person
                for (person, session), pictures in fit.items()
                # One more where the reference is one of them.
                if pictures >= count + (session is None)
                and (session is None or len(sessions[person]) > 1)
            }
        )
    return filled


def _sessions(measured: Measured) -> dict[str, set[str | None]]:
    sessions: dict[str, set[str | None]] = {}
    for picture in measured.pictures:
        sessions.setdefault(picture.person, set()).add(picture.session)
    return sessions


def _of_groups(trials: Trials, threshold: float, groups: Groups) -> list[GroupRates]:
    rows = []
    for name, people in groups.items():
        among = trials.among(people)
        if among.people:
            at = max(threshold, among.floor)
            rows.append(GroupRates(name, len(among.people), rates_at(among, at)))
    return rows
