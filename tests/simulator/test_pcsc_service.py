"""The virtual card behind a real PC/SC daemon, seen by OpenSC and by a PC/SC program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from firmware.card.files import USER_AUTHENTICATION_CERTIFICATE, Aid, Key
from firmware.faults import CardServiceNotStarted, ControlRefused
from firmware.simulator.authorities import Authorities, Role
from firmware.simulator.card_image import load
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

CLIENT = Path(__file__).with_name("pcsc_client.py")
LIMIT_S = 30
PIN = card_facts(find("valid")).pin
SELECT_JPKI = f"00A4040C0A{Aid.JPKI.value.hex()}"
SELECT_PIN, QUERY = "00A4020C020018", "00200080"
VERIFY = f"0020008004{PIN.encode().hex()}"
SELECT_KEY, SIGN = "00A4020C020017", "802A008001AA00"
PIN_KEY = Key.USER_AUTHENTICATION_PIN.name.lower()


@pytest.fixture
def world(build_dir: Path) -> World:
    return World(build_dir / "simulation")


@pytest.fixture
def service(world: World) -> Iterator[PcscService]:
    with PcscService(world.root) as running:
        yield running


def run(
    service: PcscService, *command: str | Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        env={**os.environ, **service.environment},
        input=given,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )


class Client:
    """A PC/SC program on its own connection, asked line by line."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def hear(self) -> str:
        return self._stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.say(command)
        return self.hear()

    def say(self, command: str) -> None:
        self._stdin.write(command + "\n")
        self._stdin.flush()


@contextmanager
def connected(service: PcscService) -> Iterator[Client]:
    with subprocess.Popen(
        (sys.executable, CLIENT),
        env={**os.environ, **service.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        client = Client(program.stdin, program.stdout)
        assert client.hear() == "CONNECTED 00000000"
        yield client
        program.stdin.close()
        assert program.wait(LIMIT_S) == 0


# --- OpenSC as the second opinion --------------------------------------------------------------
def opensc_module() -> str:
    found = sorted(Path("/usr/lib").glob("**/opensc-pkcs11.so"))
    assert found, "the package opensc-pkcs11 is missing"
    return str(found[0])


def test_opensc_reads_the_certificate_that_is_on_the_card(
    service: PcscService, world: World
) -> None:
    service.insert("valid")
    read = run(service, "pkcs15-tool", "--read-certificate", "1")
    assert read.returncode == 0, read.stderr.decode()
    found = x509.load_pem_x509_certificate(read.stdout)
    on_card = load(world.cards / "valid").files[USER_AUTHENTICATION_CERTIFICATE]
    assert found == x509.load_der_x509_certificate(on_card.rstrip(b"\xff"))
    found.verify_directly_issued_by(
        Authorities(world.authorities).certificate(Role.USER_AUTHENTICATION_CA)
    )
    assert service.status().verifies_sent == 0


def test_opensc_signs_with_the_pin(service: PcscService, world: World, tmp_path: Path) -> None:
    service.insert("valid")
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(b"signed by two programs that never met")
    signed = run(
        service,
        *("pkcs11-tool", "--module", opensc_module(), "--login", "--pin", PIN, "--sign"),
        *("--id", "01", "--mechanism", "SHA256-RSA-PKCS"),
        *("--input-file", message, "--output-file", signature),
    )
    assert signed.returncode == 0, signed.stderr.decode()
    on_card = load(world.cards / "valid").files[USER_AUTHENTICATION_CERTIFICATE]
    key = x509.load_der_x509_certificate(on_card.rstrip(b"\xff")).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature.read_bytes(), message.read_bytes(), padding.PKCS1v15(), SHA256())
    assert service.status().verifies_sent == 1
    assert service.status().tries_left[PIN_KEY] == 3


def test_wrong_pin_of_opensc_costs_one_try_and_no_more(service: PcscService) -> None:
    service.insert("valid")
    refused = run(
        service,
        *("pkcs11-tool", "--module", opensc_module(), "--login", "--pin", "9999", "--sign"),
        *("--id", "01", "--mechanism", "SHA256-RSA-PKCS"),
        given=b"message",
    )
    assert refused.returncode != 0
    assert b"CKR_PIN_INCORRECT" in refused.stderr
    status = service.status()
    assert (status.verifies_sent, status.tries_left[PIN_KEY]) == (1, 2)


def test_opensc_sees_a_blocked_pin_and_no_card_in_a_licence(service: PcscService) -> None:
    service.insert("pin_blocked")
    slots = run(service, "pkcs11-tool", "--module", opensc_module(), "--list-token-slots")
    assert b"user PIN locked" in slots.stdout
    service.insert("drivers_licence")
    assert b"jpki" not in run(service, "opensc-tool", "--name").stdout
    atr = run(service, "opensc-tool", "--atr").stdout.decode().strip()
    assert bytes.fromhex(atr.replace(":", "")) == LICENCE


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
