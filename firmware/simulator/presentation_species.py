"""Whom and what a tester may hold before the camera: one presentation for a species and a seed.

A species is known here and nowhere behind: what leaves is geometry, materials, motion and light.
The same species, seed and portraits give the same presentation.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np

from firmware.simulator.portraits import FRAMINGS
from firmware.simulator.presentation_draw import NECK, Draw
from firmware.simulator.presentations import (
    Body,
    Display,
    Head,
    Hole,
    Lens,
    Motion,
    Paper,
    Picture,
    Plain,
    Presentation,
    Recording,
    Sheet,
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
_FINGER: Final = (0.52, 0.34, 0.26)


def at_ease(portrait: str, seed: int = 0) -> Presentation:
    """A person as most come: an arm's length away in a lit room, not quite still."""
    motion = Motion(
        rest=(0.0, -22.0, 460.0, 0.0, 0.0, 0.0),
        sways=(
            Sway((9.0, 4.0, 14.0, 1.5, 3.0, 1.5), 4.1),
            Sway((3.0, 2.0, 3.0, 1.0, 1.5, 0.5), 2.3, 1.0),
        ),
        pivot=NECK,
    )
    body = Body((Surface(Head(), Skin(), Picture(portrait)),), motion)
    lens = Lens(exposure_follows=0.4, balance_follows=0.2, follows_in_s=0.8)
    return Presentation(body, lens=lens, seed=seed)


def presentation(
    species: Species, seed: int, portrait: str, wearer: str | None = None
) -> Presentation:
    """One presentation of a species. `wearer` is whose head is behind a mask; None: somebody's."""
    random = np.random.default_rng((seed, zlib.crc32(species.encode())))
    if wearer is None:
        others = [name for name in FRAMINGS if name[:-2] != portrait[:-2]]
        wearer = others[int(random.integers(len(others)))]
    return _Held(random, portrait, wearer, seed).of(species)


