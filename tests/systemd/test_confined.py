"""Both daemons with the system calls and namespaces that their units leave them, and no others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from bare_board import children, firmware
from service_manager import WITHIN_S, ServiceManager
from unit_files import ROOT, UNITS

from firmware import notify

CONFINE = Path(__file__).with_name("calls_of_unit.py")


def confined(daemon: str) -> tuple[str, ...]:
    """What runs a program as that daemon's unit would."""
    return sys.executable, str(CONFINE), str(UNITS / f"{daemon}.service")


@pytest.mark.stack
async def test_the_firmware_and_its_workers_live_with_their_calls(tmp_path: Path) -> None:
    """The photo child gives up its own rights besides, before it says that it is there."""
    with ServiceManager(tmp_path, watchdog_s=4.0) as manager:
        before = confined("kazashi-firmware")
        async with firmware(tmp_path, manager, *before, models=ROOT / "models") as process:
            async with asyncio.timeout(WITHIN_S):
                while "firmware.match.photo_child" not in of_vision_worker(process):
                    await asyncio.sleep(0.05)
            for _ in range(3):
                await manager.hears(notify.WELL)
            assert "firmware.match.photo_child" in of_vision_worker(process)
            assert "firmware.card.worker" in children(process)


def of_vision_worker(process: int) -> dict[str, int]:
    return children(children(process)["firmware.match.worker"])


async def test_the_host_driver_lives_with_its_calls(tmp_path: Path) -> None:
    settings = tmp_path / "hostdriver.toml"
    for place in ("req", "res"):
        (tmp_path / place).mkdir()
    settings.write_text(
        f'state_dir = "{tmp_path}/state"\nruntime_dir = "{tmp_path}"\n[gateway]\n'
        f'adapter = "oqs_folder"\nreq_dir = "{tmp_path}/req"\nres_dir = "{tmp_path}/res"\n'
    )
    with ServiceManager(tmp_path, watchdog_s=4.0) as manager:
        process = await asyncio.create_subprocess_exec(
            *confined("kazashi-hostdriver"),
            *(sys.executable, "-m", "hostdriver", "--settings", str(settings)),
            env=dict(manager.environment),
        )
        await manager.hears(notify.READY)
        for _ in range(2):
            await manager.hears(notify.WELL)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0


@pytest.mark.parametrize(
    ("daemon", "tried"),
    [
        ("kazashi-firmware", "import os; os.nice(1)"),
        ("kazashi-hostdriver", "import os; os.chown('/tmp', -1, -1)"),
        ("kazashi-hostdriver", "import os; os.chroot('/')"),
        ("kazashi-usb-gadget", "import os; os.chroot('/')"),
    ],
)
def test_what_a_unit_forbids_is_refused(daemon: str, tried: str) -> None:
    """That the filter is one."""
    done = subprocess.run(
        [*confined(daemon), sys.executable, "-c", tried],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert "PermissionError: [Errno 1]" in done.stderr
