"""The card worker's desk with virtual cards: what it answers, what it sends, what it forgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from desk_of_card import (
    DIGEST,
    VISIT,
    WRONG_B,
    WRONG_PIN,
    Desk,
    OnTheReader,
    desk_with,
    face_of,
    signing,
)
from personalised import PIN, image, world

from firmware.card import files, jpki
from firmware.card.files import Aid, Key
from firmware.card.requests import (
    CardFaceRead,
    CardIdentified,
    CardMessage,
    CardProblem,
    CardReleased,
    CertificateRead,
    CollationNumberRefused,
    IdentifyCard,
    PinTries,
    PinVerified,
    PinWrong,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
    ReleaseCard,
    StatementSigned,
    VerifyPin,
)
from firmware.card.worker import read_issuer_keys
from firmware.faults import BadSettings
from firmware.simulator.authorities import Authorities
from firmware.simulator.card import VirtualCard
from firmware.simulator.patients import find
from firmware.simulator.people import collation_number_b
from firmware.words import CardKind, CardSigning, PhotoAuthenticity


# --- identify -------------------------------------------------------------------------------------
def test_it_tells_the_kind() -> None:
    assert desk_with().ask(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)


@pytest.mark.parametrize(
    "request_",
    [
        *(face_of(), QueryPinTries(), VerifyPin(PIN.encode(), 1), ReadCertificate()),
        signing(b"certificate"),
    ],
    ids=lambda request: type(request).__name__,
)
def test_nothing_is_done_before_a_card_is_identified(request_: CardMessage) -> None:
    desk = desk_with()
    assert desk.problem(request_) == "card_removed"
    assert desk.reader.sent == []
    assert desk.reader.transactions == []


# --- the face -------------------------------------------------------------------------------------
def test_the_right_number_opens_the_face_and_sends_the_photo() -> None:
    desk = desk_with()
    answer = desk.ask(IdentifyCard(), face_of())
    assert answer == CardFaceRead(
        has_photo=True, authenticity=PhotoAuthenticity.UNVERIFIED, agrees=True
    )
    ((visit, photo),) = desk.photos
    assert visit == VISIT
    assert photo in image("valid").files[files.CARD_FACE]
    assert desk.reader.verifies == 1


def test_asked_again_it_sends_the_same_photo_and_no_command() -> None:
    desk = desk_with()
    first = desk.ask(IdentifyCard(), face_of())
    sent = len(desk.reader.sent)
    assert desk.ask(ReadCardFace(VISIT, None)) == first
    assert desk.ask(face_of(WRONG_B)) == first
    assert len(desk.reader.sent) == sent
    assert len(set(desk.photos)) == 1 and len(desk.photos) == 3


def test_a_wrong_number_costs_one_try_and_there_is_no_second() -> None:
    desk = desk_with()
    assert desk.ask(IdentifyCard(), face_of(WRONG_B)) == CollationNumberRefused(9, spent=True)
    assert desk.problem(face_of(WRONG_B)) == "collation_number_spent"
    assert desk.problem(face_of()) == "collation_number_spent"
    assert desk.problem(ReadCardFace(VISIT, None)) == "device_fault"
    assert desk.reader.verifies == 1
    assert desk.reader.terminal.tries(Key.COLLATION_NUMBER_B) == 9
    assert desk.photos == []


def test_a_file_that_breaks_off_costs_no_second_verify_either() -> None:
    desk = desk_with()
    desk.reader.pulled_at = 7
    assert desk.problem(IdentifyCard(), face_of()) == "card_removed"
    desk.reader.pulled_at = None
    assert desk.problem(face_of()) == "collation_number_spent"
    assert desk.reader.verifies == 1


def test_the_next_visit_may_present_a_number_again() -> None:
    desk = desk_with()
    desk.ask(IdentifyCard(), face_of(WRONG_B), ReleaseCard())
    assert isinstance(desk.ask(IdentifyCard(), face_of()), CardFaceRead)


def test_an_implausible_number_is_not_sent_and_may_be_keyed_again() -> None:
    desk = desk_with()
    assert desk.problem(IdentifyCard(), face_of(b"99999999999999")) == "malformed_credential"
    assert desk.problem(face_of("１".encode() * 14)) == "malformed_credential"
    assert desk.reader.verifies == 0
    assert isinstance(desk.ask(face_of()), CardFaceRead)


def test_five_tries_are_kept() -> None:
    desk = desk_with()
    for left in (9, 8, 7, 6, 5):
        answer = desk.ask(IdentifyCard(), face_of(WRONG_B))
        assert answer == CollationNumberRefused(left, spent=True)
    assert desk.ask(IdentifyCard(), face_of()) == CollationNumberRefused(5, spent=False)
    assert desk.reader.verifies == 5


def test_a_card_without_a_photo() -> None:
    desk = desk_with("no_photo")
    number = collation_number_b(find("no_photo")).encode()
    answer = desk.ask(IdentifyCard(), face_of(number))
    assert isinstance(answer, CardFaceRead) and not answer.has_photo
    assert desk.photos == []


@pytest.fixture(scope="module")
def issuers(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, rsa.RSAPublicKey]:
    out = tmp_path_factory.mktemp("authorities")
    Authorities(world().authorities).write_public(out)
    return dict(read_issuer_keys(str(out / "card-face-issuers.json")))


def test_a_photo_of_a_known_issuer_is_verified(issuers: dict[bytes, rsa.RSAPublicKey]) -> None:
    answer = Desk(OnTheReader(), issuers).ask(IdentifyCard(), face_of())
    assert isinstance(answer, CardFaceRead)
    assert answer.authenticity is PhotoAuthenticity.VERIFIED


def test_a_forged_photo_goes_nowhere(issuers: dict[bytes, rsa.RSAPublicKey]) -> None:
    desk = Desk(OnTheReader(), issuers)
    face = bytearray(image("valid").files[files.CARD_FACE])
    face[len(face) // 2] ^= 1
    forged = replace(image("valid"), files={**image("valid").files, files.CARD_FACE: bytes(face)})
    desk.reader.terminal.card = VirtualCard(forged)
    answer = desk.ask(IdentifyCard(), face_of())
    assert isinstance(answer, CardFaceRead)
    assert answer.authenticity is PhotoAuthenticity.FORGED
    assert desk.photos == []


# --- the PIN --------------------------------------------------------------------------------------
def test_the_right_pin_holds_the_transaction_until_the_release() -> None:
    desk = desk_with()
    assert desk.ask(IdentifyCard(), VerifyPin(PIN.encode(), 1)) == PinVerified()
    desk.ask(signing(desk.certificate()))
    assert desk.reader.transactions == ["begin"]
    assert desk.ask(ReleaseCard()) == CardReleased()
    assert desk.reader.transactions == ["begin", "off"]


def test_a_wrong_pin_lets_others_in_again() -> None:
    desk = desk_with()
    assert desk.ask(IdentifyCard(), VerifyPin(WRONG_PIN, 1)) == PinWrong(2)
    assert desk.reader.transactions == ["begin", "end"]
    assert desk.problem(signing(desk.certificate())) == "card_unreadable"


def test_the_last_try_wants_a_word_of_its_own() -> None:
    desk = desk_with("one_try_left")
    assert desk.ask(IdentifyCard(), QueryPinTries()) == PinTries(1)
    assert desk.ask(VerifyPin(b"0907", 1)) == PinTries(1)
    assert desk.reader.verifies == 0
    assert desk.ask(VerifyPin(WRONG_PIN, 0)) == PinWrong(0)
    assert desk.ask(VerifyPin(b"0907", 0)) == PinTries(0)
    assert desk.reader.verifies == 1


def test_a_blocked_pin_is_never_presented() -> None:
    desk = desk_with("pin_blocked")
    assert desk.ask(IdentifyCard(), QueryPinTries()) == PinTries(0)
    assert desk.ask(VerifyPin(PIN.encode(), 0)) == PinTries(0)
    assert desk.reader.verifies == 0
    assert desk.reader.transactions == ["begin", "end"]


@pytest.mark.parametrize("digits", [b"", b"123", b"12345", b"12a4", "１２３４".encode()])
def test_what_is_no_pin_is_not_sent(digits: bytes) -> None:
    desk = desk_with()
    assert desk.problem(IdentifyCard(), VerifyPin(digits, 1)) == "malformed_credential"
    assert desk.reader.transactions == []


# --- certificate and signature --------------------------------------------------------------------
def test_a_pin_signs_and_jpki_is_not_selected_again() -> None:
    desk = desk_with()
    desk.ask(IdentifyCard(), VerifyPin(PIN.encode(), 1))
    since = len(desk.reader.sent)
    certificate = desk.certificate()
    answer = desk.ask(signing(certificate))
    assert isinstance(answer, StatementSigned)
    jpki.verify_signature(certificate, DIGEST, answer.signature)
    selects = [each for each in desk.reader.sent[since:] if each.ins == 0xA4 and each.p1 == 0x04]
    assert selects == []


@pytest.mark.parametrize("face_first", [True, False])
def test_a_terminal_authority_signs(face_first: bool) -> None:
    desk = desk_with(with_authority=True)
    desk.ask(IdentifyCard(), *([face_of()] if face_first else []))
    certificate = desk.certificate()
    answer = desk.ask(signing(certificate, CardSigning.TERMINAL_AUTHORITY))
    assert isinstance(answer, StatementSigned)
    jpki.verify_signature(certificate, DIGEST, answer.signature)


def test_without_authority_or_pin_nothing_is_signed() -> None:
    desk = desk_with()
    desk.ask(IdentifyCard())
    certificate = desk.certificate()
    for by in (CardSigning.TERMINAL_AUTHORITY, CardSigning.PIN):
        assert isinstance(desk.ask(signing(certificate, by)), CardProblem)


def test_another_card_than_the_certificates_is_seen() -> None:
    other = desk_with("no_photo")
    other.ask(IdentifyCard())
    desk = desk_with()
    desk.ask(IdentifyCard(), VerifyPin(PIN.encode(), 1))
    assert desk.problem(signing(other.certificate())) == "card_changed"
    assert desk.reader.transactions == ["begin"]  # the key is open still: nobody is let in


def test_a_card_without_a_certificate() -> None:
    desk = desk_with()
    bare = {
        ef: content
        for ef, content in image("valid").files.items()
        if ef is not files.USER_AUTHENTICATION_CERTIFICATE
    }
    desk.reader.terminal.card = VirtualCard(replace(image("valid"), files=bare))
    assert desk.ask(IdentifyCard(), ReadCertificate()) == CertificateRead(None)


def test_a_query_that_failed_leaves_no_wrong_belief() -> None:
    """After it the card-face application is selected still: JPKI must be selected again."""
    desk = desk_with()
    desk.ask(IdentifyCard(), face_of())
    desk.reader.pulled_at = len(desk.reader.sent)
    assert desk.problem(QueryPinTries()) == "card_removed"
    desk.reader.pulled_at = None
    assert desk.certificate()


# --- the end --------------------------------------------------------------------------------------
def test_release_forgets_card_and_photo() -> None:
    desk = desk_with()
    desk.ask(IdentifyCard(), face_of(), ReleaseCard())
    assert desk.problem(ReadCardFace(VISIT, None)) == "device_fault"
    assert desk.problem(ReadCertificate()) == "card_removed"
    assert desk.reader.transactions == ["begin", "off"]
    assert desk.ask(ReleaseCard()) == CardReleased()


def test_another_card_is_another_card() -> None:
    desk = desk_with()
    desk.ask(IdentifyCard(), face_of())
    first = desk.reader
    desk.reader = OnTheReader("no_photo")
    desk.ask(IdentifyCard())
    assert first.transactions == ["begin", "off"]
    assert desk.problem(ReadCardFace(VISIT, None)) == "device_fault"


def whole_visit(desk: Desk) -> CardMessage:
    """Up to the first problem, or the signature."""
    answer: CardMessage = desk.ask(IdentifyCard())
    for request in (face_of(), VerifyPin(PIN.encode(), 1), ReadCertificate()):
        if isinstance(answer, CardProblem):
            return answer
        answer = desk.ask(request)
    if isinstance(answer, CertificateRead) and answer.certificate is not None:
        answer = desk.ask(signing(answer.certificate))
    return answer


def test_a_card_that_leaves_at_any_command_signs_nothing() -> None:
    complete = desk_with()
    assert isinstance(whole_visit(complete), StatementSigned)
    commands = len(complete.reader.sent)
    assert commands > 15
    for index in range(commands):
        desk = desk_with()
        desk.reader.pulled_at = index
        answer = whole_visit(desk)
        assert isinstance(answer, CardProblem) and answer.code == "card_removed"
        assert len(desk.reader.sent) == index
        assert desk.reader.verifies <= 2


def test_a_card_that_loses_power_for_an_instant_is_not_a_card_that_lacks_something() -> None:
    complete = desk_with()
    whole_visit(complete)
    for index in range(len(complete.reader.sent)):
        desk = desk_with()
        desk.reader.powerless_at = index
        answer = whole_visit(desk)
        assert isinstance(answer, StatementSigned | CardProblem), (index, answer)


def test_jpki_is_selected_by_its_whole_name() -> None:
    desk = desk_with()
    desk.ask(IdentifyCard())
    assert desk.reader.sent[0].data == Aid.JPKI.value


@pytest.mark.parametrize(
    "content", ["", "[1]", '[{"key_id":"zz","public_key":""}]', '[{"key_id":"00"}]']
)
def test_an_issuer_file_that_cannot_be_used(tmp_path: Path, content: str) -> None:
    file = tmp_path / "issuers.json"
    file.write_text(content)
    with pytest.raises(BadSettings, match=r"card\.issuer_keys"):
        read_issuer_keys(str(file))
