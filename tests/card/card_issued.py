"""What an issuer puts on a card: keys, a signed face, its certificate. Made anew in each run."""

from __future__ import annotations

import datetime as dt
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER_ID = b"6000023\x08\x05001\x00\x00\x00\x01"
MUNICIPALITY_ID = b"6131016\x08\x05001\x00\x00\x00\x01"
PHOTO = bytes.fromhex("0000000C6A5020200D0A870A") + bytes(range(256)) * 8


@cache
def key(owner: str) -> rsa.RSAPrivateKey:
    """One key for each owner and run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def tlv(tag: str, value: bytes) -> bytes:
    """Written apart from `firmware.card.tlv`, so that both can be wrong only in different ways."""
    size = len(value)
    length = f"{size:02X}" if size < 128 else f"81{size:02X}" if size < 256 else f"82{size:04X}"
    return bytes.fromhex(tag + length) + value


def public_key(owner: str) -> bytes:
    numbers = key(owner).public_key().public_numbers()
    return tlv("90", b"\x01\x00\x01") + tlv("91", numbers.n.to_bytes(256, "big"))


@cache
def raw_signature(owner: str, digest_info: bytes) -> bytes:
    """PKCS #1 v1.5 around any bytes, as the card pads them; the library only signs hashes."""
    numbers = key(owner).private_numbers()
    padded = b"\x00\x01" + b"\xff" * (253 - len(digest_info)) + b"\x00" + digest_info
    power = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n)
    return power.to_bytes(256, "big")


def face_objects(chip: str = "chip", signer: str = "municipality") -> dict[str, bytes]:
    """The objects after the offset table, in order, signed."""
    values = {
        "DF22": b"19800217",
        "DF23": b"2",
        "DF24": public_key(chip),
        "DF25": b"\x89PNG name",
        "DF26": b"\x89PNG address" * 30,
        "DF27": PHOTO,
    }
    objects = {tag: tlv(tag, value) for tag, value in values.items()}
    groups = (("DF22", "DF23", "DF24"), ("DF25", "DF26"), ("DF27",))
    digest = b"".join(sha256(b"".join(objects[tag] for tag in group)).digest() for group in groups)
    # SEQUENCE of 113: the algorithm, and an OCTET STRING of 96 in place of the usual 32.
    info = bytes.fromhex("3071300D06096086480165030402010500" + "0460") + digest
    objects["DF28"] = tlv("DF28", raw_signature(signer, info))
    objects["DF29"] = tlv("DF29", b"20350217")
    objects["DF2A"] = tlv("DF2A", b"\x89PNG code")
    return objects


def face_file(objects: dict[str, bytes], offset_error: int = 0) -> bytes:
    """EF 0002: the offset table counts from the start of the file."""
    table_bytes = 3 + 2 * len(objects)
    body_bytes = table_bytes + sum(map(len, objects.values()))
    at = table_bytes + len(tlv("FF20", bytes(body_bytes))) - body_bytes
    offsets = b""
    for encoded in objects.values():
        offsets += (at + offset_error).to_bytes(2, "big")
        at += len(encoded)
    return tlv("FF20", tlv("DF21", offsets) + b"".join(objects.values()))


def issuing_certificate(issuer: str = "issuer", subject: str = "municipality") -> bytes:
    """EF 0004."""
    body = ISSUER_ID + MUNICIPALITY_ID + public_key(subject)
    signature = key(issuer).sign(body, padding.PKCS1v15(), hashes.SHA256())
    return tlv("7F21", tlv("5F4E", body) + tlv("5F37", signature))


@cache
def holder_certificate(owner: str = "holder") -> bytes:
    """A self-signed stand-in for EF 000A, DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic holder")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(owner).public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        .sign(key(owner), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)
