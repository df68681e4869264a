"""The invented cards of the bench of printed numbers: development and scored ones kept apart.

What is scored was never looked at while the reading was tuned: other fonts, of other makers, and
other seeds, so other dates, codes and views. The ladder of views is `simulator.tray_views.LADDER`.
The cards of `AIMED` are development cards that somebody scratched where the digits are.
"""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from firmware.camera.frame import Pixels
from firmware.card.collation import Calendar, number_b
from firmware.match.printed_card import BIRTH_DATE, EXPIRY, SECURITY_CODE
from firmware.simulator.people import birthday_after
from firmware.simulator.printed_face import DRAWN_PIXELS_PER_MM, Print, PrintedFace, draw_face
from firmware.simulator.tray_views import LADDER, frames_of, worn

TODAY = dt.date(2025, 11, 22)
FONTS_FOLDER = Path("build/fonts")
INSTALLED = Path("/usr/share/fonts")
BORDERS = (dt.date(1989, 1, 7), dt.date(1989, 1, 8), dt.date(2019, 4, 30), dt.date(2019, 5, 1))


@dataclass(frozen=True, slots=True)
class Font:
    """A font file and the Debian package that brings it."""

    package: str
    file: str

    def path(self) -> Path:
        """The file, installed or unpacked; fetched when it is neither."""
        for folder in (INSTALLED, FONTS_FOLDER / self.package):
            found = next(folder.rglob(self.file), None) if folder.is_dir() else None
            if found is not None:
                return found
        _unpack(self.package)
        return next((FONTS_FOLDER / self.package).rglob(self.file))


@dataclass(frozen=True, slots=True)
class CardSet:
    """Fonts and seeds that belong together."""

    name: str
    fonts: tuple[Font, ...]
    first_seed: int
    most_strokes: int = 0  # aimed at the digits of a card

    def card(self, level: int, index: int) -> BenchCard:
        """The index-th card of a level, 1 to 5."""
        seed = self.first_seed + 100_000 * level + index
        draw = random.Random(seed)
        style = Print(self.fonts[index % len(self.fonts)].path(), draw.uniform(0.93, 1.05))
        face = _some_face(draw, seed)
        strokes = draw.randint(1, self.most_strokes) if self.most_strokes else 0
        return BenchCard(face, style, level, seed, tuple(_aimed(draw) for _ in range(strokes)))


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight scratch: millimetres on the card, degrees, a grey level."""

    across: float
    down: float
    degrees: float
    length: float
    grey: int
    pixels: int  # its width, in the drawing

    def draw_on(self, card: Pixels) -> None:
        """Draw it into a flat card."""
        angle = np.radians(self.degrees)
        half = np.array((np.cos(angle), np.sin(angle))) * self.length / 2
        ends = [((self.across, self.down) + side * half) * DRAWN_PIXELS_PER_MM for side in (-1, 1)]
        one, other = ((int(x), int(y)) for x, y in ends)
        cv2.line(card, one, other, (self.grey,) * 3, self.pixels, cv2.LINE_AA)


@dataclass(frozen=True, slots=True)
class BenchCard:
    """One card in one view."""

    face: PrintedFace
    style: Print
    level: int
    seed: int
    strokes: tuple[Stroke, ...] = ()

    def laid_down(self, time: int) -> Callable[[int], Pixels]:
        """The tray camera's pictures of it, by the frame's number, when it lies there again.

        The first time draws the whole view; later ones keep what belongs to the card and the tray.
        """
        severity = LADDER[self.level - 1]
        view = severity.view(self.seed)
        flat = draw_face(self.face, None, self.style)
        for stroke in self.strokes:
            stroke.draw_on(flat)
        card = worn(flat, view)
        if time > 1:
            anew = severity.view(self.seed + time * 1_000_000_000)
            view = replace(
                view,
                shift=anew.shift,
                turn_degrees=anew.turn_degrees,
                motion_pixels=anew.motion_pixels,
                motion_degrees=anew.motion_degrees,
                glare_at=anew.glare_at,
                upside_down=anew.upside_down,
            )
        frame = frames_of(card, view)
        return lambda number: frame(self.seed * 100 + time * 10 + number)

    @property
    def number(self) -> str:
        """照合番号B as it is true."""
        face = self.face
        printed_in = Calendar.GREGORIAN if face.gregorian else Calendar.JAPANESE
        return number_b(face.born, face.expiry.year, face.security_code, printed_in)


DEVELOPMENT = CardSet(
    "development",
    (
        Font("fonts-noto-cjk", "NotoSansCJK-Regular.ttc"),
        Font("fonts-noto-cjk", "NotoSansCJK-Bold.ttc"),
        Font("fonts-noto-cjk", "NotoSerifCJK-Regular.ttc"),
        Font("fonts-horai-umefont", "ume-tgo4.ttf"),
        # Scored once; what went wrong was looked at, so they have belonged here since.
        Font("fonts-ipafont-gothic", "ipag.ttf"),
        Font("fonts-ipafont-mincho", "ipam.ttf"),
        Font("fonts-vlgothic", "VL-Gothic-Regular.ttf"),
        Font("fonts-motoya-l-cedar", "MTLc3m.ttf"),
    ),
    first_seed=0,
)
AIMED = CardSet("aimed", DEVELOPMENT.fonts, first_seed=20_000_000, most_strokes=3)
SCORED = CardSet(
    "scored",
    (
        Font("fonts-sawarabi-gothic", "sawarabi-gothic-medium.ttf"),
        Font("fonts-sawarabi-mincho", "sawarabi-mincho-medium.ttf"),
        Font("fonts-motoya-l-maruberi", "MTLmr3m.ttf"),
        Font("fonts-hanazono", "HanaMinA.ttf"),
    ),
    first_seed=70_000_000,
)
"""Without a slashed 0, which the card's print does not have (assumed, from the specimen)."""


