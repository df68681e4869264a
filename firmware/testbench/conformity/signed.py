"""Signatures in answers and files, checked with the public key of an earlier answer. Pure.

What a chip signs is opened with its public key and compared with what was given to it, to the last
byte: PKCS #1 v1.5 leaves no room, and an ordinary verification would refuse some of what this card
makes (docs of `firmware.card.authenticity`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from firmware.card import authenticity, card_face, jpki, tlv
from firmware.card.apdu import ResponseApdu
from firmware.faults import MalformedResponse
from firmware.testbench.conformity.checks import Heard

_WRONG: Final = "the signature is wrong"


@dataclass(frozen=True, slots=True)
class KeyIn:
    """The public key in an earlier answer; `find` raises MalformedResponse where there is none."""

    name: str
    find: Callable[[bytes], rsa.RSAPublicKey]

    def __str__(self) -> str:
        return f"the key in {self.name!r}"


def in_certificate(name: str) -> KeyIn:
    """Of an X.509 certificate."""
    return KeyIn(name, jpki.public_key)


def in_issuing_certificate(name: str) -> KeyIn:
    """Of a card-verifiable certificate, `7F21`."""
    return KeyIn(name, lambda content: authenticity.parse_certificate(_one(content)).public_key)


def as_issuers_key(name: str) -> KeyIn:
    """The answer is the key itself, `90` and `91`."""
    return KeyIn(name, card_face.parse_public_key)


def in_object(name: str, tag: int) -> KeyIn:
    """Of an object in a file of one level."""
    return KeyIn(name, lambda content: card_face.parse_public_key(_field(content, tag)))


@dataclass(frozen=True, slots=True)
class Signs:
    """The data is a signature over a PKCS #1 v1.5 block with exactly this content."""

    content: bytes
    by: KeyIn

    def __str__(self) -> str:
        return f"a signature by {self.by}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        return _judge(answer, lambda: _opened(self.by, heard, answer.data) == self.content)


@dataclass(frozen=True, slots=True)
class SignsPss:
    """The data is an RSASSA-PSS signature over this SHA-256 digest, of any length of salt."""

    digest: bytes
    by: KeyIn

    def __str__(self) -> str:
        return f"a PSS signature by {self.by}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        def right() -> bool:
            self.by.find(heard[self.by.name].data).verify(
                answer.data,
                self.digest,
                padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO),
                Prehashed(hashes.SHA256()),
            )
            return True

        return _judge(answer, right)


@dataclass(frozen=True, slots=True)
class RecordSigned:
    """A file whose last object, `tag`, is the signature over all those before it."""

    tag: int
    by: KeyIn

    def __str__(self) -> str:
        return f"signed in {self.tag:X} by {self.by}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        def right() -> bool:
            *fields, last = _fields(answer.data)
            digest = sha256(b"".join(each.encoded for each in fields)).digest()
            opened = _opened(self.by, heard, last.value)
            return last.tag == self.tag and opened == jpki.digest_info(digest)

        return _judge(answer, right)


@dataclass(frozen=True, slots=True)
class FaceSigned:
    """The card face, right in every object, and its three hashes signed."""

    by: KeyIn

    def __str__(self) -> str:
        return f"a card face signed by {self.by}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        def right() -> bool:
            face = card_face.parse(_one(answer.data))
            return _opened(self.by, heard, face.signature) == jpki.digest_info(face.signed_hashes)

        return _judge(answer, right)


@dataclass(frozen=True, slots=True)
class IssuingCertificateSigned:
    """A card-verifiable certificate whose body the issuer signed."""

    by: KeyIn

    def __str__(self) -> str:
        return f"a card-verifiable certificate signed by {self.by}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        def right() -> bool:
            certificate = authenticity.parse_certificate(_one(answer.data))
            digest = sha256(certificate.body).digest()
            return _opened(self.by, heard, certificate.signature) == jpki.digest_info(digest)

        return _judge(answer, right)


@dataclass(frozen=True, slots=True)
class HashOfFields:
    """An object `tag` that is SHA-256 of an earlier file's objects but for its first, the table."""

    tag: int
    name: str

    def __str__(self) -> str:
        return f"{self.tag:X} is the hash of {self.name!r}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        def right() -> bool:
            _table, *fields = _fields(heard[self.name].data)
            digest = sha256(b"".join(each.encoded for each in fields)).digest()
            return _field(answer.data, self.tag) == digest

        return _judge(answer, right, wrong="the hash is another one")


@dataclass(frozen=True, slots=True)
class IssuedBy:
    """An X.509 certificate that the authority in an earlier answer issued."""

    name: str

    def __str__(self) -> str:
        return f"a certificate issued by {self.name!r}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        return _judge(answer, lambda: _issued(heard[self.name].data, answer.data))


@dataclass(frozen=True, slots=True)
class SelfIssued:
    """An X.509 certificate that signs itself, as an authority's does."""

    def __str__(self) -> str:
        return "a certificate that signs itself"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return _judge(answer, lambda: _issued(answer.data, answer.data))


def _judge(answer: ResponseApdu, right: Callable[[], bool], wrong: str = _WRONG) -> str | None:
    if not answer.data:
        return "no data came"
    try:
        return None if right() else wrong
    except InvalidSignature:
        return wrong
    except MalformedResponse as fault:
        return str(fault)


def _opened(by: KeyIn, heard: Heard, signature: bytes) -> bytes:
    """What stands inside a signature."""
    key = by.find(heard[by.name].data)
    return key.recover_data_from_signature(signature, padding.PKCS1v15(), None)


def _one(content: bytes) -> bytes:
    """A file's one object without the FF behind it."""
    return content[: tlv.read_header(content).total_length]


def _fields(content: bytes) -> tuple[tlv.Tlv, ...]:
    """The objects in the one object of a file; two at least."""
    (outer,) = tlv.walk(_one(content))
    fields = tlv.walk(outer.value)
    if len(fields) < 2:
        raise MalformedResponse("there are too few objects")
    return fields


def _field(content: bytes, tag: int) -> bytes:
    for each in _fields(content):
        if each.tag == tag:
            return each.value
    raise MalformedResponse(f"there is no {tag:X}")


def _issued(authority: bytes, certificate: bytes) -> bool:
    try:
        issuer = x509.load_der_x509_certificate(authority)
        x509.load_der_x509_certificate(certificate).verify_directly_issued_by(issuer)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as cause:
        raise MalformedResponse("a certificate cannot be read, or is another's") from cause
    return True
