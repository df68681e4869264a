"""Two readers at once, plugged in and out: whose card is the visit's."""

from __future__ import annotations

from firmware.card.attendance import Attendance, Shown
from firmware.card.requests import CardGone, CardSeen, ReaderSeen

NFC, CONTACT = "NFC 00 00", "Contact 00 00"
EMPTY = Shown(present=False, changes=0)


def card(changes: int = 1) -> Shown:
    return Shown(present=True, changes=changes)


def test_an_empty_reader_is_in_use_by_its_place_in_the_settings() -> None:
    attendance = Attendance()
    assert attendance.look({NFC: EMPTY, CONTACT: EMPTY}) == [ReaderSeen(NFC)]
    assert attendance.look({NFC: EMPTY, CONTACT: EMPTY}) == []
    assert attendance.reader_of_card is None


def test_the_reader_with_the_card_is_in_use() -> None:
    attendance = Attendance()
    attendance.look({NFC: EMPTY, CONTACT: EMPTY})
    assert attendance.look({NFC: EMPTY, CONTACT: card()}) == [ReaderSeen(CONTACT), CardSeen()]
    assert attendance.reader_of_card == CONTACT
    gone = attendance.look({NFC: EMPTY, CONTACT: Shown(present=False, changes=2)})
    assert gone == [CardGone()]
    assert attendance.look({NFC: card(), CONTACT: EMPTY}) == [ReaderSeen(NFC), CardSeen()]


def test_a_second_card_is_not_touched_and_counts_when_the_first_is_gone() -> None:
    attendance = Attendance()
    attendance.look({NFC: EMPTY, CONTACT: card()})
    assert attendance.look({NFC: card(), CONTACT: card()}) == []
    assert attendance.look({NFC: EMPTY, CONTACT: card()}) == []
    assert attendance.look({NFC: card(3), CONTACT: card()}) == []
    assert attendance.reader_of_card == CONTACT
    assert attendance.look({NFC: card(3), CONTACT: EMPTY}) == [
        CardGone(),
        ReaderSeen(NFC),
        CardSeen(),
    ]


def test_of_two_cards_found_together_the_preferred_readers_is_taken() -> None:
    attendance = Attendance()
    assert attendance.look({CONTACT: card(), NFC: card()}) == [ReaderSeen(CONTACT), CardSeen()]


def test_a_card_that_went_and_came_between_two_looks_may_be_another() -> None:
    attendance = Attendance()
    attendance.look({NFC: card(1)})
    assert attendance.look({NFC: card(3)}) == [CardGone(), CardSeen()]


def test_a_reader_that_is_unplugged_takes_its_card_with_it() -> None:
    attendance = Attendance()
    attendance.look({NFC: EMPTY, CONTACT: card()})
    assert attendance.look({NFC: EMPTY}) == [CardGone(), ReaderSeen(NFC)]
    assert attendance.look({}) == []
    assert attendance.look({NFC: EMPTY}) == [ReaderSeen(NFC)]


def test_another_reader_that_comes_or_goes_disturbs_no_visit() -> None:
    attendance = Attendance()
    attendance.look({CONTACT: card()})
    assert attendance.look({NFC: EMPTY, CONTACT: card()}) == []
    assert attendance.look({CONTACT: card()}) == []
    assert attendance.reader_of_card == CONTACT
