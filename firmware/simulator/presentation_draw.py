"""The parts of a presentation, each drawn from its range: the room, the lens, a person who moves.

All ranges are assumed, and wide.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from firmware.simulator.presentations import (
    Body,
    Colour,
    Head,
    Lens,
    Motion,
    Panel,
    Picture,
    Room,
    Six,
    Skin,
    Surface,
    Sway,
)

NECK: Final = (0.0, 90.0, 90.0)
"""About which a head turns, below and behind its face."""
_CLOTHES: Final = ((0.05, 0.06, 0.10), (0.30, 0.28, 0.26), (0.55, 0.12, 0.10), (0.62, 0.62, 0.60))


class Draw:
    """Draws the parts of one presentation, each from its range: the room, the lens, a person."""

    def __init__(self, random: np.random.Generator, portrait: str, wearer: str, seed: int) -> None:
        self.random, self.seed = random, seed
        self.portrait, self.wearer = portrait, wearer
        self.lux = 0.0

    # --- chance
    def within(self, low: float, high: float) -> float:
        """Anywhere between the two."""
        return float(self.random.uniform(low, high))

    def spread(self, low: float, high: float) -> float:
        """Between the two, as much below their geometric mean as above."""
        return float(np.exp(self.within(np.log(low), np.log(high))))

    def about(self, size: float) -> float:
        """As far as that to either side of zero."""
        return self.within(-size, size)

    def likely(self, chance: float) -> bool:
        """Yes, in that part of all cases."""
        return bool(self.random.random() < chance)

    # --- around
    def room(self, behind: float) -> Room:
        """Any room; in that part of all cases somebody stands behind what is held."""
        warm = self.about(0.12)
        clothes = _CLOTHES[int(self.random.integers(len(_CLOTHES)))]
        grey = self.within(0.25, 0.8)
        return Room(
            lux=self.lux,
            tint=(1 + warm, 1.0, 1 - warm),
            side=self.about(0.45),
            lamp=(self.about(0.6), self.within(-0.7, -0.1)),
            lamp_cd_m2=self.within(300, 3000),
            wall_mm=self.within(900, 3500),
            wall=(grey * self.within(0.9, 1.1), grey, grey * self.within(0.85, 1.05)),
            someone_behind=clothes if self.likely(behind) else None,
        )

    def lens(self) -> Lens:
        """Any face camera: its exposure follows more often than not."""
        follows = self.likely(0.6)
        return Lens(
            blur_px=self.within(0.0, 0.9),
            noise=self.within(1.0, 4.0),
            key=self.within(0.16, 0.26),
            exposure_follows=self.within(0.2, 0.9) if follows else 0.0,
            balance_follows=self.within(0.1, 0.6) if follows else 0.0,
            follows_in_s=self.within(0.3, 1.5),
        )

    def panel(self) -> Panel:
        """A screen of 7 to 10 inches."""
        inches = self.within(7.0, 10.1)
        return Panel(
            size_mm=(21.5 * inches, 13.5 * inches),
            cd_m2=self.within(250, 450),
            lit=self.within(0.7, 0.85),
            below_mm=self.within(10, 30),
        )

    # --- motion
    def motion(self, away_mm: float, rest: Six, moves: float, pivot: Colour, hand: float) -> Motion:
        """Three slow swings, as far as it `moves`, and how a `hand` or a pulse trembles."""
        right, down, _, nod, turn, roll = rest
        slow = [
            Sway(
                (
                    moves * self.about(14),
                    moves * self.about(7),
                    moves * self.about(0.05 * away_mm),
                    moves * self.about(3.5),
                    moves * self.about(6.0),
                    moves * self.about(2.5),
                ),
                self.within(1.2, 6.0),
                self.within(0, 6.28),
            )
            for _ in range(3)
        ]
        tremble = Sway(
            (
                hand * self.about(0.6),
                hand * self.about(0.6),
                hand * self.about(0.8),
                hand * self.about(0.3),
                hand * self.about(0.3),
                hand * self.about(0.2),
            ),
            self.within(0.10, 0.30),
            self.within(0, 6.28),
        )
        return Motion((right, down, away_mm, nod, turn, roll), (*slow, tremble), pivot)

    def near(self, eyes_mm: float) -> float:
        """A distance at which the eyes lie some 60 to 105 pixels apart."""
        return eyes_mm * 620.0 / self.within(60, 105)

    def rest(self, away_mm: float, tilt_deg: float) -> Six:
        """Not quite in the middle, and not quite straight."""
        at = away_mm / 450
        return (
            self.about(30) * at,
            self.within(-45, 5) * at,
            away_mm,
            self.about(tilt_deg),
            self.about(tilt_deg),
            self.about(tilt_deg / 2),
        )

    # --- people
    def person(
        self, tone: float | None = None, eye_shade: float = 1.0, still: float | None = None
    ) -> Body:
        """Somebody alive; `still`: how far such a person moves."""
        away = self.near(63.0)
        skin = Skin(
            tone=tone if tone is not None else self.within(0.7, 1.1),
            gloss=self.within(0.0, 0.04),
            eye_shade=eye_shade,
        )
        moves = still if still is not None else self.within(0.4, 1.2)
        motion = self.motion(away, self.rest(away, 6), moves, NECK, hand=0.4)
        head = Head(relief=self.within(0.8, 1.2))
        return Body((Surface(head, skin, Picture(self.portrait, self.likely(0.5))),), motion)

    def likeness(self, eyes_mm: float) -> Picture:
        """A likeness: smeared, faded, or with colours of its own."""
        return Picture(
            self.portrait,
            self.likely(0.5),
            eyes_mm,
            (self.about(0.1 * eyes_mm), self.within(-0.8, -0.1) * eyes_mm),
            brightness=self.within(0.75, 1.15),
            contrast=self.within(0.8, 1.3),
            saturation=self.within(0.6, 1.2),
            softness_mm=self.within(0.0, 0.012) * eyes_mm,
        )
