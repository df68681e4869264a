"""Children for photos by the thousand: forked from one that has its imports, where the product
starts a new interpreter for each. What a child does then is the product's own `photo_child.main`.

`python nursery.py DESCRIPTOR` is the process that forks them, as small as a child of the product.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from collections import Counter
from typing import IO

from PIL import Image

from firmware.match import photo_child

FORK, WAIT = b"f", b"w"
ANSWER = struct.Struct(">i")


class ForkedChild:
    """A child of the nursery, with the pipes to it; `firmware.match.photo.Child`."""

    def __init__(self, nursery: Nursery, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._nursery = nursery
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout

    def kill(self) -> None:
        """End it; nobody else has its number until it was waited for."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """How it ended."""
        return self._nursery.ended(self.pid)


class Nursery:
    """Starts children, and counts how they ended."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ends: Counter[int] = Counter()
        self._line = ours
        self._process = subprocess.Popen(
            (sys.executable, __file__, str(theirs.fileno())),
            pass_fds=(theirs.fileno(),),
            stderr=subprocess.DEVNULL,
        )
        theirs.close()

    def close(self) -> None:
        """End it; whoever it started was waited for before."""
        self._line.close()
        self._process.wait()

    def start(self) -> ForkedChild:
        """A child that waits for its photo."""
        photo_out, photo_in = os.pipe()
        pixels_out, pixels_in = os.pipe()
        socket.send_fds(self._line, [FORK], [photo_out, pixels_in])
        os.close(photo_out)
        os.close(pixels_in)
        (pid,) = ANSWER.unpack(self._line.recv(ANSWER.size))
        return ForkedChild(self, pid, os.fdopen(photo_in, "wb"), os.fdopen(pixels_out, "rb"))

    def ended(self, pid: int) -> int:
        """Wait for a child: its exit code, or the signal that ended it as a negative number."""
        self._line.send(WAIT + ANSWER.pack(pid))
        (status,) = ANSWER.unpack(self._line.recv(ANSWER.size))
        self.ends[status] += 1
        return int(status)


def serve(line: socket.socket) -> None:
    """Fork and wait as asked, until the other end closes."""
    while True:
        asked, descriptors, _flags, _address = socket.recv_fds(line, 1 + ANSWER.size, 2)
        if not asked:
            return
        if asked == FORK:
            pid = os.fork()
            if pid == 0:
                become_a_child(*descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            line.send(ANSWER.pack(pid))
        else:
            (pid,) = ANSWER.unpack(asked[1:])
            _, status = os.waitpid(pid, 0)
            line.send(ANSWER.pack(os.waitstatus_to_exitcode(status)))


def become_a_child(photo_out: int, pixels_in: int) -> None:
    """Read from one pipe, write to the other, and end without any tidying up."""
    os.dup2(photo_out, 0)
    os.dup2(pixels_in, 1)
    os.closerange(3, 64)
    os._exit(photo_child.main())


if __name__ == "__main__":
    Image.init()  # what takes a child of the product its time, done once for all of these
    serve(socket.socket(fileno=int(sys.argv[1])))
