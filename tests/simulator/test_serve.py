"""`kazashi-simulator serve`, as a shell runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from bench_house import line

from firmware.words import State

pytestmark = pytest.mark.stack


async def test_serve_prints_three_addresses_and_ends_cleanly(build_dir: Path) -> None:
    serving = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware.simulator.command", "serve", "--json"),
        *("--world", str(build_dir / "simulation")),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert serving.stdout is not None
    told: dict[str, Any] = json.loads(await serving.stdout.readline())
    assert set(told) == {"bench", "panel", "socket"}
    assert told["bench"] != told["panel"]
    assert Path(told["socket"]).is_socket()
    launcher = Path(told["socket"]).with_name("bench.html")
    assert told["bench"] in launcher.read_text(encoding="utf-8")
    assert launcher.stat().st_mode & 0o077 == 0
    async with line(told["bench"]) as socket:
        await socket.send_json({"do": "start"})
        while (await socket.receive_json()).get("state") != State.WAITING_FOR_CARD:
            pass
        serving.send_signal(signal.SIGINT)  # in the middle of a visit
        _, complaints = await serving.communicate()
    assert (serving.returncode, complaints) == (0, b"")
    assert not launcher.parent.exists()
