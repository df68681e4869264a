"""A trace: what a reader and a card said to each other, as JSON Lines that people can read.

The first line is the header, every other one exchange. Bytes are hex; a byte that is not told is
XX, so that lengths and offsets stay right. What must not be told, `masking` knows.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from firmware.faults import MalformedTrace
from firmware.words import CardKind

FORMAT: Final = "kazashi-trace"
VERSION: Final = 1
MAX_TRACE_BYTES: Final = 16 << 20
# What a masked byte is played as: dates still have digits, and the sex is "not known" (JIS X 0303).
STAND_IN: Final = ord("0")
_HIDDEN: Final = "XX"
_BYTES: Final = re.compile(r"(?:[0-9A-F]{2}|XX)*")
_MIN_COMMAND_BYTES, _MIN_RESPONSE_BYTES = 4, 2


@dataclass(frozen=True, slots=True, repr=False)
class MaskedBytes:
    """Bytes of which some are not told: `content` has `STAND_IN` there, and `hidden` says where."""

    content: bytes
    hidden: frozenset[int] = frozenset()

    def __repr__(self) -> str:
        return f"MaskedBytes({len(self.content)} bytes, {len(self.hidden)} hidden)"

    @classmethod
    def hiding(cls, content: bytes, hidden: frozenset[int]) -> MaskedBytes:
        """Forget the bytes at `hidden`."""
        kept = bytes(STAND_IN if at in hidden else byte for at, byte in enumerate(content))
        return cls(kept, hidden)

    @classmethod
    def parse(cls, text: str) -> MaskedBytes:
        """Read `00A4XX…`; ValueError for anything else (`decode` names the line)."""
        if not _BYTES.fullmatch(text):
            raise ValueError("bytes are pairs of 0-9 and A-F, or XX")
        pairs = [text[at : at + 2] for at in range(0, len(text), 2)]
        hidden = frozenset(at for at, pair in enumerate(pairs) if pair == _HIDDEN)
        return cls(bytes(STAND_IN if pair == _HIDDEN else int(pair, 16) for pair in pairs), hidden)

    @property
    def text(self) -> str:
        """The form in the file."""
        return "".join(
            _HIDDEN if at in self.hidden else f"{byte:02X}" for at, byte in enumerate(self.content)
        )


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first line: where the trace comes from."""

    format: Literal["kazashi-trace"] = FORMAT
    version: Literal[1] = VERSION
    reader: str
    atr: Annotated[str, msgspec.Meta(pattern="^([0-9A-F]{2}){2,33}$")]
    """The card's answer to reset, hex."""
    card_kind: CardKind
    tool: str
    """Program and version that wrote it."""
    recorded_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    synthetic_holder: bool
    """The card is nobody's: only secrets are masked."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every other line: a command and its response."""

    n: int
    """From 1, without a gap."""
    at_ms: Annotated[int, msgspec.Meta(ge=0)]
    """Of the response, since the first one."""
    command: str
    response: str
    """Data and status word."""
    note: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its response, with what is hidden of them."""

    at_ms: int
    command: MaskedBytes
    response: MaskedBytes
    note: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A header and its exchanges, in order."""

    header: Header
    exchanges: tuple[Exchange, ...]


def encode(trace: Trace) -> bytes:
    """The file's bytes."""
    lines: list[Header | Line] = [trace.header]
    for n, each in enumerate(trace.exchanges, start=1):
        lines.append(Line(n, each.at_ms, each.command.text, each.response.text, each.note))
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def decode(content: bytes, name: str) -> Trace:
    """The trace in a file's bytes; `MalformedTrace` names the file and the line."""
    if len(content) > MAX_TRACE_BYTES:
        raise MalformedTrace(f"{name}: larger than {MAX_TRACE_BYTES} bytes")
    first, *others = content.removesuffix(b"\n").split(b"\n")
    try:
        header = msgspec.json.decode(first, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise MalformedTrace(f"{name}:1: {cause}") from cause
    exchanges: list[Exchange] = []
    for n, encoded in enumerate(others, start=1):
        try:
            exchanges.append(_exchange(msgspec.json.decode(encoded, type=Line), n))
        except (msgspec.MsgspecError, ValueError) as cause:
            raise MalformedTrace(f"{name}:{n + 1}: {cause}") from cause
    return Trace(header, tuple(exchanges))


def read_trace(path: Path) -> Trace:
    """The trace in a file; `MalformedTrace`, also for a file that cannot be opened."""
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as cause:
        raise MalformedTrace(f"{path}: {cause.strerror}") from cause


def _exchange(line: Line, n: int) -> Exchange:
    """ValueError with the reason, unless the line is the n-th exchange."""
    if line.n != n:
        raise ValueError(f"exchange {line.n} stands where {n} is expected")
    command, response = MaskedBytes.parse(line.command), MaskedBytes.parse(line.response)
    if len(command.content) < _MIN_COMMAND_BYTES:
        raise ValueError("a command has at least four bytes")
    if len(response.content) < _MIN_RESPONSE_BYTES:
        raise ValueError("a response has at least a status word")
    size = len(response.content)
    told = response.hidden.isdisjoint((size - 2, size - 1)) and command.hidden.isdisjoint(range(4))
    if not told:
        raise ValueError("a command's header or a status word is hidden")
    return Exchange(line.at_ms, command, response, line.note)
