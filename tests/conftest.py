"""What tests of several rooms share: where the built world lies, and what to do without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("KAZASHI_BUILD", ROOT / "build")).resolve()
# What `make setup` leaves behind; each is the last thing that its step writes.
WORLD = ("simulation/authorities", "simulation/cards", "simulation/faces", "simulation/vpcd")


def missing_from_world(build: Path) -> list[str]:
    """Parts of the simulated world that are absent or empty."""
    return [part for part in WORLD if not any((build / part).glob("*"))]


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The folder of everything built: `KAZASHI_BUILD`, or `build/` of this tree."""
    return BUILD


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `stack` needs the world; under CI its absence is a failure, never a skip."""
    if item.get_closest_marker("stack") is None:
        return
    if missing := missing_from_world(BUILD):
        reason = f"{BUILD} has no {', '.join(missing)}: run `make setup`"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
