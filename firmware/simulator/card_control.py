"""What may be asked of a playing virtual card: JSON lines on a Unix socket, one answer each."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from firmware.faults import ControlRefused
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.slot import AnyMishap

MAX_LINE_BYTES: Final = 64 * 1024


class Request(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="do",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """One line to the control socket, about one of the two readers."""

    slot: Literal[0, 1] = 0


class Insert(Request, frozen=True, tag="insert"):
    """Put this patient's card on the reader, in the place of what lies there.

    A card keeps its retry counters when it comes back; a new service has fresh cards, and so is a
    card with other options.
    """

    patient: str
    options: CardOptions = AS_USUAL


class Remove(Request, frozen=True, tag="remove"):
    """Take the card away; nothing happens when there is none."""


class Reset(Request, frozen=True, tag="reset"):
    """Let another program connect to the card and reset it, as a real neighbour would.

    PC/SC makes it wait while a client holds a transaction.
    """


class Arrange(Request, frozen=True, tag="arrange"):
    """Let a mishap befall the card that lies there."""

    mishap: AnyMishap


class AskStatus(Request, frozen=True, tag="status"):
    """Only answer."""


AnyRequest = Insert | Remove | Reset | Arrange | AskStatus


class Status(msgspec.Struct, frozen=True, tag_field="answer", tag="status"):
    """The answer to every request that was done. Counters are those of the card that lies there."""

    inserted: str | None
    commands: int = 0
    verifies_sent: int = 0
    tries_left: dict[str, int] = {}


class Refusal(msgspec.Struct, frozen=True, tag_field="answer", tag="refused"):
    """The answer to every other."""

    error: str


class Ready(msgspec.Struct, frozen=True):
    """Said once, on standard output, when the reader is listed."""

    reader: str


_REQUEST: Final[msgspec.json.Decoder[AnyRequest]] = msgspec.json.Decoder(AnyRequest)
_ANSWER: Final[msgspec.json.Decoder[Status | Refusal]] = msgspec.json.Decoder(Status | Refusal)


def encode(message: Request | Status | Refusal | Ready) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> AnyRequest:
    """Raises ControlRefused for anything that is no request."""
    try:
        return _REQUEST.decode(line)
    except msgspec.DecodeError as cause:
        raise ControlRefused(str(cause)) from cause


def decode_answer(line: bytes) -> Status:
    """The status; raises ControlRefused with the reason, or for anything that is no answer."""
    try:
        answer = _ANSWER.decode(line)
    except msgspec.DecodeError as cause:
        raise ControlRefused(f"no answer: {cause}") from cause
    if isinstance(answer, Refusal):
        raise ControlRefused(answer.error)
    return answer
