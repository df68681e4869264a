"""The bench is looked at with the panel's browser; cards lie on a real PC/SC daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.world import World

sys.path.append(str(Path(__file__).parents[1] / "panel"))


@pytest.fixture
def world(build_dir: Path) -> World:
    """The world that set-up made."""
    return World(build_dir / "simulation")


@pytest.fixture
def service(world: World) -> Iterator[PcscService]:
    """A PC/SC daemon with an empty reader."""
    with PcscService(world.root) as running:
        yield running
