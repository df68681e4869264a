"""Whom and what a tester may hold before the camera: one presentation for a species and a seed.

A species is known here and nowhere behind: what leaves is geometry, materials, motion and light.
The same species, seed and portraits give the same presentation. All ranges are assumed, and wide.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np

from firmware.simulator.portraits import FRAMINGS
from firmware.simulator.presentations import (
    Body,
    Colour,
    Display,
    Head,
    Hole,
    Lens,
    Motion,
    Panel,
    Paper,
    Picture,
    Plain,
    Presentation,
    Recording,
    Room,
    Sheet,
    Six,
    Skin,
    Surface,
    Sway,
)
from firmware.words import LIGHT_STAYS_S, PanelLight


class Species(StrEnum):
    """Living people in six conditions, and eight instruments of attack (ISO/IEC 30107-1)."""

    LIVE = "live"
    LIVE_STILL = "live_still"
    LIVE_GLASSES = "live_glasses"
    LIVE_DARK_ROOM = "live_dark_room"
    LIVE_BRIGHT_ROOM = "live_bright_room"
    LIVE_DARK_SKIN = "live_dark_skin"
    PRINT = "print"
    BENT_PRINT = "bent_print"
    CUT_OUT = "cut_out"
    PHONE_PHOTO = "phone_photo"
    PHONE_VIDEO = "phone_video"
    TABLET_VIDEO = "tablet_video"
    OLD_CHALLENGE = "old_challenge"
    WORN_MASK = "worn_mask"

    @property
    def living(self) -> bool:
        """Somebody stands there, and no likeness."""
        return self.startswith("live")


LIVING: Final = tuple(species for species in Species if species.living)
ATTACKS: Final = tuple(species for species in Species if not species.living)
_NECK: Final = (0.0, 90.0, 90.0)
_CLOTHES: Final = ((0.05, 0.06, 0.10), (0.30, 0.28, 0.26), (0.55, 0.12, 0.10), (0.62, 0.62, 0.60))
_FINGER: Final = (0.52, 0.34, 0.26)


def at_ease(portrait: str, seed: int = 0) -> Presentation:
    """A person as most come: an arm's length away in a lit room, not quite still."""
    motion = Motion(
        rest=(0.0, -22.0, 460.0, 0.0, 0.0, 0.0),
        sways=(
            Sway((9.0, 4.0, 14.0, 1.5, 3.0, 1.5), 4.1),
            Sway((3.0, 2.0, 3.0, 1.0, 1.5, 0.5), 2.3, 1.0),
        ),
        pivot=_NECK,
    )
    body = Body((Surface(Head(), Skin(), Picture(portrait)),), motion)
    return Presentation(body, seed=seed)


def presentation(
    species: Species, seed: int, portrait: str, wearer: str | None = None
) -> Presentation:
    """One presentation of a species. `wearer` is whose head is behind a mask; None: somebody's."""
    random = np.random.default_rng((seed, zlib.crc32(species.encode())))
    if wearer is None:
        others = [name for name in FRAMINGS if name[:-2] != portrait[:-2]]
        wearer = others[int(random.integers(len(others)))]
    return _Draw(random, portrait, wearer, seed).of(species)


