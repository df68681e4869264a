"""What a virtual card allows, and what it refuses."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from personalised import (
    CARD_FACE,
    CARD_TEXT,
    COMMON,
    JPKI,
    NUMBER_B,
    PASSWORD,
    PIN,
    Terminal,
    image,
    world,
)

from firmware.card import jpki, scripts
from firmware.card.apdu import CommandApdu
from firmware.card.files import (
    CARD_FACE_CHIP_KEY,
    FIRST_GENERATION,
    SIGNATURE_KEY,
    USER_AUTHENTICATION_CERTIFICATE,
    USER_AUTHENTICATION_KEY,
    Aid,
    Key,
    SigningKey,
)
from firmware.faults import TerminalAuthorityRefused
from firmware.simulator.authorities import Authorities, Role, SimulatedTerminalAuthority
from firmware.simulator.card_algorithms import new_key
from firmware.simulator.card_contents import DEMONSTRATION_NUMBER
from firmware.simulator.terminal_dialogue import certificate_commands, proof_command

DIGEST = sha256(b"a statement").digest()


def public_key(key: SigningKey) -> rsa.RSAPublicKey:
    return image("valid").private_keys[key].public_key()


# --- the user-authentication key: the PIN, or a terminal, and neither --------------------------
def test_user_authentication_key_refuses_without_pin_and_terminal() -> None:
    reader = Terminal()
    reader.select(JPKI, "0017")
    assert reader.sign() == "6982"


def test_user_authentication_key_signs_after_the_pin() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    assert reader.verify(PIN) == "9000"
    signature = scripts.run(jpki.sign(jpki.StatementDigest(DIGEST)), reader.send)
    certificate = image("valid").content(USER_AUTHENTICATION_CERTIFICATE)
    jpki.verify_signature(certificate, jpki.StatementDigest(DIGEST), signature)


@pytest.mark.parametrize("patient", ["valid", "pin_blocked"])
def test_user_authentication_key_signs_after_the_terminal_whatever_the_pin(patient: str) -> None:
    reader = Terminal(patient)
    reader.select(JPKI)
    authority = SimulatedTerminalAuthority(world().authorities)
    scripts.run(authority.unlock(), reader.send)
    scripts.run(jpki.sign(jpki.StatementDigest(DIGEST)), reader.send)
    assert reader.card.report().verifies_sent == 0


def test_terminal_opens_no_other_key() -> None:
    reader = Terminal()
    reader.select(JPKI)
    scripts.run(SimulatedTerminalAuthority(world().authorities).unlock(), reader.send)
    assert reader.status("00A4020C02001A") == "9000"
    assert reader.sign() == "6982"
    assert reader.status("00B0810001") == "6982"


def test_pin_opens_no_signature_key_and_password_no_authentication_key() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    assert reader.verify(PIN) == "9000"
    assert reader.status("00A4020C02001A") == "9000"
    assert reader.sign() == "6982"
    reader.select(JPKI, "001B")
    assert reader.verify(PASSWORD) == "9000"
    assert reader.sign() == "6981"  # still the password's own file
    assert reader.status("00A4020C02001A") == "9000"
    assert reader.sign() == "9000"
    assert reader.status("00A4020C020017") == "9000"
    assert reader.sign() == "6982"


# --- terminals that must not pass -----------------------------------------------------------------
def present(
    reader: Terminal, root: rsa.RSAPrivateKey | None, prover: rsa.RSAPrivateKey
) -> list[str]:
    """The whole dialogue with a root and a prover of one's own; the status words."""
    authorities = Authorities(world().authorities)
    genuine = authorities.terminal_certificate()
    certificate = genuine
    if root is not None:
        forged = root.sign(genuine.body, padding.PKCS1v15(), hashes.SHA256())
        certificate = type(genuine)(genuine.body, forged)
    reader.select(JPKI, "0016")
    body, signature = certificate_commands(certificate)
    answers = [reader.send(body), reader.send(signature)]
    challenge = reader.send(CommandApdu.get_challenge(32)).data
    answers.append(reader.send(proof_command(prover, challenge)))
    return [f"{answer.status_word:04X}" for answer in answers]


def test_terminal_of_another_root_is_refused() -> None:
    reader = Terminal()
    terminal = Authorities(world().authorities).key(Role.TERMINAL)
    assert present(reader, root=new_key(FIRST_GENERATION), prover=terminal) == [
        "9000",
        "6982",
        "6985",
    ]
    assert reader.status("00A4020C020017") == "9000"
    assert reader.sign() == "6982"


def test_certificate_without_its_key_is_refused() -> None:
    reader = Terminal()
    assert present(reader, root=None, prover=new_key(FIRST_GENERATION)) == ["9000", "9000", "6982"]
    assert reader.status("00A4020C020017") == "9000"
    assert reader.sign() == "6982"


