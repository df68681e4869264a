"""OpenSC as the second opinion: a program that never met ours finds the same card, and uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pcsc_programs import connected, opensc_module, run

from firmware.card import scripts
from firmware.card.files import (
    SIGNATURE_CA_CERTIFICATE,
    SIGNATURE_CERTIFICATE,
    USER_AUTHENTICATION_CA_CERTIFICATE,
    USER_AUTHENTICATION_CERTIFICATE,
    Aid,
    Ef,
    Key,
)
from firmware.card.jpki import digest_info
from firmware.simulator.authorities import Authorities, Role
from firmware.simulator.card_atr import Atr
from firmware.simulator.card_contents import SIGNATURE_PASSWORD
from firmware.simulator.card_image import load
from firmware.simulator.card_options import CardOptions
from firmware.simulator.other_cards import CHIPS
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.people import card_facts
from firmware.simulator.world import World
from firmware.testbench.log_formats import opensc
from firmware.testbench.logs import Direction, Message

pytestmark = pytest.mark.stack

PIN = card_facts(find("valid")).pin
PIN_KEY = Key.USER_AUTHENTICATION_PIN
MESSAGE = b"signed by two programs that never met"
CERTIFICATES = {  # OpenSC's id: our file
    "1": USER_AUTHENTICATION_CERTIFICATE,
    "2": SIGNATURE_CERTIFICATE,
    "3": USER_AUTHENTICATION_CA_CERTIFICATE,
    "4": SIGNATURE_CA_CERTIFICATE,
}


def on_card(world: World, ef: Ef) -> x509.Certificate:
    return x509.load_der_x509_certificate(load(world.cards / "valid").content(ef))


def tries_of_opensc(service: PcscService) -> list[int]:
    """What pkcs15-tool says of the PIN and of the password."""
    listed = run(service, "pkcs15-tool", "--list-pins")
    assert listed.returncode == 0, listed.stderr.decode()
    return [int(tries) for tries in re.findall(r"Tries left\s*: (\d+)", listed.stdout.decode())]


def tries_of_ours(service: PcscService) -> int | None:
    """What the firmware's own script says of the PIN, through the same daemon."""
    with connected(service) as client:
        return scripts.run(scripts.query_tries(PIN_KEY), client.send)


# --- what there is --------------------------------------------------------------------------------
def test_opensc_lists_two_pins_two_keys_and_four_certificates(service: PcscService) -> None:
    service.insert("valid")
    assert run(service, "opensc-tool", "--name").stdout.strip() == b"jpki"
    dump = run(service, "pkcs15-tool", "--dump")
    assert dump.returncode == 0, dump.stderr.decode()
    found = re.findall(r"^(PIN|Private RSA Key|X.509 Certificate) \[", dump.stdout.decode(), re.M)
    assert {kind: found.count(kind) for kind in found} == {
        "PIN": 2,
        "Private RSA Key": 2,
        "X.509 Certificate": 4,
    }
    assert tries_of_opensc(service) == [3, 5]
    assert service.status().verifies_sent == 0


@pytest.mark.parametrize("atr", [Atr.CONTACT, Atr.CONTACT_D, Atr.CONTACTLESS_PUPI])
def test_opensc_knows_the_card_by_whatever_answer_to_reset(service: PcscService, atr: Atr) -> None:
    service.insert("valid", CardOptions(atr=atr))
    assert run(service, "opensc-tool", "--name").stdout.strip() == b"jpki"


def test_opensc_reads_the_certificates_that_are_on_the_card(
    service: PcscService, world: World
) -> None:
    service.insert("valid")
    for number in ("1", "3", "4"):
        read = run(service, "pkcs15-tool", "--read-certificate", number)
        assert read.returncode == 0, read.stderr.decode()
        found = x509.load_pem_x509_certificate(read.stdout)
        assert found == on_card(world, CERTIFICATES[number])
        if number == "1":
            found.verify_directly_issued_by(
                Authorities(world.authorities).certificate(Role.USER_AUTHENTICATION_CA)
            )
    assert service.status().verifies_sent == 0


def test_opensc_reads_the_signature_certificate_by_its_password_alone(
    service: PcscService, world: World, tmp_path: Path
) -> None:
    service.insert("valid")
    out = tmp_path / "certificate"
    read = (
        *("pkcs11-tool", "--module", opensc_module(), "--slot", "1"),
        *("--read-object", "--type", "cert", "--id", "02", "--output-file", out),
    )
    run(service, *read)
    assert not out.exists() or out.read_bytes() == b""
    done = run(service, *read, "--login", "--pin", SIGNATURE_PASSWORD)
    assert done.returncode == 0, done.stderr.decode()
    assert x509.load_der_x509_certificate(out.read_bytes()) == on_card(world, SIGNATURE_CERTIFICATE)


# --- signatures -----------------------------------------------------------------------------------
def pkcs11(mechanism: str) -> Callable[[str, str], tuple[str, ...]]:
    def command(key: str, pin: str) -> tuple[str, ...]:
        return (
            *("pkcs11-tool", "--module", opensc_module(), "--slot", str(int(key) - 1)),
            *("--login", "--pin", pin, "--sign", "--id", f"0{key}", "--mechanism", mechanism),
            *("--input-file", "given", "--output-file", "signature"),
        )

    return command


def pkcs15(key: str, pin: str) -> tuple[str, ...]:
    return (
        *("pkcs15-crypt", "--sign", "--key", key, "--pin", pin, "--pkcs1", "--sha-256"),
        *("--input", "given", "--output", "signature"),
    )


