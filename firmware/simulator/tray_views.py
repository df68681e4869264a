"""How a tray camera sees a card: five levels of severity, and the picture each view gives.

The ranges are *assumed*: no real card under a real tray camera was to be had. Their reasons stand
beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.match.outline import CARD_HEIGHT_MM, CARD_WIDTH_MM

TRAY_SIZE: Final = (1280, 960)
UPSIDE_DOWN_SHARE: Final = 0.15
"""Nobody looks which way round a card goes, once it fits."""

_RIM_PIXELS: Final = 6
"""Of the tray, seen around a card that lies at the edge."""

_STRIP_ROWS: Final = 120

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class View:
    """How one card lies and is seen; frames of one view differ in the sensor's noise alone."""

    size: float  # the card's width as a part of the frame's
    shift: tuple[float, float]  # from the frame's middle, in parts of the room that is left
    turn_degrees: float
    tilt: tuple[float, float]  # how much nearer the lower and the right edge is, as a part
    light: float
    light_slope: float  # from one end of the frame to the other, as a part of the light
    light_degrees: float  # where the light comes from
    blur_pixels: float  # out of focus: standard deviation
    motion_pixels: float  # the stroke of a card that still moves, or of a tray that is knocked
    motion_degrees: float
    noise: float  # standard deviation, grey levels
    glare: float  # what a lamp's reflection adds in its middle, grey levels
    glare_at: tuple[float, float]  # as parts of the card
    glare_size: tuple[float, float]  # standard deviations, as parts of the card's width
    fading: float  # the part of the ink that has gone
    scratches: int
    print_shift_mm: tuple[float, float]  # of the print on the plastic
    jpeg_quality: int
    upside_down: bool
    seed: int  # of what is drawn at random within: scratches, worn spots


@dataclass(frozen=True, slots=True)
class Severity:
    """One level: every range is drawn from evenly, and each draw is independent of the others."""

    name: str
    size: Range
    turn_degrees: float  # either way
    tilt: float  # either way
    light: Range
    light_slope: float  # either way
    blur_pixels: Range
    motion_pixels: Range
    noise: Range
    glare: Range
    fading: Range
    scratches: tuple[int, int]
    print_shift_mm: float  # either way
    jpeg_quality: tuple[int, int]

    def view(self, seed: int) -> View:
        """One view of this level; the same seed gives the same."""
        random = np.random.default_rng(seed)
        return View(
            size=float(random.uniform(*self.size)),
            shift=_either_way(random, 1.0, 1.0),
            turn_degrees=float(random.uniform(-self.turn_degrees, self.turn_degrees)),
            tilt=_either_way(random, self.tilt, self.tilt),
            light=float(random.uniform(*self.light)),
            light_slope=float(random.uniform(0.0, self.light_slope)),
            light_degrees=float(random.uniform(0.0, 360.0)),
            blur_pixels=float(random.uniform(*self.blur_pixels)),
            motion_pixels=float(random.uniform(*self.motion_pixels)),
            motion_degrees=float(random.uniform(0.0, 180.0)),
            noise=float(random.uniform(*self.noise)),
            glare=float(random.uniform(*self.glare)),
            glare_at=(float(random.uniform(0.0, 1.0)), float(random.uniform(0.0, 1.0))),
            glare_size=(float(random.uniform(0.05, 0.18)), float(random.uniform(0.05, 0.18))),
            fading=float(random.uniform(*self.fading)),
            scratches=int(random.integers(*self.scratches, endpoint=True)),
            print_shift_mm=_either_way(random, self.print_shift_mm, self.print_shift_mm),
            jpeg_quality=int(random.integers(*self.jpeg_quality, endpoint=True)),
            upside_down=bool(random.random() < UPSIDE_DOWN_SHARE),
            seed=seed,
        )


