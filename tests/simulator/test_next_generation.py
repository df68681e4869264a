"""The next card: what is announced of it, its hierarchy, and how our reader takes it."""

from __future__ import annotations

from hashlib import sha384

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA384
from personalised import CARD_FACE, CARD_TEXT, JPKI, PASSWORD, PIN, Terminal, image, world

from firmware.card import files, jpki, scripts, tlv
from firmware.card.credential import CollationNumberB
from firmware.card.files import FIRST_GENERATION, NEXT_GENERATION, USER_AUTHENTICATION_KEY
from firmware.faults import CardFault
from firmware.simulator.authorities import Authorities, Role
from firmware.simulator.card_algorithms import derived_key, is_signed, new_key, sign
from firmware.simulator.card_contents import image_with, make_image
from firmware.simulator.patients import find
from firmware.simulator.people import collation_number_b
from firmware.words import CardKind

PATIENT = find("next_generation")
NUMBER = collation_number_b(PATIENT)
HIERARCHY = Authorities(world().authorities, NEXT_GENERATION)
MESSAGE = b"a statement"


def content(ef: files.Ef) -> bytes:
    return image(PATIENT.id).content(ef)


def objects(ef: files.Ef) -> dict[int, tlv.Tlv]:
    return {each.tag: each for each in tlv.walk(tlv.walk(content(ef))[0].value)}


def point(value: bytes) -> ec.EllipticCurvePublicKey:
    (encoded,) = tlv.expect(value, 0x86)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), encoded.value)


# --- our reader -----------------------------------------------------------------------------------
def test_the_firmware_knows_it_by_its_label() -> None:
    assert scripts.run(jpki.identify(), Terminal(PATIENT.id).send) is CardKind.NEXT_GENERATION


def test_its_certificate_is_refused_by_type_and_spends_nothing() -> None:
    reader = Terminal(PATIENT.id)
    reader.select(JPKI)
    certificate = scripts.run(jpki.read_certificate(), reader.send)
    with pytest.raises(CardFault, match="another kind of key"):
        jpki.public_key(certificate)
    assert reader.card.report().verifies_sent == 0


def test_its_number_is_none_that_our_reader_would_send() -> None:
    assert len(NUMBER) == NEXT_GENERATION.collation_number_digits == 6
    with pytest.raises(CardFault):
        CollationNumberB.parse(NUMBER)


# --- certificates and signatures ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("leaf", "authority"),
    [
        (files.USER_AUTHENTICATION_CERTIFICATE, files.USER_AUTHENTICATION_CA_CERTIFICATE),
        (files.SIGNATURE_CERTIFICATE, files.SIGNATURE_CA_CERTIFICATE),
    ],
)
def test_certificates_are_ecdsa_with_sha_384_for_ten_years(
    leaf: files.Ef, authority: files.Ef
) -> None:
    found, issuer = (x509.load_der_x509_certificate(content(ef)) for ef in (leaf, authority))
    found.verify_directly_issued_by(issuer)
    assert isinstance(found.signature_hash_algorithm, SHA384)
    key = found.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp384r1"
    years = found.not_valid_after_utc.year - found.not_valid_before_utc.year
    assert years == 10
    assert found.not_valid_after_utc < issuer.not_valid_after_utc


@pytest.mark.parametrize(
    ("pin_ef", "secret", "key_ef", "ef"),
    [
        ("0018", PIN, "0017", files.USER_AUTHENTICATION_CERTIFICATE),
        ("001B", PASSWORD, "001A", files.SIGNATURE_CERTIFICATE),
    ],
)
def test_it_signs_a_hash_after_its_pin(pin_ef: str, secret: str, key_ef: str, ef: files.Ef) -> None:
    reader = Terminal(PATIENT.id)
    reader.select(JPKI, key_ef)
    digest = sha384(MESSAGE).digest()
    assert reader.sign(digest) == "6982"
    reader.select(JPKI, pin_ef)
    assert reader.verify(secret) == "9000"
    assert reader.status(f"00A4020C02{key_ef}") == "9000"
    answer = reader.answer(f"802A008030{digest.hex()}00")
    r, s = (int.from_bytes(part, "big") for part in (answer[:48], answer[48:96]))
    key = x509.load_der_x509_certificate(content(ef)).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(utils.encode_dss_signature(r, s), MESSAGE, ec.ECDSA(SHA384()))
    assert reader.sign(digest[:32]) == "6700"
    assert reader.status(f"802A028030{digest.hex()}00") == "6A86"


