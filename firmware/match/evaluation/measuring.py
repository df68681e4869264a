"""Runs the shipped pipeline over the pictures of a set, in one process or several. [shell]"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from PIL import Image

from firmware.faults import EvaluationRefused, MalformedPhoto
from firmware.match.compare import Comparer
from firmware.match.detect import find_faces
from firmware.match.evaluation.card_photos import CardPhoto, read_back, with_border
from firmware.match.evaluation.face_folders import FaceSet, Picture
from firmware.match.evaluation.trials import Measured, Templates
from firmware.match.model_card import OperatingPoint
from firmware.match.networks import Grey, Reals, grey_of
from firmware.match.quality import Quality
from firmware.match.runtime import OnnxNetworks

UNREADABLE: Final = "unreadable"
NO_REFERENCE: Final = "no_reference"
PICTURES_AT_ONCE: Final = 8
SAMPLE: Final = 40
TIGHT: Final = 0.75
"""Of the shorter side. Crops from the edge of the hair to the chin: 0.93 to 1.01 (medians of NUAA
and of LFW's tight crops); portraits: 0.53. The detector was trained on faces with room around."""
BORDER: Final = 0.26  # what leaves a face of 0.7: the distance at which a person stands
NOBODY: Final = OperatingPoint(
    id="nobody",
    threshold=0.999,
    frames=1,
    fmr=0.0,
    fmr_upper_95=1.0,
    fnmr=1.0,
    fnmr_upper_95=1.0,
    impostor_pairs=0,
    genuine_pairs=0,
    measured_on="nobody",
    report="",
)
"""Only templates are taken here, and an embedder without an operating point is measured too."""

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is done to a picture before the pipeline sees it."""

    border: float  # of the height, grey, on each side
    photo: CardPhoto


@dataclass(frozen=True, slots=True)
class Border:
    """The border of a set, and why."""

    share: float
    why: str


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """The templates of a set, and what was left out of it because it is no picture."""

    measured: Measured
    photo_bytes: float  # the mean of the files that stood for a chip's photo
    left_out: tuple[Path, ...]
    photo_hints: tuple[str | None, ...]
    """By the limits of a live look: why a picture is not fit to be a photo, if it is not."""

    @property
    def fit_photos(self) -> Measured:
        """The same, with only those pictures as photos that would be fit as live frames."""
        return replace(self.measured, cards=self.measured.cards.without(self.photo_hints))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Both:
    """One picture as a live frame and as a reference."""

    live: Reals | None
    live_refused: str | None
    card: Reals | None
    card_refused: str | None
    card_hint: str | None
    photo_bytes: int


def shipped_comparer(networks: OnnxNetworks) -> Comparer:
    """The pipeline as the vision worker builds it."""
    return Comparer(networks, networks.model_id, networks.operating_point)


def read_picture(path: Path) -> Grey | None:
    """The picture in grey; None when the file is none."""
    content = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    return None if pixels is None else grey_of(np.asarray(pixels, np.uint8))


def border_for(networks: OnnxNetworks, pictures: Sequence[Picture]) -> Border:
    """Whether a set's faces fill their pictures, by a sample of them."""
    sample = pictures[:: max(1, len(pictures) // SAMPLE)]
    greys = [grey for picture in sample if (grey := read_picture(picture.path)) is not None]
    found = [(faces, grey) for grey in greys if (faces := find_faces(networks, grey))]
    shares = [faces[0].size / min(grey.shape) for faces, grey in found]
    if not shares:
        return Border(0.0, f"no face was found in {len(greys)} sampled pictures")
    middle = float(np.median(shares))
    measured = f"a face takes {middle:.2f} of the shorter side (median of {len(shares)} pictures)"
    return Border(BORDER if middle > TIGHT else 0.0, measured)


def measure(
    faces: FaceSet,
    conditions: Conditions,
    *,
    models: Path,
    jobs: int,
    progress: Progress,
    skip_broken: bool = False,
) -> MeasuredSet:
    """Both templates of every picture; `EvaluationRefused` names a file that is no picture."""
    broken = [each.path for each in faces.pictures if not _has_a_header(each.path)]
    if not skip_broken:
        _refuse(broken)
    pictures = [each for each in faces.pictures if each.path not in set(broken)]
    work = partial(_measure_one, models, conditions)
    both: list[_Both] = []
    with _mapped(work, [picture.path for picture in pictures], jobs) as results:
        for each in results:
            both.append(each)
            progress(len(both), len(pictures))
    spoilt = [p.path for p, each in zip(pictures, both, strict=True) if _spoilt(each)]
    if not skip_broken:
        _refuse(spoilt)
    kept = [(p, each) for p, each in zip(pictures, both, strict=True) if not _spoilt(each)]
    return MeasuredSet(
        Measured(
            tuple(picture for picture, _ in kept),
            _templates([(each.live, each.live_refused) for _, each in kept]),
            _templates([(each.card, each.card_refused) for _, each in kept]),
        ),
        float(np.mean([each.photo_bytes for _, each in kept])) if kept else 0.0,
        (*broken, *spoilt),
        tuple(each.card_hint for _, each in kept),
    )


@contextmanager
def _mapped(
    work: Callable[[Path], _Both], paths: Sequence[Path], jobs: int
) -> Iterator[Iterable[_Both]]:
    if jobs == 1:
        yield map(work, paths)
        return
    # A fresh interpreter each: ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield pool.map(work, paths, chunksize=PICTURES_AT_ONCE)


@cache
def _comparer(models: Path) -> Comparer:
    """One for each process, for life."""
    cv2.setNumThreads(1)
    networks = OnnxNetworks(models)
    return Comparer(networks, networks.model_id, NOBODY)


def _measure_one(models: Path, conditions: Conditions, path: Path) -> _Both:
    comparer = _comparer(models)
    grey = read_picture(path)
    if grey is None:
        return _Both(None, UNREADABLE, None, UNREADABLE, UNREADABLE, 0)
    look = comparer.look(with_border(grey, conditions.border))
    jp2 = conditions.photo.store(grey)
    photo = with_border(read_back(jp2), conditions.border)
    card, card_refused = None, None
    try:
        card = comparer.reference(photo).values
    except MalformedPhoto:
        card_refused = NO_REFERENCE
    return _Both(
        live=None if look.template is None else look.template.values,
        live_refused=_hint(look.quality),
        card=card,
        card_refused=card_refused,
        card_hint=_hint(comparer.quality(photo)),
        photo_bytes=len(jp2),
    )


def _hint(quality: Quality) -> str | None:
    return None if quality.hint is None else str(quality.hint)


def _templates(rows: Sequence[tuple[Reals | None, str | None]]) -> Templates:
    size = next((values.size for values, _ in rows if values is not None), 1)
    matrix = np.zeros((len(rows), size), np.float32)
    for row, (values, _) in zip(matrix, rows, strict=True):
        if values is not None:
            row[:] = values
    return Templates(matrix, tuple(reason for _, reason in rows))


def _spoilt(both: _Both) -> bool:
    return both.live_refused == UNREADABLE


def _has_a_header(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def _refuse(broken: Sequence[Path]) -> None:
    if broken:
        more = f", and {len(broken) - 1} more" if broken[1:] else ""
        raise EvaluationRefused(f"{broken[0]} is no picture{more} (--skip-broken leaves such out)")
