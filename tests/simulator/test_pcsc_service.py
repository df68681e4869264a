"""The virtual card behind a real PC/SC daemon, seen by a PC/SC program."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pcsc_programs import LIMIT_S, connected, run

from firmware.card.files import Aid
from firmware.faults import CardServiceNotStarted, ControlRefused
from firmware.simulator.card_atr import ATRS, Atr
from firmware.simulator.card_options import CardOptions
from firmware.simulator.chip_kinds import CHIP_KINDS
from firmware.simulator.other_cards import CHIPS
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import SOCKET_VARIABLE, PcscService
from firmware.simulator.people import card_facts
from firmware.simulator.slot import CutShort, OddStatus, PowerLoss, Pull, Silence
from firmware.simulator.world import World
from firmware.words import CardKind

pytestmark = pytest.mark.stack

OURS, LICENCE = CHIP_KINDS[CardKind.MY_NUMBER_CARD].atr, CHIPS["drivers_licence"][0]

PIN = card_facts(find("valid")).pin
SELECT_JPKI = f"00A4040C0A{Aid.JPKI.value.hex()}"
SELECT_PIN, QUERY = "00A4020C020018", "00200080"
VERIFY = f"0020008004{PIN.encode().hex()}"
SELECT_KEY, SIGN = "00A4020C020017", "802A008001AA00"


# --- what befalls a card -----------------------------------------------------------------------
def test_card_pulled_in_the_middle_of_a_command(service: PcscService) -> None:
    service.insert("valid")
    service.arrange(Pull(after=1))
    with connected(service) as client:
        assert client.ask(SELECT_JPKI) == "9000"
        # The daemon reports success without an answer, or an error, by version; never a 9000.
        assert client.ask(SELECT_PIN) in {"", "SCARD_ERROR 80100016", "SCARD_ERROR 80100069"}
        assert client.ask(QUERY).startswith("SCARD_ERROR")
        assert service.status().inserted is None


def test_card_that_comes_back_kept_its_counters_and_closed_its_keys(service: PcscService) -> None:
    service.insert("valid")
    with connected(service) as client:
        for command in (SELECT_JPKI, SELECT_PIN):
            client.ask(command)
        assert client.ask("002000800430303030") == "63C2"
    service.remove()
    assert service.status().inserted is None
    service.insert("valid")
    with connected(service) as client:
        assert client.ask(QUERY) == "6986"
        client.ask(SELECT_JPKI)
        client.ask(SELECT_PIN)
        assert client.ask(QUERY) == "63C2"


def test_options_reach_the_card_and_make_it_another_one(service: PcscService) -> None:
    service.insert("valid")
    with connected(service) as client:
        for command in (SELECT_JPKI, SELECT_PIN):
            client.ask(command)
        assert client.ask("002000800430303030") == "63C2"
    service.insert("valid", CardOptions(open_query="9000", atr=Atr.CONTACT))
    with connected(service) as client:
        answers = [client.ask(each) for each in (SELECT_JPKI, SELECT_PIN, QUERY, VERIFY, QUERY)]
    assert answers == ["9000", "9000", "63C3", "9000", "9000"]
    shown = run(service, "opensc-tool", "--atr").stdout.decode().strip()
    assert bytes.fromhex(shown.replace(":", "")) == ATRS[Atr.CONTACT]


def test_neighbours_reset_is_told_to_the_client(service: PcscService) -> None:
    service.insert("valid")
    with connected(service) as client:
        for command in (SELECT_JPKI, SELECT_PIN):
            client.ask(command)
        assert client.ask(VERIFY) == "9000"
        service.reset()
        assert client.ask(SELECT_KEY) == "SCARD_ERROR 80100068"  # SCARD_W_RESET_CARD


def test_mishaps_reach_the_client(service: PcscService) -> None:
    service.insert("valid")
    for mishap in (
        OddStatus(after=1, status_word=0x6F00),
        CutShort(after=2, length=1),
        PowerLoss(after=5),
    ):
        service.arrange(mishap)
    with connected(service) as client:
        assert client.ask(SELECT_JPKI) == "9000"
        assert client.ask(SELECT_PIN) == "6F00"
        assert client.ask(SELECT_PIN) in {"90", "SCARD_ERROR 80100016"}
        assert [client.ask(command) for command in (SELECT_PIN, VERIFY)] == ["9000", "9000"]
        assert client.ask(SELECT_KEY) == "6A82"  # the chip woke up without an application
        assert client.ask(SIGN) == "6986"


def test_mute_card_answers_nothing_until_it_is_taken_away(service: PcscService) -> None:
    service.insert("valid")
    service.arrange(Silence(after=1))
    with connected(service) as client:
        assert client.ask(SELECT_JPKI) == "9000"
        client.say(SELECT_PIN)
        service.remove()
        assert client.hear() in {"", "SCARD_ERROR 80100016", "SCARD_ERROR 80100069"}


# --- the service itself ---------------------------------------------------------------------------
def test_two_services_hold_two_cards(service: PcscService, world: World) -> None:
    with PcscService(world.root) as other:
        service.insert("valid")
        other.insert("drivers_licence")
        assert service.socket_path != other.socket_path
        for one, atr in ((service, OURS), (other, LICENCE)):
            shown = run(one, "opensc-tool", "--atr").stdout.decode().strip()
            assert bytes.fromhex(shown.replace(":", "")) == atr
        other.stop()
        assert service.status().inserted == "valid"


def test_nothing_is_left_after_stop(world: World) -> None:
    running = PcscService(world.root)
    running.start()
    directory = running.socket_path.parents[2]
    with socket.socket(socket.AF_UNIX) as witness:
        witness.connect(str(running.socket_path))
        running.stop()
        witness.settimeout(LIMIT_S)
        with contextlib.suppress(ConnectionResetError):  # it may go before it takes the call
            assert witness.recv(1) == b""  # the daemon is gone
    assert not directory.exists()
    running.stop()
    with pytest.raises(ControlRefused, match="does not answer"):
        running.status()


def test_nothing_is_left_when_the_starter_is_killed(world: World) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from firmware.simulator.pcsc_service import PcscService;"
        "s = PcscService(Path(sys.argv[1])); s.start(); print(s.socket_path, flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        (sys.executable, "-c", program, world.root),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        path = starter.stdout.readline().strip()
        with socket.socket(socket.AF_UNIX) as witness:
            witness.connect(path)
            starter.send_signal(signal.SIGKILL)
            witness.settimeout(LIMIT_S)
            assert witness.recv(1) == b""


def test_wrong_requests_are_refused_and_harm_nothing(service: PcscService) -> None:
    with pytest.raises(ControlRefused, match="no patient 'nobody'"):
        service.insert("nobody")
    with pytest.raises(ControlRefused, match="no card lies"):
        service.arrange(Pull())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(service.socket_path.parents[2] / "control"))
        connection.settimeout(LIMIT_S)
        connection.sendall(b"no json\n")
        assert json.loads(connection.recv(4096))["answer"] == "refused"
        connection.sendall(b"x" * (1 << 17) + b"\n")
        assert connection.recv(4096) == b""  # a line without end closes this connection only
    assert service.insert("valid").inserted == "valid"


def test_world_without_a_driver_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(CardServiceNotStarted, match="make setup"):
        PcscService(tmp_path).start()


def test_card_command_stops_in_order(world: World) -> None:
    program = "from firmware.simulator.card_command import card; card()"
    with subprocess.Popen(
        (sys.executable, "-c", program, "--patient", "valid", "--world", world.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as shown:
        assert shown.stdout is not None and shown.stderr is not None
        name, _, path = shown.stdout.readline().strip().partition("=")
        assert name == SOCKET_VARIABLE
        assert "valid lies on" in shown.stderr.readline()
        with socket.socket(socket.AF_UNIX) as witness:
            witness.connect(path)
            shown.send_signal(signal.SIGTERM)
            witness.settimeout(LIMIT_S)
            with contextlib.suppress(ConnectionResetError):  # gone before it took the call
                assert witness.recv(1) == b""
        assert shown.wait(LIMIT_S) == 0