def test_its_face_opens_with_six_digits_and_is_signed_to_the_root() -> None:
    reader = Terminal(PATIENT.id)
    reader.select(CARD_FACE, "0012")
    assert reader.verify(NUMBER) == "9000"
    assert reader.status("00B0820004") == "9000"
    face = objects(files.CARD_FACE)
    body, signature = tlv.expect(tlv.walk(content(files.CARD_FACE_CERTIFICATE))[0].value, *CVC)
    issuer = HIERARCHY.key(Role.VISUAL_ISSUER).public_key()
    assert is_signed(issuer, signature.value, body.value)
    groups = ((0xDF22, 0xDF23, 0xDF24), (0xDF25, 0xDF26), (0xDF27,))
    hashes = (sha384(b"".join(face[tag].encoded for tag in group)).digest() for group in groups)
    assert is_signed(point(body.value[32:]), face[0xDF28].value, b"".join(hashes))
    chip = image(PATIENT.id).private_keys[files.CARD_FACE_CHIP_KEY].public_key()
    assert point(face[0xDF24].value) == chip


CVC = (0x5F4E, 0x5F37)


def test_it_has_two_applications() -> None:
    reader = Terminal(PATIENT.id)
    assert reader.status(f"00A4040C0A{CARD_TEXT}") == "6A82"
    assert {ef.aid for ef in image(PATIENT.id).files} == {
        NEXT_GENERATION.jpki,
        NEXT_GENERATION.card_face,
    }


# --- made again -----------------------------------------------------------------------------------
def test_the_next_card_is_the_same_to_the_byte_each_time() -> None:
    one, other = (make_image(PATIENT, world()) for _ in range(2))
    assert one.files == other.files


def test_the_same_keys_make_todays_card_the_same_to_the_byte() -> None:
    made = image("valid")
    again = image_with(made.private_keys, find("valid"), world())
    assert again.files == made.files
    assert again.secrets == made.secrets


def test_derived_keys_differ_by_name_and_by_secret() -> None:
    secrets = [new_key(NEXT_GENERATION) for _ in range(2)]
    drawn = [
        derived_key(secret, name).private_numbers().private_value
        for secret in secrets
        if isinstance(secret, ec.EllipticCurvePrivateKey)
        for name in ("a", "b", "a")
    ]
    assert drawn[0] == drawn[2] and drawn[3] == drawn[5]
    assert len(set(drawn)) == 4


@pytest.mark.parametrize("profile", [FIRST_GENERATION, NEXT_GENERATION], ids=lambda each: each.name)
def test_signatures_have_the_length_of_the_profile(profile: files.CardProfile) -> None:
    key = new_key(profile)
    signature = sign(key, MESSAGE)
    assert len(signature) == profile.signature_bytes
    assert signature == sign(key, MESSAGE)
    assert is_signed(key.public_key(), signature, MESSAGE)
    assert not is_signed(key.public_key(), signature, MESSAGE + b"!")
    assert not is_signed(key.public_key(), signature[:-1], MESSAGE)
    assert not is_signed(new_key(profile).public_key(), signature, MESSAGE)


def test_its_user_key_is_named_by_its_certificate() -> None:
    key = image(PATIENT.id).private_keys[USER_AUTHENTICATION_KEY].public_key()
    certificate = x509.load_der_x509_certificate(content(files.USER_AUTHENTICATION_CERTIFICATE))
    assert certificate.public_key() == key
