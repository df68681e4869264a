"""JPKI: the kind of card, its certificate, DigestInfo, and a signature that is checked."""

from contextlib import suppress
from hashlib import sha256

import pytest
from card_dialogue import OK, FileCard, Listed
from card_issued import holder_certificate, key, raw_signature
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import given
from hypothesis import strategies as st

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.jpki import (
    StatementDigest,
    card_kind,
    digest_info,
    identify,
    public_key,
    read_certificate,
    sign,
    verify_signature,
)
from firmware.faults import (
    CardReset,
    CertificateMissing,
    MalformedCommand,
    MalformedResponse,
    SignatureWrong,
    UnexpectedStatus,
)
from firmware.words import CardKind

DIGEST = StatementDigest(sha256(b"a statement").digest())
LABELS = {
    "JPKIAPICCTOKEN2": CardKind.MY_NUMBER_CARD,
    "JPKIAPICCTOKEN": CardKind.RESIDENT_CARD,
    "JPKIAPGPSETOKEN": CardKind.PHONE_ANDROID,
    "JPKIAPIOSTOKEN": CardKind.PHONE_IOS,
}


@pytest.mark.parametrize("label, kind", LABELS.items(), ids=LABELS)
def test_the_token_label_tells_the_kind(label: str, kind: CardKind) -> None:
    card = FileCard({0x0006: label.encode().ljust(32) + bytes(128)})
    assert scripts.run(identify(), card) is kind
    assert card.instructions == [0xA4, 0xB0]


@pytest.mark.parametrize(
    "label", [b"", b" " * 32, b"JPKIAPICCTOKEN4".ljust(32), b"\xff" * 32, b" JPKIAPICCTOKEN2"]
)
def test_another_label_is_unknown(label: bytes) -> None:
    assert card_kind(label) is CardKind.UNKNOWN


@pytest.mark.parametrize("answer", ["6A82", "6A81", "6D00", "6E00"])
def test_somebody_elses_card_is_unknown(answer: str) -> None:
    assert Listed(answer).play(identify()) is CardKind.UNKNOWN


def test_a_broken_card_is_not_called_unknown() -> None:
    for answers in (["6F00", "6F00"], [OK, "6A82", "6A82"], [OK, "6982"]):
        with pytest.raises(UnexpectedStatus):
            Listed(*answers).play(identify())


def test_the_certificate_is_read() -> None:
    card = FileCard({0x000A: holder_certificate() + b"\xff" * 64})
    assert scripts.run(read_certificate(), card) == holder_certificate()


@pytest.mark.parametrize("files", [{}, {0x000A: b"\xff" * 256}, {0x000A: bytes(256)}])
def test_a_card_may_have_no_certificate(files: dict[int, bytes]) -> None:
    label = {0x0006: next(iter(LABELS)).encode().ljust(32)}
    with pytest.raises(CertificateMissing):
        scripts.run(read_certificate(), FileCard(files | label))


@pytest.mark.parametrize("files", [{}, {0x0006: b"another application".ljust(32)}])
def test_a_card_with_jpki_closed_is_not_one_without_a_certificate(files: dict[int, bytes]) -> None:
    with pytest.raises(CardReset):
        scripts.run(read_certificate(), FileCard(files))


def test_a_phone_wants_its_pin_first() -> None:
    with pytest.raises(UnexpectedStatus) as fault:
        Listed("6982").play(read_certificate())
    assert fault.value.status_word == 0x6982


def test_digest_info_is_the_der_of_pkcs1() -> None:
    prefix = bytes.fromhex("3031300D060960864801650304020105000420")
    assert digest_info(DIGEST.value) == prefix + DIGEST.value
    assert len(digest_info(DIGEST.value)) == 51


def test_digest_info_is_what_the_library_pads() -> None:
    recovered = (
        key("holder")
        .public_key()
        .recover_data_from_signature(
            key("holder").sign(b"a statement", padding.PKCS1v15(), hashes.SHA256()),
            padding.PKCS1v15(),
            None,
        )
    )
    assert digest_info(DIGEST.value) == recovered


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_only_a_digest_can_be_signed(size: int) -> None:
    with pytest.raises(MalformedCommand):
        StatementDigest(bytes(size))


def signing_card(owner: str = "holder") -> FileCard:
    def answer(command: CommandApdu) -> ResponseApdu:
        return ResponseApdu(raw_signature(owner, command.data), 0x9000)

    return FileCard({0x0017: b""}, {0x2A: answer})


def test_the_cards_signature_verifies() -> None:
    card = signing_card()
    signature = scripts.run(sign(DIGEST), card)
    verify_signature(holder_certificate(), DIGEST, signature)
    key("holder").public_key().verify(
        signature, b"a statement", padding.PKCS1v15(), hashes.SHA256()
    )
    assert card.sent[-1].encode()[:5].hex() == "802a008033"


def test_another_cards_signature_does_not() -> None:
    signature = scripts.run(sign(DIGEST), signing_card("another holder"))
    with pytest.raises(SignatureWrong):
        verify_signature(holder_certificate(), DIGEST, signature)


@given(st.integers(0, 255), st.integers(1, 255))
def test_a_changed_signature_does_not(at: int, difference: int) -> None:
    signature = bytearray(raw_signature("holder", digest_info(DIGEST.value)))
    signature[at] ^= difference
    with pytest.raises(SignatureWrong):
        verify_signature(holder_certificate(), DIGEST, bytes(signature))


@given(st.binary(max_size=300))
def test_no_other_bytes_do(signature: bytes) -> None:
    with pytest.raises(SignatureWrong):
        verify_signature(holder_certificate(), DIGEST, signature)


def test_a_signature_of_another_statement_does_not() -> None:
    other = StatementDigest(sha256(b"another statement").digest())
    signature = scripts.run(sign(other), signing_card())
    with pytest.raises(SignatureWrong):
        verify_signature(holder_certificate(), DIGEST, signature)


@given(st.binary(max_size=300))
def test_any_bytes_are_no_certificate(content: bytes) -> None:
    with pytest.raises(MalformedResponse):
        public_key(content)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_certificate_is_a_key_or_a_fault(at: int, difference: int) -> None:
    content = bytearray(holder_certificate())
    content[at % len(content)] ^= difference
    with suppress(MalformedResponse, SignatureWrong):
        assert public_key(bytes(content)).key_size == 2048
        verify_signature(bytes(content), DIGEST, bytes(256))


def test_a_certificate_of_another_kind_of_key() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    parsed = x509.load_der_x509_certificate(holder_certificate())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(parsed.subject)
        .issuer_name(parsed.subject)
        .public_key(elliptic.public_key())
        .serial_number(1)
        .not_valid_before(parsed.not_valid_before_utc)
        .not_valid_after(parsed.not_valid_after_utc)
        .sign(elliptic, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    with pytest.raises(MalformedResponse):
        public_key(certificate)
