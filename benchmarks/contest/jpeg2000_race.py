"""Which JPEG 2000 decoder is fastest on a card's photo, and what our sandbox costs beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contest.engine_race import FACES
from contest.environment import Environment
from contest.ring import OURS, Absent, Contestant, Entry, contestants, race
from contest.standings import Ratio, Standing, ratio, standings

MAKER = "contest.jpeg2000:Decoder"
SANDBOX = "ours, in a child of its own"
CALLS = 10
CHILD_READY_S = 0.7  # assumed: by then the next child waits for its photo, as it does at a visit
PEERS = {
    "OpenCV": "opencv",
    "imagecodecs": "imagecodecs",
    "pylibjpeg-openjpeg": "pylibjpeg",
    "glymur": "glymur",
}


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as a card may hold it: its kind, its size, about so many bytes."""

    name: str
    mode: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DecoderTable:
    """One kind of photo in every decoder."""

    photo: str
    size_bytes: int
    rounds: int
    standings: list[Standing]
    """Of the decoders in process."""
    sandbox_ms: float | None
    sandbox_to_pillow: Ratio | None
    """What our child's round trip takes on the clock, beside the decoder that runs in it."""
    differences: dict[str, float]
    """Of the pixels from Pillow's: the mean, of 255."""
    absent: dict[str, str]


PHOTOS = (
    Photo("grey 240 × 320, 5 kB", "L", 240, 320, 5_000),
    Photo("RGB 480 × 640, 15 kB", "RGB", 480, 640, 15_000),
)


def jpeg2000_tables(environment: Environment, rounds: int, work: Path) -> Iterator[DecoderTable]:
    """One table for each kind of photo."""
    work.mkdir(parents=True, exist_ok=True)
    for photo in PHOTOS:
        file = work / f"{photo.mode}.jp2"
        file.write_bytes(stored(photo))
        yield _table(photo, file, environment, rounds, work)


def stored(photo: Photo) -> bytes:
    """A portrait (or, where none was built, a drawn gradient) as a JPEG 2000 of that size."""
    size = (photo.width, photo.height)
    portraits = sorted(FACES.glob("*.png"))
    if portraits:
        with Image.open(portraits[0]) as portrait:
            picture = portrait.convert(photo.mode).resize(size)
    else:
        picture = Image.linear_gradient("L").resize(size).convert(photo.mode)
    file = io.BytesIO()
    raw = photo.width * photo.height * len(picture.getbands())
    picture.save(
        file,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[raw / photo.size_bytes],
        irreversible=True,
    )
    return file.getvalue()


def _table(
    photo: Photo, file: Path, environment: Environment, rounds: int, work: Path
) -> DecoderTable:
    def entry(name: str, decoder: str, python: Path = environment.python) -> Entry:
        return Entry(name, python, MAKER, {"decoder": decoder, "file": str(file)})

    entries = [entry("Pillow", "pillow", OURS)]
    entries += [entry(name, decoder) for name, decoder in PEERS.items()]
    with contestants(entries, 1) as (present, absent):
        differences, able = {}, []
        wanted = _pixels(present[0], work)
        for contestant in present:
            try:
                found = _pixels(contestant, work)
            except Absent as reason:
                absent[contestant.name] = str(reason)
                continue
            able.append(contestant)
            differences[contestant.name] = float(
                np.abs(found.astype(float).reshape(-1) - wanted.astype(float).reshape(-1)).mean()
            )
        rows = standings(race(able, "run", rounds, CALLS))
        sandbox_ms, sandbox = _sandbox(able[0], file, rounds)
    return DecoderTable(
        photo.name, file.stat().st_size, rounds, rows, sandbox_ms, sandbox, differences, absent
    )


def _sandbox(pillow: Contestant, file: Path, rounds: int) -> tuple[float, Ratio]:
    arguments = {"decoder": "ours", "file": str(file)}
    with Contestant(Entry(SANDBOX, OURS, MAKER, arguments, CHILD_READY_S)) as sandboxed:
        found = race([pillow, sandboxed], "run", rounds, 1)
    ours = [each.wall_ms[SANDBOX] for each in found]
    return median(ours), ratio(ours, [each.wall_ms["Pillow"] for each in found])


def _pixels(contestant: Contestant, work: Path) -> NDArray[np.uint8]:
    file = work / "pixels.npy"
    contestant.call("pixels", into=str(file))
    return np.asarray(np.load(file), np.uint8)