DIGEST = sha256(MESSAGE).digest()
WAYS = {
    "pkcs11 hashes": (pkcs11("SHA256-RSA-PKCS"), MESSAGE),
    "pkcs11 is given a DigestInfo": (pkcs11("RSA-PKCS"), digest_info(DIGEST)),
    "pkcs15 is given a hash": (pkcs15, DIGEST),
}
KEYS = [("1", PIN), ("2", SIGNATURE_PASSWORD)]


@pytest.mark.parametrize(("key", "secret"), KEYS, ids=["user authentication", "signature"])
def test_openssl_verifies_what_opensc_has_signed(
    service: PcscService,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    secret: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    service.insert("valid")
    public = on_card(world, CERTIFICATES[key]).public_key()
    Path("public.pem").write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    Path("message").write_bytes(MESSAGE)
    for name, (command, given) in WAYS.items():
        Path("given").write_bytes(given)
        Path("signature").unlink(missing_ok=True)
        signed = run(service, *command(key, secret))
        assert signed.returncode == 0, (name, signed.stderr.decode())
        verified = run(
            service,
            *("openssl", "dgst", "-sha256", "-verify", "public.pem"),
            *("-signature", "signature", "message"),
        )
        assert verified.stdout == b"Verified OK\n", (name, verified.stderr.decode())
    assert tries_of_opensc(service) == [3, 5]


# --- tries ----------------------------------------------------------------------------------------
def test_a_wrong_pin_costs_one_try_in_both_programs_eyes(
    service: PcscService, tmp_path: Path
) -> None:
    service.insert("valid")
    (tmp_path / "given").write_bytes(MESSAGE)
    refused = run(
        service,
        *("pkcs11-tool", "--module", opensc_module(), "--login", "--pin", "9999", "--sign"),
        *("--id", "01", "--mechanism", "SHA256-RSA-PKCS", "--input-file", tmp_path / "given"),
    )
    assert refused.returncode != 0
    assert b"CKR_PIN_INCORRECT" in refused.stderr
    assert service.status().verifies_sent == 1
    assert (tries_of_ours(service), tries_of_opensc(service)) == (2, [2, 5])
    with connected(service) as client:
        assert scripts.run(scripts.query_tries(PIN_KEY), client.send) == 2  # and selects
        assert client.ask("002000800439393939") == "63C1"
    assert (tries_of_ours(service), tries_of_opensc(service)) == (1, [1, 5])
    right = run(service, "pkcs15-tool", "--verify-pin", "--auth-id", "01", "--pin", PIN)
    assert right.returncode == 0, right.stderr.decode()
    assert (tries_of_ours(service), tries_of_opensc(service)) == (3, [3, 5])


@pytest.mark.parametrize(
    "options", [CardOptions(), CardOptions(blocked_try="6983")], ids=["6984", "6983"]
)
def test_a_pin_that_is_blocked_shows_as_blocked(service: PcscService, options: CardOptions) -> None:
    service.insert("pin_blocked", options)
    slots = run(service, "pkcs11-tool", "--module", opensc_module(), "--list-token-slots")
    assert b"user PIN locked" in slots.stdout
    refused = run(service, "pkcs15-tool", "--verify-pin", "--auth-id", "01", "--pin", PIN)
    assert refused.returncode != 0
    assert (tries_of_ours(service), tries_of_opensc(service)) == (0, [0, 5])


def test_every_probe_of_another_driver_gets_an_error(
    service: PcscService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSC's other drivers ask first, each for a card of its own; none may take ours for it."""
    service.insert("valid")
    monkeypatch.setenv("OPENSC_DEBUG", "9")
    told = run(service, "opensc-tool", "--name").stderr.decode(errors="replace").splitlines()
    messages = [each for each in opensc(enumerate(told)) if isinstance(each, Message)]
    sent, received = messages[::2], messages[1::2]
    assert {each.direction for each in sent} == {Direction.SENT}
    assert {each.direction for each in received} == {Direction.RECEIVED}
    probes = 0
    for command, answer in zip(sent, received, strict=True):
        assert command.content is not None and answer.content is not None
        if command.content.endswith(Aid.JPKI.value):
            break
        probes += 1
        assert answer.content[-2] >> 4 == 6, command.content.hex()
    assert 1 <= probes < len(sent)


def test_opensc_finds_no_card_in_a_licence(service: PcscService) -> None:
    service.insert("drivers_licence")
    assert b"jpki" not in run(service, "opensc-tool", "--name").stdout
    atr = run(service, "opensc-tool", "--atr").stdout.decode().strip()
    assert bytes.fromhex(atr.replace(":", "")) == CHIPS["drivers_licence"][0]


# --- pcsc-tools -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("atr", "called"),
    [(Atr.CONTACTLESS, "JPKI"), (Atr.CONTACT, "JUKICARD"), (Atr.CONTACT_B, "My Number Card")],
)
def test_pcsc_scan_sees_the_card_and_its_list_names_it(
    service: PcscService, atr: Atr, called: str
) -> None:
    service.insert("valid", CardOptions(atr=atr))
    scanned = run(service, "pcsc_scan", "-c", "-t", "1").stdout.decode()
    shown = re.search(r"ATR: ([0-9A-F ]+)$", scanned, re.M)
    assert shown is not None, scanned
    assert called in run(service, "ATR_analysis", shown[1].strip()).stdout.decode()
