"""What the chip's private keys do with the bytes they are given: one row per P1 of `80 2A`.

P1 00 is what every reader uses; the other rows were measured by one careful public source. Of the
next card nothing is public: *assumed* is P1 00 alone, over a hash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from firmware.card import status_word as sw
from firmware.card.apdu import ResponseApdu
from firmware.card.files import NEXT_GENERATION
from firmware.simulator.card_algorithms import PrivateKey, sign_digest


def sign_block(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    """RSA over `content` in a PKCS #1 type-1 block, with no opinion on what it is.

    At most 245 bytes for RSA-2048: the caller checks. No library signs such free content, and
    timing gives nothing away here, since the key is a test key in a file beside us.
    """
    size = key.key_size // 8
    filler = b"\xff" * (size - len(content) - 3)
    block = int.from_bytes(b"\x00\x01" + filler + b"\x00" + content, "big")
    numbers = key.private_numbers()
    first = pow(block, numbers.dmp1, numbers.p)
    second = pow(block, numbers.dmq1, numbers.q)
    lift = (first - second) * numbers.iqmp % numbers.p
    return (second + lift * numbers.q).to_bytes(size, "big")


def _hash_then_block(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    return sign_block(key, digest.finalize())


def _digest_info(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    return key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def _message(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    return key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def _pss_digest(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    return key.sign(digest, _pss(), utils.Prehashed(hashes.SHA256()))


def _pss_message(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    return key.sign(content, _pss(), hashes.SHA256())


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


Signer = Callable[[rsa.RSAPrivateKey, bytes], bytes]
LARGEST_BLOCK: Final = 245
# P1: (what the card does, the lengths that it takes)
MODES: Final[dict[int, tuple[Signer, range]]] = {
    0x00: (sign_block, range(1, LARGEST_BLOCK + 1)),
    0x01: (_hash_then_block, range(1, 0x10000)),
    0x02: (_digest_info, range(32, 33)),
    0x03: (_message, range(1, 0x10000)),
    0x04: (_pss_digest, range(32, 33)),
    0x05: (_pss_message, range(1, 0x10000)),
}


def compute_signature(key: PrivateKey, p1: int, content: bytes) -> ResponseApdu:
    """The card's answer to `80 2A` once the key is open."""
    if not isinstance(key, rsa.RSAPrivateKey):
        return _sign_hash(key, p1, content)
    if p1 not in MODES:
        return ResponseApdu(b"", sw.WRONG_P1_P2)
    signer, lengths = MODES[p1]
    if len(content) not in lengths:
        return ResponseApdu(b"", sw.WRONG_LENGTH)
    return ResponseApdu(signer(key, content), sw.SUCCESS)


def _sign_hash(key: ec.EllipticCurvePrivateKey, p1: int, hashed: bytes) -> ResponseApdu:
    """The next card: ECDSA over a hash that the caller has made."""
    if p1 != 0x00:
        return ResponseApdu(b"", sw.WRONG_P1_P2)
    if len(hashed) != NEXT_GENERATION.hash_bytes:
        return ResponseApdu(b"", sw.WRONG_LENGTH)
    return ResponseApdu(sign_digest(key, hashed), sw.SUCCESS)
