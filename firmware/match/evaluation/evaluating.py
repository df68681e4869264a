"""The whole evaluation: sets of faces in, error rates of every way of comparing them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from firmware.faults import EvaluationRefused, MalformedPairs
from firmware.match.compare import LookRule
from firmware.match.evaluation.card_photos import CardPhoto
from firmware.match.evaluation.face_folders import FaceSet, Found
from firmware.match.evaluation.groups import Groups, halves
from firmware.match.evaluation.measuring import (
    Border,
    Conditions,
    MeasuredSet,
    border_for,
    measure,
    shipped_comparer,
)
from firmware.match.evaluation.pairs import Pair, Row, place
from firmware.match.evaluation.rates import Trials
from firmware.match.evaluation.result import (
    FORMAT,
    Asked,
    Evaluation,
    Experiment,
    SetReport,
    experiment,
    people_with_frames,
    refusals,
)
from firmware.match.evaluation.trials import (
    SINGLE,
    Frames,
    Measured,
    by_rule,
    crossed,
    fused_frames,
    listed,
    several_frames,
    single_frames,
)
from firmware.match.model_card import OperatingPoint
from firmware.match.runtime import OnnxNetworks
from firmware.settings import LOOKS_OF_A_VISIT

Progress: TypeAlias = Callable[[str, int, int], None]
"""(what, done, of)"""
FEWEST_PEOPLE: Final = 2
EVERY_PHOTO: Final = "every picture"
FIT_PHOTOS: Final = "fit pictures"


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure, and how."""

    frames: tuple[int, ...] = (1, 5)
    photo: CardPhoto = field(default_factory=CardPhoto)
    border: float | None = None  # None: by the pictures themselves
    pairs: tuple[Row, ...] = ()
    pairs_name: str | None = None
    groups: Groups = field(default_factory=dict)
    halves_seed: int | None = None
    identity_pattern: str | None = None
    skip_broken: bool = False
    jobs: int = 1


def evaluate(found: Found, request: Request, models: Path, progress: Progress) -> Evaluation:
    """Measure every set; with a list of pairs the set that it is about, and only people in it.

    `EvaluationRefused` when nobody can be compared, `MalformedPairs` when the list is about
    pictures that are not there.
    """
    networks = OnnxNetworks(models)
    point, rule = networks.operating_point, shipped_comparer(networks).rule
    found_sets, missing = found.sets, tuple[int, ...]()
    if request.pairs:
        listed_set, missing = _listed_people(found.sets, request)
        found_sets = (listed_set,)
    sets: list[SetReport] = []
    experiments: list[Experiment] = []
    notes = [f"{path.name}: pictures of attacks, left out" for path in found.left_out]
    for faces in found_sets:
        if not _comparable(faces):
            notes.append(f"{faces.name}: fewer than two people, or nobody twice: left out")
            continue
        border = _border(networks, faces, request)
        measured = measure(
            faces,
            Conditions(border.share, request.photo),
            models=models,
            jobs=request.jobs,
            progress=partial(progress, faces.name),
            skip_broken=request.skip_broken,
        )
        sets.append(_set_report(faces, measured, border, request.frames))
        made, without = _experiments(faces, measured, request, point, rule)
        experiments += made
        notes += without
    if not sets:
        raise EvaluationRefused("too few people: two are needed, and one of them in two pictures")
    if not experiments:
        raise EvaluationRefused("of nobody were two pictures fit to be compared")
    return Evaluation(
        format=FORMAT,
        model_id=networks.model_id,
        model_sha256=networks.embedder_form.sha256,
        operating_point=msgspec.to_builtins(point),
        asked=_asked(request, len(missing)),
        sets=sets,
        experiments=experiments,
        notes=notes,
    )


