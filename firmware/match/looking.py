"""What the looking of one visit knows: fit looks of different moments, the photo, the last hint.

It holds templates, never pictures, and forgets them when it is let go. It reads no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from firmware.faults import MalformedPhoto
from firmware.match.compare import Comparison, Look, LookRule
from firmware.match.template import FaceTemplate
from firmware.words import Hint, MatchDecision

MOMENT_S: Final = 0.15
"""Looks nearer in time than this are one moment: their errors are the same ones."""
HINT_EVERY_S: Final = 1.0 / 3.0


class Judge(Protocol):
    """The part of `compare.Comparer` that decides."""

    @property
    def rule(self) -> LookRule: ...

    def compare(self, reference: FaceTemplate, probes: Sequence[FaceTemplate]) -> Comparison: ...


class Looking:
    """One visit before the camera.

    Until the comparison begins, a new look takes the oldest one's place: people settle. From then
    on looks are only added, up to the rule's number, because each exchange would be a further try
    that the operating point was not measured with.
    """

    def __init__(self, visit: UUID, judge: Judge) -> None:
        self.visit = visit
        self.photo_fault: MalformedPhoto | None = None
        self._judge = judge
        self._probes: deque[FaceTemplate] = deque(maxlen=judge.rule.at_most)
        self._reference: FaceTemplate | None = None
        self._comparing = False
        self._last_moment_s = float("-inf")
        self._hint: Hint | None = None
        self._hinted: Hint | None = None
        self._hinted_at_s = float("-inf")

    def __repr__(self) -> str:
        return f"Looking({len(self._probes)} looks, photo {self._reference is not None})"

    @property
    def looks(self) -> int:
        """How many fit looks are kept."""
        return len(self._probes)

    def learn_photo(self, reference: FaceTemplate | MalformedPhoto) -> None:
        """The photo of this visit came, or what came was none; the last one counts."""
        if isinstance(reference, MalformedPhoto):
            self._reference, self.photo_fault = None, reference
        else:
            self._reference, self.photo_fault = reference, None

    def see(self, look: Look, captured_at_s: float) -> None:
        """One frame was looked at. Frames come in the order of their time."""
        self._hint = look.quality.hint
        if look.template is None or captured_at_s - self._last_moment_s < MOMENT_S:
            return
        if self._comparing and len(self._probes) == self._probes.maxlen:
            return
        self._last_moment_s = captured_at_s
        self._probes.append(look.template)

    def take_hint(self, now_s: float) -> Hint | None:
        """What to say now: only what is new, and no more than three times a second."""
        if self._hint == self._hinted or now_s - self._hinted_at_s < HINT_EVERY_S:
            return None
        self._hinted, self._hinted_at_s = self._hint, now_s
        return self._hint

    def compare(self) -> Comparison | None:
        """The decision on what was seen so far; None while more is needed, or no photo is there.

        A decision uses the looks up: another comparison begins with new ones.
        """
        self._comparing = True
        if self._reference is None:
            return None
        comparison = self._judge.compare(self._reference, tuple(self._probes))
        if comparison.decision is MatchDecision.TRY_AGAIN:
            return None
        self.end_comparison()
        self._probes.clear()
        return comparison

    def end_comparison(self) -> None:
        """No decision is wanted any more; what was seen stays."""
        self._comparing = False
