"""What tests of several rooms share: where the built world lies, and what to do without it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from firmware.simulator.pcsc_service import PcscService

# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile("kazashi", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kazashi")

ROOT = Path(__file__).resolve().parents[1]
# Folders of programs, not packages: their modules are found here.
sys.path[:0] = [str(ROOT / "models"), str(ROOT / "benchmarks")]
BUILD = Path(os.environ.get("KAZASHI_BUILD", ROOT / "build")).resolve()
# What `make setup` leaves behind in it.
WORLD = ("simulation/authorities", "simulation/cards", "simulation/faces", "simulation/vpcd")


def missing_from_world() -> list[str]:
    """What a simulated visit needs and this machine does not have; empty when all is there."""
    absent = [f"{BUILD / part}" for part in WORLD if not any((BUILD / part).glob("*"))]
    for card in sorted((ROOT / "models").glob("*/card.toml")):
        if not any(card.parent.glob("*.onnx")):
            absent.append(f"the model of {card.parent.name}")
    # Daemons are not on every user's path.
    if shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        absent.append("pcscd")
    return absent


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The folder of everything built: `KAZASHI_BUILD`, or `build/` of this tree."""
    return BUILD


@pytest.fixture(scope="module")
def virtual_readers(build_dir: Path) -> Iterator[PcscService]:
    """A private PC/SC daemon with two virtual readers, for one module."""
    from firmware.simulator.pcsc_service import PcscService  # most tests need no simulator

    with PcscService(build_dir / "simulation") as running:
        yield running


@pytest.fixture
def empty(virtual_readers: PcscService) -> PcscService:
    """Those readers, without a card."""
    virtual_readers.remove()
    virtual_readers.remove(slot=1)
    return virtual_readers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test marked `stack` gets a second go, on a world of its own; the report names each one.

    It shares two cores with daemons, browsers and its neighbours, and a machine that stands still
    for seconds looks like a broken card. A fault of ours comes back, or is named until it is found.
    """
    for item in items:
        if item.get_closest_marker("stack") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `stack` needs the world; under CI its absence is a failure, never a skip."""
    if item.get_closest_marker("stack") is None:
        return
    if missing := missing_from_world():
        reason = f"run `make setup`: there is no {', no '.join(missing)}"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The catalogue of virtual patients beside what came, wherever it was played.

    A property travels from the process that ran the test; what a test prints does not.
    """
    for report in (one for some in terminalreporter.stats.values() for one in some):
        # Set-up and tear-down of a test are reports as well, with the same properties.
        if not isinstance(report, pytest.TestReport) or report.when != "call":
            continue
        for name, told in report.user_properties:
            if name == "catalogue":
                terminalreporter.section("the catalogue of virtual patients")
                terminalreporter.write_line(told)
