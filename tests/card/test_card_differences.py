"""However a card differs, as far as is known: a visit goes on, or says what is wrong with it."""

from __future__ import annotations

import pytest
from desk_of_card import Desk, OnTheReader, face_of, signing
from personalised import PIN, image

from firmware.card.files import Key
from firmware.card.requests import (
    CardFaceRead,
    CardProblem,
    IdentifyCard,
    PinTries,
    PinVerified,
    PinWrong,
    QueryPinTries,
    ReleaseCard,
    StatementSigned,
    VerifyPin,
)
from firmware.simulator.card import VirtualCard
from firmware.simulator.card_forgery import Broken
from firmware.simulator.card_options import CardOptions
from firmware.words import CardSigning

DIFFERENCES = {
    "as usual": CardOptions(),
    "9000 to the query of an open key": CardOptions(open_query="9000"),
    "keys stay open": CardOptions(select_keeps_keys=True),
    "an open key that stays open says 9000": CardOptions(open_query="9000", select_keeps_keys=True),
    "6F00 after power-up": CardOptions(first_command_fails=True),
    "short lengths only": CardOptions(short_lengths_only=True),
    "6282 at the end of a file": CardOptions(short_read="6282"),
    "6Cxx at the end of a file": CardOptions(short_read="6Cxx"),
    "short lengths and 6Cxx": CardOptions(short_read="6Cxx", short_lengths_only=True),
    "a wrong length is free": CardOptions(wrong_length_is_free=True),
}
LOCKS = {
    f"{query} to the query, {tried} to a try": CardOptions(blocked_query=query, blocked_try=tried)
    for query in ("63C0", "6983", "6984")
    for tried in ("6983", "6984")
}


def desk_at(options: CardOptions, patient: str = "valid", *, with_authority: bool = False) -> Desk:
    reader = OnTheReader(patient)
    reader.terminal.card = VirtualCard(image(patient), options=options)
    reader.terminal.card.power_on()
    return Desk(reader, with_authority=with_authority)


@pytest.mark.parametrize("options", DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_visit_by_face_goes_on(options: CardOptions) -> None:
    desk = desk_at(options, with_authority=True)
    for _visit in range(2):
        face = desk.ask(IdentifyCard(), face_of())
        assert isinstance(face, CardFaceRead) and face.has_photo and face.agrees
        certificate = desk.certificate()
        if not options.short_lengths_only:  # a terminal's certificate takes an extended length
            signed = desk.ask(signing(certificate, CardSigning.TERMINAL_AUTHORITY))
            assert isinstance(signed, StatementSigned)
        desk.ask(ReleaseCard())
    assert desk.reader.verifies == 2


@pytest.mark.parametrize("options", DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_visit_by_pin_goes_on(options: CardOptions) -> None:
    desk = desk_at(options)
    assert desk.ask(IdentifyCard(), QueryPinTries()) == PinTries(3)
    assert desk.ask(VerifyPin(b"9999", 1)) == PinWrong(2)
    assert desk.ask(VerifyPin(PIN.encode(), 1)) == PinVerified()
    assert desk.ask(QueryPinTries()) == PinTries(3)
    assert isinstance(desk.ask(signing(desk.certificate())), StatementSigned)
    assert desk.reader.verifies == 2


def test_a_terminal_authority_on_a_short_line_is_refused_in_words() -> None:
    desk = desk_at(CardOptions(short_lengths_only=True), with_authority=True)
    desk.ask(IdentifyCard())
    problem = desk.ask(signing(desk.certificate(), CardSigning.TERMINAL_AUTHORITY))
    assert isinstance(problem, CardProblem) and problem.code == "card_unreadable"


@pytest.mark.parametrize("options", LOCKS.values(), ids=LOCKS)
def test_a_blocked_pin_is_told_and_never_presented(options: CardOptions) -> None:
    desk = desk_at(options, "pin_blocked")
    assert desk.ask(IdentifyCard(), QueryPinTries()) == PinTries(0)
    assert desk.ask(VerifyPin(PIN.encode(), 0)) == PinTries(0)
    assert desk.reader.verifies == 0


@pytest.mark.parametrize("options", LOCKS.values(), ids=LOCKS)
def test_the_try_that_blocks_is_told(options: CardOptions) -> None:
    desk = desk_at(options, "one_try_left")
    assert desk.ask(IdentifyCard(), VerifyPin(b"9999", 0)) == PinWrong(0)
    assert desk.ask(VerifyPin(PIN.encode(), 0)) == PinTries(0)
    assert desk.reader.terminal.tries(Key.USER_AUTHENTICATION_PIN) == 0


def test_an_open_key_is_no_proof_to_the_next_visit() -> None:
    """Even on a card that keeps its keys open: power is taken from it at the end."""
    desk = desk_at(CardOptions(open_query="9000", select_keeps_keys=True))
    desk.ask(IdentifyCard(), VerifyPin(PIN.encode(), 1))
    certificate = desk.certificate()
    desk.ask(ReleaseCard(), IdentifyCard())
    assert desk.problem(signing(certificate)) == "card_unreadable"


def test_a_card_that_signs_with_another_key_is_another_card() -> None:
    desk = desk_at(CardOptions(broken=Broken.USER_KEY))
    desk.ask(IdentifyCard(), VerifyPin(PIN.encode(), 1))
    assert desk.problem(signing(desk.certificate())) == "card_changed"
