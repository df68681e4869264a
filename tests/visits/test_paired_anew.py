"""Pairing on the real stack, while everything runs: a command, the panel's digits, the driver."""

from __future__ import annotations

import asyncio
import sys

import pytest

from firmware.panel.view import PanelView
from firmware.simulator.appliance import Appliance
from firmware.simulator.cable import GOOD
from firmware.simulator.patient import over_socket
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method
from hostdriver.client import Client

pytestmark = pytest.mark.stack

WITHIN_S = 90.0


async def digits_on_the_panel(appliance: Appliance) -> str:
    async with over_socket(appliance.addresses.panel) as panel:
        async for view in panel.views():
            if isinstance(view, PanelView) and view.code is not None:
                return view.code
    raise AssertionError("the panel went away")


def pair(appliance: Appliance, code: str) -> None:
    with Client(appliance.addresses.socket, "test") as client:
        while client.call("reader.status")["connected"]:
            pass  # a moment ago it was connected
        client.call("reader.pair", code=code)
        while not client.call("health")["ok"]:
            pass  # it is met a moment later


async def paired_anew(appliance: Appliance) -> None:
    settings = appliance.addresses.folder / "firmware.toml"
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware", "--settings", str(settings), "pair"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert command.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        code = (await command.stdout.readline()).decode().strip()
        assert await digits_on_the_panel(appliance) == code
        await asyncio.to_thread(pair, appliance, code)
        assert await command.wait() == 0


def test_a_running_device_is_paired_anew_and_visits_go_on(world: World) -> None:
    with Appliance(world, cable=GOOD, time_scale=3.0) as appliance:
        asyncio.run(paired_anew(appliance))
        result = play(appliance, Play(find("valid"), method=Method.PIN), lambda _: None)
    assert result["outcome"] == "verified"
