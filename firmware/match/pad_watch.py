"""One visit's question whether the face is alive: lights asked for, looks seen, the answer so far.

It keeps no picture, reads no clock, and forgets everything when it is let go. Only looks that
resemble the photo count, so that nobody answers the lights for the picture that is compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from firmware.match.pad import Sighting, cues_in_light, cues_without_light, judge
from firmware.match.pad_card import PadCard
from firmware.match.pad_light import LightPlan
from firmware.match.template import FaceTemplate, compare
from firmware.words import PadDecision, PanelLight

RESEMBLES: Final = 0.25
"""Cosine of one look with the photo. Assumed: far above strangers' (about 0), and so low that no
look at the right person is lost. Who is the right person is not decided here."""
APART_S: Final = 0.2
"""Looks nearer in time than this see the same light."""
SPARE_LOOKS: Final = 1
"""The first look may lie before the first light; the error rates were measured with it."""
KEPT: Final = 24
"""The newest looks: five seconds and more."""


class Watch(Protocol):
    """What a looking asks of it."""

    def light_due(self, now_s: float) -> PanelLight | None:
        """The light to ask for now, if it is time for another."""

    def see(self, seen: Sighting, template: FaceTemplate) -> None:
        """A fit look was had."""

    def decision(self, photo: FaceTemplate) -> PadDecision | None:
        """What the looks at this person came to; None while it cannot be told."""

    def begin_anew(self) -> None:
        """The looks are used up; the lights go on."""


class NoWatch:
    """Nobody looks whether the face is alive: a setting."""

    def light_due(self, now_s: float) -> PanelLight | None:
        return None

    def see(self, seen: Sighting, template: FaceTemplate) -> None:
        return None

    def decision(self, photo: FaceTemplate) -> PadDecision | None:
        return PadDecision.NOT_DONE

    def begin_anew(self) -> None:
        return None


class PadWatch:
    """`Watch` by the cues of `pad`. `random` gives so many random bytes; None: no screen light."""

    def __init__(self, card: PadCard, random: Callable[[int], bytes] | None) -> None:
        self._card = card
        self._plan = LightPlan(random) if random is not None else None
        self._point = card.without_light if random is None else card.with_light
        self._seen: deque[tuple[Sighting, FaceTemplate]] = deque(maxlen=KEPT)
        self._told: tuple[FaceTemplate, PadDecision | None] | None = None

    def __repr__(self) -> str:
        return f"PadWatch({len(self._seen)} looks)"

    def light_due(self, now_s: float) -> PanelLight | None:
        return None if self._plan is None else self._plan.due(now_s)

    def see(self, seen: Sighting, template: FaceTemplate) -> None:
        if not self._seen or seen.at_s - self._seen[-1][0].at_s >= APART_S:
            self._seen.append((seen, template))
            self._told = None

    def decision(self, photo: FaceTemplate) -> PadDecision | None:
        if self._told is None or self._told[0] is not photo:
            self._told = photo, self._decide(photo)
        return self._told[1]

    def _decide(self, photo: FaceTemplate) -> PadDecision | None:
        theirs = [seen for seen, template in self._seen if compare(template, photo) >= RESEMBLES]
        if len(theirs) < self._point.looks:
            return None
        newest = theirs[-(self._point.looks + SPARE_LOOKS) :]
        if self._plan is None:
            return judge(cues_without_light(newest, self._card), self._point)
        return judge(cues_in_light(newest, self._plan.shown, self._card), self._point)

    def begin_anew(self) -> None:
        self._seen.clear()
        self._told = None
