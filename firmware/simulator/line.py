"""Two endpoints in virtual time, and the line between them: rate, delay, what it spoils. Pure.

Nothing waits, so an hour of a slow line takes seconds, and the same seed gives the same hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Final

from firmware.link.endpoint import LEASE_S, Endpoint

BITS_OF_A_BYTE: Final = 10  # on a serial line: start, eight, stop


@dataclass(frozen=True, slots=True)
class LineKind:
    """`rate`: bytes per second in each direction. `delay_s`: one way."""

    rate: float
    delay_s: float


FAST: Final = LineKind(1_000_000, 0.001)
SLOW: Final = LineKind(115_200 / BITS_OF_A_BYTE, 0.0)


@dataclass(frozen=True, slots=True)
class Spoils:
    """How often, of 1, each thing befalls a frame."""

    lost: float = 0.0
    flipped: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    """It comes after the one that was sent behind it."""


WHOLE: Final = Spoils()


class Direction:
    """One way of the line: what is written waits until the line is free, and then its delay."""

    def __init__(self, kind: LineKind, spoils: Spoils, random: Random) -> None:
        self._kind, self._spoils, self._random = kind, spoils, random
        self._free_s = 0.0
        self._arriving: list[tuple[float, int, bytes]] = []
        self.carried = 0
        """Frames that were written."""
        self.carried_bytes = 0

    @property
    def next_s(self) -> float:
        """When something arrives; infinity while nothing is under way."""
        return self._arriving[0][0] if self._arriving else float("inf")

    def write(self, frame: bytes, now_s: float) -> None:
        """Take one frame."""
        kind, spoils, random = self._kind, self._spoils, self._random
        self.carried += 1
        self.carried_bytes += len(frame)
        passes_s = len(frame) / kind.rate
        self._free_s = max(self._free_s, now_s) + passes_s
        if random.random() < spoils.lost:
            return
        if random.random() < spoils.flipped:
            at = random.randrange(len(frame))
            frame = frame[:at] + bytes([frame[at] ^ 1 << random.randrange(8)]) + frame[at + 1 :]
        late_s = 1.5 * passes_s if random.random() < spoils.late else 0.0
        for _ in range(2 if random.random() < spoils.doubled else 1):
            arrives_s = self._free_s + kind.delay_s + late_s
            heappush(self._arriving, (arrives_s, self.carried, frame))

    def read(self, now_s: float) -> bytes:
        """What has arrived by now."""
        arrived = []
        while self.next_s <= now_s:
            arrived.append(heappop(self._arriving)[2])
        return b"".join(arrived)


class Conversation:
    """Two endpoints on one line. `heard[end]` is what came out at that end."""

    def __init__(
        self, kind: LineKind, spoils: Spoils = WHOLE, *, seed: int, lease_s: float = LEASE_S
    ) -> None:
        random = Random(seed)  # noqa: S311 - noise, not a secret
        self.now_s = 0.0
        self.ends = (Endpoint(11, 0.0, lease_s), Endpoint(22, 0.0, lease_s))
        self.ways = (Direction(kind, spoils, random), Direction(kind, spoils, random))
        """What each end writes to."""
        self.heard: tuple[list[bytes], list[bytes]] = ([], [])

    def step(self) -> None:
        """Go to the next moment at which anything happens. Raises `LinkLost`."""
        for end, way in zip(self.ends, self.ways, strict=True):
            for frame in end.poll(self.now_s):
                way.write(frame, self.now_s)
        times = (*(way.next_s for way in self.ways), *(end.due_s for end in self.ends))
        self.now_s = max(self.now_s, min(times))
        for end, way, heard in zip(self.ends, reversed(self.ways), self.heard, strict=True):
            if arrived := way.read(self.now_s):
                heard.extend(end.feed(arrived, self.now_s))
