"""Logs of other programs as traces: what they have in common.

Such logs hold PINs and personal data in clear. A trace made of one is masked always: nobody can
prove whose card it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

from firmware.card.apdu import ResponseApdu
from firmware.faults import MalformedLog
from firmware.testbench.following import Heard
from firmware.testbench.masking import without_secret
from firmware.testbench.record import trace_of
from firmware.testbench.trace import MAX_EXCHANGES, Trace

MAX_LOG_BYTES: Final = 256 << 20
MAX_LOG_LINE_BYTES: Final = 400_000  # an answer of extended length, three characters a byte, twice
MAX_READER_NAME: Final = 127  # of PC/SC
_DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Reader:
    """The log names the reader that is used from here on."""

    name: str


@dataclass(frozen=True, slots=True)
class Atr:
    """The card's answer to reset."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """From here on nothing is known to be selected: power was given, or another program begins.

    What was sent and not answered yet never is: the next answer is another's.
    """


class Direction(Enum):
    """Which way a message went."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A command or a response. `content` is None where the log itself cuts it short."""

    line: int
    direction: Direction
    at_ms: int
    content: bytes | None


News: TypeAlias = Reader | Atr | Fresh | Message


@dataclass(slots=True)
class Imported:
    """What a log came to."""

    trace: Trace
    secrets: int
    """Commands in it whose data was a PIN or a number."""
    dropped: tuple[str, ...]
    """Where something could not be kept, and why."""


@dataclass(slots=True)
class _Dialogue:
    reader: str = ""
    atr: bytes = b""
    heard: list[Heard] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    secrets: int = 0
    fresh: bool = False
    began_ms: int | None = None
    sent: Message | None = None

    def take(self, news: News) -> None:
        match news:
            case Reader(name):
                if self.reader not in ("", name):
                    raise MalformedLog("two readers are in it, and one card at a time is followed")
                self.reader = name
            case Atr(value):
                self.atr = self.atr or value
            case Fresh():
                self.end()
                self.fresh = bool(self.heard)
            case Message(direction=Direction.SENT):
                self.end()
                self.sent = news
            case Message():
                self._answered(news)

    def end(self) -> None:
        """Nothing more comes, or no answer to what was sent."""
        if self.sent is not None:
            self._drop(self.sent.line, "a command without an answer")
        self.sent = None

    def _answered(self, answer: Message) -> None:
        sent, self.sent = self.sent, None
        if sent is None:
            return self._drop(answer.line, "an answer without a command")
        if sent.content is None or answer.content is None:
            return self._drop(sent.line, "the log cuts this exchange short")
        if len(sent.content) < 4 or len(answer.content) < 2:
            return self._drop(sent.line, "too short for a command and a response")
        if len(self.heard) == MAX_EXCHANGES:
            raise MalformedLog(f"more than {MAX_EXCHANGES} exchanges")
        if self.began_ms is None:
            self.began_ms = answer.at_ms
        at_ms = (answer.at_ms - self.began_ms) % _DAY_MS  # a log may go on past midnight
        command, response = without_secret(sent.content), ResponseApdu.decode(answer.content)
        self.secrets += bool(command.hidden)
        self.heard.append(Heard(at_ms, command, response, self.fresh))
        self.fresh = False
        return None

    def _drop(self, line: int, why: str) -> None:
        self.dropped.append(f"line {line}: {why}")
        # What an exchange that is missing has selected is not known.
        self.fresh = bool(self.heard)


def imported(news: Iterable[News], name: str, recorded_at: dt.datetime) -> Imported:
    """The dialogue of a log; `MalformedLog` where there is none, or it never tells the ATR."""
    dialogue = _Dialogue()
    try:
        for each in news:
            dialogue.take(each)
    except MalformedLog as fault:
        raise MalformedLog(f"{name}: {fault}") from fault
    dialogue.end()
    if not dialogue.heard:
        raise MalformedLog(f"{name}: no command with its answer is in it")
    if not dialogue.atr:
        raise MalformedLog(f"{name}: it does not tell the card's ATR: is its beginning missing?")
    trace = trace_of(
        dialogue.heard,
        reader=dialogue.reader[:MAX_READER_NAME] or "unknown",
        atr=dialogue.atr,
        recorded_at=recorded_at,
    )
    return Imported(trace, dialogue.secrets, tuple(dialogue.dropped))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a log, numbered; `MalformedLog`, also for a file that cannot be opened.

    A last line without an end is none: nobody knows what of it is missing.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size > MAX_LOG_BYTES:
                raise MalformedLog(f"{path}: larger than {MAX_LOG_BYTES} bytes")
            for n in range(1, MAX_LOG_BYTES):
                line = file.readline(MAX_LOG_LINE_BYTES + 1)
                if len(line) > MAX_LOG_LINE_BYTES:
                    raise MalformedLog(f"{path}:{n}: a line of over {MAX_LOG_LINE_BYTES} bytes")
                if not line.endswith(b"\n"):
                    return
                yield n, line.decode("utf-8", "replace").rstrip("\r\n")
    except OSError as cause:
        raise MalformedLog(f"{path}: {cause.strerror}") from cause
