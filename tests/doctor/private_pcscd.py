"""A PC/SC daemon without any reader, in a namespace of its own; and a program that grabs one."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from firmware.simulator.card_player import daemon_path
from firmware.simulator.pcsc_service import NAMESPACES

WITHIN_S = 30.0
# The daemon's own folder is bound over /run/pcscd of the namespace: outside, the socket is in it.
DAEMON = (
    'mount -t tmpfs tmpfs /run && mkdir /run/pcscd && mount --bind "$0" /run/pcscd '
    '&& exec pcscd --foreground --config "$0/conf"'
)
# Has the reader for itself until its input ends.
HOLDER = """
import sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
result, *_ = scard.SCardConnect(
    context, sys.argv[1], scard.SCARD_SHARE_EXCLUSIVE,
    scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
)
print(result, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def daemon_without_readers() -> Iterator[Path]:
    """Its socket, while it runs."""
    with tempfile.TemporaryDirectory(prefix="kazashi-", dir="/tmp") as folder:
        (Path(folder) / "conf").mkdir()
        daemon = subprocess.Popen(
            [*NAMESPACES, "sh", "-c", DAEMON, folder],
            env={"PATH": daemon_path()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            socket = Path(folder) / "pcscd.comm"
            deadline_s = time.monotonic() + WITHIN_S
            while not socket.exists():
                assert daemon.poll() is None
                assert time.monotonic() < deadline_s
                time.sleep(0.01)
            yield socket
        finally:
            daemon.kill()  # unshare's end kills process 1 of the namespace, and so all of it
            daemon.wait()


@contextlib.contextmanager
def held_by_another_program(reader: str, environment: Mapping[str, str]) -> Iterator[None]:
    """The reader is held exclusively by another process meanwhile."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, reader],
        env={"PATH": daemon_path(), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == "0\n"
        yield
    finally:
        holder.stdin.close()
        holder.wait(WITHIN_S)
        holder.stdout.close()
