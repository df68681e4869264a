"""The printed face of a virtual My Number Card, drawn flat.

Every drawing carries the word 見本. The places of the fields are those of `match.printed_card`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from firmware.camera.frame import Pixels
from firmware.card.collation import Era, to_era
from firmware.faults import SimulationNotPrepared
from firmware.match.outline import CARD_HEIGHT_MM, CARD_WIDTH_MM
from firmware.match.printed_card import (
    BIRTH_DATE,
    EXPIRY,
    PHOTO,
    SECURITY_CODE,
    Field,
)

if TYPE_CHECKING:
    from PIL import ImageDraw

DRAWN_PIXELS_PER_MM: Final = 14
INDENT_MM: Final = 1.2
"""Between a field's left edge and its print: the edge is where the reading cuts."""
FONTS: Final = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
)
"""Where Debian and others lay fonts-noto-cjk; the collection's first face is the Japanese one."""
_ERA_NAMES: Final = {
    Era.MEIJI: "明治",
    Era.TAISHO: "大正",
    Era.SHOWA: "昭和",
    Era.HEISEI: "平成",
    Era.REIWA: "令和",
}


@dataclass(frozen=True, slots=True)
class PrintedFace:
    """What is printed on one synthetic card."""

    name: str
    address: str
    born: dt.date
    expiry: dt.date
    security_code: str
    gregorian: bool = False  # the birth date of a foreign resident


@dataclass(frozen=True, slots=True)
class Print:
    """How a face is set in type."""

    font: Path
    letters: float = 1.0  # their size, as a part of the usual one


def house_print() -> Print:
    """The simulation's own type. Raises `SimulationNotPrepared` when no font is installed."""
    font = next((path for path in FONTS if path.is_file()), None)
    if font is None:
        raise SimulationNotPrepared("no Noto CJK font: install fonts-noto-cjk")
    return Print(font)


def draw_face(face: PrintedFace, portrait: Pixels | None, style: Print | None = None) -> Pixels:
    """The flat card, BGR, 14 pixels a millimetre, in the given type or the simulation's own.

    Raises `SimulationNotPrepared` without a font.
    """
    from PIL import Image, ImageDraw  # only the tray draws, and Pillow takes its time to load

    picture = Image.fromarray(_blank_card())
    pen = _Pen(ImageDraw.Draw(picture), style or house_print())
    pen.write(Field(3.9, 3.0, 50.0, 5.0), f"氏名 {face.name}", 3.0)
    pen.write(Field(3.9, 9.0, 60.0, 4.5), f"住所 {face.address}", 2.5)
    pen.write(BIRTH_DATE, birth_text(face), 2.7)
    pen.write(EXPIRY, f"{_day_text(face.expiry.year, face.expiry)}まで有効", 2.7)
    pen.write(SECURITY_CODE, face.security_code, 3.4)
    pen.write(Field(26.4, 34.0, 50.0, 5.0), "電子証明書の有効期限　　年　月　日", 2.1)
    pen.write(Field(61.4, 43.0, 22.0, 8.0), "見本", 7.0, ink=(196, 92, 92))
    card = np.array(picture)[:, :, ::-1].copy()
    if portrait is not None:
        _lay(card, portrait, PHOTO)
    return card


def draw_licence(style: Print | None = None) -> Pixels:
    """A card of the same size and another kind: dates and digits, none of them in our fields.

    Raises `SimulationNotPrepared` without a font.
    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(_blank_card())
    pen = _Pen(ImageDraw.Draw(picture), style or house_print())
    pen.write(Field(2.4, 2.5, 40.0, 5.0), "氏名　見本　太郎", 2.7)
    pen.write(Field(47.4, 2.5, 34.0, 5.0), "昭和55年2月17日生", 2.7)
    pen.write(Field(2.4, 8.0, 60.0, 5.0), "住所　東京都架空区例示１－２－３", 2.5)
    pen.write(Field(2.4, 13.5, 60.0, 5.0), "交付　令和05年02月20日　12345", 2.5)
    pen.write(Field(2.4, 20.0, 60.0, 5.4), "2028年(令和10年)03月17日まで有効", 3.0)
    pen.write(Field(2.4, 36.0, 50.0, 5.0), "番号　第　012345678900　号", 2.7)
    pen.write(Field(2.4, 45.0, 50.0, 5.0), "二・小・原　平成10年04月01日", 2.1)
    pen.write(Field(61.4, 43.0, 22.0, 8.0), "見本", 7.0, ink=(196, 92, 92))
    return np.array(picture)[:, :, ::-1].copy()


def birth_text(face: PrintedFace) -> str:
    """The birth date as it is printed: 昭和55年2月17日生, 平成元年1月8日生, 1985年2月17日生."""
    if face.gregorian:
        return f"{_day_text(face.born.year, face.born)}生"
    in_era = to_era(face.born)
    year = "元" if in_era.year == 1 else in_era.year
    return f"{_ERA_NAMES[in_era.era]}{_day_text(year, face.born)}生"


def _blank_card() -> Pixels:
    """Pale arcs of pink and green on near-white: print never stands on plain paper."""
    scale = DRAWN_PIXELS_PER_MM
    width, height = round(CARD_WIDTH_MM * scale), round(CARD_HEIGHT_MM * scale)
    y = np.arange(height // 2, dtype=np.float32)[:, None]
    x = np.arange(width // 2, dtype=np.float32)[None, :]
    arcs = np.sin(np.hypot(x - width * 0.1, y + height * 0.2) / 4.5) * 6.0
    red, blue = 240 + arcs * (2 * x / width), 236 - arcs * (2 * y / height)
    small = np.dstack([red, np.full_like(red, 238.0), blue]).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


@dataclass(frozen=True, slots=True)
class _Pen:
    draw: ImageDraw.ImageDraw
    style: Print

    def write(
        self,
        field: Field,
        text: str,
        letter_mm: float,
        ink: tuple[int, int, int] = (24, 24, 28),
    ) -> None:
        """A line in the middle of a field's height."""
        from PIL import ImageFont

        scale = DRAWN_PIXELS_PER_MM
        size = round(letter_mm * self.style.letters * scale)
        font = ImageFont.truetype(str(self.style.font), size)
        place = ((field.left + INDENT_MM) * scale, (field.top + field.height / 2) * scale)
        self.draw.text(place, text, font=font, fill=ink, anchor="lm")


def _lay(card: Pixels, portrait: Pixels, field: Field) -> None:
    scale = DRAWN_PIXELS_PER_MM
    width, height = round(field.width * scale), round(field.height * scale)
    tall, wide = portrait.shape[:2]
    cut_height = min(tall, round(wide * height / width))
    fitted = cv2.resize(portrait[:cut_height], (width, height), interpolation=cv2.INTER_AREA)
    left, top = round(field.left * scale), round(field.top * scale)
    card[top : top + height, left : left + width] = fitted


def _day_text(year: int | str, day: dt.date) -> str:
    return f"{year}年{day.month}月{day.day}日"
