"""How long the parts of a visit took. Pure: it is told when each state was entered."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.transaction.machine import MACHINE_STATES
from firmware.words import State as S

CARD_READING = frozenset({S.IDENTIFYING_CARD, S.READING_CARD_FACE})
MACHINE_TIME = MACHINE_STATES | {S.CONFIRMING}


@dataclass(slots=True)
class Stopwatch:
    """The seconds spent in each state of one visit."""

    state: S
    entered_at_s: float
    spent_s: dict[S, float] = field(default_factory=dict)
    decided_after_s: float | None = None

    def enter(self, state: S, at_s: float) -> None:
        """The visit went to another state, or anew to the same."""
        spent = self.spent_s.get(self.state, 0.0)
        self.spent_s[self.state] = spent + at_s - self.entered_at_s
        self.state, self.entered_at_s = state, at_s
        if state is S.IDENTITY_PROVEN:
            self.decided_after_s = sum(
                seconds
                for entered, seconds in self.spent_s.items()
                if entered is not S.WAITING_FOR_CARD
            )

    def report_ms(self) -> dict[str, int]:
        """`card_read`, `decision` (card placed to identity proven), `machine` (what nobody was
        asked for), `total`, in whole milliseconds; a part that did not happen is absent."""
        parts = {
            "card_read": self._sum(CARD_READING),
            "decision": self.decided_after_s,
            "machine": self._sum(MACHINE_TIME),
            "total": sum(self.spent_s.values()),
        }
        return {name: round(s * 1000) for name, s in parts.items() if s is not None}

    def _sum(self, states: frozenset[S]) -> float | None:
        spent = [seconds for state, seconds in self.spent_s.items() if state in states]
        return sum(spent) if spent else None
