"""Evidence as a stranger checks it: `cryptography`, a pinned key, and no code of ours."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA256

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World

pytestmark = pytest.mark.stack

Json = dict[str, Any]
REFUSALS = (InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion, ValueError, TypeError)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def check(evidence: Json, authorities: Path) -> Json:
    """The ten lines that a vendor writes. Raises when anything does not hold."""
    header, payload, signature = evidence["statement"].split(".")
    pinned = json.loads((authorities / "device-key.json").read_text())
    device = ed25519.Ed25519PublicKey.from_public_bytes(decoded(pinned["x"]))
    device.verify(decoded(signature), f"{header}.{payload}".encode())
    certificate = x509.load_pem_x509_certificate(evidence["card_certificate"].encode())
    authority = x509.load_pem_x509_certificate(
        (authorities / "user-authentication-ca.pem").read_bytes()
    )
    certificate.verify_directly_issued_by(authority)
    signed = b"kazashi-statement-v1\0" + decoded(payload)
    by_card = base64.b64decode(evidence["card_signature"])
    certificate.public_key().verify(by_card, signed, padding.PKCS1v15(), SHA256())
    statement: Json = json.loads(decoded(payload))
    if base64.b64decode(statement["card_certificate_sha256"]) != certificate.fingerprint(SHA256()):
        raise ValueError("the statement speaks of another certificate")
    return statement


@pytest.fixture(scope="module")
def authorities(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("authorities")
    simulator("authorities", "--out", str(out), "--world", str(world.root))
    return out


@pytest.fixture(scope="module")
def evidence(shared: Appliance) -> Json:
    """The evidence of a face visit. Nobody asks if the face is alive: how fast this machine draws
    the light that falls on it has no part in what is checked here."""
    result = play(shared, Play(find("valid")), lambda _event: None)
    assert (result["outcome"], result["method"]) == ("verified", "face")
    evidence: Json = result["evidence"]
    return evidence


def simulator(*arguments: str) -> str:
    program = Path(sys.executable).with_name("kazashi-simulator")
    done = subprocess.run(
        [program, *arguments], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stranger_can_check_the_evidence(evidence: Json, authorities: Path) -> None:
    statement = check(evidence, authorities)
    assert statement["method"] == "face"
    assert statement["comparison"]["decision"] == "same_person"
    assert [consent["answer"] for consent in statement["consents"]] == ["granted"] * 3


# One flipped bit is the sign of the serial number: `cryptography` still reads that, and warns.
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
@pytest.mark.parametrize(
    "part", ["header", "payload", "signature", "card_signature", "certificate"]
)
def test_no_bit_can_be_flipped(evidence: Json, authorities: Path, part: str) -> None:
    """One bit of every byte: of JWS header, payload and signature, card signature, certificate."""
    whole = bytes_of(evidence, part)
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        with pytest.raises(REFUSALS):
            check(with_bytes(evidence, part, bytes(flipped)), authorities)


def test_the_evidence_speaks_of_no_score_and_no_number(evidence: Json, authorities: Path) -> None:
    statement = json.dumps(check(evidence, authorities))
    assert "score" not in statement
    assert "4321" not in statement


def bytes_of(evidence: Json, part: str) -> bytes:
    if part in {"header", "payload", "signature"}:
        return decoded(
            evidence["statement"].split(".")[("header", "payload", "signature").index(part)]
        )
    if part == "card_signature":
        return base64.b64decode(evidence["card_signature"])
    lines = evidence["card_certificate"].strip().splitlines()
    return base64.b64decode("".join(lines[1:-1]))


def with_bytes(evidence: Json, part: str, content: bytes) -> Json:
    if part in {"header", "payload", "signature"}:
        parts = evidence["statement"].split(".")
        parts[("header", "payload", "signature").index(part)] = encoded(content)
        return evidence | {"statement": ".".join(parts)}
    text = base64.b64encode(content).decode()
    if part == "card_signature":
        return evidence | {"card_signature": text}
    return evidence | {
        "card_certificate": f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    }
