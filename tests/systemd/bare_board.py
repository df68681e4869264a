"""The firmware as a process, on a board to which nothing is wired."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service_manager import WITHIN_S, ServiceManager


def settings_of_a_bare_board(folder: Path, models: Path | None = None) -> Path:
    """No reader, no camera, no pins, and no models if none are given: absent, and none a hang."""
    file = folder / "firmware.toml"
    file.write_text(
        f"""
        state_dir = "{folder}/state"
        runtime_dir = "{folder}"
        panel_port = 0
        [card]
        pcsc_socket = "{folder}/no-pcscd"
        [vision]
        face_camera = "images:{folder}/no-camera"
        models = "{models or folder / "no-models"}"
        """
    )
    return file


@asynccontextmanager
async def firmware(
    folder: Path, manager: ServiceManager, *before: str, models: Path | None = None
) -> AsyncIterator[int]:
    """Its process id, from when it said that it is ready. `before`: what starts it."""
    settings = settings_of_a_bare_board(folder, models)
    process = await asyncio.create_subprocess_exec(
        *before,
        *(sys.executable, "-m", "firmware", "--settings", str(settings)),
        env=dict(manager.environment),
    )
    try:
        assert await manager.heard() == ["READY=1", "STATUS=serving"]
        yield process.pid
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), WITHIN_S)


def children(process: int) -> dict[str, int]:
    """Module → process id, of the Python processes that this one started."""
    started = [
        child
        for thread in Path(f"/proc/{process}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    modules = {}
    for child in started:
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        if "-m" in words:
            modules[words[words.index("-m") + 1]] = int(child)
    return modules
