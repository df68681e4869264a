"""What a reader passes is learnt where nothing can be lost by it, and remembered by reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from card_dialogue import FileCard
from card_issued import holder_certificate
from desk_of_card import Desk, OnTheReader, desk_with, face_of
from fussy_reader import (
    LONGEST_PASSED,
    FussyReader,
    answer,
    cut_long_answers,
    lose_the_card,
    lose_the_card_over_long_answers,
    refuse,
    reset_the_card,
)
from personalised import NUMBER_B

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.block_size import BlockSize
from firmware.card.files import USER_AUTHENTICATION_CERTIFICATE
from firmware.card.requests import (
    CardFaceRead,
    CardIdentified,
    IdentifyCard,
    ReadCertificate,
    ReleaseCard,
)
from firmware.faults import ExtendedLengthRefused, UnexpectedStatus
from firmware.words import CardKind

MY_NUMBER_CARD = CardIdentified(CardKind.MY_NUMBER_CARD)


REFUSALS = {
    "by the driver": refuse,
    "6700": answer(0x6700),
    "6A86": answer(0x6A86),
    "6F00": answer(0x6F00),
    "losing the card": lose_the_card,
    "resetting the card": reset_the_card,
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_reader_that_refuses_costs_one_command_and_no_visit(
    refusal: Callable[[FussyReader, CommandApdu], ResponseApdu],
) -> None:
    reader = FussyReader(refusal)
    desk = Desk(reader)
    for _visit in range(2):
        assert desk.ask(IdentifyCard()) == MY_NUMBER_CARD
        assert isinstance(desk.ask(face_of()), CardFaceRead)
        assert desk.certificate() == desk_with_certificate()
        desk.ask(ReleaseCard())
    assert reader.extended == 1
    assert reader.verifies == 2


def desk_with_certificate() -> bytes:
    desk = desk_with()
    desk.ask(IdentifyCard())
    return desk.certificate()


@pytest.mark.parametrize(
    "cut, block", [(cut_long_answers, LONGEST_PASSED), (answer(0x6C00), 256)], ids=["cut", "6C00"]
)
def test_the_longest_answer_is_the_next_block(
    cut: Callable[[FussyReader, CommandApdu], ResponseApdu], block: int
) -> None:
    reader = FussyReader(cut)
    desk = Desk(reader)
    desk.ask(IdentifyCard())
    assert isinstance(desk.ask(face_of()), CardFaceRead)
    first_certificate = len(reader.sent)
    assert desk.certificate() == desk_with_certificate()
    wanted = {each.le for each in reader.sent[first_certificate:] if each.ins == 0xB0}
    assert max(filter(None, wanted)) == block


def test_a_card_of_tiny_answers_leaves_the_reader_short_blocks() -> None:
    block = BlockSize()
    tiny = FileCard({CERTIFICATE.ef_id: holder_certificate()}, longest_answer=80)
    scripts.run(scripts.read_transparent_file(CERTIFICATE, block), tiny)
    assert block.le == 256


def test_a_reader_that_breaks_over_long_answers_costs_one_visit_and_no_try() -> None:
    reader = FussyReader(lose_the_card_over_long_answers)
    desk = Desk(reader)
    assert desk.ask(IdentifyCard()) == MY_NUMBER_CARD
    assert desk.problem(face_of()) == "card_removed"
    assert desk.problem(face_of()) == "collation_number_spent"
    desk.ask(ReleaseCard())
    assert desk.ask(IdentifyCard()) == MY_NUMBER_CARD
    assert isinstance(desk.ask(face_of()), CardFaceRead)
    assert reader.verifies == 2


def test_the_next_desk_is_told_what_one_learnt() -> None:
    reader = FussyReader(lose_the_card_over_long_answers)
    first = Desk(reader)
    assert first.ask(IdentifyCard()) == MY_NUMBER_CARD
    assert first.problem(ReadCertificate()) == "card_removed"
    second = Desk(reader)
    second.ask(IdentifyCard((first.learnt[-1],)))
    assert second.certificate() == desk_with_certificate()
    assert second.learnt == []


def test_the_next_desk_need_not_find_out_what_a_reader_passes() -> None:
    reader = FussyReader(FussyReader.pass_on)
    first = Desk(reader)
    first.ask(IdentifyCard(), ReadCertificate())
    (*_, learnt) = first.learnt
    assert (learnt.reader, learnt.block_bytes) == (reader.reader, 65536)
    assert learnt.longest_bytes > 256
    second, before = Desk(reader), reader.extended
    second.ask(IdentifyCard((learnt,)))
    assert reader.extended == before
    reader.pulled_at = len(reader.sent)  # over the certificate
    assert second.problem(ReadCertificate()) == "card_removed"
    assert second.learnt == []


def test_a_card_pulled_out_of_a_reader_that_passed_long_answers_says_nothing_of_it() -> None:
    reader = FussyReader(FussyReader.pass_on)
    desk = Desk(reader)
    desk.ask(IdentifyCard(), face_of(), ReleaseCard())
    reader.pulled_at = len(reader.sent) + 6  # the card face
    assert desk.ask(IdentifyCard()) == MY_NUMBER_CARD
    assert desk.problem(face_of()) == "card_removed"
    reader.pulled_at = None
    before = reader.extended
    desk.ask(ReleaseCard())
    assert isinstance(desk.ask(IdentifyCard(), face_of()), CardFaceRead)
    assert reader.extended > before


def test_a_card_pulled_at_the_first_try_says_nothing_of_the_reader() -> None:
    reader = FussyReader(FussyReader.pass_on)
    desk = Desk(reader)
    reader.pulled_at, reader.connections = 1, 1
    assert desk.problem(IdentifyCard()) == "card_removed"
    reader.pulled_at = reader.connections = None
    assert desk.ask(IdentifyCard()) == MY_NUMBER_CARD
    assert reader.extended == 2


def test_every_reader_is_learnt_by_itself() -> None:
    fussy, other = FussyReader(refuse), FussyReader(FussyReader.pass_on)
    other.reader = "Another Reader 00 00"
    desk = Desk(fussy)
    for reader in (fussy, other, fussy, other):
        desk.reader = reader
        assert desk.ask(IdentifyCard()) == MY_NUMBER_CARD
        desk.certificate()
        desk.ask(ReleaseCard())
    assert fussy.extended == 1
    assert other.extended == 3  # the label once, to find out; each certificate


def test_a_setting_spares_a_reader_that_falls_silent() -> None:
    reader = FussyReader(refuse)
    desk = Desk(reader, block_bytes=256)
    assert isinstance(desk.ask(IdentifyCard(), face_of()), CardFaceRead)
    desk.ask(ReadCertificate())
    assert reader.extended == 0


def test_verify_is_never_sent_again_for_its_length() -> None:
    """It is short: a reader that refuses even that ends the visit."""

    class NoVerify(OnTheReader):
        def transmit(self, command: CommandApdu) -> ResponseApdu:
            if command.is_secret:
                self.sent.append(command)
                raise ExtendedLengthRefused("whatever it is")
            return super().transmit(command)

    desk = Desk(NoVerify())
    assert desk.problem(IdentifyCard(), face_of(NUMBER_B.encode())) == "card_unreadable"
    assert sum(command.is_secret for command in desk.reader.sent) == 1


# --- the script by itself -------------------------------------------------------------------------
CERTIFICATE = USER_AUTHENTICATION_CERTIFICATE


def by_short_id(command: CommandApdu) -> bool:
    return command.ins == 0xB0 and bool(command.p1 & 0x80)


@pytest.mark.parametrize("answer", ["6700", "6981", "6A81", "6A82", "6A86", "6B00", "6D00", "6F00"])
def test_a_card_without_short_ids_is_read_by_select(answer: str) -> None:
    card = FileCard(
        {CERTIFICATE.ef_id: holder_certificate()},
        refused=lambda command: answer if by_short_id(command) else None,
    )
    for block in (BlockSize(256), BlockSize(65536)):
        assert scripts.run(scripts.read_transparent_file(CERTIFICATE, block), card)
        assert block.le in (256, 65536)


def test_a_card_with_neither_short_ids_nor_extended_lengths() -> None:
    card = FileCard(
        {CERTIFICATE.ef_id: holder_certificate()},
        refused=lambda command: (
            "6700"
            if command.is_extended or (command.ins, command.p1 & 0x80) == (0xB0, 0x80)
            else None
        ),
    )
    block = BlockSize()
    read = scripts.run(scripts.read_transparent_file(CERTIFICATE, block), card)
    assert read == holder_certificate()
    assert block.le == 256


def test_a_file_that_is_closed_is_asked_for_once() -> None:
    card = FileCard({}, refused=lambda _command: "6982")
    with pytest.raises(UnexpectedStatus):
        scripts.run(scripts.read_transparent_file(CERTIFICATE), card)
    assert len(card.sent) == 1