LADDER: Final = (
    # A tray as it is meant: a stop for the card, even light of its own, a lens in focus, a new
    # card. Letters of 2.7 mm are 31 to 35 pixels tall.
    Severity(
        name="1 as built",
        size=(0.78, 0.86),
        turn_degrees=2.0,
        tilt=0.02,
        light=(0.85, 1.05),
        light_slope=0.10,
        blur_pixels=(0.0, 0.8),
        motion_pixels=(0.0, 0.0),
        noise=(1.0, 3.0),
        glare=(0.0, 0.0),
        fading=(0.0, 0.0),
        scratches=(0, 0),
        print_shift_mm=0.2,
        jpeg_quality=(92, 98),
    ),
    # An ordinary day: laid down by hand, the room's light mixes in, the card has been in a purse
    # for some years, and the camera is a USB camera that compresses.
    Severity(
        name="2 usual",
        size=(0.72, 0.86),
        turn_degrees=4.0,
        tilt=0.04,
        light=(0.70, 1.05),
        light_slope=0.20,
        blur_pixels=(0.0, 1.2),
        motion_pixels=(0.0, 2.0),
        noise=(1.0, 5.0),
        glare=(0.0, 40.0),
        fading=(0.0, 0.10),
        scratches=(0, 3),
        print_shift_mm=0.3,
        jpeg_quality=(80, 95),
    ),
    # Poor but in use: a camera fixed askew and not quite in focus, a dim corner, a lamp that the
    # plastic mirrors, an old card. Letters of 25 pixels; a person reads it without effort.
    Severity(
        name="3 poor",
        size=(0.62, 0.80),
        turn_degrees=8.0,
        tilt=0.07,
        light=(0.50, 1.10),
        light_slope=0.35,
        blur_pixels=(0.4, 1.8),
        motion_pixels=(0.0, 3.0),
        noise=(2.0, 9.0),
        glare=(0.0, 90.0),
        fading=(0.0, 0.25),
        scratches=(0, 8),
        print_shift_mm=0.5,
        jpeg_quality=(60, 90),
    ),
    # A thing to be repaired: too far, out of focus, half in the dark, the lamp's reflection paints
    # whole fields white, the print half rubbed off. A person reads most of them with effort.
    Severity(
        name="4 bad",
        size=(0.50, 0.80),
        turn_degrees=15.0,
        tilt=0.10,
        light=(0.35, 1.20),
        light_slope=0.50,
        blur_pixels=(0.8, 2.6),
        motion_pixels=(0.0, 6.0),
        noise=(4.0, 16.0),
        glare=(60.0, 160.0),
        fading=(0.10, 0.45),
        scratches=(5, 20),
        print_shift_mm=0.8,
        jpeg_quality=(35, 75),
    ),
    # Where a person guesses: it is here to show that guesses are not passed on.
    Severity(
        name="5 hopeless",
        size=(0.38, 0.70),
        turn_degrees=25.0,
        tilt=0.14,
        light=(0.20, 1.35),
        light_slope=0.70,
        blur_pixels=(1.5, 4.0),
        motion_pixels=(2.0, 12.0),
        noise=(8.0, 30.0),
        glare=(120.0, 255.0),
        fading=(0.30, 0.70),
        scratches=(15, 50),
        print_shift_mm=1.2,
        jpeg_quality=(12, 50),
    ),
)


def worn(card: Pixels, view: View) -> Pixels:
    """A flat card as it has become: print that sits askew, is rubbed thin, and is scratched."""
    random = np.random.default_rng((view.seed, 1))
    height, width = card.shape[:2]
    pixels_per_mm = width / CARD_WIDTH_MM
    right, down = (shift * pixels_per_mm for shift in view.print_shift_mm)
    moved = cv2.warpAffine(
        card,
        np.array([[1.0, 0.0, right], [0.0, 1.0, down]]),
        (width, height),
        borderMode=cv2.BORDER_REPLICATE,
    )
    if view.fading > 0.0:
        # Rubbing takes more here than there: up to twice as much, or next to nothing.
        spots = random.uniform(0.0, 2.0, (height // 24 + 1, width // 24 + 1)).astype(np.float32)
        gone = np.clip(cv2.resize(spots, (width, height)) * np.float32(view.fading), 0.0, 0.95)
        paper = np.float32(236.0)
        moved = (moved + (paper - moved) * gone[:, :, None]).astype(np.uint8)
    for _ in range(view.scratches):
        ends = random.uniform(0.0, 1.0, (2, 2)) * (width, height)
        grey = int(random.choice((110, 170, 250)))  # dirt in it, or bare plastic
        cv2.line(
            moved,
            tuple(int(part) for part in ends[0]),
            tuple(int(part) for part in ends[0] + (ends[1] - ends[0]) * random.uniform(0.05, 0.5)),
            (grey, grey, grey),
            int(random.integers(1, 4)),
            cv2.LINE_AA,
        )
    return np.asarray(moved, np.uint8)


def empty_tray() -> Pixels:
    """The tray with nothing in it, as the flat ground that a card lies on."""
    width, height = TRAY_SIZE
    ground = np.full((height, width, 3), (38, 36, 34), np.uint8)
    grain = np.random.default_rng(7).integers(0, 9, (height, width, 1), np.uint8)
    return np.asarray(cv2.add(ground, np.repeat(grain, 3, axis=2)))


def frames_of(card: Pixels | None, view: View) -> Callable[[int], Pixels]:
    """What the tray camera sees of a flat card (None: of an empty tray), 1280 × 960, BGR.

    The number is a frame's own seed: two frames differ in the sensor's noise alone. Wear is not
    added here, it belongs to the card: see `worn`.
    """
    scene = empty_tray()
    if card is not None:
        _lay_down(scene, card, view)
    if view.blur_pixels > 0.05:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), view.blur_pixels))
    if view.motion_pixels > 1.0:
        scene = np.asarray(cv2.filter2D(scene, -1, _stroke(view)))
    still = _lit(scene, view)
    quality = [int(cv2.IMWRITE_JPEG_QUALITY), view.jpeg_quality]

    def frame(seed: int) -> Pixels:
        grain = np.random.default_rng(seed).standard_normal(still.shape[:2], np.float32)
        grain *= np.float32(view.noise)
        noisy = still + grain.astype(np.int16)[:, :, None]
        seen = np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)
        return np.asarray(cv2.imdecode(cv2.imencode(".jpg", seen, quality)[1], cv2.IMREAD_COLOR))

    return frame


