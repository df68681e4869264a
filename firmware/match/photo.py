"""The photo on the chip, from JPEG 2000 to grey pixels, by a child that may die of it. [shell]"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from types import TracebackType
from typing import IO, Protocol

import numpy as np

from firmware.faults import MalformedPhoto
from firmware.match.jpeg2000 import photo_size
from firmware.match.networks import Grey

CHILD = (sys.executable, "-I", "-m", "firmware.match.photo_child")
DEADLINE_S = 3.0


class Child(Protocol):
    """A process that reads one photo and writes its pixels; as `subprocess.Popen` has it."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def kill(self) -> None: ...

    def wait(self) -> int: ...


def start_child() -> Child:
    """A new interpreter that runs `photo_child`, with nothing of this process's."""
    return subprocess.Popen(
        CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    )


class PhotoDecoder:
    """Keeps one child ready. A child sees a single photo, good or bad, and is then replaced."""

    def __init__(
        self, deadline_s: float = DEADLINE_S, start: Callable[[], Child] = start_child
    ) -> None:
        self._deadline_s, self._start = deadline_s, start
        self._ready = start()

    def __enter__(self) -> PhotoDecoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def waiting_child(self) -> int:
        """Process id of the child that waits for a photo."""
        return self._ready.pid

    def decode(self, jp2: bytes) -> Grey:
        """Height × width grey pixels of a JP2 file or codestream; blocks up to the deadline.

        `MalformedPhoto` for whatever is no photo of ours: refused by its size, or by the decoder,
        or because decoding took more memory or time than any photo needs.
        """
        size = photo_size(jp2)
        child, self._ready = self._ready, self._start()
        with _killed_after(self._deadline_s, child):
            pixels = _through(child, jp2, size.width * size.height)
        return np.frombuffer(pixels, np.uint8).reshape(size.height, size.width)

    def close(self) -> None:
        """End the child that waits."""
        with _killed_after(0.0, self._ready):
            pass


def _through(child: Child, jp2: bytes, expected: int) -> bytes:
    if child.stdin is None or child.stdout is None:
        raise MalformedPhoto("the decoder has no pipes")
    with suppress(BrokenPipeError):  # a child that is dead says so by what it does not answer
        child.stdin.write(jp2)
        child.stdin.close()
    pixels = child.stdout.read(expected + 1)  # never more: a child taken over may talk for ever
    if len(pixels) != expected:
        raise MalformedPhoto("the decoder gave up on the photo")
    return pixels


@contextmanager
def _killed_after(deadline_s: float, child: Child) -> Iterator[None]:
    """Let a child live until the block ends, or the deadline: its pipes then close."""
    timer = Timer(deadline_s, child.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
