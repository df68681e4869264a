"""`kazashi-testbench conform` on a real PC/SC daemon, and as it is used wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from firmware.simulator.card_options import options_from
from firmware.simulator.pcsc_service import SOCKET_VARIABLE, PcscService
from firmware.testbench.command import main
from firmware.testbench.conformity.case import Group
from firmware.testbench.conformity.catalogue import CASES

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
READ_ONLY = [case.id for case in CASES if not case.spends]


@pytest.fixture(scope="module")
def world(build_dir: Path) -> Path:
    return build_dir / "simulation"


@pytest.fixture(scope="module")
def service(world: Path) -> Iterator[PcscService]:
    with PcscService(world) as running:
        yield running


def conform(service: PcscService, world: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as a tester runs it."""
    program = (sys.executable, "-m", "firmware.testbench.command", "conform")
    return subprocess.run(
        (*program, "--reader", "*", "--wait", "30", "--world", str(world), *arguments),
        env={**os.environ, SOCKET_VARIABLE: service.environment[SOCKET_VARIABLE]},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.stack
def test_a_card_conforms_on_a_reader_and_loses_no_try(
    service: PcscService, world: Path, tmp_path: Path
) -> None:
    service.insert("valid")
    before = service.status()
    file = tmp_path / "card.xml"
    ended = conform(service, world, "--json", "--junit", str(file))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert [case["id"] for case in told["cases"]] == READ_ONLY
    assert (told["failed"], told["not_applicable"]) == (0, 1)
    assert int(ET.parse(file).getroot().attrib["tests"]) == len(READ_ONLY)
    after = service.status()
    assert after.tries_left == before.tries_left
    assert after.verifies_sent == before.verifies_sent == 0


@pytest.mark.stack
def test_a_virtual_card_conforms_in_what_needs_its_secrets(
    service: PcscService, world: Path
) -> None:
    service.insert("valid")
    ended = conform(service, world, "--virtual")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [line for line in ended.stdout.splitlines() if line.startswith("pass ")]
    assert len(rows) == len(CASES) - 1
    assert f"{len(CASES) - 1} passed, 0 failed, 1 not applicable" in ended.stdout


@pytest.mark.stack
def test_a_card_that_is_wrong_is_told_with_case_answer_and_reference(
    service: PcscService, world: Path
) -> None:
    service.insert("valid", options_from(["first_command_fails", "short_read=6282"]))
    ended = conform(service, world, "--only", "sta", "--only", "RDB")
    assert ended.returncode == 1
    failed = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == ["RDB.7", "RDB.15", "STA.1"]
    assert "expected 9000; 6F00 came (no diagnosis)" in ended.stdout
    assert "one careful public source that measured cards" in ended.stdout


@pytest.mark.stack
def test_a_strangers_card_is_refused_before_anything_is_presented(
    service: PcscService, world: Path
) -> None:
    service.insert("valid", options_from(["broken=user_certificate"]))
    ended = conform(service, world, "--virtual")
    assert ended.returncode == 1
    assert "not of the test hierarchy" in ended.stderr
    assert service.status().verifies_sent == 0


@pytest.mark.stack
def test_a_licence_is_no_card_of_these(service: PcscService, world: Path) -> None:
    service.insert("drivers_licence")
    ended = conform(service, world)
    assert ended.returncode == 1
    assert "6 passed, 0 failed" in ended.stdout
    assert "this is no card that the firmware knows" in ended.stderr


def test_the_list_needs_no_card_and_says_every_step() -> None:
    used = CliRunner().invoke(main, ("conform", "--list"))
    assert used.exit_code == 0
    lines = used.output.splitlines()
    heads = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert heads == [case.id for case in CASES]
    steps = sum(len(case.given) + len(case.steps) for case in CASES)
    assert len(lines) == len(heads) + steps
    only = CliRunner().invoke(main, ("conform", "--list", "--only", "CHL"))
    assert {line.split(".")[0] for line in only.output.splitlines() if line[0] != " "} == {"CHL"}


@pytest.mark.parametrize(
    "arguments", [(), ("--only", "XYZ", "--list"), ("--reader", "*", "--virtual", "valid")]
)
def test_wrong_use_is_2(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ("conform", *arguments)).exit_code == 2


def test_the_guide_tells_every_group() -> None:
    guide = (ROOT / "docs" / "TESTBENCH.md").read_text(encoding="utf-8")
    assert all(f"| `{group}` |" in guide for group in Group)
