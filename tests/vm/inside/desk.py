"""The machine's programs as its people use them: units, settings, health, visits."""

from __future__ import annotations

import json
import re
import site
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import NotSeen, expect, until

WORLD = "/material/world"
STAGE = "/var/lib/kazashi-simulation"
SOCKET = "/run/kazashi/hostdriver/hostdriver.sock"
SETTINGS = Path("/etc/kazashi")
FIRMWARE, HOSTDRIVER = "kazashi-firmware.service", "kazashi-hostdriver.service"
UP_WITHIN_S = 1800.0
SCALE = 10.0
"""Of a bad day: slow is not taken for gone."""


def run(*command: str, within_s: float = 300.0) -> str:
    """A command's output. Raises `CalledProcessError` where it fails."""
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=within_s,
        stdin=subprocess.DEVNULL,
    ).stdout.strip()


def fact(unit: str, name: str) -> str:
    """One property of a unit, as systemd tells it."""
    return run("systemctl", "show", unit, "-p", name, "--value")


def main_pid(unit: str) -> int:
    """The unit's main process; 0: there is none."""
    return int(fact(unit, "MainPID"))


def use_installed_code() -> None:
    """Let this process import what the packages brought, simulator included."""
    for folder in Path("/usr/lib").glob("kazashi-firmware/lib/python3*/site-packages"):
        site.addsitedir(str(folder))


def asked(method: str) -> dict[str, Any]:
    """What the host driver answers. Raises `NotSeen` while it is not there."""
    from firmware.faults import Fault
    from hostdriver.client import Client

    try:
        with Client(SOCKET, "kazashi-test") as client:
            return client.call(method)
    except Fault as fault:
        raise NotSeen(f"{method}: {fault}") from fault


def troubles() -> list[str]:
    """What `health` finds: symbols; `no driver` while nobody answers."""
    try:
        return [trouble["symbol"] for trouble in asked("health")["troubles"]]
    except NotSeen:
        return ["no driver"]


def until_well(*but: str) -> None:
    """Until a visit could begin; troubles of the symbols `but` are meant."""
    until(lambda: set(troubles()) <= set(but), UP_WITHIN_S, "a healthy reader")


def restart() -> None:
    """Both daemons anew, and wait for a healthy reader."""
    run("systemctl", "restart", FIRMWARE, HOSTDRIVER)
    until_well()


def set_top(daemon: str, **values: object) -> None:
    """Set keys of a daemon's settings that are in no table, as TOML, before whatever is there."""
    path = SETTINGS / f"{daemon}.toml"
    lines = path.read_text().splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith("[")), len(lines))
    kept = [line for line in lines[:begin] if line.partition(" = ")[0] not in values]
    new = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    path.write_text("\n".join([*new, *kept, *lines[begin:], ""]))
    tomllib.loads(path.read_text())


def replace_setting(daemon: str, key: str, value: str) -> None:
    """Set a text that is in some table and stands there once."""
    path = SETTINGS / f"{daemon}.toml"
    text, count = re.subn(rf'^{key} = ".*"$', f'{key} = "{value}"', path.read_text(), flags=re.M)
    expect(count == 1, f"{daemon}.toml has {count} lines {key}")
    path.write_text(text)


def visit(
    method: str | None = None, on_state: Callable[[str], None] = lambda state: None
) -> tuple[dict[str, Any], list[str]]:
    """Play a visit of the patient `valid`; the result, and the states that reception heard of.

    `on_state` is called as each state is heard of, while the visit goes on.
    """
    from firmware.faults import Fault
    from firmware.simulator.installed import InstalledAppliance
    from firmware.simulator.patients import find
    from firmware.simulator.visit import Play, play
    from firmware.simulator.world import World
    from firmware.words import Method

    saw: list[str] = []

    def tell(event: dict[str, Any]) -> None:
        if state := event.get("state"):
            saw.append(state)
            on_state(state)

    scene = Play(find("valid"), method=Method(method) if method else None)
    try:
        with InstalledAppliance(World(Path(WORLD))) as appliance:
            return play(appliance, scene, tell), saw
    except Fault as fault:
        raise NotSeen(f"{type(fault).__name__}: {fault} after {saw}") from fault


def verified(method: str | None, by: str) -> str:
    """Play a visit that must be verified by that method; says how long it took."""
    result, saw = visit(method)
    outcome = (result["outcome"], result["method"])
    expect(outcome == ("verified", by), f"{result['outcome']}: {result['cause']} after {saw}")
    expect(result["evidence"]["card_signature"] is not None, "the card did not sign")
    return f"verified by {by} in {result['timings_ms']['total'] / 1000:.1f} s"


def pin_visit() -> str:
    """The usual one."""
    return verified("pin", "pin")


def face_visit() -> str:
    """By the simulated cameras; the networks run far slower than on a Pi."""
    replace_setting("firmware", "face_camera", f"simulated:face:{STAGE}")
    set_scale(60.0)
    restart()
    return verified(None, "face")


def set_scale(scale: float) -> None:
    """All time limits of both daemons times this; they must be restarted."""
    set_top("firmware", time_scale=scale)
    set_top("hostdriver", time_scale=scale)
