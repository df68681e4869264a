"""The local socket as systemd passes it, listening already (sd_listen_fds(3)). [shell]

With a `.socket` unit the socket is there before the driver, and stays while it is replaced.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

from hostdriver.faults import SocketNotOpened

NAME: Final = "api"
"""`FileDescriptorName=` of the unit."""
_FIRST: Final = 3  # SD_LISTEN_FDS_START


def passed_socket(environ: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """The listening Unix socket that was passed to this process under `NAME`; None: there is none.

    What says so is taken out of `environ`, so that no child believes it too. Raises
    `SocketNotOpened` when something else was passed under that name.
    """
    process, count, names = (environ.pop(f"LISTEN_{key}", "") for key in ("PID", "FDS", "FDNAMES"))
    if process != str(os.getpid()) or not count.isdecimal():
        return None
    for descriptor, name in zip(range(_FIRST, _FIRST + int(count)), names.split(":"), strict=False):
        os.set_inheritable(descriptor, False)
        if name == NAME:
            return _listening(descriptor)
    return None


def _listening(descriptor: int) -> socket.socket:
    try:
        passed = socket.socket(fileno=descriptor)
        listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as cause:
        raise SocketNotOpened(f"what was passed as {NAME!r} is no socket") from cause
    if not listens or passed.family != socket.AF_UNIX:
        passed.detach()
        raise SocketNotOpened(f"what was passed as {NAME!r} is no listening Unix socket")
    return passed
