"""The virtual card's commands, as a tester types them."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from click.testing import CliRunner, Result
from personalised import NUMBER_B, PIN, world

from firmware.simulator.card_command import COMMANDS
from firmware.simulator.expected_table import expected_table
from firmware.simulator.patients import PATIENTS

GROUP = click.Group(commands={command.name: command for command in COMMANDS if command.name})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(GROUP, arguments)


def test_patients_lists_everybody_with_pin_and_printed_number() -> None:
    shown = run("patients")
    assert shown.exit_code == 0
    for patient in PATIENTS:
        assert f"\n{patient.id} " in shown.stdout
        assert patient.says in shown.stdout
    assert shown.stdout.endswith(f"\n\n{expected_table()}\n")
    row = next(line for line in shown.stdout.splitlines() if line.startswith("valid "))
    assert PIN in row and NUMBER_B in row


def test_patients_json_keeps_blanks_and_zeros_of_the_insurers_number() -> None:
    rows = msgspec.json.decode(run("patients", "--json").stdout)
    assert [row["id"] for row in rows] == [patient.id for patient in PATIENTS]
    valid, blocked = rows[0], rows[1]
    (insurance,) = valid["insurances"]
    assert insurance["insurer_number"] == "  000001"
    assert insurance["number"] == "0004321"
    assert valid["expected"]["face"]["method"] == "face"
    assert valid["expected"]["face"]["validity"] == "valid"
    assert blocked["expected"]["pin"]["method"] == "face"
    (licence,) = (row for row in rows if row["id"] == "drivers_licence")
    assert licence["pin"] is None
    assert licence["expected"]["pin"]["cause"] == "card_unknown"
    assert licence["expected"]["pin"]["fallback"][0] == "start_again"


def test_authorities_are_written_and_named(tmp_path: Path) -> None:
    shown = run("authorities", "--out", str(tmp_path), "--world", str(world().root), "--json")
    assert shown.exit_code == 0
    written = [Path(name) for name in msgspec.json.decode(shown.stdout)]
    assert written and all(path.is_relative_to(tmp_path) and path.is_file() for path in written)


def test_unprepared_world_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    shown = run("authorities", "--out", str(tmp_path / "out"), "--world", str(tmp_path))
    assert shown.exit_code == 1
    assert "make setup" in shown.output and "Traceback" not in shown.output
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "out")
    shown = run("authorities", "--out", out, "--world", str(world().root))
    assert (shown.exit_code, shown.output.count("\n")) == (1, 1)


def test_wrong_use_is_exit_code_2() -> None:
    assert run("card").exit_code == 2
    assert run("authorities").exit_code == 2
    shown = run("card", "--patient", "nobody")
    assert (shown.exit_code, "there are address_withheld" in shown.output) == (2, True)
