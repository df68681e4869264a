"""A serial cable between two pseudo-terminals, which may be a bad one. [shell]

Both ends are real terminals that pyserial opens. What a bad cable does to a byte is drawn from one
seeded generator, so a run can be repeated.
"""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

CHUNK_BYTES: Final = 4096
LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Noise:
    """How often, per chunk that passes: from 0, a good cable, to 1."""

    lost: float = 0.0
    flipped: float = 0.0
    doubled: float = 0.0
    seed: int = 0


GOOD: Final = Noise()
BAD: Final = Noise(lost=0.05, flipped=0.05, doubled=0.05)


class Cable(threading.Thread):
    """Carries bytes both ways until it is pulled; a context manager."""

    def __init__(self, noise: Noise = GOOD) -> None:
        super().__init__(name="cable", daemon=True)
        self._noise, self._random = noise, Random(noise.seed)  # noqa: S311 - noise, not a secret
        pairs = [pty.openpty() for _ in range(2)]
        for master, slave in pairs:
            tty.setraw(master)
            tty.setraw(slave)
        # The slaves stay open here: a terminal that nobody holds hangs up its master.
        (self._near, self._near_slave), (self._far, self._far_slave) = pairs
        self.ends = tuple(Path(os.ttyname(slave)) for _, slave in pairs)
        """The two ports."""
        self._pulled = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pull()

    def pull(self) -> None:
        """Unplug it at both ends; may be called again."""
        self._pulled.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """Carry on."""
        other = {self._near: self._far, self._far: self._near}
        while not self._pulled.is_set():
            for master in select.select(list(other), [], [], LOOK_EVERY_S)[0]:
                os.write(other[master], self._worsen(os.read(master, CHUNK_BYTES)))
        # By the thread that reads them: a read under way would keep a terminal open.
        for descriptor in (self._near, self._near_slave, self._far, self._far_slave):
            os.close(descriptor)

    def _worsen(self, chunk: bytes) -> bytes:
        noise, random = self._noise, self._random
        if random.random() < noise.lost:
            return b""
        if random.random() < noise.flipped:
            at = random.randrange(len(chunk))
            chunk = chunk[:at] + bytes([chunk[at] ^ 1 << random.randrange(8)]) + chunk[at + 1 :]
        return chunk * 2 if random.random() < noise.doubled else chunk
