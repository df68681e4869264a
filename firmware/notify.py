"""What a service tells systemd, and how often systemd wants to hear of it (sd_notify(3)). [shell]

Where no systemd asked, nothing is told: the programs run the same without it.
"""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"
WELL = "WATCHDOG=1"


def sd_notify(*states: str) -> None:
    """Tell systemd how the service stands: `READY`, `WELL`, `status(…)`; in one datagram.

    A socket that cannot be reached is logged and no more: the service itself is well.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto("\n".join(states).encode(), name)
    except OSError as cause:
        log.warning("systemd cannot be told: %s", cause.strerror)


def status(text: str) -> str:
    """One line for `systemctl status`."""
    return "STATUS=" + " ".join(text.split())


def watchdog_s() -> float | None:
    """After how many seconds without `WELL` systemd replaces this process; None: it never does."""
    period, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    if not period.isdecimal() or process not in (None, str(os.getpid())):
        return None
    return int(period) / 1e6 or None
