"""Readers that do something of their own with every command of extended length."""

from __future__ import annotations

from collections.abc import Callable

from desk_of_card import OnTheReader

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.faults import CardRemoved, CardReset, ExtendedLengthRefused

LONGEST_PASSED = 300


class FussyReader(OnTheReader):
    """A reader that does something of its own with every extended length."""

    def __init__(self, with_extended: Callable[[FussyReader, CommandApdu], ResponseApdu]) -> None:
        super().__init__()
        self._with_extended = with_extended
        self.extended = 0

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if not command.is_extended:
            return super().transmit(command)
        self.extended += 1
        return self._with_extended(self, command)

    def pass_on(self, command: CommandApdu) -> ResponseApdu:
        return super().transmit(command)


def refuse(_reader: FussyReader, _command: CommandApdu) -> ResponseApdu:
    raise ExtendedLengthRefused("too long")


def answer(status_word: int) -> Callable[[FussyReader, CommandApdu], ResponseApdu]:
    return lambda _reader, _command: ResponseApdu(b"", status_word)


def lose_the_card(reader: FussyReader, _command: CommandApdu) -> ResponseApdu:
    reader.close()
    raise CardRemoved("not transacted")


def reset_the_card(reader: FussyReader, _command: CommandApdu) -> ResponseApdu:
    reader.close()
    raise CardReset("reset")


def cut_long_answers(reader: FussyReader, command: CommandApdu) -> ResponseApdu:
    response = reader.pass_on(command)
    return ResponseApdu(response.data[:LONGEST_PASSED], response.status_word)


def lose_the_card_over_long_answers(reader: FussyReader, command: CommandApdu) -> ResponseApdu:
    response = reader.pass_on(command)
    return lose_the_card(reader, command) if len(response.data) > 256 else response
