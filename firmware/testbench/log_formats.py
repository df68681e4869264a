"""The two logs that tell what goes over a reader: OpenSC's debug log, and that of pcscd.

OpenSC (`OPENSC_DEBUG=9`, `debug_file`) prints each message as a dump of sixteen bytes a line under
a heading with its length; pcscd (`--debug --apdu`) as one line of hex, after the time since the
line before. As seen of OpenSC 0.23 and pcsc-lite 1.9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final, TypeAlias

from firmware.faults import MalformedLog
from firmware.testbench.logs import Atr, Direction, Fresh, Message, News, Reader

Lines: TypeAlias = Iterable[tuple[int, str]]

_HEAD_CHARACTERS: Final = 500  # in which a line says what it is
_LOOKS_AT_LINES: Final = 400  # until which a log must have shown what it is
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?)+")
_ATR_BYTES: Final = range(2, 34)

# --- OpenSC
_OPENSC_LINE: Final = re.compile(r"((?:P:\d+; T:)?(?:0x)?\w+) (\d\d):(\d\d):(\d\d)\.(\d{3}) \[")
_OPENSC_READER: Final = re.compile(r"pcsc_transmit: reader '(.*)'")
_OPENSC_ATR: Final = re.compile(r"match_atr_table: ATR {5}: ([0-9a-fA-F:]+)$")
_HEADING: Final = re.compile(r"(Outgoing|Incoming) APDU \((\d{1,6}) bytes?\):$")
_OPENSC_DIRECTIONS: Final = {"Outgoing": Direction.SENT, "Incoming": Direction.RECEIVED}

# --- pcscd
_PCSCD_LINE: Final = re.compile(r"(\d{8,}) (?:\[(\w+)\] )?(.*)")
_PCSCD_READER: Final = re.compile(r"SCardConnect\(\) Attempting Connect to (.*) using protocol")
_PCSCD_NO_CARD: Final = re.compile(r"SCardConnect\(\) (?:Direct access|Card Not Inserted)")
_PCSCD_DIRECTIONS: Final = {"APDU": Direction.SENT, "SW": Direction.RECEIVED}


def opensc(lines: Lines) -> Iterator[News]:
    """What an OpenSC debug log tells."""
    at_ms, open_message, left, content, speaks = 0, None, 0, b"", None
    for n, line in lines:
        if open_message is not None:
            part = _dumped(line, left)
            content += part
            left -= len(part)
            if part and left:
                continue
            yield Message(*open_message, None if left else content)
            open_message = None
            if part:
                continue
        head = line[:_HEAD_CHARACTERS]
        if told := _OPENSC_LINE.match(head):
            hours, minutes, seconds, ms = map(int, told.groups()[1:])
            at_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
            if told[1] != speaks:  # another process, or another thread of it
                speaks = told[1]
                yield Fresh()
        if heading := _HEADING.search(head):
            open_message = (n, _OPENSC_DIRECTIONS[heading[1]], at_ms)
            left, content = int(heading[2]), b""
        elif reader := _OPENSC_READER.search(head):
            yield Reader(reader[1])
        elif atr := _OPENSC_ATR.search(head):
            yield from _atr(atr[1])
    if open_message is not None:
        yield Message(*open_message, None)


def pcscd(lines: Lines) -> Iterator[News]:
    """What a log of pcscd tells."""
    at_us, speaks, connects = 0, None, None
    for n, line in lines:
        told = _PCSCD_LINE.match(line)
        if told is None:
            continue
        at_us += int(told[1][:12])
        kind, _, rest = told[3].partition(": ")
        if kind in _PCSCD_DIRECTIONS:
            if connects is not None:
                yield Reader(connects)
                connects = None
            if told[2] != speaks:  # each program has a thread of the daemon
                speaks = told[2]
                yield Fresh()
            yield Message(n, _PCSCD_DIRECTIONS[kind], at_us // 1000, _hex(rest))
        elif kind == "Card ATR":
            yield Fresh()
            yield from _atr(rest)
        elif reader := _PCSCD_READER.search(line[:_HEAD_CHARACTERS]):
            if connects is not None:
                yield Reader(connects)
            connects = reader[1]
        elif _PCSCD_NO_CARD.search(line[:_HEAD_CHARACTERS]):
            connects = None  # programs look at every reader, also at those without a card


class LogFormat(StrEnum):
    """Whose log it is."""

    OPENSC = "opensc"
    PCSCD = "pcscd"


READERS: Final[dict[LogFormat, Callable[[Lines], Iterator[News]]]] = {
    LogFormat.OPENSC: opensc,
    LogFormat.PCSCD: pcscd,
}


def format_of(lines: Lines, name: str) -> LogFormat:
    """Whose log it looks like; `MalformedLog` if like neither."""
    for n, line in lines:
        if _OPENSC_LINE.match(line):
            return LogFormat.OPENSC
        if _PCSCD_LINE.match(line):
            return LogFormat.PCSCD
        if n >= _LOOKS_AT_LINES:
            break
    raise MalformedLog(f"{name}: neither a debug log of OpenSC nor one of pcscd with --apdu")


def _dumped(line: str, left: int) -> bytes:
    """The bytes of one line of a dump; none when it is no such line."""
    wanted = min(left, 16)
    part = _hex(line[: wanted * 3])
    return part if part is not None and len(part) == wanted else b""


def _hex(text: str) -> bytes | None:
    """None for what is no hex to its end: it was cut."""
    text = text.strip()
    return bytes.fromhex(text.replace(":", " ")) if _HEX.fullmatch(text) else None


def _atr(text: str) -> Iterator[Atr]:
    value = _hex(text)
    if value is not None and len(value) in _ATR_BYTES:
        yield Atr(value)
