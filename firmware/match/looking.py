"""What the looking of one visit knows: fit looks of different moments, the photo, the last hint.

It holds templates, never pictures, and forgets them when it is let go. It reads no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol
from uuid import UUID

from firmware.faults import MalformedPhoto
from firmware.match.compare import Comparison, Look, LookRule
from firmware.match.pad import Sighting
from firmware.match.pad_watch import NoWatch, Watch
from firmware.match.template import FaceTemplate
from firmware.words import Hint, MatchDecision, PadDecision, PanelLight

MOMENT_S: Final = 0.15
"""Looks nearer in time than this are one moment: their errors are the same ones."""
HINT_EVERY_S: Final = 1.0 / 3.0
LOOKS_LAST_S: Final = 10.0
"""An older look is no look at whoever stands there now. A slow board, with half a second from look
to look, has the twelve that are wanted; an emulated one has none, so its time is stretched."""


class Judge(Protocol):
    """The part of `compare.Comparer` that decides."""

    @property
    def rule(self) -> LookRule: ...

    def compare(
        self, reference: FaceTemplate, probes: Sequence[FaceTemplate], pad: PadDecision
    ) -> Comparison: ...

    def all_match(self, reference: FaceTemplate, looks: Sequence[FaceTemplate]) -> bool: ...


class Looking:
    """One visit before the camera.

    Until the comparison begins, a new look takes the oldest one's place: people settle. From then
    on looks are only added, up to the rule's number, because each exchange would be a further try
    that the operating point was not measured with. Whether the face is alive may take more looks
    than whose it is: they are looked at for that, and must all together be the right person's too.
    """

    def __init__(
        self,
        visit: UUID,
        judge: Judge,
        watch: Watch | None = None,
        looks_last_s: float = LOOKS_LAST_S,
    ) -> None:
        """Without a `watch`, nobody looks whether the face is alive."""
        self.visit = visit
        self.photo_fault: MalformedPhoto | None = None
        self._judge, self._looks_last_s = judge, looks_last_s
        self._watch = watch or NoWatch()
        self._probes: deque[tuple[float, FaceTemplate]] = deque(maxlen=judge.rule.at_most)
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

    def is_new_moment(self, captured_at_s: float) -> bool:
        """Whether a look at a frame of that time could count: else it is not worth the work."""
        return captured_at_s - self._last_moment_s >= MOMENT_S

    def wants_sighting(self, at_s: float) -> bool:
        """Whether what the colours of a frame of that time tell would count."""
        return self._watch.wants(at_s)

    def learn_photo(self, reference: FaceTemplate | MalformedPhoto) -> None:
        """The photo of this visit came, or what came was none; the last one counts."""
        if isinstance(reference, MalformedPhoto):
            self._reference, self.photo_fault = None, reference
        else:
            self._reference, self.photo_fault = reference, None

    def see(self, look: Look, captured_at_s: float, seen: Sighting | None = None) -> None:
        """One frame was looked at; `seen` is what its colours told. In the order of their time."""
        self._hint = look.quality.hint
        if look.template is None or not self.is_new_moment(captured_at_s):
            return
        self._last_moment_s = captured_at_s
        if seen is not None:
            self._watch.see(seen, look.template)
        if not self._comparing or len(self._probes) < self._judge.rule.at_most:
            self._probes.append((captured_at_s, look.template))

    def light_due(self, now_s: float) -> PanelLight | None:
        """The light that the screen should show from now on, if it is another one."""
        return self._watch.light_due(now_s)

    def take_hint(self, now_s: float) -> Hint | None:
        """What to say now: only what is new, and no more than three times a second."""
        if self._hint == self._hinted or now_s - self._hinted_at_s < HINT_EVERY_S:
            return None
        self._hinted, self._hinted_at_s = self._hint, now_s
        return self._hint

    def compare(self, now_s: float) -> Comparison | None:
        """The decision on what was seen so far; None while more is needed, or no photo is there.

        The right person is not told before it is told whether they are alive, and by looks that
        show the right person themselves. A decision uses the looks up: another comparison begins
        with new ones.
        """
        self._comparing = True
        self._forget_before(now_s - self._looks_last_s)
        if self._reference is None:
            return None
        comparison = self._compare(self._reference, tuple(look for _, look in self._probes))
        if comparison is None or comparison.decision is MatchDecision.TRY_AGAIN:
            return None
        self.end_comparison()
        self._probes.clear()
        self._watch.begin_anew()
        return comparison

    def _compare(
        self, reference: FaceTemplate, probes: Sequence[FaceTemplate]
    ) -> Comparison | None:
        verdict = self._watch.verdict(reference)
        pad = PadDecision.NOT_DONE if verdict is None else verdict.decision
        comparison = self._judge.compare(reference, probes, pad)
        if comparison.decision is not MatchDecision.SAME_PERSON:
            return comparison
        if verdict is None:
            return None
        if verdict.looks and not self._judge.all_match(reference, verdict.looks):
            return replace(comparison, decision=MatchDecision.NOT_SAME_PERSON)
        return comparison

    def _forget_before(self, at_s: float) -> None:
        while self._probes and self._probes[0][0] < at_s:
            self._probes.popleft()
        self._watch.forget_before(at_s)

    def end_comparison(self) -> None:
        """No decision is wanted any more; what was seen stays."""
        self._comparing = False
