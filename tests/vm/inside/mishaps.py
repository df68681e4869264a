"""What breaks on a bad day, and comes back by itself: each ends with a visit."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from desk import (
    FIRMWARE,
    HOSTDRIVER,
    SCALE,
    fact,
    main_pid,
    pin_visit,
    replace_setting,
    restart,
    run,
    set_scale,
    until_well,
    visit,
)
from looking import processes
from report import expect, until

AGAIN_WITHIN_S = 900.0
SHORT = Path(f"/etc/systemd/system/{FIRMWARE}.d/short.conf")


def _restarted(unit: str, before: int, restarts: int) -> None:
    def again() -> bool:
        return main_pid(unit) not in (0, before) and fact(unit, "ActiveState") == "active"

    until(again, AGAIN_WITHIN_S, f"{unit} again")
    expect(int(fact(unit, "NRestarts")) > restarts, f"{unit}: systemd counted no restart")


def _killed(unit: str) -> list[int]:
    """The processes that a unit had, before its main one was killed."""
    before, restarts, had = main_pid(unit), int(fact(unit, "NRestarts")), processes(unit)
    os.kill(before, signal.SIGKILL)
    _restarted(unit, before, restarts)
    until_well()
    return had


def driver_killed() -> str:
    """SIGKILL."""
    set_scale(SCALE)
    restart()
    _killed(HOSTDRIVER)
    return f"restarted; {pin_visit()}"


def firmware_killed() -> str:
    """SIGKILL; no worker may outlive it."""
    had = _killed(FIRMWARE)
    left = [pid for pid in had if Path(f"/proc/{pid}").exists()]
    expect(not left, f"workers outlived it: {left}")
    return f"restarted, its {len(had)} processes are gone; {pin_visit()}"


def watchdog() -> str:
    """SIGSTOP: the process is there, and feeds nobody."""
    SHORT.write_text("[Service]\nWatchdogSec=60\n")  # an emulated machine's own is far longer
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", FIRMWARE, within_s=900)
    before, restarts = main_pid(FIRMWARE), int(fact(FIRMWARE, "NRestarts"))
    os.kill(before, signal.SIGSTOP)
    _restarted(FIRMWARE, before, restarts)
    SHORT.unlink()
    run("systemctl", "daemon-reload")
    until_well()
    told = run("journalctl", "-b", "-u", FIRMWARE, "--no-pager", "-o", "cat", "-g", "atchdog")
    expect("atchdog timeout" in told, "the journal has no word of a watchdog")
    return f"watchdog timeout, restarted; {pin_visit()}"


def pcscd_killed() -> str:
    """SIGKILL of the daemon that the card worker is connected to."""
    os.kill(main_pid("pcscd.service"), signal.SIGKILL)
    until_well()
    return f"{pin_visit()}"


def camera() -> str:
    """vivid: a real V4L2 driver, whose picture has no face in it."""
    run("modprobe", "vivid", "n_devs=1")
    until(Path("/dev/video0").exists, 60, "/dev/video0")
    replace_setting("firmware", "face_camera", "v4l2:0")
    restart()
    open_in: set[str] = set()

    def look(state: str) -> None:
        for pid in processes(FIRMWARE):
            for number in Path(f"/proc/{pid}/fd").iterdir():
                if number.exists() and os.readlink(number) == "/dev/video0":
                    open_in.add(state)

    result, saw = visit(on_state=look)
    expect(bool(open_in), f"nobody had /dev/video0 open in {saw}")
    expect("comparing_faces" in saw, f"no face was looked for: {saw}")
    expect(
        (result["outcome"], result["method"]) == ("verified", "pin"), f"{result['outcome']}: {saw}"
    )
    return f"/dev/video0 open in {', '.join(sorted(open_in))}; then verified by pin"
