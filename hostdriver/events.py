"""What the local socket pushes to those who subscribed, of a visit or of a reader. Pure."""

from __future__ import annotations

from uuid import UUID

import msgspec

from firmware.words import CardKind, Cause, Method, Outcome, State
from hostdriver.api import Reader, Time


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """What is pushed to subscribers. Both times are the driver's own clocks.

    `sequence` counts the events of one visit from 1, so a subscriber sees what it missed.
    """

    at: Time
    monotonic_s: float


class ProgressEvent(Event, frozen=True, tag="progress"):
    """A visit entered a state, or a fact of it became known."""

    transaction_id: UUID
    sequence: int
    state: State
    card_kind: CardKind | None
    method: Method | None
    tries_left: int | None


class FinishedEvent(Event, frozen=True, tag="finished"):
    """A visit ended; its result waits to be fetched."""

    transaction_id: UUID
    sequence: int
    state: State
    outcome: Outcome
    cause: Cause | None


class ReaderStatusEvent(Event, frozen=True, tag="reader_status"):
    """A reader came, went, or can do something else than before."""

    reader: Reader


EVENTS: dict[str, type[Event]] = {
    "progress": ProgressEvent,
    "finished": FinishedEvent,
    "reader_status": ReaderStatusEvent,
}