def _some_face(draw: random.Random, seed: int) -> PrintedFace:
    """A card that has not expired; one in eight of a foreign resident, one in ten at a border."""
    eldest = dt.date(2019, 5, 1) if draw.random() < 0.2 else dt.date(1930, 1, 1)  # 令和, or any era
    born = eldest + dt.timedelta(days=draw.randrange((TODAY - eldest).days))
    if draw.random() < 0.1:
        born = draw.choice(BORDERS)
    issued = max(born, TODAY - dt.timedelta(days=draw.randrange(1_400)))
    gregorian = draw.random() < 0.125
    expiry = birthday_after(born, issued, 5 if issued.year - born.year < 18 else 10)
    if gregorian:  # the end of a stay, not a birthday
        expiry = TODAY + dt.timedelta(days=draw.randrange(1, 1_800))
    code = f"{draw.randrange(10_000):04d}"
    return PrintedFace(f"見本　{seed}", "東京都架空区例示１－２－３", born, expiry, code, gregorian)


def _aimed(draw: random.Random) -> Stroke:
    """Across, along or askew; dirt in it, or bare plastic that takes a part of a digit away."""
    field = draw.choice((BIRTH_DATE, BIRTH_DATE, EXPIRY, SECURITY_CODE))
    print_mm = 7.5 if field is SECURITY_CODE else 25.0
    return Stroke(
        across=field.left + 1.2 + draw.uniform(0.0, print_mm),
        down=field.top + field.height / 2 + draw.uniform(-1.3, 1.3),
        degrees=draw.choice((0.0, 90.0, draw.uniform(0, 180), draw.uniform(0, 180)))
        + draw.gauss(0.0, 4.0),
        length=draw.uniform(0.8, 5.0),
        grey=draw.choice((60, 110, 110, 170, 250, 250)),
        pixels=draw.randint(1, 4),
    )


def _unpack(package: str) -> None:
    """Fetch a Debian package as the user who runs this, and unpack it without installing it."""
    with tempfile.TemporaryDirectory(prefix="kazashi-") as work:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=work, check=True)
        archive = next(Path(work).glob(f"{package}_*.deb"))
        (FONTS_FOLDER / package).mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg", "-x", str(archive), str(FONTS_FOLDER / package)], check=True)