class _Held(Draw):
    """And what is held before a lens, or worn."""

    def of(self, species: Species) -> Presentation:
        """The body of the species, in a room and before a lens drawn for it."""
        makers: dict[Species, Callable[[], Body]] = {
            Species.LIVE_STILL: lambda: self.person(still=0.2),
            Species.LIVE_GLASSES: lambda: self.person(eye_shade=self.within(0.45, 0.85)),
            Species.LIVE_DARK_SKIN: lambda: self.person(tone=self.within(0.25, 0.5)),
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
        self.lux = self.spread(*lux.get(species, (80.0, 800.0)))
        body = makers.get(species, self.person)()
        return Presentation(
            body,
            self.room(0.7 if held else 0.0),
            self.lens(),
            self.panel(),
            self.seed,
        )

    # --- paper
    def _paper(self) -> Paper:
        glossy, coarse = self.likely(0.5), self.likely(0.3)
        white = self.within(0.65, 0.88)
        return Paper(
            white=(white * self.within(0.97, 1.02), white, white * self.within(0.92, 1.06)),
            black=self.within(0.02, 0.09),
            gloss=self.within(0.02, 0.05) if glossy else self.within(0.0, 0.008),
            gloss_deg=self.within(2, 8) if glossy else self.within(12, 25),
            dots_per_mm=self.within(1.0, 4.0) if coarse else 0.0,
            dot_contrast=self.within(0.05, 0.3) if coarse else 0.0,
        )

    def _held(self, surfaces: tuple[Surface, ...], away: float, tilt_deg: float) -> Body:
        moves, hand = self.within(0.1, 1.3), self.within(0.3, 1.6)
        return Body(
            surfaces,
            self.motion(away, self.rest(away, tilt_deg), moves, (0.0, 40.0, 0.0), hand),
        )

    def _print(self, radius_mm: float = 0.0) -> Body:
        large = self.likely(0.6)
        eyes = self.within(52, 72) if large else self.within(26, 45)
        size = (210.0, 297.0) if large else (3.2 * eyes, 4.2 * eyes)
        sheet = Sheet(size, radius_mm)
        face = Surface(sheet, self._paper(), self.likeness(eyes))
        return self._held((face, *self._fingers(size)), self.near(eyes), 12)

    def _bent_print(self) -> Body:
        return self._print(self.within(90, 260))

    def _cut_out(self) -> Body:
        eyes = self.within(55, 68)
        picture = self._whole(self.likeness(eyes))
        holes = self._eye_holes(eyes) if self.likely(0.5) else ()
        radius = self.within(120, 400) if self.likely(0.5) else 0.0
        sheet = Sheet((240.0, 330.0), radius, self.within(-4, 8), holes, self.within(24, 60))
        face = Surface(sheet, self._paper(), picture)
        behind = Surface(Head(), Skin(self.within(0.6, 1.1)), Picture(self.wearer))
        surfaces = (behind, face) if holes or self.likely(0.5) else (face,)
        return self._held(surfaces, self.near(eyes), 10)

    def _worn_mask(self) -> Body:
        eyes = self.within(60, 66)
        picture = self._whole(self.likeness(eyes))
        sheet = Sheet(
            (240.0, 330.0), self.within(85, 130), self.within(-8, 6), self._eye_holes(eyes), 24.0
        )
        behind = Surface(Head(), Skin(self.within(0.6, 1.1)), Picture(self.wearer))
        away = self.near(eyes)
        motion = self.motion(away, self.rest(away, 6), self.within(0.5, 1.2), NECK, hand=0.4)
        return Body((behind, Surface(sheet, self._paper(), picture)), motion)

    def _eye_holes(self, eyes_mm: float) -> tuple[Hole, ...]:
        radii = (self.within(11, 17), self.within(6, 10))
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
        sides = (-1, 1) if self.likely(0.5) else (1,)
        return tuple(
            Surface(
                Sheet((17.0, 48.0), in_front_mm=6.0, centre_mm=(side * size[0] / 2, size[1] * 0.2)),
                skin,
            )
            for side in sides
        )

    # --- displays
    def _phone(self) -> tuple[tuple[float, float], float, Display]:
        size = (self.within(62, 72), self.within(130, 155))
        return size, self.within(24, 33), self._display(self.within(14, 20))

    def _tablet(self) -> tuple[tuple[float, float], float, Display]:
        size = (self.within(130, 165), self.within(195, 225))
        return size, self.within(42, 62), self._display(self.within(6, 11))

    def _display(self, pixels_per_mm: float) -> Display:
        flickers = self.likely(0.5)
        return Display(
            # Whoever holds it up has set it to the room: far brighter would be a white spot.
            white_cd_m2=float(np.clip(self.lux / np.pi * self.spread(0.7, 2.5), 40, 500)),
            black_cd_m2=self.within(0.0, 0.8),
            white_point=(self.within(0.88, 1.05), 1.0, self.within(0.95, 1.15)),
            gamma=self.within(0.9, 1.15),
            pixels_per_mm=pixels_per_mm,
            grid_contrast=self.within(0.0, 0.05),
            flicker=self.within(0.01, 0.08) if flickers else 0.0,
            flicker_lines=self.within(0.5, 4.0),
            flicker_hz=self.within(0.2, 9.0),
            gloss=self.within(0.02, 0.05),
            gloss_deg=self.within(0.6, 3.0),
        )

    def _shown_on(
        self,
        device: Callable[[], tuple[tuple[float, float], float, Display]],
        film: Callable[[float], Recording] | None,
    ) -> Body:
        size, eyes, display = device()
        edge = self.within(3, 12)
        frame = Plain((self.within(0.02, 0.08),) * 3, gloss=0.03, gloss_deg=4.0)
        shows = self.likeness(eyes) if film is None else film(eyes)
        surfaces = (
            Surface(Sheet((size[0] + edge, size[1] + 2.5 * edge)), frame),
            Surface(Sheet(size, in_front_mm=0.5), display, shows),
            *self._fingers((size[0] + edge, size[1])),
        )
        return self._held(surfaces, self.near(eyes), 9)

    def _film(
        self,
        eyes_mm: float,
        lights: tuple[tuple[float, PanelLight], ...] = ((0.0, PanelLight.OFF),),
    ) -> Recording:
        away = self.within(400, 560)
        motion = self.motion(away, self.rest(away, 5), self.within(0.4, 1.2), NECK, hand=0.4)
        recorded_eyes_px = 63.0 * 620.0 / away
        return Recording(
            Picture(self.portrait, self.likely(0.5)),
            motion,
            lights,
            room_lux=self.within(80, 600),
            shine=self.within(0.6, 1.2),
            begins_at_s=self.within(0, 5),
            width_mm=640 * eyes_mm / recorded_eyes_px,
        )

    def _old_film(self, eyes_mm: float) -> Recording:
        """A film of somebody who once stood before such a reader: its colours were others."""
        colours = [light for light in PanelLight if light is not PanelLight.OFF]
        lights, at_s = [], 0.0
        while at_s < 20.0:
            lights.append((at_s, colours[int(self.random.integers(len(colours)))]))
            at_s += self.within(LIGHT_STAYS_S, 0.8)
        return self._film(eyes_mm, tuple(lights))
