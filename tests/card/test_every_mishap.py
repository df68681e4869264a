"""Each mishap at each command of whole visits: the outcome is typed, nothing false is accepted, and
a try is spent only where one was confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from desk_of_card import DIGEST, WRONG_B, WRONG_PIN, face_of, signing
from mishaps import Disturbed, WorkerKilled, every_mishap
from personalised import PIN, image, world

from firmware.card import card_face, files, jpki, requests
from firmware.card.desk import CardDesk
from firmware.card.requests import (
    CardMessage,
    CardProblem,
    CertificateRead,
    CollationNumberRefused,
    IdentifyCard,
    PinWrong,
    QueryPinTries,
    ReadCertificate,
    ReleaseCard,
    StatementSigned,
    VerifyPin,
)
from firmware.faults import CardFault
from firmware.simulator.authorities import SimulatedTerminalAuthority
from firmware.simulator.card import VirtualCard
from firmware.words import CardSigning

TYPED = {fault.code for fault in CardFault.__subclasses__()} | {CardFault.code}
SHORT, EXTENDED = 256, 65536


@dataclass(frozen=True)
class Script:
    """What is asked of the card in a visit, up to the signature; and what is wrong in it."""

    requests: tuple[CardMessage, ...]
    signs_by: CardSigning
    may_sign: bool = True
    block: int = EXTENDED
    befall: frozenset[str] | None = None  # all there are


FEW = frozenset({"pull", "power loss", "6F00", "6982", "cut at 2"})
VISITS = {
    "face": Script((face_of(), ReadCertificate()), CardSigning.TERMINAL_AUTHORITY),
    "face in short blocks": Script(
        (face_of(), ReadCertificate()),
        CardSigning.TERMINAL_AUTHORITY,
        block=SHORT,
        befall=FEW,
    ),
    "PIN": Script(
        (QueryPinTries(), VerifyPin(PIN.encode(), 1), ReadCertificate()), CardSigning.PIN
    ),
    "face, then PIN": Script(
        (face_of(), QueryPinTries(), VerifyPin(PIN.encode(), 1), ReadCertificate()),
        CardSigning.PIN,
    ),
    "wrong PIN": Script(
        (VerifyPin(WRONG_PIN, 1), ReadCertificate()), CardSigning.PIN, may_sign=False
    ),
    "wrong number": Script((face_of(WRONG_B), ReadCertificate()), CardSigning.PIN, may_sign=False),
}


@dataclass(frozen=True)
class Played:
    """What came of a visit."""

    answers: Sequence[CardMessage]
    photos: Sequence[bytes]
    was_killed: bool


class AtTheCard:
    """One visit, played to its end or its first problem."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.reader = Disturbed(VirtualCard(image("valid")))
        self.photos: list[bytes] = []
        self._desk = CardDesk(
            self.reader.connected,
            lambda _visit, photo: self.photos.append(photo),
            {},
            SimulatedTerminalAuthority(world().authorities),
            script.block,
        )

    def play(self) -> Played:
        answers: list[CardMessage] = []
        try:
            for request in (IdentifyCard(), *self.script.requests):
                answers.append(self._desk.answer(request))
                if ends(answers[-1]):
                    break
            certificate = next((a.certificate for a in answers if is_certificate(a)), None)
            if certificate is not None:
                answers.append(self._desk.answer(signing(certificate, self.script.signs_by)))
            self._desk.answer(ReleaseCard())
        except WorkerKilled:
            self.reader.close()  # the daemon does so when its client's process is gone
            return Played(answers, self.photos, was_killed=True)
        return Played(answers, self.photos, was_killed=False)


def ends(answer: CardMessage) -> bool:
    return isinstance(answer, CardProblem)


def is_certificate(answer: CardMessage) -> bool:
    return isinstance(answer, CertificateRead) and answer.certificate is not None


@cache
def photo_on_the_chip() -> bytes:
    return card_face.parse(image("valid").content(files.CARD_FACE)).photo


@cache
def certificate_on_the_chip() -> bytes:
    return image("valid").content(files.USER_AUTHENTICATION_CERTIFICATE)


@cache
def commands_of(name: str) -> int:
    visit = AtTheCard(VISITS[name])
    played = visit.play()
    assert isinstance(played.answers[-1], StatementSigned) is VISITS[name].may_sign
    return len(visit.reader.sent)


def confirmed(script: Script) -> int:
    """The VERIFYs that somebody asked for: the number that was read, the PIN that was typed."""
    return sum(isinstance(each, VerifyPin | requests.ReadCardFace) for each in script.requests)


def check(visit: AtTheCard, played: Played) -> None:
    """What holds after every visit, whatever befell it."""
    script = visit.script
    for answer in played.answers:
        if isinstance(answer, CardProblem):
            assert answer.code in TYPED
        if isinstance(answer, CertificateRead) and answer.certificate is not None:
            assert answer.certificate == certificate_on_the_chip()
        if isinstance(answer, StatementSigned):
            assert script.may_sign
            jpki.verify_signature(certificate_on_the_chip(), DIGEST, answer.signature)
    assert all(photo == photo_on_the_chip() for photo in played.photos)
    assert visit.reader.verifies_sent <= confirmed(script)

    left = visit.reader.report().tries_left
    fresh = VirtualCard(image("valid")).report().tries_left
    spent = {key: fresh[key] - left[key] for key in fresh if left[key] != fresh[key]}
    wrong = {
        "user_authentication_pin": sum(VerifyPin(WRONG_PIN, 1) == r for r in script.requests),
        "collation_number_b": sum(face_of(WRONG_B) == r for r in script.requests),
    }
    reached = visit.reader.report().verifies_sent
    assert spent == {key: min(reached, count) for key, count in wrong.items() if count and reached}
    assert not visit.reader.is_held


@pytest.mark.parametrize("name", VISITS)
def test_each_mishap_at_each_command(name: str) -> None:
    for index in range(commands_of(name)):
        for said, mishap in every_mishap(index).items():
            if said not in (VISITS[name].befall or {said}):
                continue
            visit = AtTheCard(VISITS[name])
            visit.reader.arrange(mishap)
            played = visit.play()
            try:
                check(visit, played)
            except AssertionError as broken:
                raise AssertionError(f"{name}, command {index}, {said}: {broken}") from broken
            if said == "pull":
                assert played.answers[-1:] and is_problem(played.answers[-1], "card_removed")
                assert len(visit.reader.sent) == index + 1
            assert played.was_killed is (said == "silence")


def is_problem(answer: CardMessage, code: str) -> bool:
    return isinstance(answer, CardProblem) and answer.code == code


@pytest.mark.parametrize("name", VISITS)
def test_a_reset_at_each_command(name: str) -> None:
    """By another program, which is let in only before the card is held."""
    resets = 0
    for index in range(commands_of(name)):
        visit = AtTheCard(VISITS[name])
        visit.reader.arrange_reset(index)
        played = visit.play()
        check(visit, played)
        if any(is_problem(answer, "card_reset") for answer in played.answers):
            resets += 1
    assert 1 <= resets < commands_of(name)


@pytest.mark.parametrize(
    "name, told", [("wrong PIN", PinWrong), ("wrong number", CollationNumberRefused)]
)
def test_without_a_mishap_a_wrong_secret_is_told(name: str, told: type[CardMessage]) -> None:
    played = AtTheCard(VISITS[name]).play()
    assert any(isinstance(answer, told) for answer in played.answers)
