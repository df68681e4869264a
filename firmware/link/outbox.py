"""What one end has sent and the other has not: the window, and when a fragment goes again. Pure.

How long an answer takes is learnt from the line, as TCP does (RFC 6298): a frame may need 1 ms or
100. A fragment counts as lost as soon as one that went after it has arrived (RFC 8985); the clock
is for what nothing went after, and runs anew whenever anything arrives. Some loss makes no wait
longer: on a cable of our own it says nothing of how busy that is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FIRST_WINDOW: Final = 12
WINDOW: Final = 32
"""Fragments under way at the most. A line that answers quickly and loses a tenth would stand idle
with fewer while one comes again; on a slow one more than the first would only wait."""
QUICK_OF_LEASE: Final = 8
SEQUENCES: Final = 1 << 32

FIRST_WAIT_OF_LEASE: Final = 8
SHORTEST_WAIT_OF_LEASE: Final = 400
LONGEST_WAIT_OF_LEASE: Final = 2
PATIENT_WAIT_OF_LEASE: Final = 40
IN_VAIN_TO_BE_PATIENT: Final = 4
"""After so many waits in vain the other end is taken to be busy: it acknowledges nothing yet."""
_SMOOTHING: Final = 1 / 8
_DEVIATION_SMOOTHING: Final = 1 / 4
_DEVIATIONS: Final = 2


@dataclass(slots=True)
class Fragment:
    """A part of a payload. `order` counts sendings, so that of two it tells which went later."""

    content: bytes
    last: bool
    sent_s: float = 0.0
    order: int = 0
    resent: bool = False


class RoundTrip:
    """How long an acknowledgement is waited for."""

    def __init__(self, lease_s: float) -> None:
        self._least_s = lease_s / SHORTEST_WAIT_OF_LEASE
        self._most_s = lease_s / LONGEST_WAIT_OF_LEASE
        self.wait_s = lease_s / FIRST_WAIT_OF_LEASE
        self.smoothed_s: float | None = None
        """None until something was acknowledged."""
        self.shortest_s: float | None = None
        self._deviation_s = 0.0

    def learn(self, took_s: float) -> None:
        """A fragment that was sent once was acknowledged."""
        if self.smoothed_s is None or self.shortest_s is None:
            self.smoothed_s, self._deviation_s = took_s, took_s / 2
            self.shortest_s = took_s
        else:
            self.shortest_s = min(self.shortest_s, took_s)
            off_s = took_s - self.smoothed_s
            self._deviation_s += _DEVIATION_SMOOTHING * (abs(off_s) - self._deviation_s)
            self.smoothed_s += _SMOOTHING * off_s
        wait_s = self.smoothed_s + _DEVIATIONS * self._deviation_s
        self.wait_s = min(max(wait_s, self._least_s), self._most_s)


class Outbox:
    """Fragments in the order in which they go."""

    def __init__(self, lease_s: float) -> None:
        self.round_trip = RoundTrip(lease_s)
        self._patient_s = lease_s / PATIENT_WAIT_OF_LEASE
        self._quick_s = lease_s / QUICK_OF_LEASE
        self.window = FIRST_WINDOW
        """How many fragments may be under way now."""
        self.next = 0
        """The sequence number of the next fragment that was never sent."""
        self.sent = 0
        """Sendings, those included of the same fragment again."""
        self.resent = 0
        self._waiting: deque[Fragment] = deque()
        self._under_way: dict[int, Fragment] = {}
        self._arrived = 0
        """The latest sending of which it is certain that it arrived, by its order."""
        self._moved_s = 0.0
        """When something was acknowledged, or the clock began to run."""
        self._in_vain = 0

    @property
    def backlog_bytes(self) -> int:
        """Put and not yet acknowledged."""
        return sum(len(part.content) for part in (*self._under_way.values(), *self._waiting))

    @property
    def is_empty(self) -> bool:
        """Whether everything was acknowledged."""
        return not self._under_way and not self._waiting

    @property
    def due_s(self) -> float:
        """When something goes again; infinity while nothing is under way."""
        if not self._under_way:
            return float("inf")
        is_patient = self._in_vain >= IN_VAIN_TO_BE_PATIENT
        least_s = self._patient_s if is_patient else 0.0
        return self._moved_s + max(self.round_trip.wait_s, least_s)

    def put(self, content: bytes, *, last: bool) -> None:
        """Queue one fragment; `last` ends its payload."""
        self._waiting.append(Fragment(content, last))

    def settle(self, expected: int, held: int, now_s: float) -> None:
        """Forget what the other end has: all before `expected`, and by its bits those beyond it."""
        for sequence in tuple(self._under_way):
            before = (expected - sequence - 1) % SEQUENCES
            beyond = (sequence - expected - 1) % SEQUENCES
            if before < WINDOW or (beyond < WINDOW and held >> beyond & 1):
                self._take_off(self._under_way.pop(sequence), now_s)

    def _take_off(self, fragment: Fragment, now_s: float) -> None:
        took_s = now_s - fragment.sent_s
        self._moved_s, self._in_vain = now_s, 0
        self.window = min(self.window + 1, WINDOW) if took_s < self._quick_s else FIRST_WINDOW
        if not fragment.resent:  # of the others nobody knows which sending is answered
            self.round_trip.learn(took_s)
        if took_s >= (self.round_trip.shortest_s or 0.0):  # else an earlier sending is answered
            self._arrived = max(self._arrived, fragment.order)

    def take(self, now_s: float) -> Iterator[tuple[int, Fragment]]:
        """What is to be sent now, and is sent thereby: first what goes again."""
        lost = [item for item in self._under_way.items() if item[1].order < self._arrived]
        if not lost and now_s >= self.due_s:
            lost = [next(iter(self._under_way.items()))]
            self._moved_s = now_s
            self._in_vain += 1
        for sequence, fragment in lost:
            fragment.resent = True
            self.resent += 1
            yield sequence, self._send(fragment, now_s)
        while self._waiting and self._window_is_open():
            if not self._under_way:
                self._moved_s = now_s
            fragment = self._waiting.popleft()
            sequence, self.next = self.next, (self.next + 1) % SEQUENCES
            self._under_way[sequence] = fragment
            yield sequence, self._send(fragment, now_s)

    def _window_is_open(self) -> bool:
        oldest = next(iter(self._under_way), self.next)
        return (self.next - oldest) % SEQUENCES < self.window

    def _send(self, fragment: Fragment, now_s: float) -> Fragment:
        self.sent += 1
        fragment.order = self.sent
        fragment.sent_s = now_s
        return fragment
