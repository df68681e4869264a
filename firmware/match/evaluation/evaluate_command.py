"""`kazashi-match evaluate`: error rates of the shipped pipeline on anybody's faces."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

import click
import cv2
import msgspec

from firmware.faults import MatchFault, PlotsMissing
from firmware.match.evaluation.card_photos import CardPhoto
from firmware.match.evaluation.evaluating import Request, evaluate
from firmware.match.evaluation.face_folders import Found, read_faces
from firmware.match.evaluation.groups import read_groups
from firmware.match.evaluation.pairs import read_pairs
from firmware.match.evaluation.plot import draw
from firmware.match.evaluation.report import page, spoken
from firmware.match.evaluation.result import Evaluation
from firmware.match.jpeg2000 import LEAST_SIDE, MAX_FILE_BYTES
from firmware.match.runtime import models_folder

FAILED: Final = 1
MOST_FRAMES: Final = 100
USUAL_JOBS: Final = 2
SAID_EVERY_S: Final = 5.0
WIDEST: Final = 1000
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class FrameCounts(click.ParamType[tuple[int, ...]]):
    """`1,5`: different whole numbers of frames."""

    name = "N,N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        counts = [int(word) for word in words if word.strip().isdecimal()]
        if len(counts) < len(words) or not all(1 <= each <= MOST_FRAMES for each in counts):
            self.fail(f"{value!r} is no list of numbers from 1 to {MOST_FRAMES}", param, ctx)
        return tuple(sorted(set(counts)))


class BorderShare(click.ParamType[float | None]):
    """`auto`, or a share of the height."""

    name = "auto|SHARE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "auto":
            return None
        try:
            share = float(str(value))
        except ValueError:
            share = float("nan")
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is neither auto nor a share from 0 to 1", param, ctx)
        return share


def writable(_context: click.Context, _option: click.Parameter, out: Path) -> Path:
    """A folder that is there or can be made: nothing is measured that cannot be written."""
    there = next(folder for folder in (out, *out.parents) if os.path.exists(folder))
    if not (os.path.isdir(there) and os.access(there, os.W_OK)):
        raise click.BadParameter(f"nothing can be written into {there}")
    return out


class Spoken:
    """Progress on standard error, a line every few seconds."""

    def __init__(self) -> None:
        self._what = ""
        self._began_s = self._said_s = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        now_s = time.monotonic()
        if what != self._what:
            self._what, self._began_s, self._said_s = what, now_s, now_s
            click.echo(f"{what}: {of:,} pictures", err=True)
        if now_s - self._said_s >= SAID_EVERY_S or done == of:
            self._said_s = now_s
            left_s = (now_s - self._began_s) / done * (of - done)
            click.echo(f"{what}: {done:,} of {of:,}, {left_s:.0f} s left", err=True)


@click.command("evaluate")
@click.option("--faces", type=FOLDER, multiple=True, required=True, help="Folder of pictures.")
@click.option("--pairs", type=FILE, help="Pairs to compare: fold,a,b,same; a b same; pairs.txt.")
@click.option("--groups", type=FILE, help="CSV identity,group: rates for each group too.")
@click.option("--halves", type=int, metavar="SEED", help="Rates for both halves of the people too.")
@click.option("--identity-pattern", metavar="REGEX", help="Groups person and session, in the path.")
@click.option("--frames", type=FrameCounts(), default="1,5", show_default=True, help="Fused.")
@click.option(
    "--photo-bytes",
    type=click.IntRange(200, MAX_FILE_BYTES),
    default=5000,
    show_default=True,
    help="Of the grey JPEG 2000 that stands for a chip's photo, about.",
)
@click.option(
    "--photo-width",
    type=click.IntRange(LEAST_SIDE, WIDEST),
    default=240,
    show_default=True,
    help="Pixels.",
)
@click.option(
    "--photo-height", type=click.IntRange(LEAST_SIDE, WIDEST), help="Pixels [as the picture's]."
)
@click.option(
    "--border",
    type=BorderShare(),
    default="auto",
    show_default=True,
    help="Grey around each picture, in parts of its height; auto: where faces fill them.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=lambda: min(USUAL_JOBS, os.cpu_count() or 1),
    help="Processes [two, where there are two cores].",
)
@click.option(
    "--skip-broken",
    is_flag=True,
    help="Leave out what is no picture, and pairs of pictures that are not there; counted.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="evaluation",
    callback=writable,
    show_default=True,
    help="Folder for accuracy.md, .json, .png.",
)
@click.option("--models", type=FOLDER, help="Folder of the models [KAZASHI_MODELS].")
@click.option("--json", "as_json", is_flag=True, help="Print what accuracy.json holds.")
def evaluate_command(
    *,
    faces: tuple[Path, ...],
    pairs: Path | None,
    groups: Path | None,
    halves: int | None,
    identity_pattern: str | None,
    frames: tuple[int, ...],
    photo_bytes: int,
    photo_width: int,
    photo_height: int | None,
    border: float | None,
    jobs: int,
    skip_broken: bool,
    out: Path,
    models: Path | None,
    as_json: bool,
) -> None:
    """How often does the device accept a stranger, and refuse a holder, on these FACES?

    Every picture is a live frame, and a card's photo: a small grey JPEG 2000. All frames are
    compared with all photos by the pipeline that ships, and at its threshold. Names say who is who:
    Name_0001.jpg, NUAA's ID_glasses_place_SESSION_FRAME.jpg, or a sub-folder for each person.
    docs/ACCURACY.md explains every figure.

    Exit code: 0 done, 1 nothing could be measured, 2 wrong use.

    \b
    Examples:
      kazashi-match evaluate --faces lfw-grey
      kazashi-match evaluate --faces lfw-grey --pairs lfw-grey-pairs.csv --out lfw
      kazashi-match evaluate --faces staff --frames 1,3,5 --photo-bytes 3000 --json
      kazashi-match evaluate --faces seen --identity-pattern '(?P<person>\\w+)/(?P<session>\\w+)/'
    """
    cv2.setNumThreads(1)
    try:
        request = Request(
            frames=frames,
            photo=CardPhoto(photo_bytes, photo_width, photo_height),
            border=border,
            pairs=read_pairs(pairs) if pairs else (),
            pairs_name=pairs.name if pairs else None,
            groups=read_groups(groups) if groups else {},
            halves_seed=halves,
            identity_pattern=identity_pattern,
            skip_broken=skip_broken,
            jobs=jobs,
        )
        found = [read_faces(folder, identity_pattern) for folder in faces]
        whole = Found(
            tuple(each for some in found for each in some.sets),
            tuple(path for some in found for path in some.left_out),
        )
        evaluation = evaluate(whole, request, models or models_folder(), Spoken())
        _write(evaluation, out)
    except (MatchFault, OSError) as fault:
        click.echo(f"kazashi-match: {fault}", err=True)
        raise SystemExit(FAILED) from fault
    click.echo(f"written to {out}", err=True)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(evaluation) + b"\n")
    else:
        click.echo(spoken(evaluation))


def _write(evaluation: Evaluation, out: Path) -> None:
    """accuracy.json, accuracy.md and, where something can draw, accuracy.png."""
    out.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(evaluation), indent=1)
    (out / "accuracy.json").write_bytes(content + b"\n")
    (out / "accuracy.md").write_text(page(evaluation), encoding="utf-8")
    try:
        draw(evaluation, out / "accuracy.png")
    except PlotsMissing as fault:
        click.echo(f"kazashi-match: {fault}", err=True)
