"""One visit's question whether the face is alive: lights asked for, looks seen, the answer so far.

It keeps no picture, reads no clock, and forgets everything when it is let go. Only looks that
resemble the photo count, and the verdict names the looks it is about: whoever asks compares those
very looks with the photo, so that nobody answers the lights for the picture that is compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from firmware.match.pad import (
    Sighting,
    decide,
    most_looks,
    tries_in_light,
    tries_without_light,
)
from firmware.match.pad_card import PadCard
from firmware.match.pad_light import LightPlan
from firmware.match.template import FaceTemplate, compare
from firmware.words import PadDecision, PanelLight

RESEMBLES: Final = 0.39
"""Score of one look with the photo. Measured on LFW-grey: one look at a stranger in 900 reaches it,
and 98 of 100 at the right person. Who is the right person is not decided here."""
APART_S: Final = 0.2
"""Looks nearer in time than this see the same light."""
KEPT: Final = 64
"""More than there are in ten seconds: how old they may be is up to whoever compares, and looks at
somebody else push out none that were tried."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a face is alive, and the looks that say so; of none, nobody looked for it."""

    decision: PadDecision
    looks: tuple[FaceTemplate, ...] = field(default=(), repr=False)


class Watch(Protocol):
    """What a looking asks of it."""

    def light_due(self, now_s: float) -> PanelLight | None:
        """The light to ask for now, if it is time for another."""

    def wants(self, at_s: float) -> bool:
        """Whether a look at a frame of that time would count: else it need not be measured."""

    def see(self, seen: Sighting, template: FaceTemplate) -> None:
        """A fit look was had."""

    def forget_before(self, at_s: float) -> None:
        """Looks that were had before then count no more."""

    def verdict(self, photo: FaceTemplate) -> Verdict | None:
        """What the looks at this person came to; None while it cannot be told."""

    def begin_anew(self) -> None:
        """The looks are used up; the lights go on."""


class NoWatch:
    """Nobody looks whether the face is alive: a setting."""

    def light_due(self, now_s: float) -> PanelLight | None:
        return None

    def wants(self, at_s: float) -> bool:
        return False

    def see(self, seen: Sighting, template: FaceTemplate) -> None:
        return None

    def forget_before(self, at_s: float) -> None:
        return None

    def verdict(self, photo: FaceTemplate) -> Verdict | None:
        return Verdict(PadDecision.NOT_DONE)

    def begin_anew(self) -> None:
        return None


class PadWatch:
    """`Watch` by the cues of `pad`. `random` gives so many random bytes; None: no screen light."""

    def __init__(self, card: PadCard, random: Callable[[int], bytes] | None) -> None:
        self._card = card
        self._plan = LightPlan(random) if random is not None else None
        self._point = card.without_light if random is None else card.with_light
        self._seen: deque[tuple[Sighting, FaceTemplate]] = deque(maxlen=KEPT)
        self._told: tuple[FaceTemplate, Verdict | None] | None = None
        self._tried = False

    def __repr__(self) -> str:
        return f"PadWatch({len(self._seen)} looks)"

    def light_due(self, now_s: float) -> PanelLight | None:
        return None if self._plan is None else self._plan.due(now_s)

    def wants(self, at_s: float) -> bool:
        return not self._seen or at_s - self._seen[-1][0].at_s >= APART_S

    def see(self, seen: Sighting, template: FaceTemplate) -> None:
        if self.wants(seen.at_s):
            self._seen.append((seen, template))
            self._told = None

    def forget_before(self, at_s: float) -> None:
        while self._seen and self._seen[0][0].at_s < at_s:
            self._seen.popleft()
            self._told = None
            if self._tried:
                # The rest, tried again from another look on, would be tries that nobody measured.
                self.begin_anew()

    def verdict(self, photo: FaceTemplate) -> Verdict | None:
        if self._told is None or self._told[0] is not photo:
            self._told = photo, self._decide(photo)
        return self._told[1]

    def _decide(self, photo: FaceTemplate) -> Verdict | None:
        theirs = [look for look in self._seen if compare(look[1], photo) >= RESEMBLES]
        most = most_looks(self._point)
        # Once tried, looks are only added: another first one would make tries that nobody measured.
        judged = theirs[:most] if self._tried else theirs[-most:]
        seen = [each for each, _ in judged]
        if self._plan is None:
            tries = tries_without_light(seen, self._card)
        else:
            tries = tries_in_light(seen, self._plan.shown, self._card)
        told = decide(tries, self._point)
        if told is None:
            self._tried = len(judged) >= self._point.looks
            return None
        decision, count = told
        return Verdict(decision, tuple(look for _, look in judged[:count]))

    def begin_anew(self) -> None:
        self._seen.clear()
        self._told, self._tried = None, False
