"""What the cards of each generation sign with. A key's type says the algorithm, everywhere here.

Today's cards: RSA-2048, PKCS #1 v1.5, SHA-256. The next ones: ECDSA on P-384 with SHA-384, which is
the announced intent; that a signature is r and s side by side is assumed.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from firmware.card.files import CardProfile

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
CURVE: Final = ec.SECP384R1()
COORDINATE_BYTES: Final = 48
_EXTRA_BYTES: Final = 8  # more than the order has, so that no remainder is likelier than others


def new_key(profile: CardProfile) -> PrivateKey:
    """A fresh key of the profile's kind and size."""
    if profile.public_exponent is None:
        return ec.generate_private_key(CURVE)
    return rsa.generate_private_key(profile.public_exponent, profile.key_bits)


def derived_key(secret: ec.EllipticCurvePrivateKey, name: str) -> ec.EllipticCurvePrivateKey:
    """The P-384 key that follows from another one and a name: the same one each time."""
    seed = HKDF(hashes.SHA384(), COORDINATE_BYTES + _EXTRA_BYTES, None, name.encode()).derive(
        secret.private_numbers().private_value.to_bytes(COORDINATE_BYTES, "big")
    )
    return ec.derive_private_key(1 + int.from_bytes(seed, "big") % (CURVE.group_order - 1), CURVE)


def fits(profile: CardProfile, key: object) -> bool:
    """Whether this is a private or public key of the profile's kind and size."""
    if profile.public_exponent is None:
        kinds = (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)
        return isinstance(key, kinds) and key.curve.name == CURVE.name
    rsa_kinds = (rsa.RSAPrivateKey, rsa.RSAPublicKey)
    return isinstance(key, rsa_kinds) and key.key_size == profile.key_bits


def hash_of(key: PrivateKey | PublicKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash that goes with the key."""
    is_rsa = isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey)
    return hashes.SHA256() if is_rsa else hashes.SHA384()


def digest(key: PrivateKey | PublicKey, content: bytes) -> bytes:
    """`content` under that hash."""
    hashing = hashes.Hash(hash_of(key))
    hashing.update(content)
    return hashing.finalize()


def sign(key: PrivateKey, content: bytes) -> bytes:
    """A signature of `content`, the same one each time: 256 bytes of RSA, 96 of ECDSA."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    return sign_digest(key, digest(key, content))


def sign_digest(key: ec.EllipticCurvePrivateKey, hashed: bytes) -> bytes:
    """ECDSA over a SHA-384 hash: r and s, 96 bytes, with the nonce of RFC 6979."""
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA384()), deterministic_signing=True)
    parts = utils.decode_dss_signature(key.sign(hashed, algorithm))
    return b"".join(part.to_bytes(COORDINATE_BYTES, "big") for part in parts)


def is_signed(key: PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether `signature` is one of `content`; false for a signature of any other length."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
        elif len(signature) == 2 * COORDINATE_BYTES:
            r, s = (
                int.from_bytes(part, "big")
                for part in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:])
            )
            key.verify(utils.encode_dss_signature(r, s), content, ec.ECDSA(hashes.SHA384()))
        else:
            return False
    except InvalidSignature:
        return False
    return True
