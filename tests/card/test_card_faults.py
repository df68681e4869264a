"""Every wrong answer at every step of every script ends in a typed fault, and spends no try."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from card_dialogue import FileCard, answer
from card_issued import (
    face_file,
    face_objects,
    holder_certificate,
    issuing_certificate,
    key,
    raw_signature,
)
from hypothesis import given
from hypothesis import strategies as st

from firmware.card import authenticity, card_face, jpki, scripts
from firmware.card.apdu import CommandApdu, ResponseApdu, Script
from firmware.card.credential import CollationNumberB, Pin
from firmware.card.files import Key
from firmware.faults import CardFault
from firmware.words import CardKind

DIGEST = jpki.StatementDigest(bytes(32))


@cache
def issued_files() -> dict[int, bytes]:
    return {
        0x0002: face_file(face_objects()),
        0x0004: issuing_certificate(),
        0x0006: b"JPKIAPICCTOKEN2".ljust(32) + bytes(128),
        0x000A: holder_certificate(),
        0x0012: b"",
        0x0017: b"",
        0x0018: b"",
    }


def card() -> FileCard:
    def verify(command: CommandApdu) -> ResponseApdu:
        return answer("9000" if command.data else "63CA")

    def sign(command: CommandApdu) -> ResponseApdu:
        owner = "holder" if command.p2 else "chip"
        return ResponseApdu(raw_signature(owner, command.data), 0x9000)

    return FileCard(issued_files(), {0x20: verify, 0x2A: sign})


def read_face() -> Script[Any]:
    return card_face.read_card_face(CollationNumberB.parse("55021720352285"))


def authenticate() -> Script[Any]:
    face = card_face.parse(issued_files()[0x0002])
    issuers = {b"6000023\x08\x05001\x00\x00\x00\x01": key("issuer").public_key()}
    return authenticity.authenticate(face, issuers, bytes(16))


def verify_pin() -> Script[Any]:
    return scripts.verify(Key.USER_AUTHENTICATION_PIN, Pin.parse("1234"), tries_kept=0)


SCRIPTS: dict[str, Callable[[], Script[Any]]] = {
    "identify": jpki.identify,
    "read the certificate": jpki.read_certificate,
    "read the face": read_face,
    "authenticate": authenticate,
    "query tries": lambda: scripts.query_tries(Key.USER_AUTHENTICATION_PIN),
    "verify the PIN": verify_pin,
    "sign": lambda: jpki.sign(DIGEST),
}
WRONG = [
    high << 8 | low for high in range(0x60, 0x70) for low in (*range(0, 0x100, 17), 0x80, 0x82)
]


class WrongAt:
    """The issued card, but for one answer."""

    def __init__(self, step: int, wrong: ResponseApdu) -> None:
        self.card, self.step, self.wrong = card(), step, wrong

    def __call__(self, command: CommandApdu) -> ResponseApdu:
        response = self.card(command)
        return self.wrong if len(self.card.sent) - 1 == self.step else response


def commands_of(name: str) -> list[CommandApdu]:
    willing = card()
    scripts.run(SCRIPTS[name](), willing)
    return willing.sent


def may_go_on(name: str, command: CommandApdu, status_word: int) -> bool:
    """The few words that are no fault, because the script knows what to do."""
    if command.ins == 0xA4 and command.p1 == 0x04:
        return status_word == 0x6F00 or (
            name == "identify" and status_word in {0x6D00, 0x6E00, 0x6A82}
        )
    if command.ins == 0x20 and not command.data:
        return status_word & 0xFFF0 == 0x63C0 or status_word == 0x6300
    if command.ins == 0xB0 and (command.p1 & 0x80 or command.is_extended):
        return status_word != 0x6982  # asked again by SELECT, or with a short Le
    if command.le is not None:
        return status_word & 0xFF00 == 0x6C00  # asked again with that length
    return False


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_wrong_status_word_at_every_step(name: str) -> None:
    for step, command in enumerate(commands_of(name)):
        for status_word in WRONG:
            transmit = WrongAt(step, ResponseApdu(b"", status_word))
            try:
                result = scripts.run(SCRIPTS[name](), transmit)
            except CardFault:
                result = None
            else:
                assert may_go_on(name, command, status_word), f"{command}: {status_word:04X}"
            assert sum(each.is_secret for each in transmit.card.sent) <= 1
            if name == "identify" and status_word != 0x6F00 and step == 0:
                assert result in (None, CardKind.UNKNOWN)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("data", [b"", b"\x00", bytes(255), bytes(257), b"\xff" * 256])
def test_data_of_another_length_at_every_step(name: str, data: bytes) -> None:
    for step, command in enumerate(commands_of(name)):
        try:
            scripts.run(SCRIPTS[name](), WrongAt(step, ResponseApdu(data, 0x9000)))
        except CardFault:
            continue
        # SELECT and VERIFY carry nothing back, and what a status word says is all that counts;
        # a read may be shorter, or bring bytes that a signature has to judge.
        assert command.le is None or command.ins in {0xB0, 0x2A}


@given(st.data())
def test_no_stream_of_answers_breaks_a_script(data: st.DataObject) -> None:
    """Any answers: a value or a fault, a bounded number of commands, one VERIFY at most."""
    name = data.draw(st.sampled_from(sorted(SCRIPTS)))
    words = st.sampled_from([0x9000, 0x9000, 0x9000, 0x6282, 0x63C9, 0x6CFF, 0x6101, 0x6F00])
    answers = data.draw(
        st.lists(st.builds(ResponseApdu, st.binary(max_size=260), words), min_size=1, max_size=12)
    )
    sent: list[CommandApdu] = []

    def transmit(command: CommandApdu) -> ResponseApdu:
        sent.append(command)
        return answers[(len(sent) - 1) % len(answers)]

    with suppress(CardFault):
        scripts.run(SCRIPTS[name](), transmit)
    assert len(sent) < 2000
    assert sum(command.is_secret for command in sent) <= 1