def _lit(scene: Pixels, view: View) -> NDArray[np.int16]:
    """The scene in its light. Brighter than white is kept until the noise is on it, as a sensor
    does. Strip by strip: as real numbers the whole would take 15 MB more of the worker's memory."""
    still = np.empty(scene.shape, np.int16)
    light = _light(view)
    glare = _glare(view) if view.glare > 0.0 else None
    for top in range(0, len(scene), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        lit = scene[rows] * light[rows, :, None]
        if glare is not None:
            lit += glare[rows, :, None]
        still[rows] = np.minimum(lit, 1000.0, out=lit)
    return still


def _either_way(random: np.random.Generator, across: float, down: float) -> tuple[float, float]:
    return float(random.uniform(-across, across)), float(random.uniform(-down, down))


def _lay_down(scene: Pixels, card: Pixels, view: View) -> None:
    height, width = card.shape[:2]
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    # INTER_AREA does not exist for a warp: soften first, or fine print turns to crumbs.
    shrinks = width / (view.size * TRAY_SIZE[0])
    cv2.warpPerspective(
        cv2.GaussianBlur(card, (0, 0), max(0.5, 0.45 * shrinks)),
        cv2.getPerspectiveTransform(flat, corners_in_tray(view)),
        TRAY_SIZE,
        dst=scene,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )


def corners_in_tray(view: View) -> NDArray[np.float32]:
    """Where the card's corners are in the frame, from its own upper left one, clockwise."""
    half_width = view.size * TRAY_SIZE[0] / 2
    half_height = half_width * CARD_HEIGHT_MM / CARD_WIDTH_MM
    nearer_below, nearer_right = view.tilt
    corners = np.array(
        [
            (across * half_width, down * half_height)
            for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
    )
    nearer = corners / (half_width, half_height) @ (nearer_right, nearer_below)
    corners *= (1.0 + nearer)[:, None]
    if view.upside_down:
        corners = -corners
    turn = np.radians(view.turn_degrees)
    rotation = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    turned = corners @ rotation.T
    half_frame = np.array(TRAY_SIZE) / 2
    room = np.maximum(half_frame - _RIM_PIXELS - np.abs(turned).max(axis=0), 0.0)
    return np.asarray(turned + half_frame + room * view.shift, np.float32)


def _stroke(view: View) -> NDArray[np.float32]:
    """A motion's kernel: a line of its length and direction."""
    side = 2 * int(np.ceil(view.motion_pixels / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    kernel[side // 2] = np.clip(
        view.motion_pixels / 2 + 0.5 - np.abs(np.arange(side) - side // 2), 0.0, 1.0
    )
    middle = (side // 2, side // 2)
    turned = cv2.warpAffine(
        kernel, cv2.getRotationMatrix2D(middle, view.motion_degrees, 1.0), (side, side)
    )
    return np.asarray(turned / turned.sum(), np.float32)


def _light(view: View) -> NDArray[np.float32]:
    across, down = _frame_axes()
    angle = np.radians(view.light_degrees)
    slope = across * np.float32(np.cos(angle)) + down * np.float32(np.sin(angle))
    return np.asarray(view.light * (1.0 + view.light_slope * slope), np.float32)


def _glare(view: View) -> NDArray[np.float32]:
    """A soft bright spot, fixed to the place of the lamp's reflection on the card."""
    upper_left, upper_right, _, lower_left = corners_in_tray(view)
    across, down = view.glare_at
    middle = upper_left + across * (upper_right - upper_left) + down * (lower_left - upper_left)
    wide, tall = (size * view.size * TRAY_SIZE[0] for size in view.glare_size)
    x = np.exp(-0.5 * ((np.arange(TRAY_SIZE[0]) - middle[0]) / wide) ** 2)
    y = np.exp(-0.5 * ((np.arange(TRAY_SIZE[1]) - middle[1]) / tall) ** 2)
    return np.asarray(view.glare * y[:, None] * x[None, :], np.float32)


def _frame_axes() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """−1 … 1 from left to right, and from top to bottom."""
    width, height = TRAY_SIZE
    across = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    down = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    return across, down
