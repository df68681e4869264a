"""Every signature of the test hierarchy holds on a plain card, and one fails on each forged one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from personalised import NUMBER_B, Terminal, image, world

from firmware.card import authenticity, card_face, files, jpki, scripts, tlv
from firmware.card.card_face import parse_public_key
from firmware.card.credential import CollationNumberB
from firmware.simulator.authorities import KEY_IDS, Authorities, Role
from firmware.simulator.card_algorithms import is_signed
from firmware.simulator.card_forgery import Broken, forged
from firmware.simulator.card_image import CardImage
from firmware.simulator.card_options import CardOptions
from firmware.simulator.card_signing import compute_signature
from firmware.words import PhotoAuthenticity

NONCE = bytes(range(16))
REASONS = {
    Broken.FACE: authenticity.Reason.FACE_SIGNATURE_WRONG,
    Broken.FACE_ISSUER: authenticity.Reason.ISSUER_SIGNATURE_WRONG,
    Broken.FACE_CHIP: authenticity.Reason.CHIP_KEY_WRONG,
}


# --- a verifier of everything that this card carries ----------------------------------------------
def der(card: CardImage, ef: files.Ef) -> x509.Certificate:
    return x509.load_der_x509_certificate(card.content(ef))


def issued(leaf: files.Ef, authority: Role) -> Callable[[CardImage], bool]:
    def holds(card: CardImage) -> bool:
        try:
            der(card, leaf).verify_directly_issued_by(
                Authorities(world().authorities).certificate(authority)
            )
        except InvalidSignature:
            return False
        return True

    return holds


def record(ef: files.Ef) -> Callable[[CardImage], bool]:
    """The last object of a file signs all before it, by the municipality's key."""

    def holds(card: CardImage) -> bool:
        *fields, signature = tlv.walk(tlv.walk(card.content(ef))[0].value)
        signed = b"".join(each.encoded for each in fields)
        key = Authorities(world().authorities).key(Role.MUNICIPALITY).public_key()
        return is_signed(key, signature.value, signed)

    return holds


def certified(ef: files.Ef, issuer: Role) -> Callable[[CardImage], bool]:
    def holds(card: CardImage) -> bool:
        found = authenticity.parse_certificate(card.content(ef))
        key = Authorities(world().authorities).key(issuer).public_key()
        return is_signed(key, found.signature, found.body)

    return holds


def face_signed(card: CardImage) -> bool:
    face = card_face.parse(card.content(files.CARD_FACE))
    key = Authorities(world().authorities).key(Role.MUNICIPALITY).public_key()
    return authenticity._signs(key, face.signed_hashes, face.signature)


def chip(
    key: files.SigningKey, public: Callable[[CardImage], rsa.RSAPublicKey]
) -> Callable[[CardImage], bool]:
    """What the chip signs is verified by the key that a file on the card names."""

    def holds(card: CardImage) -> bool:
        signature = compute_signature(card.private_keys[key], 0x03, b"anything").data
        return is_signed(public(card), signature, b"anything")

    return holds


def named_by_certificate(ef: files.Ef) -> Callable[[CardImage], rsa.RSAPublicKey]:
    return lambda card: jpki.public_key(card.content(ef))


def named_by_record(ef: files.Ef, tag: int) -> Callable[[CardImage], rsa.RSAPublicKey]:
    def key(card: CardImage) -> rsa.RSAPublicKey:
        objects = tlv.walk(tlv.walk(card.content(ef))[0].value)
        return parse_public_key(next(each.value for each in objects if each.tag == tag))

    return key


CHECKS: Mapping[Broken, Callable[[CardImage], bool]] = {
    Broken.FACE: face_signed,
    Broken.FACE_ISSUER: certified(files.CARD_FACE_CERTIFICATE, Role.VISUAL_ISSUER),
    Broken.FACE_CHIP: chip(files.CARD_FACE_CHIP_KEY, named_by_record(files.CARD_FACE, 0xDF24)),
    Broken.AGE_RECORD: record(files.AGE_RECORD),
    Broken.NUMBER_IMAGE: record(files.NUMBER_IMAGE),
    Broken.TEXT_INTEGRITY: record(files.TEXT_INTEGRITY),
    Broken.TEXT_ISSUER: certified(files.TEXT_CERTIFICATE, Role.TEXT_ISSUER),
    Broken.TEXT_PUBLIC_KEY: record(files.TEXT_PUBLIC_KEY),
    Broken.TEXT_CHIP: chip(
        files.CARD_TEXT_CHIP_KEY, named_by_record(files.TEXT_PUBLIC_KEY, 0xDF51)
    ),
    Broken.USER_CERTIFICATE: issued(
        files.USER_AUTHENTICATION_CERTIFICATE, Role.USER_AUTHENTICATION_CA
    ),
    Broken.USER_CA_CERTIFICATE: issued(
        files.USER_AUTHENTICATION_CA_CERTIFICATE, Role.USER_AUTHENTICATION_CA
    ),
    Broken.USER_KEY: chip(
        files.USER_AUTHENTICATION_KEY, named_by_certificate(files.USER_AUTHENTICATION_CERTIFICATE)
    ),
    Broken.SIGNATURE_CERTIFICATE: issued(files.SIGNATURE_CERTIFICATE, Role.SIGNATURE_CA),
    Broken.SIGNATURE_CA_CERTIFICATE: issued(files.SIGNATURE_CA_CERTIFICATE, Role.SIGNATURE_CA),
    Broken.SIGNATURE_KEY: chip(
        files.SIGNATURE_KEY, named_by_certificate(files.SIGNATURE_CERTIFICATE)
    ),
}


def failing(card: CardImage) -> Iterator[Broken]:
    return (name for name, holds in CHECKS.items() if not holds(card))


# --- the tests ------------------------------------------------------------------------------------
def test_every_signature_of_a_plain_card_holds() -> None:
    assert CHECKS.keys() == set(Broken)
    assert list(failing(image("valid"))) == []


@pytest.mark.parametrize("broken", Broken)
def test_exactly_one_signature_fails_on_a_forged_card(broken: Broken) -> None:
    plain = image("valid")
    card = forged(plain, broken)
    assert list(failing(card)) == [broken]
    assert {ef: len(content) for ef, content in card.files.items()} == {
        ef: len(content) for ef, content in plain.files.items()
    }


@pytest.mark.parametrize("broken", [None, *Broken])
def test_the_firmware_says_what_is_wrong_with_the_photo(broken: Broken | None) -> None:
    reader = Terminal("valid", CardOptions(broken=broken))
    face = scripts.run(card_face.read_card_face(CollationNumberB.parse(NUMBER_B)), reader.send)
    issuer = Authorities(world().authorities).key(Role.VISUAL_ISSUER).public_key()
    keys = {KEY_IDS[Role.VISUAL_ISSUER].value: issuer}
    judgement = scripts.run(authenticity.authenticate(face, keys, NONCE), reader.send)
    reason = REASONS.get(broken) if broken else None
    if reason is None:
        assert judgement.verdict is PhotoAuthenticity.VERIFIED
    else:
        assert judgement == authenticity.Judgement(PhotoAuthenticity.FORGED, reason)


def test_a_card_without_that_signature_stays_as_it_is() -> None:
    for patient in ("phone", "certificate_missing"):
        card = image(patient)
        broken = Broken.FACE if patient == "phone" else Broken.USER_CERTIFICATE
        assert forged(card, broken).files == card.files
