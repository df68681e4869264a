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

from firmware.faults import MalformedTrace, NewerTrace
from firmware.words import CardKind, Method

FORMAT: Final = "kazashi-trace"
VERSION: Final = 1
MAX_TRACE_BYTES: Final = 16 << 20
MAX_EXCHANGES: Final = 100_000
MAX_LINE_BYTES: Final = 300_000  # the largest command and the largest answer, in hex, fit twice
# What a masked byte is played as: dates still have digits, and the sex is "not known" (JIS X 0303).
STAND_IN: Final = ord("0")
_HIDDEN: Final = "XX"
_BYTES: Final = re.compile(r"(?:[0-9A-F]{2}|XX)*")
_UNPRINTABLE: Final = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters, also of the second kind, of line ends and of directions; half characters."""
# `\Z` and not `$`, which a line end may follow.
Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-F]{2})*\Z")]
Text = Annotated[str, msgspec.Meta(pattern=rf"^[^{_UNPRINTABLE}]*\Z")]
"""What is printed as it is: a stranger's file sends nothing to the terminal."""
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


class Context(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What was given to the program that used the card, as far as the card's answers hang on it.

    With it, a trace whose holder is nobody plays a whole visit again, byte for byte.
    """

    program: Text | None = None
    """The name of the program, without its arguments: a PIN may be one of them."""
    clock: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    """What the visit's clock said when it began; it goes on one second with each event."""
    seed: int | None = None
    """What ids and nonces were drawn from, when they were drawn from something."""
    method: Method | None = None
    """How the visit's patient proved to be the holder."""
    ids: dict[Text, Text] = {}
    """Device, boot, transaction, requester, statement's number: by name."""
    nonces: dict[Text, Hex] = {}
    """Requester's, gateway's and the proof of the chip's presence: by name, hex."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first line: where the trace comes from."""

    format: Literal["kazashi-trace"] = FORMAT
    version: Literal[1] = VERSION
    reader: Text
    atr: Annotated[str, msgspec.Meta(pattern=r"^([0-9A-F]{2}){2,33}\Z")]
    """The card's answer to reset, hex."""
    card_kind: CardKind
    tool: Text
    """Program and version that wrote it."""
    recorded_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    synthetic_holder: bool
    """The card is nobody's, of the test hierarchy: nothing is masked."""
    context: Context | None = None


class Beginning(msgspec.Struct, frozen=True):
    """As much of the first line as every version has."""

    format: str = ""
    version: int = 0


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every other line: a command and its response."""

    n: int
    """From 1, without a gap."""
    at_ms: Annotated[int, msgspec.Meta(ge=0)]
    """Of the response, since the first one."""
    command: str
    response: str
    """Data and status word."""
    note: Text
    """The same in words."""
    fresh: bool = False
    """The card was given power right before, or something is missing there."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its response, with what is hidden of them."""

    at_ms: int
    command: MaskedBytes
    response: MaskedBytes
    note: str
    fresh: bool = False

    @property
    def hidden(self) -> int:
        """How many bytes of it are not told."""
        return len(self.command.hidden) + len(self.response.hidden)


@dataclass(frozen=True, slots=True)
class Trace:
    """A header and its exchanges, in order."""

    header: Header
    exchanges: tuple[Exchange, ...]

    @property
    def hidden(self) -> int:
        """How many bytes of it are not told."""
        return sum(each.hidden for each in self.exchanges)


def printable(text: str) -> str:
    """A text as `Text` has it: � for what is no printable character."""
    return re.sub(f"[{_UNPRINTABLE}]", "\N{REPLACEMENT CHARACTER}", text)


def encode(trace: Trace) -> bytes:
    """The file's bytes; `MalformedTrace` for a trace that `decode` would refuse as too large."""
    if len(trace.exchanges) > MAX_EXCHANGES:
        raise MalformedTrace(f"a trace has at most {MAX_EXCHANGES} exchanges")
    lines: list[Header | Line] = [trace.header]
    for n, each in enumerate(trace.exchanges, start=1):
        command, response = each.command.text, each.response.text
        lines.append(Line(n, each.at_ms, command, response, each.note, each.fresh))
    content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    if len(content) > MAX_TRACE_BYTES:
        raise MalformedTrace(f"a trace has at most {MAX_TRACE_BYTES} bytes")
    return content


def decode(content: bytes, name: str) -> Trace:
    """The trace in a file's bytes; `MalformedTrace` names the file and the line.

    `NewerTrace` for one that a later version of this program wrote.
    """
    if len(content) > MAX_TRACE_BYTES:
        raise MalformedTrace(f"{name}: larger than {MAX_TRACE_BYTES} bytes")
    content = content.removesuffix(b"\n")
    if content.count(b"\n") > MAX_EXCHANGES:  # so many come after the header
        raise MalformedTrace(f"{name}: more than {MAX_EXCHANGES} exchanges")
    lines = content.split(b"\n")
    for n, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_BYTES:
            raise MalformedTrace(f"{name}:{n}: a line of {len(line)} bytes")
    first, *others = lines
    try:
        header = _header(first, name)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedTrace(f"{name}:1: {printable(str(cause))}") from cause
    exchanges: list[Exchange] = []
    for n, encoded in enumerate(others, start=1):
        try:
            exchanges.append(_exchange(msgspec.json.decode(encoded, type=Line), n))
        except (msgspec.MsgspecError, ValueError, RecursionError) as cause:
            raise MalformedTrace(f"{name}:{n + 1}: {printable(str(cause))}") from cause
    return Trace(header, tuple(exchanges))


def read_trace(path: Path) -> Trace:
    """The trace in a file; `MalformedTrace`, also for a file that cannot be opened."""
    try:
        with path.open("rb") as file:
            return decode(file.read(MAX_TRACE_BYTES + 1), str(path))
    except OSError as cause:
        raise MalformedTrace(f"{path}: {cause.strerror}") from cause


def _header(line: bytes, name: str) -> Header:
    beginning = msgspec.json.decode(line, type=Beginning)
    if beginning.format == FORMAT and beginning.version > VERSION:
        raise NewerTrace(
            f"{name}:1: version {beginning.version}, and this program reads up to {VERSION}"
        )
    return msgspec.json.decode(line, type=Header)


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
    return Exchange(line.at_ms, command, response, line.note, line.fresh)