def test_proof_is_good_for_one_challenge_only() -> None:
    reader = Terminal()
    authorities = Authorities(world().authorities)
    reader.select(JPKI, "0016")
    for command in certificate_commands(authorities.terminal_certificate()):
        assert reader.send(command).is_ok
    challenge = reader.send(CommandApdu.get_challenge(32)).data
    proof = proof_command(authorities.key(Role.TERMINAL), challenge)
    reader.send(CommandApdu.get_challenge(32))
    assert reader.send(proof).status_word == 0x6982
    assert reader.send(proof).status_word == 0x6985  # the challenge is spent


def test_short_challenge_proves_nothing() -> None:
    reader = Terminal()
    authorities = Authorities(world().authorities)
    reader.select(JPKI, "0016")
    for command in certificate_commands(authorities.terminal_certificate()):
        assert reader.send(command).is_ok
    challenge = reader.send(CommandApdu.get_challenge(1)).data
    proof = proof_command(authorities.key(Role.TERMINAL), challenge)
    assert reader.send(proof).status_word == 0x6982


def test_new_certificate_closes_what_the_last_terminal_opened() -> None:
    reader = Terminal()
    reader.select(JPKI)
    scripts.run(SimulatedTerminalAuthority(world().authorities).unlock(), reader.send)
    body, _ = certificate_commands(Authorities(world().authorities).terminal_certificate())
    assert reader.send(body).is_ok
    assert reader.status("00A4020C020017") == "9000"
    assert reader.sign() == "6982"


def test_signature_needs_its_body_each_time() -> None:
    reader = Terminal()
    reader.select(JPKI, "0016")
    body, signature = certificate_commands(Authorities(world().authorities).terminal_certificate())
    answers = [reader.send(each).status_word for each in (signature, body, signature, signature)]
    assert answers == [0x6985, 0x9000, 0x9000, 0x6985]


def test_certificates_are_checked_against_the_root_alone() -> None:
    reader = Terminal()
    reader.select(JPKI, "0017")
    body, _ = certificate_commands(Authorities(world().authorities).terminal_certificate())
    assert reader.send(body).status_word == 0x6981
    assert reader.send(CommandApdu(0x80, 0xA2, 0x01, 0xC1, body.data)).status_word == 0x6981
    reader.select(JPKI, "0016")
    assert reader.send(CommandApdu(0x80, 0xA2, 0x01, 0xC1, body.data)).status_word == 0x6A86
    assert reader.send(CommandApdu(0x80, 0xA2, 0x06, 0xC1, body.data[:-1])).status_word == 0x6700
    assert reader.send(CommandApdu(0x80, 0xA2, 0x06, 0xC1, bytes(307))).status_word == 0x6A80


def test_signature_object_without_its_tag_has_the_wrong_length() -> None:
    reader = Terminal()
    reader.select(JPKI, "0016")
    body, _ = certificate_commands(Authorities(world().authorities).terminal_certificate())
    assert reader.send(body).is_ok
    assert reader.send(CommandApdu(0x80, 0xA2, 0x00, 0xC1, bytes(256))).status_word == 0x6700


def test_authority_of_another_hierarchy_says_at_which_step_it_was_refused() -> None:
    reader = Terminal()
    other = Authorities(world().root / "other-authorities")
    other.make()
    reader.select(JPKI)
    with pytest.raises(TerminalAuthorityRefused, match="not the root's"):
        scripts.run(SimulatedTerminalAuthority(other.folder).unlock(), reader.send)


# --- the files ---------------------------------------------------------------------------------
FREE = [
    *((JPKI, ef) for ef in ("0002", "0006", "0008", "000A", "000B")),
    *((CARD_FACE, ef) for ef in ("0003", "0004")),
    *((CARD_TEXT, ef) for ef in ("0004", "0005")),
]
CLOSED = [
    *((JPKI, ef) for ef in ("0001", "0005", "0009", "0019", "001C", "001E")),
    *((CARD_FACE, ef) for ef in ("0001", "0002", "0005", "0006", "001C", "001E")),
    *((CARD_TEXT, ef) for ef in ("0001", "0002", "0003", "0006", "0007", "0008")),
]
A = DEMONSTRATION_NUMBER
OPENED = [  # application, key, secret, what it opens, what stays closed
    (CARD_FACE, "0011", NUMBER_B[:6], ["0001"], ["0002", "0005", "0006"]),
    (CARD_FACE, "0012", NUMBER_B, ["0002", "0006"], ["0001", "0005"]),
    (CARD_FACE, "0013", A, ["0002", "0005", "0006"], ["0001", "001C", "001E"]),
    (CARD_TEXT, "0011", PIN, ["0001", "0002", "0003", "0006", "0007"], ["0008"]),
    (CARD_TEXT, "0014", A, ["0001", "0003", "0006", "0007"], ["0002", "0008"]),
    (CARD_TEXT, "0015", NUMBER_B, ["0002", "0003", "0006", "0007"], ["0001", "0008"]),
    (JPKI, "001B", PASSWORD, ["0001"], ["0005", "0009", "0019"]),
    (JPKI, "0018", PIN, [], ["0001", "0005", "0009", "0019", "001C", "001E"]),
]


