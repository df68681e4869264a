"""The commands on a real PC/SC daemon: read a virtual card, record it, play the trace again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from firmware.simulator.authorities import Authorities
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import SOCKET_VARIABLE, PcscService
from firmware.simulator.people import collation_number_b
from firmware.simulator.world import World
from firmware.testbench.command import COMMANDS, main
from firmware.testbench.trace import Context, Header, Line, read_trace

PROGRAM = (sys.executable, "-m", "firmware.testbench.command")
LIMIT_S = 120
TRACES = Path(__file__).parents[1] / "traces"
NUMBER_B = collation_number_b(find("valid"))
WRONG_B = NUMBER_B[:-4] + "0000"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """What a program said and how it ended."""

    code: int
    out: str
    err: str


def run(socket: str, *arguments: str, typed: str = "") -> Ended:
    """The program as a tester runs it; PC/SC looks at its environment once in a process."""
    done = subprocess.run(
        (*PROGRAM, *arguments),
        env={**os.environ, SOCKET_VARIABLE: socket},
        input=typed,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=ROOT,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def world(build_dir: Path) -> Path:
    return build_dir / "simulation"


@pytest.fixture(scope="module")
def service(world: Path) -> Iterator[PcscService]:
    with PcscService(world) as running:
        yield running


@pytest.fixture
def socket(service: PcscService) -> str:
    return service.environment[SOCKET_VARIABLE]


@contextmanager
def replaying(trace: Path, world: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The trace on a daemon of its own, as a tester leaves it running."""
    with subprocess.Popen(
        (*PROGRAM, "replay", str(trace), "--world", str(world), "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as player:
        assert player.stdout is not None and player.stderr is not None
        try:
            line = player.stdout.readline()
            assert line, player.stderr.read()
            yield json.loads(line)[SOCKET_VARIABLE], player
        finally:
            player.kill()


def interrupted(player: subprocess.Popen[str]) -> Ended:
    player.send_signal(signal.SIGINT)
    out, err = player.communicate(timeout=LIMIT_S)
    return Ended(player.returncode, out, err)


@pytest.mark.stack
def test_a_recorded_card_can_be_played_again(
    service: PcscService, socket: str, world: Path, tmp_path: Path
) -> None:
    """Recorded with the daemon's card, masked, and read again from the file by the same program."""
    service.insert("valid")
    file = tmp_path / "card.jsonl"
    arguments = ("--reader", "*", "--wait", "5", "--collation-number-b")
    recorded = run(socket, "record", *arguments, NUMBER_B, "--out", str(file), "--json")
    assert recorded.code == 0, recorded.err
    exchanges = read_trace(file).exchanges
    assert json.loads(recorded.out)["exchanges"] == len(exchanges) == service.status().commands

    with replaying(file, world) as (its_socket, player):
        again = tmp_path / "again.jsonl"
        played = run(its_socket, "record", *arguments, WRONG_B, "--out", str(again))
        assert played.code == 0, played.err
        assert [each.command.text for each in read_trace(again).exchanges] == [
            each.command.text for each in exchanges
        ]
        assert interrupted(player).code == 0

    with replaying(file, world) as (its_socket, player):
        without_face = run(its_socket, "read", *arguments[:4])
        assert without_face.code == 1
        assert "6F00" in without_face.err
        ended = interrupted(player)
        assert ended.code == 1
        assert "exchange 3: " in ended.err


@pytest.mark.stack
def test_read_tells_sizes_and_verdicts(
    service: PcscService, socket: str, world: Path, tmp_path: Path
) -> None:
    service.insert("valid")
    Authorities(World(world).authorities).write_public(tmp_path)
    keys = str(tmp_path / "card-face-issuers.json")
    read = run(
        *(socket, "read", "--reader", service.reader_name, "--wait", "5", "--json"),
        *("--collation-number-b", "-", "--issuer-keys", keys),
        typed=f"{NUMBER_B}\n",
    )
    assert read.code == 0, read.err
    told = json.loads(read.out)
    assert told["kind"] == "my_number_card"
    assert told["pin_tries_left"] == 3
    assert told["face"]["authenticity"] == "verified"
    assert told["face"]["photo"]["type"] == "JP2"
    assert (told["face"]["photo"]["width"], told["face"]["photo"]["height"]) == (240, 320)
    assert "BEGIN CERTIFICATE" in told["certificate"]["pem"]
    assert service.status().verifies_sent >= 1
    person = find("valid").person
    for private in (person.name, person.romaji, f"{person.born:%Y%m%d}", NUMBER_B):
        assert private not in read.out + read.err


@pytest.mark.stack
def test_what_a_tester_can_mend_is_said(service: PcscService, socket: str, tmp_path: Path) -> None:
    service.remove()
    nobody = run(str(tmp_path / "none"), "read", "--reader", "*")
    assert nobody.code == 1 and "pcscd" in nobody.err
    other = run(socket, "read", "--reader", "Other")
    assert other.code == 1 and service.reader_name in other.err
    empty = run(socket, "read", "--reader", service.reader_name)
    assert empty.code == 1 and "no card" in empty.err

    service.insert("drivers_licence")
    licence = run(socket, "read", "--reader", "*", "--wait", "5")
    assert licence.code == 1 and "no card that the firmware knows" in licence.err
    assert "unknown" in licence.out
    file = tmp_path / "licence.jsonl"
    assert run(socket, "record", "--reader", "*", "--out", str(file)).code == 0
    assert CliRunner().invoke(main, ["replay", "--check", str(file)]).exit_code == 0

    service.insert("no_photo")
    broken_off = ("record", "--reader", "*", "--wait", "5", "--collation-number-b", WRONG_B)
    refused = run(socket, *broken_off, "--out", str(file))
    assert refused.code == 1 and "9 tries left" in refused.err
    assert service.status().verifies_sent == 1
    checked = CliRunner().invoke(main, ["replay", "--check", "--json", str(file)])
    assert "9 tries left" in json.loads(checked.output)["ended"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("read",),
        ("read", "--reader", "*", "--collation-number-b", "123"),
        ("read", "--reader", "*", "--collation-number-b", "５５０２１７２０３５２２８５"),
        ("record", "--reader", "*"),
        ("replay", "none.jsonl"),
        ("replay", "--check", "--visit", str(TRACES / "virtual-card-face.jsonl")),
        ("record", "--reader", "*", "--out", "x", "--through"),
        ("record", "--reader", "*", "--out", "x", "pkcs15-tool"),
        ("record", "--reader", "*", "--out", "x", "--visit", "pin"),
        ("record", "--reader", "*", "--out", "x", "--visit", "face"),
        ("record", "--reader", "*", "--out", "x", "--pin", "1234"),
        ("record", "--reader", "*", "--out", "x", "--visit", "pin", "--pin", "55021"),
        ("record", "--reader", "*", "--out", "x", "--visit", "pin", "--through", "--", "true"),
        ("show",),
        ("diff", str(TRACES / "virtual-card-face.jsonl")),
        ("import", "none.log", "--out", "x"),
        ("record", "--reader", "*", "--out", "none/x"),
        ("conform", "--reader", "*", "--junit", "none/x.xml"),
        ("export", str(TRACES / "virtual-card-face.jsonl")),
        ("nothing",),
    ],
)
def test_wrong_use(arguments: tuple[str, ...]) -> None:
    used = CliRunner().invoke(main, arguments)
    assert used.exit_code == 2
    assert "55021" not in used.output and "５５" not in used.output


def test_a_broken_trace_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "card.jsonl"
    file.write_text("{}\n")
    out = str(tmp_path / "out")
    for command in (
        ("show", str(file)),
        ("replay", "--check", str(file)),
        ("replay", "--visit", str(file)),
        ("diff", str(file), str(file)),
        ("export", str(file), "--out", out),
    ):
        used = CliRunner().invoke(main, command)
        assert used.exit_code == 1
        assert "card.jsonl:1:" in used.output


def test_a_log_that_is_none_is_refused(tmp_path: Path) -> None:
    log, out = tmp_path / "some.log", tmp_path / "out.jsonl"
    log.write_text("nothing of a card\n")
    used = CliRunner().invoke(main, ("import", str(log), "--out", str(out)))
    assert used.exit_code == 1
    assert "some.log: neither a debug log of OpenSC" in used.output
    assert not out.exists()


def test_show_tells_programs_what_it_tells_people() -> None:
    file = str(TRACES / "virtual-card-face.jsonl")
    shown = json.loads(CliRunner().invoke(main, ("show", "--json", file)).output)
    assert shown["header"]["card_kind"] == "my_number_card"
    (verify,) = [each for each in shown["exchanges"] if each["told"]["asked"] == "VERIFY"]
    assert (verify["hidden"], verify["told"]["sent"]) == (14, 14)
    assert verify["told"]["place"] == "CARD_FACE 0012 COLLATION_NUMBER_B"
    table = CliRunner().invoke(main, ("show", file)).output
    for row in shown["exchanges"]:
        assert row["told"]["place"] in table


# --- the guide -----------------------------------------------------------------------------------
GUIDE = (ROOT / "docs" / "TESTBENCH.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_the_guide_has_every_command_with_an_example(command: str) -> None:
    assert f"| `{command}` |" in GUIDE
    assert f"$ kazashi-testbench {command} " in GUIDE


@pytest.mark.parametrize("kind", [Header, Context, Line])
def test_the_guide_tells_every_field_of_a_trace(kind: type[msgspec.Struct]) -> None:
    told = {name for line in GUIDE.splitlines() for name in re.findall(r"`(\w+)`", line)}
    assert set(kind.__struct_fields__) <= told


# --- the traces of the repository ---------------------------------------------------------------
FILES = sorted(TRACES.glob("*.jsonl"))


def test_there_are_traces_and_the_table_lists_each() -> None:
    assert FILES
    table = (TRACES / "README.md").read_text()
    rows = {line.split("|")[1].strip(" `") for line in table.splitlines() if ".jsonl" in line}
    assert {file.name for file in FILES} <= rows


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_firmware_still_reads_every_trace(file: Path) -> None:
    checked = CliRunner().invoke(main, ("replay", "--check", "--json", str(file)))
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.output)["exchanges"] == len(read_trace(file).exchanges)
    shown = CliRunner().invoke(main, ("show", str(file)))
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) == 3 + len(read_trace(file).exchanges)