class _Draw:
    """Draws the parts of one presentation, each from its range."""

    def __init__(self, random: np.random.Generator, portrait: str, wearer: str, seed: int) -> None:
        self._random, self._seed = random, seed
        self._portrait, self._wearer = portrait, wearer
        self._lux = 0.0

    def of(self, species: Species) -> Presentation:
        """The body of the species, in a room and before a lens drawn for it."""
        makers: dict[Species, Callable[[], Body]] = {
            Species.LIVE_STILL: lambda: self._person(still=0.2),
            Species.LIVE_GLASSES: lambda: self._person(eye_shade=self._in(0.45, 0.85)),
            Species.LIVE_DARK_SKIN: lambda: self._person(tone=self._in(0.25, 0.5)),
            Species.PRINT: self._print,
            Species.BENT_PRINT: self._bent_print,
            Species.CUT_OUT: self._cut_out,
            Species.PHONE_PHOTO: lambda: self._shown_on(self._phone, None),
            Species.PHONE_VIDEO: lambda: self._shown_on(self._phone, self._film),
            Species.TABLET_VIDEO: lambda: self._shown_on(self._tablet, self._film),
            Species.OLD_CHALLENGE: lambda: self._shown_on(self._tablet, self._old_film),
            Species.WORN_MASK: self._worn_mask,
        }
        held = not species.living and species is not Species.WORN_MASK
        lux = {Species.LIVE_DARK_ROOM: (50.0, 110.0), Species.LIVE_BRIGHT_ROOM: (600.0, 1000.0)}
        self._lux = self._spread(*lux.get(species, (80.0, 800.0)))
        body = makers.get(species, self._person)()
        return Presentation(
            body,
            self._room(held=held),
            self._lens(),
            self._panel(),
            self._seed,
        )

    # --- chance
    def _in(self, low: float, high: float) -> float:
        return float(self._random.uniform(low, high))

    def _spread(self, low: float, high: float) -> float:
        """Between the two, as much below their geometric mean as above."""
        return float(np.exp(self._in(np.log(low), np.log(high))))

    def _about(self, size: float) -> float:
        return self._in(-size, size)

    def _likely(self, chance: float) -> bool:
        return bool(self._random.random() < chance)

    # --- around
    def _room(self, *, held: bool) -> Room:
        warm = self._about(0.12)
        clothes = _CLOTHES[int(self._random.integers(len(_CLOTHES)))]
        grey = self._in(0.25, 0.8)
        return Room(
            lux=self._lux,
            tint=(1 + warm, 1.0, 1 - warm),
            side=self._about(0.45),
            lamp=(self._about(0.6), self._in(-0.7, -0.1)),
            lamp_cd_m2=self._in(300, 3000),
            wall_mm=self._in(900, 3500),
            wall=(grey * self._in(0.9, 1.1), grey, grey * self._in(0.85, 1.05)),
            someone_behind=clothes if held and self._likely(0.7) else None,
        )

    def _lens(self) -> Lens:
        follows = self._likely(0.6)
        return Lens(
            blur_px=self._in(0.0, 0.9),
            noise=self._in(1.0, 4.0),
            key=self._in(0.16, 0.26),
            exposure_follows=self._in(0.2, 0.9) if follows else 0.0,
            exposure_s=self._in(0.3, 1.5),
            balance_follows=self._in(0.1, 0.6) if follows else 0.0,
            balance_s=self._in(0.6, 3.0),
        )

    def _panel(self) -> Panel:
        inches = self._in(7.0, 10.1)
        return Panel(
            size_mm=(21.5 * inches, 13.5 * inches),
            cd_m2=self._in(250, 450),
            lit=self._in(0.7, 0.85),
            below_mm=self._in(10, 30),
        )

    # --- motion
    def _motion(
        self, away_mm: float, rest: Six, moves: float, pivot: Colour, hand: float
    ) -> Motion:
        right, down, _, nod, turn, roll = rest
        slow = [
            Sway(
                (
                    moves * self._about(14),
                    moves * self._about(7),
                    moves * self._about(0.05 * away_mm),
                    moves * self._about(3.5),
                    moves * self._about(6.0),
                    moves * self._about(2.5),
                ),
                self._in(1.2, 6.0),
                self._in(0, 6.28),
            )
            for _ in range(3)
        ]
        tremble = Sway(
            tuple(hand * self._about(size) for size in (0.6, 0.6, 0.8, 0.3, 0.3, 0.2)),  # type: ignore[arg-type]
            self._in(0.10, 0.30),
            self._in(0, 6.28),
        )
        return Motion((right, down, away_mm, nod, turn, roll), (*slow, tremble), pivot)

    def _near(self, eyes_mm: float) -> float:
        """A distance at which the eyes lie some 60 to 105 pixels apart."""
        return eyes_mm * 620.0 / self._in(60, 105)

    def _rest(self, away_mm: float, tilt_deg: float) -> Six:
        at = away_mm / 450
        return (
            self._about(30) * at,
            self._in(-45, 5) * at,
            away_mm,
            self._about(tilt_deg),
            self._about(tilt_deg),
            self._about(tilt_deg / 2),
        )

    # --- people
    def _person(
        self, tone: float | None = None, eye_shade: float = 1.0, still: float | None = None
    ) -> Body:
        away = self._near(63.0)
        skin = Skin(
            tone=tone if tone is not None else self._in(0.7, 1.1),
            gloss=self._in(0.0, 0.04),
            eye_shade=eye_shade,
        )
        moves = still if still is not None else self._in(0.4, 1.2)
        motion = self._motion(away, self._rest(away, 6), moves, _NECK, hand=0.4)
        head = Head(relief=self._in(0.8, 1.2))
        return Body((Surface(head, skin, self._picture(63.0, fresh=True)),), motion)

    def _picture(self, eyes_mm: float, *, fresh: bool) -> Picture:
        mirrored = self._likely(0.5)
        if fresh:
            return Picture(self._portrait, mirrored, eyes_mm)
        return Picture(
            self._portrait,
            mirrored,
            eyes_mm,
            (self._about(0.1 * eyes_mm), self._in(-0.8, -0.1) * eyes_mm),
            brightness=self._in(0.75, 1.15),
            contrast=self._in(0.8, 1.3),
            saturation=self._in(0.6, 1.2),
            softness_mm=self._in(0.0, 0.012) * eyes_mm,
        )

    # --- paper
    def _paper(self) -> Paper:
        glossy, coarse = self._likely(0.5), self._likely(0.3)
        white = self._in(0.65, 0.88)
        return Paper(
            white=(white * self._in(0.97, 1.02), white, white * self._in(0.92, 1.06)),
            black=self._in(0.02, 0.09),
            gloss=self._in(0.02, 0.05) if glossy else self._in(0.0, 0.008),
            gloss_deg=self._in(2, 8) if glossy else self._in(12, 25),
            dots_per_mm=self._in(1.0, 4.0) if coarse else 0.0,
            dot_contrast=self._in(0.05, 0.3) if coarse else 0.0,
        )

    def _held(self, surfaces: tuple[Surface, ...], away: float, tilt_deg: float) -> Body:
        moves, hand = self._in(0.1, 1.3), self._in(0.3, 1.6)
        return Body(
            surfaces,
            self._motion(away, self._rest(away, tilt_deg), moves, (0.0, 40.0, 0.0), hand),
        )

    def _print(self, radius_mm: float = 0.0) -> Body:
        large = self._likely(0.6)
        eyes = self._in(52, 72) if large else self._in(26, 45)
        size = (210.0, 297.0) if large else (3.2 * eyes, 4.2 * eyes)
        sheet = Sheet(size, radius_mm)
        face = Surface(sheet, self._paper(), self._picture(eyes, fresh=False))
        return self._held((face, *self._fingers(size)), self._near(eyes), 12)

    def _bent_print(self) -> Body:
        return self._print(self._in(90, 260))

    def _cut_out(self) -> Body:
        eyes = self._in(55, 68)
        picture = self._whole(self._picture(eyes, fresh=False))
        holes = self._eye_holes(eyes) if self._likely(0.5) else ()
        radius = self._in(120, 400) if self._likely(0.5) else 0.0
        sheet = Sheet((240.0, 330.0), radius, self._in(-4, 8), holes, self._in(24, 60))
        face = Surface(sheet, self._paper(), picture)
        behind = Surface(Head(), Skin(self._in(0.6, 1.1)), Picture(self._wearer))
        surfaces = (behind, face) if holes or self._likely(0.5) else (face,)
        return self._held(surfaces, self._near(eyes), 10)

    def _worn_mask(self) -> Body:
        eyes = self._in(60, 66)
        picture = self._whole(self._picture(eyes, fresh=False))
        sheet = Sheet(
            (240.0, 330.0), self._in(85, 130), self._in(-8, 6), self._eye_holes(eyes), 24.0
        )
        behind = Surface(Head(), Skin(self._in(0.6, 1.1)), Picture(self._wearer))
        away = self._near(eyes)
        motion = self._motion(away, self._rest(away, 6), self._in(0.5, 1.2), _NECK, hand=0.4)
        return Body((behind, Surface(sheet, self._paper(), picture)), motion)

    def _eye_holes(self, eyes_mm: float) -> tuple[Hole, ...]:
        radii = (self._in(11, 17), self._in(6, 10))
        return tuple(Hole((side * eyes_mm / 2, 0.0), radii) for side in (-1, 1))

    @staticmethod
    def _whole(picture: Picture) -> Picture:
        """With the eyes where scissors look for them."""
        return Picture(
            picture.portrait,
            picture.mirrored,
            picture.eyes_mm,
            (0.0, 0.0),
            picture.brightness,
            picture.contrast,
            picture.saturation,
            picture.softness_mm,
        )

    def _fingers(self, size: tuple[float, float]) -> tuple[Surface, ...]:
        """Thumbs on the edges, where a hand holds it."""
        skin = Plain(_FINGER, gloss=0.01)
        sides = (-1, 1) if self._likely(0.5) else (1,)
        return tuple(
            Surface(
                Sheet((17.0, 48.0), in_front_mm=6.0, centre_mm=(side * size[0] / 2, size[1] * 0.2)),
                skin,
            )
            for side in sides
        )

    # --- displays
    def _phone(self) -> tuple[tuple[float, float], float, Display]:
        size = (self._in(62, 72), self._in(130, 155))
        return size, self._in(24, 33), self._display(self._in(14, 20))

    def _tablet(self) -> tuple[tuple[float, float], float, Display]:
        size = (self._in(130, 165), self._in(195, 225))
        return size, self._in(42, 62), self._display(self._in(6, 11))

    def _display(self, pixels_per_mm: float) -> Display:
        flickers = self._likely(0.5)
        return Display(
            # Whoever holds it up has set it to the room: far brighter would be a white spot.
            white_cd_m2=float(np.clip(self._lux / np.pi * self._spread(0.7, 2.5), 40, 500)),
            black_cd_m2=self._in(0.0, 0.8),
            white_point=(self._in(0.88, 1.05), 1.0, self._in(0.95, 1.15)),
            gamma=self._in(0.9, 1.15),
            pixels_per_mm=pixels_per_mm,
            grid_contrast=self._in(0.0, 0.05),
            flicker=self._in(0.01, 0.08) if flickers else 0.0,
            flicker_lines=self._in(0.5, 4.0),
            flicker_hz=self._in(0.2, 9.0),
            gloss=self._in(0.02, 0.05),
            gloss_deg=self._in(0.6, 3.0),
        )

    def _shown_on(
        self,
        device: Callable[[], tuple[tuple[float, float], float, Display]],
        film: Callable[[float], Recording] | None,
    ) -> Body:
        size, eyes, display = device()
        edge = self._in(3, 12)
        frame = Plain((self._in(0.02, 0.08),) * 3, gloss=0.03, gloss_deg=4.0)
        shows = self._picture(eyes, fresh=False) if film is None else film(eyes)
        surfaces = (
            Surface(Sheet((size[0] + edge, size[1] + 2.5 * edge)), frame),
            Surface(Sheet(size, in_front_mm=0.5), display, shows),
            *self._fingers((size[0] + edge, size[1])),
        )
        return self._held(surfaces, self._near(eyes), 9)

    def _film(
        self,
        eyes_mm: float,
        lights: tuple[tuple[float, PanelLight], ...] = ((0.0, PanelLight.OFF),),
    ) -> Recording:
        away = self._in(400, 560)
        motion = self._motion(away, self._rest(away, 5), self._in(0.4, 1.2), _NECK, hand=0.4)
        recorded_eyes_px = 63.0 * 620.0 / away
        return Recording(
            Picture(self._portrait, self._likely(0.5)),
            motion,
            lights,
            room_lux=self._in(80, 600),
            shine=self._in(0.6, 1.2),
            begins_at_s=self._in(0, 5),
            width_mm=640 * eyes_mm / recorded_eyes_px,
        )

    def _old_film(self, eyes_mm: float) -> Recording:
        """A film of somebody who once stood before such a reader: its colours were others."""
        colours = [light for light in PanelLight if light is not PanelLight.OFF]
        lights, at_s = [], 0.0
        while at_s < 20.0:
            lights.append((at_s, colours[int(self._random.integers(len(colours)))]))
            at_s += self._in(LIGHT_STAYS_S, 0.8)
        return self._film(eyes_mm, tuple(lights))
