"""What an answer must be: status word, length, beginning, or how it stands to an earlier answer.

Each check is one row of data that says itself in words, and tells what is wrong with an answer.
Pure. It repeats no byte of the answer: that may be a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware.card import status_word as sw
from firmware.card import tlv
from firmware.card.apdu import ResponseApdu
from firmware.card.files import Key
from firmware.faults import MalformedResponse

Heard = Mapping[str, ResponseApdu]
"""Earlier answers of the case, by the name that was given to them."""


class Check(Protocol):
    """One thing that is expected of an answer; `str` says it."""

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        """What is wrong, in words; None when nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """One of these status words."""

    words: tuple[int, ...]

    def __str__(self) -> str:
        return " or ".join(f"{word:04X}" for word in self.words)

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return None if answer.status_word in self.words else came(answer)


@dataclass(frozen=True, slots=True)
class Refused:
    """Any error, and no data with it: which one, nobody promises."""

    def __str__(self) -> str:
        return "an error, without data"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        refused = 0x6400 <= answer.status_word < 0x7000 and not sw.exact_length(answer.status_word)
        return None if refused and not answer.data else came(answer)


@dataclass(frozen=True, slots=True)
class TriesOf:
    """The counter of a key: `63Cx` of at most its initial tries, or one of the other words for it.

    `9000` on the empty VERIFY is an open key on some cards (one source); blocked is `63C0`, `6984`
    or `6983`.
    """

    key: Key

    def __str__(self) -> str:
        return f"63Cx, at most {self.key.initial_tries} tries left, or blocked"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        tries = sw.tries_left(answer.status_word)
        right = tries is not None and tries <= self.key.initial_tries and not answer.data
        return None if right else came(answer)


@dataclass(frozen=True, slots=True)
class Tries:
    """Exactly so many tries left, as `63Cx`; the query of an open key may be answered `9000`."""

    left: int
    or_open: bool = False

    def __str__(self) -> str:
        return f"{sw.tries_status(self.left):04X}" + (" or 9000" if self.or_open else "")

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        right = answer.status_word == sw.tries_status(self.left)
        return None if right or (self.or_open and answer.is_ok) else came(answer)


@dataclass(frozen=True, slots=True)
class Blocked:
    """No try is left: `63C0`, `6984`, `6983` all say so."""

    def __str__(self) -> str:
        return "63C0, 6984 or 6983"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return None if sw.tries_left(answer.status_word) == 0 else came(answer)


@dataclass(frozen=True, slots=True)
class Length:
    """So many bytes of data."""

    exactly: int

    def __str__(self) -> str:
        return f"{self.exactly} bytes"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return None if len(answer.data) == self.exactly else came(answer)


@dataclass(frozen=True, slots=True)
class MoreThan:
    """More bytes of data than this."""

    bytes: int

    def __str__(self) -> str:
        return f"more than {self.bytes} bytes"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return None if len(answer.data) > self.bytes else came(answer)


@dataclass(frozen=True, slots=True)
class Begins:
    """Data that begins so."""

    prefix: bytes

    def __str__(self) -> str:
        text = self.prefix.decode("ascii", "replace")
        return f"data that begins {text if text.isprintable() else self.prefix.hex().upper()}"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return None if answer.data.startswith(self.prefix) else "it begins otherwise"


@dataclass(frozen=True, slots=True)
class Digits:
    """ASCII digits, from an offset to the end."""

    start: int = 0

    def __str__(self) -> str:
        return f"digits from byte {self.start}"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        return None if answer.data[self.start :].isdigit() else "there is more than digits"


@dataclass(frozen=True, slots=True)
class SameAs:
    """The data of an earlier answer, or the part of it from `start` that is as long."""

    name: str
    start: int = 0

    def __str__(self) -> str:
        return f"the same bytes as {self.name!r}" + (f" from {self.start}" if self.start else "")

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        part = heard[self.name].data[self.start : self.start + len(answer.data)]
        same = bool(answer.data) and answer.data == part
        return None if same else f"other bytes than {self.name!r}"


@dataclass(frozen=True, slots=True)
class SameStatusAs:
    """The status word of an earlier answer: nothing was spent between the two."""

    name: str

    def __str__(self) -> str:
        return f"the same status word as {self.name!r}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        return None if answer.status_word == heard[self.name].status_word else came(answer)


@dataclass(frozen=True, slots=True)
class Unlike:
    """Other data than an earlier answer's."""

    name: str

    def __str__(self) -> str:
        return f"other bytes than {self.name!r}"

    def fault(self, answer: ResponseApdu, heard: Heard) -> str | None:
        return None if answer.data != heard[self.name].data else f"the same bytes as {self.name!r}"


@dataclass(frozen=True, slots=True)
class Objects:
    """One BER-TLV object with these inside, in this order; FF may follow it."""

    outer: int
    inner: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.outer:X} with {' '.join(f'{tag:X}' for tag in self.inner)}"

    def fault(self, answer: ResponseApdu, _heard: Heard) -> str | None:
        try:
            objects_in(answer.data, self.outer, *self.inner)
        except MalformedResponse as fault:
            return str(fault)
        return None


def objects_in(content: bytes, outer: int, *inner: int) -> tuple[tlv.Tlv, ...]:
    """The objects inside a file's one object; MalformedResponse for others, or FF that is none."""
    length = tlv.read_header(content).total_length
    if content[length:].strip(b"\xff"):
        raise MalformedResponse("something follows the object")
    (found,) = tlv.expect(content[:length], outer)
    return tlv.expect(found.value, *inner)


def came(answer: ResponseApdu) -> str:
    """An answer in words, without its data."""
    size = f" with {len(answer.data)} bytes" if answer.data else ""
    return f"{answer.status_word:04X}{size} came ({sw.describe(answer.status_word)})"