def all_trials(
    measured: Measured,
    pairs: Sequence[Pair],
    frames: Sequence[int],
    rule: LookRule,
    hopeless: float,
) -> Iterator[tuple[str, Trials]]:
    """(number of frames, trials) of every way of comparing that a set allows; the device gives a
    look up when a try scores below `hopeless`."""
    for count in frames:
        fused = Frames(count, min(count, rule.at_least), fused_frames) if count > 1 else SINGLE
        name = "1 frame" if count == 1 else f"{count} frames fused"
        attempts = several_frames(measured, fused) if count > 1 else single_frames(measured)
        if pairs:
            yield str(count), listed(f"listed pairs, {name}", measured, pairs, fused)
        yield str(count), crossed(f"all pairs, {name}", measured, attempts)
    device = Frames(rule.at_most, rule.at_least, by_rule(rule))
    number = f"{rule.at_least}–{rule.at_most}"
    name = f"all pairs, a whole look ({number} frames by the device's rule)"
    yield number, crossed(name, measured, several_frames(measured, device), hopeless)
    visit = replace(device, looks=LOOKS_OF_A_VISIT)
    name = f"all pairs, a whole visit (up to {LOOKS_OF_A_VISIT} such looks)"
    attempts = several_frames(measured, visit)
    yield f"{LOOKS_OF_A_VISIT} × {number}", crossed(name, measured, attempts, hopeless)


def _experiments(
    faces: FaceSet, measured: MeasuredSet, request: Request, point: OperatingPoint, rule: LookRule
) -> tuple[list[Experiment], list[str]]:
    """What could be computed, and words on what could not."""
    groups = dict(request.groups)
    if request.halves_seed is not None:
        groups |= halves(faces.people, request.halves_seed)
    pairs = place(request.pairs, measured.measured.pictures, faces.folder).pairs
    made, without = [], []
    for photos, taken in ((EVERY_PHOTO, measured.measured), (FIT_PHOTOS, measured.fit_photos)):
        for frames, trials in all_trials(taken, pairs, request.frames, rule, point.hopeless):
            if not trials.genuine.size:
                name = f"{faces.name}, {trials.name}, {photos} as photo"
                without.append(f"{name}: nobody has the pictures for it")
                continue
            made.append(
                experiment(
                    trials,
                    set_name=faces.name,
                    photos=photos,
                    frames=frames,
                    threshold=point.threshold,
                    groups=groups,
                )
            )
    return made, without


def _listed_people(sets: Sequence[FaceSet], request: Request) -> tuple[FaceSet, tuple[int, ...]]:
    """The set that most rows are about, its people that they name, and lines that name nobody."""
    placed = [(place(request.pairs, each.pictures, each.folder), each) for each in sets]
    best, faces = max(placed, key=lambda row: len(row[0].pairs))
    if best.missing and not (request.skip_broken and best.pairs):
        more = f" (and {len(best.missing) - 1} lines more)" if best.missing[1:] else ""
        raise MalformedPairs(
            f"{request.pairs_name}:{best.missing[0]}: a picture that is not in {faces.folder}{more}"
        )
    named = {faces.pictures[index].person for pair in best.pairs for index in (pair.a, pair.b)}
    return faces.only(frozenset(named)), best.missing


def _comparable(faces: FaceSet) -> bool:
    """Are there two people, and one in two pictures (of two sessions, where they are known)?"""
    moments = {(p.person, p.session or p.path.as_posix()) for p in faces.pictures}
    return len(faces.people) >= FEWEST_PEOPLE and len(moments) > len(faces.people)


def _border(networks: OnnxNetworks, faces: FaceSet, request: Request) -> Border:
    if request.border is not None:
        return Border(request.border, "as asked for")
    return border_for(networks, faces.pictures)


def _set_report(
    faces: FaceSet, measured: MeasuredSet, border: Border, frames: Sequence[int]
) -> SetReport:
    whole = measured.measured
    return SetReport(
        name=faces.name,
        pictures=len(whole.pictures),
        people=len({picture.person for picture in whole.pictures}),
        named_by=faces.named_by,
        border=border.share,
        border_why=border.why,
        photo_bytes=round(measured.photo_bytes, 1),
        left_out=len(measured.left_out),
        failure_to_acquire=refusals(whole, whole.live),
        failure_to_enrol=refusals(whole, whole.cards),
        unfit_photos=refusals(whole, measured.fit_photos.cards),
        people_with_frames=people_with_frames(whole, frames),
    )


def _asked(request: Request, missing: int) -> Asked:
    return Asked(
        frames=list(request.frames),
        photo_bytes=request.photo.file_bytes,
        photo_width=request.photo.width,
        photo_height=request.photo.height,
        pairs=request.pairs_name,
        pairs_missing=missing,
        identity_pattern=request.identity_pattern,
    )
