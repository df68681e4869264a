"""Appliances that whole visits are played on: the real stack, each part as it ships."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.simulator.appliance import Appliance
from firmware.simulator.world import World

# The readers and virtual cards of these rooms' tests serve here as well.
sys.path += [str(Path(__file__).parents[1] / room) for room in ("card", "simulator")]


@pytest.fixture(scope="session")
def world(build_dir: Path) -> World:
    return World(build_dir / "simulation")


@pytest.fixture(scope="session")
def shared(world: World) -> Iterator[Appliance]:
    """One appliance for all visits that spend nothing: cards keep their counters on it."""
    with Appliance(world) as appliance:
        yield appliance


@pytest.fixture
def fresh(world: World) -> Iterator[Appliance]:
    """An appliance with new cards, for visits that spend tries or break something."""
    with Appliance(world) as appliance:
        yield appliance
