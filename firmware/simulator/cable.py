"""A serial cable between two pseudo-terminals, which may be a bad one. [shell]

Both ends are real terminals that pyserial opens; it can be pulled and plugged in again. What a bad
cable does to a byte is drawn from one seeded generator, so a run can be repeated.
"""

from __future__ import annotations

import os
import pty
import select
import tempfile
import threading
import tty
from collections.abc import Callable
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


class Cable:
    """Carries bytes both ways, while it is plugged in; a context manager."""

    def __init__(self, noise: Noise = GOOD) -> None:
        self._noise, self._random = noise, Random(noise.seed)  # noqa: S311 - noise, not a secret
        self._folder = tempfile.TemporaryDirectory(prefix="kazashi-cable-")
        self.ends = tuple(Path(self._folder.name) / name for name in ("device", "host"))
        """The two ports: the same names whenever it is plugged in, as udev gives them."""
        self._cut = threading.Event()
        self._carrying: _Carrying | None = None

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def plug(self) -> None:
        """The two ports come up."""
        if self._carrying is None:
            self._carrying = _Carrying(self.ends, self._worsen)
            self._carrying.start()

    def pull(self) -> None:
        """Unplug it at both ends: the ports are gone. May be called again."""
        carrying, self._carrying = self._carrying, None
        if carrying is not None:
            carrying.stop()

    def cut(self) -> None:
        """No byte comes through any more, and no port tells why."""
        self._cut.set()

    def mend(self) -> None:
        """Undo `cut`."""
        self._cut.clear()

    def close(self) -> None:
        """Leave nothing behind; may be called again."""
        self.pull()
        self._folder.cleanup()

    def _worsen(self, chunk: bytes) -> bytes:
        noise, random = self._noise, self._random
        if self._cut.is_set() or random.random() < noise.lost:
            return b""
        if random.random() < noise.flipped:
            at = random.randrange(len(chunk))
            chunk = chunk[:at] + bytes([chunk[at] ^ 1 << random.randrange(8)]) + chunk[at + 1 :]
        return chunk * 2 if random.random() < noise.doubled else chunk


class _Carrying(threading.Thread):
    """Two pseudo-terminals under the names of `ends`, from being plugged in to being pulled."""

    def __init__(self, ends: tuple[Path, ...], worsen: Callable[[bytes], bytes]) -> None:
        super().__init__(name="cable", daemon=True)
        self._ends, self._worsen = ends, worsen
        self._pulled = threading.Event()
        pairs = [pty.openpty() for _ in ends]
        for end, (master, slave) in zip(ends, pairs, strict=True):
            tty.setraw(master)
            tty.setraw(slave)
            end.symlink_to(os.ttyname(slave))
        # The slaves stay open here: a terminal that nobody holds hangs up its master.
        (self._near, self._near_slave), (self._far, self._far_slave) = pairs

    def stop(self) -> None:
        """Take the names away, then the terminals."""
        for end in self._ends:
            end.unlink()
        self._pulled.set()
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
