"""kazashi-match: the comparison of faces by itself, for people who test it. [shell]"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import msgspec
import numpy as np

from firmware.faults import MalformedPhoto, ModelRejected
from firmware.match.compare import Comparer, Look, LookRule
from firmware.match.evaluation.evaluate_command import evaluate_command
from firmware.match.jpeg2000 import SIGNATURE_BOX, START_OF_CODESTREAM_AND_SIZ
from firmware.match.networks import Grey, grey_of
from firmware.match.photo import PhotoDecoder
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.template import FaceTemplate, compare
from firmware.words import MatchDecision

DONE, REFUSED, WRONG_USE = 0, 1, 2
PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class LookReport(msgspec.Struct, frozen=True):
    """One frame: what is wrong with it (null: it is fit), and its own score."""

    file: str
    hint: str | None
    score: float | None


class CompareReport(msgspec.Struct, frozen=True):
    """What `compare --json` prints."""

    decision: str
    score: float | None
    threshold: float
    frames: int
    pad: str
    model: str
    operating_point: str
    looks: list[LookReport]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kazashi")
def main() -> None:
    """Compare faces as the device does, and measure how well it does.

    \b
    Examples:
      kazashi-match compare photo.jp2 frame-1.png frame-2.png frame-3.png
      kazashi-match compare --json portrait.png frame.jpg
      kazashi-match evaluate --faces lfw-grey --pairs lfw-grey-pairs.csv
    """


main.add_command(evaluate_command)


@main.command("compare")
@click.argument("photo", type=PICTURE)
@click.argument("frames", type=PICTURE, nargs=-1, required=True)
@click.option("--models", type=FOLDER, help="Folder of the models [KAZASHI_MODELS].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare_command(
    photo: Path, frames: tuple[Path, ...], models: Path | None, as_json: bool
) -> None:
    """Is the person in the FRAMES the one in the PHOTO?

    PHOTO is the file from a chip (.jp2, .j2c) or any PNG or JPEG; FRAMES are pictures of one
    person, from one moment to the next. The device fuses three to five; with fewer files, fewer
    are asked for here, and the error rates of the operating point do not hold. No presentation
    attack is looked for.

    Exit code: 0 the same person, 1 not (or no fit frame), 2 wrong use.

    \b
    Examples:
      kazashi-match compare photo.jp2 frame-1.png frame-2.png frame-3.png
      kazashi-match compare --json portrait.png frame.jpg
    """
    try:
        report = _compare(photo, frames, models or models_folder())
    except (MalformedPhoto, ModelRejected) as fault:
        click.echo(f"kazashi-match: {fault}", err=True)
        raise SystemExit(WRONG_USE) from fault
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(_spoken(report))
    raise SystemExit(DONE if report.decision == MatchDecision.SAME_PERSON else REFUSED)


def _compare(photo: Path, frames: tuple[Path, ...], models: Path) -> CompareReport:
    networks = OnnxNetworks(models)
    point = networks.operating_point
    usual = LookRule()
    rule = LookRule(min(usual.at_least, len(frames)), min(usual.at_most, len(frames)))
    comparer = Comparer(networks, networks.model_id, point, rule=rule)
    reference = comparer.reference(_photo(photo))
    looks = [comparer.look(_picture(frame)) for frame in frames]
    probes = [look.template for look in looks if look.template is not None]
    comparison = comparer.compare(reference, probes)
    return CompareReport(
        decision=comparison.decision,
        score=_rounded(comparison.score),
        threshold=point.threshold,
        frames=comparison.frames,
        pad=comparison.pad,
        model=comparison.model_id,
        operating_point=comparison.operating_point_id,
        looks=[
            _look_report(path, look, reference) for path, look in zip(frames, looks, strict=True)
        ],
    )


def _look_report(path: Path, look: Look, reference: FaceTemplate) -> LookReport:
    score = None if look.template is None else compare(look.template, reference)
    return LookReport(file=str(path), hint=look.quality.hint, score=_rounded(score))


def _photo(path: Path) -> Grey:
    content = path.read_bytes()
    if content.startswith((SIGNATURE_BOX, START_OF_CODESTREAM_AND_SIZ)):
        with PhotoDecoder() as decoder:
            return decoder.decode(content)
    return _picture(path)


def _picture(path: Path) -> Grey:
    content = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if pixels is None:
        raise MalformedPhoto(f"{path} is no picture")
    return grey_of(np.asarray(pixels, np.uint8))


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _spoken(report: CompareReport) -> str:
    lines = [
        f"{look.file}: " + (f"score {look.score:.3f}" if look.score is not None else f"{look.hint}")
        for look in report.looks
    ]
    score = "none" if report.score is None else f"{report.score:.3f}"
    lines.append(
        f"{report.decision}: score {score} of {report.frames} frames, threshold "
        f"{report.threshold:.3f} ({report.model}, {report.operating_point}; PAD {report.pad})"
    )
    return "\n".join(lines)
