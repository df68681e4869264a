"""Decodes one JPEG 2000 photo and ends: the only process that lets a decoder see one. [shell]

Started by `photo.PhotoDecoder`: the file comes in on standard input, grey pixels leave on standard
output, row after row. It holds its imports ready, then gives up files, memory and time before it
reads the first byte.
"""

from __future__ import annotations

import ctypes
import io
import math
import os
import resource
import signal
import sys

from PIL import Image, ImageFile

MEMORY_BYTES = 256 * 1024 * 1024
CPU_S = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38


def give_up_everything() -> None:
    """No more memory than a photo takes, no more time, no file, no child, no core dump."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_DUMPABLE, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    cpu_s = cpu_limit_s(resource.getrusage(resource.RUSAGE_SELF))
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def cpu_limit_s(used: resource.struct_rusage) -> int:
    """What loading took until now, the kernel's share too, and what a photo may take."""
    return math.ceil(used.ru_utime + used.ru_stime) + CPU_S


def decode(content: bytes) -> bytes:
    """The picture's pixels in grey, row after row."""
    with Image.open(io.BytesIO(content), formats=["JPEG2000"]) as picture:
        return picture.convert("L").tobytes()


def main() -> int:
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.init()  # now, while the modules of the format may still be opened
    give_up_everything()
    content = sys.stdin.buffer.read()
    if not content:
        return 0  # nobody wanted this child any more
    try:
        pixels = decode(content)
    except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError) as cause:
        os.write(2, f"{type(cause).__name__}\n".encode())
        return 1
    sys.stdout.buffer.write(pixels)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
