"""What the benchmark of idling says of processes, on processes of which it is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import idle
import pytest
from processes import Usage, below, cpu_s_between, descendants, percent_of_one_core, usage_of

ROUNDING_S = 0.1
"""The system counts user and system time in hundredths, each of them rounded."""

BUSY = """
import sys, time
for line in sys.stdin:
    until_s = time.process_time() + float(line)
    while time.process_time() < until_s:
        pass
    print(time.process_time(), flush=True)
"""
BUSY_BY_A_CHILD = """
import os, subprocess, sys, time
for line in sys.stdin:
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.3: pass"])
    used = os.times()
    print(used.user + used.system + used.children_user + used.children_system, flush=True)
"""
ONCE_LARGE = """
import sys
sys.stdin.readline()
content = bytearray(64 << 20)
content[::4096] = bytes([1]) * len(content[::4096])
del content
print(0.0, flush=True)
sys.stdin.readline()
"""


@contextmanager
def child(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def ask(process: subprocess.Popen[str], line: str) -> float:
    """What the child says it has used by then, in CPU seconds; it rests afterwards."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


@pytest.mark.parametrize("program", [BUSY, BUSY_BY_A_CHILD], ids=["itself", "by a child"])
def test_a_busy_child_used_what_it_says_it_used(program: str) -> None:
    with child(program) as busy:
        began_s = ask(busy, "0")
        before = below(os.getpid())
        used_s = ask(busy, "0.3") - began_s
        found_s = cpu_s_between(before, below(os.getpid()))[busy.pid]
    assert used_s >= 0.3
    assert found_s == pytest.approx(used_s, abs=ROUNDING_S)


def test_a_child_that_was_large_once_is_known_by_its_peak() -> None:
    with child(ONCE_LARGE) as large:
        ask(large, "")
        usage = usage_of(large.pid)
    assert usage is not None
    assert usage.peak_mb - usage.rss_mb > 48
    assert usage_of(large.pid) is None


def process(pid: int, parent: int, cpu_s: float = 0.0) -> Usage:
    return Usage(pid, parent, ("program",), cpu_s, rss_mb=1.0, peak_mb=2.0)


def test_only_descendants_are_counted() -> None:
    tree = [process(1, 0), process(10, 1), process(12, 11), process(11, 10), process(20, 1)]
    assert set(descendants(tree, 10)) == {11, 12}


def test_a_new_process_began_at_nothing_and_one_that_ended_is_its_parents() -> None:
    before = {10: process(10, 1, 5.0), 11: process(11, 10, 1.0)}
    after = {10: process(10, 1, 6.5), 12: process(12, 10, 0.25)}
    assert cpu_s_between(before, after) == {10: 1.5, 12: 0.25}


def test_one_core_busy_half_the_time_is_fifty_percent() -> None:
    assert percent_of_one_core(1.5, 3.0) == 50.0


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (("/usr/bin/python3", "-m", "firmware", "--settings", "x"), "firmware"),
        (("python", "-m", "firmware.match.worker", "{}", "7"), "vision worker"),
        (("python", "-I", "-m", "firmware.match.photo_child"), "photo decoder"),
        (("/usr/sbin/pcscd", "--foreground"), "pcscd"),
        (("/usr/lib/chromium/chromium --type=renderer --no-sandbox",), "browser"),
        (("unshare", "--fork", "python", "-m", "firmware.simulator.card_player"), "simulated card"),
    ],
)
def test_a_process_is_known_by_its_command_line(command: tuple[str, ...], role: str) -> None:
    assert idle.role_of(command) == role


def rows(**vision: float) -> list[idle.Row]:
    quiet = idle.Row("", 0.1, 0.4, idle_mb=20, half_mb=30, whole_mb=30, peak_mb=40)
    return [
        replace(quiet, role=role, **(vision if role == idle.VISION else {}))
        for role in (*idle.APPLIANCE, idle.CARD, idle.BROWSER)
    ]


@pytest.mark.parametrize(
    ("vision", "fault"),
    [
        ({}, None),
        ({"percent": 4.0}, "idle CPU"),
        ({"peak_mb": 251.0}, "vision worker is above"),
        ({"whole_mb": 36.0}, "vision worker grew by 6.0 MB"),
    ],
)
def test_a_budget_that_is_not_kept_is_named(vision: dict[str, float], fault: str | None) -> None:
    found = idle.faults(rows(**vision), cpu_percent=5.0, vision_mb=250.0)
    assert [fault in said for said in found] == [True] if fault else found == []


def test_browser_and_simulated_card_are_not_counted() -> None:
    loud = [replace(r, percent=90.0) if r.role not in idle.APPLIANCE else r for r in rows()]
    assert idle.faults(loud, cpu_percent=5.0, vision_mb=250.0) == []
