"""TLS between two pinned ends, without a line: dates, strangers, slices, garbage."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import BadSettings, NotPaired, PeerNotTrusted
from firmware.link.secure import SecureChannel
from firmware.link.trust import IDENTITY_FILE, Trust


def paired(folder: Path) -> tuple[Trust, Trust]:
    """A host's and a device's."""
    host, device = Trust(folder / "host", "device"), Trust(folder / "device", "host")
    host.pin(device.certificate())
    device.pin(host.certificate())
    return host, device


def channels(ends: tuple[Trust, Trust]) -> tuple[SecureChannel, SecureChannel]:
    host, device = ends
    return SecureChannel(host, server_side=False), SecureChannel(device, server_side=True)


def carry(one: SecureChannel, other: SecureChannel, slices: Random | None = None) -> bytes:
    """Take payloads to and fro until nobody has one; what came out at `other`."""
    heard = b""
    sides = deque((one, other))
    quiet = 0
    while quiet < 2:
        data = sides[0].outgoing()
        quiet = 0 if data else quiet + 1
        while data:
            cut = slices.randrange(1, len(data) + 1) if slices else len(data)
            came = sides[1].receive(data[:cut])
            heard += came if sides[1] is other else b""
            data = data[cut:]
        sides.rotate()
    return heard


def identity(name: str, since: int, until: int) -> bytes:
    """As `certificate.new_identity` makes it, but for the dates and the name."""
    key = Ed25519PrivateKey.generate()
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(since, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .sign(key, None)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_sent_comes_out_whatever_the_slices(tmp_path: Path, seed: int) -> None:
    host, device = channels(paired(tmp_path))
    carry(host, device, Random(seed))
    assert host.established
    assert device.established
    words = Random(seed).randbytes(100_000)
    host.send(words)
    assert carry(host, device, Random(seed)) == words
    device.send(words[:10])
    assert carry(device, host) == words[:10]


@pytest.mark.parametrize(("since", "until"), [(1970, 1971), (2900, 2901)], ids=["past", "future"])
def test_dates_mean_nothing(tmp_path: Path, since: int, until: int) -> None:
    for name in ("host", "device"):
        (tmp_path / name).mkdir()
        (tmp_path / name / IDENTITY_FILE).write_bytes(identity(name, since, until))
    host, device = channels(paired(tmp_path))
    carry(host, device)
    assert host.established


def test_another_certificate_of_the_same_name_is_refused_by_either_side(tmp_path: Path) -> None:
    host, device = paired(tmp_path)
    for name in ("stranger", "other"):
        (tmp_path / name).mkdir()
    stranger = Trust(tmp_path / "stranger", "device")
    stranger.pin(device.certificate())
    with pytest.raises(PeerNotTrusted):
        carry(*channels((stranger, device)))
    impostor = Trust(tmp_path / "other", "host")
    impostor.pin(host.certificate())
    with pytest.raises(PeerNotTrusted):
        carry(*channels((host, impostor)))


def test_a_client_that_was_not_taken_in_never_counts_as_established(tmp_path: Path) -> None:
    _, device = paired(tmp_path)
    stranger = Trust(tmp_path / "stranger", "device")
    stranger.pin(device.certificate())
    client, server = channels((stranger, device))
    server.receive(client.outgoing())
    client.receive(server.outgoing())  # its handshake is done: TLS has asked nothing more of it
    assert not client.established
    with pytest.raises(PeerNotTrusted):
        server.receive(client.outgoing())
    with pytest.raises(PeerNotTrusted, match="ALERT"):
        client.receive(server.outgoing())


def test_every_bit_of_a_word_counts(tmp_path: Path) -> None:
    ends = paired(tmp_path)
    for at in range(40):
        host, device = channels(ends)
        carry(host, device)
        host.send(b"eighteen bytes, say")
        record = bytearray(host.outgoing())
        record[at] ^= 1 << at % 8
        # A longer length makes it wait for more, and then it is no record either.
        with pytest.raises(PeerNotTrusted):
            assert device.receive(bytes(record)) == b""
            for _ in range(5):
                host.send(bytes(16_000))
                assert device.receive(host.outgoing()) == b""


def test_before_pairing_there_is_no_channel(tmp_path: Path) -> None:
    with pytest.raises(NotPaired):
        SecureChannel(Trust(tmp_path, "host"), server_side=True)


@pytest.mark.parametrize("pinned", [b"", b"garbage", b"0\x82"], ids=repr)
def test_a_damaged_pin_is_a_setting_to_repair(tmp_path: Path, pinned: bytes) -> None:
    trust = Trust(tmp_path, "host")
    trust.pin(pinned)
    with pytest.raises(BadSettings, match="host"):
        SecureChannel(trust, server_side=True)


def test_an_identity_without_its_key_is_a_setting_to_repair(tmp_path: Path) -> None:
    host, _ = paired(tmp_path)
    text = host.identity_file.read_text()
    host.identity_file.write_text(text[text.index("-----BEGIN CERTIFICATE") :])
    with pytest.raises(BadSettings, match=IDENTITY_FILE):
        SecureChannel(host, server_side=False)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_garbage_is_nobody(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    folder = tmp_path_factory.getbasetemp() / "garbage"
    device = SecureChannel(paired(folder)[1], server_side=True)
    try:
        for part in parts:
            assert device.receive(part) == b""
    except PeerNotTrusted:
        return
    assert not device.established
