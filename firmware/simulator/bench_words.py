"""What a tester says to the bench, and what the bench shows: two schemas, JSON on a WebSocket.

Pure. `do` names what is asked, `type` what is shown. Secrets here are those of invented patients.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from firmware.faults import BenchRefused
from firmware.simulator.patients import STRANGERS
from firmware.simulator.presentation_species import ATTACKS, Species
from firmware.simulator.slot import INSTRUCTIONS, AnyMishap
from firmware.words import ConsentItem, Language, Method, NoConsentReason, Profile, Purpose

OWN, NOBODY = "own", "nobody"
"""Faces that are no person's id: whose card it is, and none at all."""


# --- what is asked
class Command(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True):
    """One thing a tester does."""


class Choose(Command, frozen=True, tag="choose"):
    """This patient comes: their card lies ready, and `own` means their face."""

    patient: str


class Face(Command, frozen=True, tag="face"):
    """Whose face is before the camera: `own`, `nobody`, or the id of a patient or a stranger."""

    who: str
    likeness: Species | None = None
    """How it is shown; None: the person stands there."""


class Place(Command, frozen=True, tag="place"):
    """Put the card that lies ready on the reader, in the place of what lies there."""


class Remove(Command, frozen=True, tag="remove"):
    """Take the card away."""


class Arrange(Command, frozen=True, tag="arrange"):
    """Let this befall the card on the reader, or the next one that is put there."""

    mishap: AnyMishap


class Reset(Command, frozen=True, tag="reset"):
    """Let another program reset the card that lies there."""


class Start(Command, frozen=True, tag="start"):
    """Begin a visit as reception does; what is left out is decided by profile and settings."""

    purpose: Purpose = Purpose.VISIT
    profile: Profile | None = None
    reason: NoConsentReason | None = None
    items: tuple[ConsentItem, ...] | None = None
    methods: tuple[Method, ...] | None = None
    language: Language | None = None
    timeout_s: Annotated[float, msgspec.Meta(ge=10, le=600)] | None = None


class Cancel(Command, frozen=True, tag="cancel"):
    """Cancel the visit as reception does."""


AnyCommand = Choose | Face | Place | Remove | Arrange | Reset | Start | Cancel
COMMANDS: Final[msgspec.json.Decoder[AnyCommand]] = msgspec.json.Decoder(AnyCommand)


def decode_command(text: str) -> AnyCommand:
    """Raises `BenchRefused` for anything that is no command."""
    try:
        return COMMANDS.decode(text)
    except msgspec.DecodeError as cause:
        raise BenchRefused(f"that is no command: {cause}") from cause


# --- what is shown
class LineKind(StrEnum):
    """What a line of the log tells."""

    DONE = "done"
    EVENT = "event"
    RESULT = "result"
    ERROR = "error"


class Line(msgspec.Struct, frozen=True, tag_field="type", tag="line"):
    """One line of the log. `detail` is the JSON behind it, of an event, a result or an error."""

    at: datetime
    kind: LineKind
    text: str
    code: str | None = None
    """The symbol of an error."""
    detail: Any = None


class Standing(msgspec.Struct, frozen=True, tag_field="type", tag="standing"):
    """How things stand on the bench now."""

    ready: str
    face: str
    likeness: Species | None = None
    on_reader: str | None = None
    tries_left: dict[str, int] = {}
    verifies_sent: int = 0
    mishaps_waiting: int = 0
    """Those for the next card; what is arranged for a card that lies there is the card's own."""
    state: str | None = None
    """Of the visit that was started here and is under way."""


class Choices(msgspec.Struct, frozen=True):
    """What a tester may choose from: words of a visit, faces, commands that a mishap waits for."""

    purposes: tuple[str, ...] = tuple(Purpose)
    profiles: tuple[str, ...] = tuple(Profile)
    reasons: tuple[str, ...] = tuple(NoConsentReason)
    items: tuple[str, ...] = tuple(ConsentItem)
    methods: tuple[str, ...] = tuple(Method)
    languages: tuple[str, ...] = tuple(Language)
    strangers: tuple[str, ...] = tuple(STRANGERS)
    likenesses: tuple[str, ...] = ATTACKS
    instructions: dict[str, int] = msgspec.field(default_factory=lambda: dict(INSTRUCTIONS))


class Welcome(msgspec.Struct, frozen=True, tag_field="type", tag="welcome"):
    """The first thing a page hears: all that does not change, and what was logged so far."""

    panel: str
    socket: str
    staff_passcode: str
    patients: tuple[msgspec.Struct, ...]
    choices: Choices
    lines: tuple[Line, ...]
    standing: Standing


Shown = Welcome | Standing | Line
