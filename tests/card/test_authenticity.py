"""Three questions about a face, each of which can be answered wrongly by a forger."""

from hashlib import sha256

import pytest
from card_dialogue import FileCard
from card_issued import (
    ISSUER_ID,
    MUNICIPALITY_ID,
    face_file,
    face_objects,
    issuing_certificate,
    key,
    public_key,
    raw_signature,
    tlv,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.authenticity import (
    PRESENCE_TAG,
    IssuerKeys,
    Judgement,
    Reason,
    authenticate,
    judge,
    parse_certificate,
    prove_presence,
)
from firmware.card.card_face import parse
from firmware.card.jpki import digest_info
from firmware.faults import MalformedCommand, MalformedResponse
from firmware.words import PhotoAuthenticity

NONCE = bytes(range(16))
ISSUERS: IssuerKeys = {ISSUER_ID: key("issuer").public_key()}
OBJECTS = face_objects()
CERTIFICATE = issuing_certificate()
DIGEST_INFO_PREFIX = bytes.fromhex("3031300D060960864801650304020105000420")


def chip_of(owner: str, certificate: bytes = CERTIFICATE) -> FileCard:
    def sign(command: CommandApdu) -> ResponseApdu:
        assert (command.cla, command.p1, command.p2) == (0x80, 0x00, 0x00)
        return ResponseApdu(raw_signature(owner, command.data), 0x9000)

    return FileCard({0x0004: certificate + b"\xff" * 40}, {0x2A: sign})


def verdict(
    objects: dict[str, bytes] = OBJECTS,
    chip: str = "chip",
    certificate: bytes = CERTIFICATE,
    issuers: IssuerKeys = ISSUERS,
) -> Judgement:
    face = parse(face_file(objects))
    return scripts.run(authenticate(face, issuers, NONCE), chip_of(chip, certificate))


def test_a_card_as_issued_is_verified() -> None:
    assert verdict() == Judgement(PhotoAuthenticity.VERIFIED, Reason.ALL_CHECKED)


@pytest.mark.parametrize(
    "issuers, reason",
    [
        ({}, Reason.NO_ISSUER_KEYS),
        ({bytes(16): key("issuer").public_key()}, Reason.ISSUER_UNKNOWN),
    ],
)
def test_without_its_issuers_key_it_is_unverified(issuers: IssuerKeys, reason: Reason) -> None:
    assert verdict(issuers=issuers) == Judgement(PhotoAuthenticity.UNVERIFIED, reason)


@pytest.mark.parametrize("issuers", [ISSUERS, {}], ids=["configured", "not configured"])
@pytest.mark.parametrize("tag", ["DF22", "DF23", "DF25", "DF26", "DF27"])
def test_a_changed_object_is_forged(tag: str, issuers: IssuerKeys) -> None:
    changed = {"DF22": b"19800218", "DF23": b"1"}.get(tag, b"something else")
    judged = verdict(OBJECTS | {tag: tlv(tag, changed)}, issuers=issuers)
    assert judged == Judgement(PhotoAuthenticity.FORGED, Reason.FACE_SIGNATURE_WRONG)


def test_another_cards_face_on_this_chip_is_forged() -> None:
    judged = verdict(chip="another chip")
    assert judged == Judgement(PhotoAuthenticity.FORGED, Reason.CHIP_KEY_WRONG)


def test_an_own_municipality_is_forged() -> None:
    objects = face_objects(signer="forger")
    own = issuing_certificate(issuer="forger", subject="forger")
    judged = verdict(objects, certificate=own)
    assert judged == Judgement(PhotoAuthenticity.FORGED, Reason.ISSUER_SIGNATURE_WRONG)


def test_the_certificate_of_another_key_is_forged() -> None:
    judged = verdict(certificate=issuing_certificate(subject="forger"))
    assert judged == Judgement(PhotoAuthenticity.FORGED, Reason.FACE_SIGNATURE_WRONG)


def test_what_the_issuer_does_not_sign_may_change() -> None:
    """Expiry and security code stand after the signature: a reason never to trust them alone."""
    changed = OBJECTS | {"DF29": tlv("DF29", b"20991231")}
    assert verdict(changed).verdict is PhotoAuthenticity.VERIFIED


@pytest.mark.parametrize("garbage", [b"\x00", bytes(40)])
def test_bytes_after_the_digest_are_no_signature(garbage: bytes) -> None:
    face = parse(face_file(OBJECTS))
    signature = raw_signature("municipality", digest_info(face.signed_hashes) + garbage)
    assert verdict(OBJECTS | {"DF28": tlv("DF28", signature)}).reason is Reason.FACE_SIGNATURE_WRONG


@pytest.mark.parametrize("signature", [bytes(256), b"\xff" * 256])
def test_numbers_that_are_no_signature(signature: bytes) -> None:
    judged = verdict(OBJECTS | {"DF28": tlv("DF28", signature)})
    assert judged.reason is Reason.FACE_SIGNATURE_WRONG


def test_a_signature_over_one_hash_is_not_one_over_three() -> None:
    face = parse(face_file(OBJECTS))
    ordinary = key("municipality").sign(face.signed_hashes, padding.PKCS1v15(), hashes.SHA256())
    judged = verdict(OBJECTS | {"DF28": tlv("DF28", ordinary)})
    assert judged.reason is Reason.FACE_SIGNATURE_WRONG


def test_judge_needs_the_chip() -> None:
    face, certificate = parse(face_file(OBJECTS)), parse_certificate(CERTIFICATE)
    assert judge(face, certificate, True, ISSUERS).verdict is PhotoAuthenticity.VERIFIED
    assert judge(face, certificate, False, ISSUERS).verdict is PhotoAuthenticity.FORGED
    assert judge(face, certificate, False, {}).verdict is PhotoAuthenticity.FORGED


def test_presence_is_a_signature_over_the_tagged_nonce() -> None:
    card = chip_of("chip")
    assert scripts.run(prove_presence(key("chip").public_key(), NONCE), card)
    (command,) = card.sent
    assert command.data == DIGEST_INFO_PREFIX + sha256(PRESENCE_TAG + NONCE).digest()


def test_an_old_signature_is_no_presence() -> None:
    old = raw_signature("chip", digest_info(sha256(PRESENCE_TAG + bytes(16)).digest()))
    replaying = FileCard({}, {0x2A: lambda command: ResponseApdu(old, 0x9000)})
    assert not scripts.run(prove_presence(key("chip").public_key(), NONCE), replaying)


def test_a_short_nonce_is_refused() -> None:
    with pytest.raises(MalformedCommand):
        scripts.run(prove_presence(key("chip").public_key(), NONCE[:-1]), chip_of("chip"))


def test_a_certificate_as_issued() -> None:
    certificate = parse_certificate(CERTIFICATE)
    assert (certificate.issuer_id, certificate.subject_id) == (ISSUER_ID, MUNICIPALITY_ID)
    assert certificate.public_key == key("municipality").public_key()
    assert (len(CERTIFICATE), len(certificate.body)) == (568, 297)
    assert certificate.body[32:] == public_key("municipality")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        CERTIFICATE[:-1],
        CERTIFICATE + b"\x00",
        tlv("7F21", tlv("5F4E", bytes(297)) + tlv("5F37", bytes(256))),
        tlv("7F21", tlv("5F4E", bytes(296)) + tlv("5F37", bytes(256))),
        tlv("7F21", CERTIFICATE[5:307] + tlv("5F37", bytes(255))),
        tlv("7F21", CERTIFICATE[5:307]),
        tlv("7F20", CERTIFICATE[5:]),
    ],
)
def test_what_is_no_certificate(content: bytes) -> None:
    with pytest.raises(MalformedResponse):
        parse_certificate(content)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_certificate_or_a_fault(content: bytes) -> None:
    with pytest.raises(MalformedResponse):
        parse_certificate(content)
