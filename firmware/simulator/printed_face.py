"""The printed face of a virtual My Number Card, and how a tray camera sees it.

Every drawing carries the word 見本. The places of the fields are those of `match.printed_card`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.card.collation import Era, to_era
from firmware.faults import SimulationNotPrepared
from firmware.match.printed_card import (
    BIRTH_DATE,
    CARD_HEIGHT_MM,
    CARD_WIDTH_MM,
    EXPIRY,
    PHOTO,
    SECURITY_CODE,
    Field,
)

if TYPE_CHECKING:
    from PIL import ImageDraw

DRAWN_PIXELS_PER_MM: Final = 14
TRAY_SIZE: Final = (1280, 960)
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
class View:
    """How one look of the tray camera differs from a flat scan."""

    turn_degrees: float
    tilt: float  # how much narrower the far edge is, as a part of the card
    shift: tuple[float, float]  # pixels
    size: float  # the card's width as a part of the frame's
    light: float
    light_slope: float  # from the left edge to the right one, as a part of the light
    blur_pixels: float
    noise: float  # standard deviation, grey levels
    upside_down: bool = False


def some_view(seed: int, *, hard: bool = False) -> View:
    """A plausible view. `hard` doubles what varies: a bad mounting, a dim room."""
    random = np.random.default_rng(seed)
    spread = 2.0 if hard else 1.0
    return View(
        turn_degrees=float(random.uniform(-3.0, 3.0)) * spread,
        tilt=float(random.uniform(-0.03, 0.03)) * spread,
        shift=(float(random.uniform(-30, 30)), float(random.uniform(-25, 25))),
        size=float(random.uniform(0.76, 0.86)),
        light=float(random.uniform(0.75, 1.05)) / spread**0.5,
        light_slope=float(random.uniform(-0.15, 0.15)) * spread,
        blur_pixels=float(random.uniform(0.0, 0.9)) * spread,
        noise=float(random.uniform(1.0, 4.0)) * spread,
        upside_down=bool(random.random() < 0.15),
    )


def draw_face(face: PrintedFace, portrait: Pixels | None) -> Pixels:
    """The flat card, BGR, 14 pixels a millimetre. Raises `SimulationNotPrepared` without a font."""
    from PIL import Image, ImageDraw  # only the tray draws, and Pillow takes its time to load

    scale = DRAWN_PIXELS_PER_MM
    width, height = round(CARD_WIDTH_MM * scale), round(CARD_HEIGHT_MM * scale)
    picture = Image.fromarray(_ground(width, height))
    draw = ImageDraw.Draw(picture)
    _write(draw, Field(4.5, 3.0, 50.0, 5.0), f"氏名 {face.name}", 3.0)
    _write(draw, Field(4.5, 9.0, 60.0, 4.5), f"住所 {face.address}", 2.5)
    _write(draw, BIRTH_DATE, birth_text(face), 2.7)
    _write(draw, EXPIRY, f"{_day_text(face.expiry.year, face.expiry)}まで有効", 2.7)
    _write(draw, SECURITY_CODE, face.security_code, 3.4)
    _write(draw, Field(27.0, 34.0, 50.0, 5.0), "電子証明書の有効期限　　年　月　日", 2.1)
    _write(draw, Field(62.0, 43.0, 22.0, 8.0), "見本", 7.0, ink=(196, 92, 92))
    card = np.array(picture)[:, :, ::-1].copy()
    if portrait is not None:
        _lay(card, portrait, PHOTO)
    return card


def draw_other_card() -> Pixels:
    """A card of the same size, where no field of ours is printed."""
    return _ground(
        round(CARD_WIDTH_MM * DRAWN_PIXELS_PER_MM), round(CARD_HEIGHT_MM * DRAWN_PIXELS_PER_MM)
    )


def birth_text(face: PrintedFace) -> str:
    """The birth date as it is printed: 昭和55年2月17日生, 平成元年1月8日生, 1985年2月17日生."""
    if face.gregorian:
        return f"{_day_text(face.born.year, face.born)}生"
    in_era = to_era(face.born)
    year = "元" if in_era.year == 1 else in_era.year
    return f"{_ERA_NAMES[in_era.era]}{_day_text(year, face.born)}生"


def empty_tray() -> Pixels:
    """The tray with nothing in it, as the flat ground that a card lies on."""
    width, height = TRAY_SIZE
    ground = np.full((height, width, 3), (38, 36, 34), np.uint8)
    grain = np.random.default_rng(7).integers(0, 9, (height, width, 1), np.uint8)
    return np.asarray(cv2.add(ground, np.repeat(grain, 3, axis=2)))


def seen_in_tray(card: Pixels | None, view: View, seed: int) -> Pixels:
    """What the tray camera sees of a flat card (None: of an empty tray), 1280 × 960, BGR."""
    seen = empty_tray()
    if card is not None:
        corners = _corners_in_tray(view)
        height, width = card.shape[:2]
        flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        matrix = cv2.getPerspectiveTransform(flat, corners)
        # INTER_AREA does not exist for a warp: soften first, or fine print turns to crumbs.
        cv2.warpPerspective(
            cv2.GaussianBlur(card, (3, 3), 0),
            matrix,
            TRAY_SIZE,
            dst=seen,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
    if view.blur_pixels > 0.05:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), view.blur_pixels))
    slope = np.linspace(1 - view.light_slope, 1 + view.light_slope, TRAY_SIZE[0], dtype=np.float32)
    grain = np.random.default_rng(seed).standard_normal(seen.shape[:2], np.float32)
    lit = seen * (slope * np.float32(view.light))[None, :, None]
    lit += (grain * np.float32(view.noise))[:, :, None]
    return np.clip(lit, 0, 255, out=lit).astype(np.uint8)


def _corners_in_tray(view: View) -> NDArray[np.float32]:
    frame_width, frame_height = TRAY_SIZE
    half_width = view.size * frame_width / 2
    half_height = half_width * CARD_HEIGHT_MM / CARD_WIDTH_MM
    narrow, wide = half_width * (1 - view.tilt), half_width * (1 + view.tilt)
    corners = np.array(
        [
            (-narrow, -half_height),
            (narrow, -half_height),
            (wide, half_height),
            (-wide, half_height),
        ]
    )
    if view.upside_down:
        corners = -corners
    turn = np.radians(view.turn_degrees)
    rotation = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    middle = np.array([frame_width / 2 + view.shift[0], frame_height / 2 + view.shift[1]])
    return np.asarray(corners @ rotation.T + middle, np.float32)


def _ground(width: int, height: int) -> Pixels:
    """Pale arcs of pink and green on near-white: print never stands on plain paper."""
    y = np.arange(height // 2, dtype=np.float32)[:, None]
    x = np.arange(width // 2, dtype=np.float32)[None, :]
    arcs = np.sin(np.hypot(x - width * 0.1, y + height * 0.2) / 4.5) * 6.0
    red, blue = 240 + arcs * (2 * x / width), 236 - arcs * (2 * y / height)
    small = np.dstack([red, np.full_like(red, 238.0), blue]).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def _write(
    draw: ImageDraw.ImageDraw,
    field: Field,
    text: str,
    letter_mm: float,
    ink: tuple[int, int, int] = (24, 24, 28),
) -> None:
    from PIL import ImageFont

    scale = DRAWN_PIXELS_PER_MM
    path = next((path for path in FONTS if path.is_file()), None)
    if path is None:
        raise SimulationNotPrepared("no Noto CJK font: install fonts-noto-cjk")
    font = ImageFont.truetype(str(path), round(letter_mm * scale))
    middle = (field.top + field.height / 2) * scale
    draw.text((field.left * scale + 0.6 * scale, middle), text, font=font, fill=ink, anchor="lm")


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
