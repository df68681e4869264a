"""The machine's programs as its people use them: units, settings, health, visits."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import NotSeen, expect, until

WORLD = "/material/world"
SOCKET = "/run/kazashi/hostdriver/hostdriver.sock"
SETTINGS = Path("/etc/kazashi")
FIRMWARE, HOSTDRIVER = "kazashi-firmware.service", "kazashi-hostdriver.service"
UP_WITHIN_S = 600.0
VISIT_WITHIN_S = 900.0


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


def kazashi(*words: str) -> Any:
    """The JSON that reception's client prints, whatever its exit code says."""
    done = subprocess.run(
        ("kazashi", "--socket", SOCKET, *words, "--json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    try:
        return json.loads(done.stdout)
    except ValueError as cause:
        raise NotSeen(f"kazashi {' '.join(words)}: {done.stderr.strip()}") from cause


def troubles() -> list[str]:
    """What `health` finds: symbols; `no driver` while nobody answers."""
    try:
        return [trouble["symbol"] for trouble in kazashi("health")["troubles"]]
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
    *words: str, on_state: Callable[[str], None] = lambda state: None
) -> tuple[dict[str, Any], list[str]]:
    """Play a visit of the patient `valid`; the result, and the states that reception heard of.

    `on_state` is called as each state is heard of, while the visit goes on.
    """
    command = ("kazashi-simulator", "visit", "--installed", "--world", WORLD, "--json", *words)
    saw: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    ) as playing:
        assert playing.stderr is not None and playing.stdout is not None
        said = []
        for line in playing.stderr:
            said.append(line)
            if heard := re.match(r"\s*[\d.]+ s\s+\d+\s+(\w+)", line):
                saw.append(heard[1])
                on_state(heard[1])
        told = playing.stdout.read()
    try:
        return json.loads(told), saw
    except ValueError as cause:
        raise NotSeen(f"no result: {''.join(said)[-600:]}") from cause


def verified(*words: str, method: str = "pin") -> str:
    """Play a visit that must be verified by that method; says how long it took."""
    result, saw = visit(*words)
    outcome = (result["outcome"], result["method"])
    expect(outcome == ("verified", method), f"{result['outcome']}: {result['cause']} after {saw}")
    expect(result["evidence"]["card_signature"] is not None, "the card did not sign")
    return f"verified by {method} in {result['timings_ms']['total'] / 1000:.1f} s"


def pin_visit() -> str:
    """The usual one."""
    return verified("--method", "pin")


def face_visit() -> str:
    """By the simulated cameras; the networks run some hundred times slower than on a Pi."""
    set_top("firmware", time_scale=60.0)
    set_top("hostdriver", time_scale=60.0)
    restart()
    seen = verified(method="face")
    set_top("firmware", time_scale=1.0)
    set_top("hostdriver", time_scale=1.0)
    restart()
    return seen
