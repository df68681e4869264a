"""A dialogue for a test: what the card answers, and what was asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu, Script, T

OK = "9000"


def answer(encoded: str | bytes | ResponseApdu) -> ResponseApdu:
    if isinstance(encoded, ResponseApdu):
        return encoded
    return ResponseApdu.decode(bytes.fromhex(encoded) if isinstance(encoded, str) else encoded)


class Listed:
    """Answers in the order of a list; one command too many fails the test."""

    def __init__(self, *answers: str | bytes | ResponseApdu) -> None:
        self.answers = [answer(each) for each in answers]
        self.sent: list[CommandApdu] = []

    def __call__(self, command: CommandApdu) -> ResponseApdu:
        self.sent.append(command)
        assert self.answers, f"one command too many: {command}"
        return self.answers.pop(0)

    @property
    def sent_hex(self) -> list[str]:
        return [command.encode().hex().upper() for command in self.sent]

    def play(self, script: Script[T]) -> T:
        result = scripts.run(script, self)
        assert not self.answers, "the script ended early"
        return result


class FileCard:
    """Answers SELECT and READ BINARY from files; anything else from a table by instruction.

    `refused` may have a reader or a card refuse some commands that it would answer.
    """

    def __init__(
        self,
        files: Mapping[int, bytes],
        by_instruction: Mapping[int, Callable[[CommandApdu], ResponseApdu]] | None = None,
        longest_answer: int = 65536,
        refused: Callable[[CommandApdu], str | None] = lambda _command: None,
    ) -> None:
        self.files = files
        self.by_instruction = by_instruction or {}
        self.longest_answer, self.refused = longest_answer, refused
        self.sent: list[CommandApdu] = []
        self._selected = b""

    def __call__(self, command: CommandApdu) -> ResponseApdu:
        self.sent.append(command)
        if (status_word := self.refused(command)) is not None:
            return answer(status_word)
        if command.ins in self.by_instruction:
            return self.by_instruction[command.ins](command)
        if command.ins == 0xA4:
            return answer(self._select(command))
        if command.ins == 0xB0:
            return self._read(command)
        return answer("6D00")

    def _select(self, command: CommandApdu) -> str:
        self._selected = b""
        if command.p1 != 0x02:
            return OK
        return self._select_file(int.from_bytes(command.data, "big"))

    def _select_file(self, ef_id: int) -> str:
        self._selected = self.files.get(ef_id, b"")
        return OK if ef_id in self.files else "6A82"

    def _read(self, command: CommandApdu) -> ResponseApdu:
        offset = command.p1 << 8 | command.p2
        if command.p1 & 0x80:
            offset = command.p2
            if (found := self._select_file(command.p1 & 0x1F)) != OK:
                return answer(found)
        if offset >= len(self._selected):
            return answer("6B00")
        size = min(command.le or 0, self.longest_answer)
        return ResponseApdu(self._selected[offset : offset + size], 0x9000)

    @property
    def instructions(self) -> Sequence[int]:
        return [command.ins for command in self.sent]
