"""The second way to be joined: a USB serial cable, whose two ends are both in this machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from desk import (
    FIRMWARE,
    HOSTDRIVER,
    SCALE,
    SOCKET,
    asked,
    fact,
    pin_visit,
    replace_setting,
    run,
    set_scale,
    set_top,
    troubles,
    until_well,
    visit,
)
from report import expect, until

GADGET = "kazashi-usb-gadget.service"
PORT = Path("/sys/kernel/config/usb_gadget/kazashi/UDC")
HOST_END = Path("/dev/kazashi")
UNPLUGGED = Path("/run/unplugged")
"""The name of the port that the gadget was bound to."""


def gadget() -> str:
    """dummy_hcd is a USB port that can be a device, and the host's port that it is plugged into."""
    Path("/etc/modules-load.d/dummy_hcd.conf").write_text("dummy_hcd\n")
    run("modprobe", "dummy_hcd")
    run("udevadm", "settle")
    until(lambda: fact(GADGET, "ActiveState") == "active", 120, f"{GADGET} started by udev")
    until(HOST_END.exists, 60, f"{HOST_END}")
    ends = (Path("/dev/ttyGS0"), HOST_END.resolve())
    owners = [f"{end} {end.group()} {end.stat().st_mode & 0o777:o}" for end in ends]
    expect(owners[0].endswith("kazashi-firmware 660"), owners[0])
    expect(owners[1].endswith("kazashi-hostdriver 660"), owners[1])
    return f"{GADGET} active by udev; {HOST_END} is {HOST_END.resolve()}; {'; '.join(owners)}"


def pairing() -> str:
    """Digits at the device, typed at the host."""
    set_top("firmware", link="serial:/dev/ttyGS0")
    set_scale(SCALE)
    replace_setting("hostdriver", "link", f"serial:{HOST_END}")
    run("systemctl", "restart", FIRMWARE, HOSTDRIVER, within_s=900)
    until(lambda: "no driver" not in troubles(), 600, "the driver up")
    with subprocess.Popen(
        ("kazashi-firmware", "pair"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as device:
        assert device.stdout is not None
        code = device.stdout.readline().strip()
        expect(re.fullmatch(r"\d{6}", code) is not None, f"no digits: {code!r}")
        run("kazashi", "--socket", SOCKET, "pair", "--code", code, within_s=600)
        device.wait(600)
    until_well()
    return "six digits; the reader is well"


def cable_visit() -> str:
    """As over the local socket."""
    line = asked("reader.list")["readers"][0]["line"]
    return f"{pin_visit()}; {line}"


def pulled() -> str:
    """The gadget is unbound, as if the plug were pulled, while consent is asked for."""
    when: list[str] = []

    def pull(state: str) -> None:
        if state == "asking_consent" and not when:
            when.append(PORT.read_text().strip())
            PORT.write_text("\n")

    result, saw = visit("pin", on_state=pull)
    expect(bool(when), f"no consent was asked for: {saw}")
    expect(result["outcome"] == "failed", f"{result['outcome']} after {saw}")
    UNPLUGGED.write_text(when[0])
    until(lambda: "reader_unavailable" in troubles(), 120, "health says that the reader is gone")
    return f"failed: {result['cause']}; health: {', '.join(troubles())}"


def back() -> str:
    """The plug goes in again; nobody restarts anything."""
    PORT.write_text(UNPLUGGED.read_text())
    until_well()
    return pin_visit()
