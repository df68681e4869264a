"""Stands the installed daemons up as their users and runs a command before them. In the root only.

    python3 stand_up.py kazashi-simulator visit --installed --json

pcscd is the installed one, with virtual readers in place of USB ones. The command begins once
`health` knows of no trouble; its exit code is ours. Everything is stopped afterwards, and a daemon
that does not end in order is a failure.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from as_unit import READY_WITHIN_S, RUNTIME, Unit, listening, started

READERS: Final = RUNTIME / "readers"
READER: Final = """FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:0x8C7B
LIBPATH /srv/vpcd/libifdvpcd.so
CHANNELID 0x8C7B
"""
TIME_IS_RIGHT: Final = RUNTIME / "systemd/timesync/synchronized"
"""What systemd-timesyncd leaves where NTP has set the clock; the machine around us has the time."""
LOOK_EVERY_S: Final = 1.0


@contextlib.contextmanager
def pcscd() -> Iterator[None]:
    """The system's PC/SC daemon, as root, on its own socket."""
    READERS.mkdir()
    (READERS / "vpcd").write_text(READER)
    # Debian 13's asks polkit, which no D-Bus leads to in here; Debian 12's knows neither.
    told = subprocess.run(["pcscd", "--help"], capture_output=True, text=True, check=False)
    unasked = ["--disable-polkit"] if "--disable-polkit" in told.stdout + told.stderr else []
    daemon = subprocess.Popen(
        ["pcscd", "--foreground", "--config", str(READERS), *unasked],
        stdin=subprocess.DEVNULL,
        stdout=2,
    )
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def await_health() -> None:
    """Until the device is found well. Raises `TimeoutError` with what is wrong."""
    until_s = time.monotonic() + READY_WITHIN_S
    while True:
        asked = subprocess.run(["kazashi", "health"], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return
        if time.monotonic() > until_s:
            raise TimeoutError(f"the device is not well: {asked.stdout}{asked.stderr}")
        time.sleep(LOOK_EVERY_S)


def main(command: list[str]) -> int:
    """The command's exit code."""
    TIME_IS_RIGHT.parent.mkdir(parents=True)
    TIME_IS_RIGHT.touch()
    subprocess.run(["systemd-tmpfiles", "--create", "--prefix=/run/kazashi"], check=True)
    firmware, driver = Unit("kazashi-firmware.service"), Unit("kazashi-hostdriver.service")
    api = listening(Unit("kazashi-hostdriver.socket"))
    with api, pcscd(), started(driver, api), started(firmware):
        await_health()
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