@pytest.mark.parametrize(("application", "ef"), FREE)
def test_free_files_are_read_by_anybody(application: str, ef: str) -> None:
    reader = Terminal()
    reader.select(application, ef)
    assert reader.status("00B0000001") == "9000"


@pytest.mark.parametrize(("application", "ef"), CLOSED)
def test_closed_files_are_read_by_nobody(application: str, ef: str) -> None:
    reader = Terminal()
    reader.select(application, ef)
    assert reader.status("00B0000001") == "6982"
    assert reader.status(f"00B0{0x80 | int(ef, 16):02X}0001") == "6982"


@pytest.mark.parametrize(("application", "key", "secret", "opened", "closed"), OPENED)
def test_each_key_opens_its_files_and_no_others(
    application: str, key: str, secret: str, opened: list[str], closed: list[str]
) -> None:
    reader = Terminal()
    reader.select(application, key)
    assert reader.verify(secret) == "9000"
    for ef in opened:
        assert reader.status(f"00B0{0x80 | int(ef, 16):02X}0001") == "9000", ef
    for ef in closed:
        assert reader.status(f"00B0{0x80 | int(ef, 16):02X}0001") == "6982", ef


def test_keys_are_no_files() -> None:
    reader = Terminal()
    for ef in ("0016", "0017", "0018"):
        reader.select(JPKI, ef)
        assert reader.status("00B0000001") == "6981"


# --- the chip's own keys --------------------------------------------------------------------------
def test_chip_of_the_card_face_signs_for_anybody() -> None:
    reader = Terminal()
    reader.select(CARD_FACE)
    signature = scripts.run(scripts.internal_signature(jpki.digest_info(DIGEST)), reader.send)
    public_key(CARD_FACE_CHIP_KEY).verify(
        signature, b"a statement", padding.PKCS1v15(), hashes.SHA256()
    )


def test_there_is_no_default_key_in_jpki_and_before_any_application() -> None:
    reader = Terminal()
    assert reader.status("802A00000401020304" + "00") == "6A88"
    reader.select(JPKI)
    assert reader.status("802A00000401020304" + "00") == "6A88"


def test_internal_authenticate_belongs_to_the_common_application() -> None:
    reader = Terminal()
    reader.select(JPKI)
    assert reader.status("0088009904" + "01020304" + "00") == "6985"
    reader.select(COMMON)
    assert len(reader.answer("0088009904" + "01020304" + "00")) == 256 + 2
    assert reader.status("0088009804" + "01020304" + "00") == "6A88"
    assert reader.status("00A4020C020019") == "9000"
    assert reader.sign() == "6981"  # it answers challenges and signs nothing else


def test_key_pads_whatever_it_gets_up_to_245_bytes() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    reader.verify(PIN)
    reader.status("00A4020C020017")
    for length in (1, 51, 245):
        content = bytes(range(length))
        answer = reader.answer(f"802A0080{length:02X}{content.hex()}00")
        recovered = public_key(USER_AUTHENTICATION_KEY).recover_data_from_signature(
            answer[:-2], padding.PKCS1v15(), None
        )
        assert recovered == content
    assert reader.sign(bytes(246)) == "6700"


@pytest.mark.parametrize(
    ("p1", "content", "scheme"),
    [
        ("02", DIGEST, padding.PKCS1v15()),
        ("03", b"a statement", padding.PKCS1v15()),
        ("04", DIGEST, padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
        ("05", b"a statement", padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
    ],
)
def test_other_ways_of_signing(p1: str, content: bytes, scheme: padding.AsymmetricPadding) -> None:
    reader = Terminal()
    reader.select(JPKI, "001B")
    reader.verify(PASSWORD)
    answer = reader.answer(f"802A{p1}9A{len(content):02X}{content.hex()}00")  # 9A names key 001A
    public_key(SIGNATURE_KEY).verify(answer[:-2], b"a statement", scheme, hashes.SHA256())


def test_unknown_way_of_signing_is_refused() -> None:
    reader = Terminal()
    reader.select(JPKI, "0018")
    reader.verify(PIN)
    assert reader.status("802A0697" + "20" + DIGEST.hex() + "00") == "6A86"


def test_certificate_on_the_card_is_the_key_in_the_card() -> None:
    content = image("valid").content(USER_AUTHENTICATION_CERTIFICATE)
    certificate = x509.load_der_x509_certificate(content)
    assert certificate.public_key() == public_key(USER_AUTHENTICATION_KEY)


def test_every_key_of_the_house_is_on_the_card() -> None:
    assert set(image("valid").secrets) == set(Key)
    assert {key.aid for key in Key} <= set(Aid)
