"""The visits that the driver holds in memory: whose they are, and who attends them.

It knows nothing of devices' words, gateways or files; `course.py` moves a visit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from joserfc.jwk import OKPKey

from firmware.link.messages import DeviceHello, StartTransaction
from firmware.statement import Evidence
from firmware.words import State
from hostdriver.api import VisitResult
from hostdriver.faults import Refusal
from hostdriver.reader import ReaderLink
from hostdriver.translate import Ending, Judgement

NONCES_REMEMBERED: Final = 10_000
PAST_NO_RETURN: Final = frozenset({State.CONFIRMING, State.TAKE_CARD, State.FORGETTING})


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a visit is: the peer's user id (or `token`), and the name said in hello."""

    peer: str
    client: str


class Attendant(Protocol):
    """One connection of a client. While one attends a visit its owner has not gone."""

    @property
    def owner(self) -> Owner:
        """Whom it speaks for."""


@dataclass(eq=False)
class Visit:
    """One visit. Only the course, the desk and the book change it."""

    reader: ReaderLink
    owner: Owner
    client_ref: str
    start: StartTransaction
    hello: DeviceHello
    device_key: OKPKey
    accepted: asyncio.Future[None]
    """Done at the device's first word on this visit; a `Refusal` if that word is no."""
    state: State = State.IDLE
    sequence: int = 0
    """Of the last event that was published of it."""
    evidence: Evidence | None = None
    judged: Judgement | None = None
    ended: Ending | None = None
    result: VisitResult | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    forgotten: asyncio.Event = field(default_factory=asyncio.Event)
    beginning: asyncio.Task[None] | None = None
    confirming: asyncio.Task[None] | None = None
    attendants: set[Attendant] = field(default_factory=set)
    grace: asyncio.TimerHandle | None = None
    """Runs while nobody attends."""
    deadline: asyncio.TimerHandle | None = None
    """Before the end: when the device is given up. After it: when the result expires."""

    @property
    def transaction_id(self) -> UUID:
        """The visit's name on both doors."""
        return self.start.transaction_id

    @property
    def can_be_cancelled(self) -> bool:
        """Whether the point of no return lies ahead."""
        past = self.ended is not None or self.evidence is not None
        return not past and self.state not in PAST_NO_RETURN

    def refuse(self, refusal: Refusal) -> None:
        """The device's first word was no, or never came."""
        if not self.accepted.done():
            self.accepted.set_exception(refusal)

    def stop_timers(self) -> None:
        """No timer of what was so far runs on."""
        for timer in (self.grace, self.deadline):
            if timer is not None:
                timer.cancel()
        self.grace = self.deadline = None


class VisitBook:
    """Every visit that is held, by id, by its client's reference, and by the reader it is on."""

    def __init__(self) -> None:
        self._by_id: dict[UUID, Visit] = {}
        self._by_ref: dict[str, Visit] = {}
        self._on_reader: dict[str, Visit] = {}
        self._nonces: dict[bytes, None] = {}
        """The newest `NONCES_REMEMBERED`, the oldest first."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Visit]:
        return iter(tuple(self._by_id.values()))

    def enter(self, visit: Visit) -> None:
        """Hold a new visit, and its reader with it. Raises `Refusal` `nonce_reused`.

        Two visits under one nonce could be taken for each other by whoever asked.
        """
        nonce = visit.start.requester_nonce
        if nonce in self._nonces:
            raise Refusal("nonce_reused")
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_REMEMBERED:
            del self._nonces[next(iter(self._nonces))]
        self._by_id[visit.transaction_id] = visit
        self._by_ref[visit.client_ref] = visit
        self._on_reader[visit.reader.name] = visit

    def release(self, visit: Visit) -> None:
        """It is over: its reader is free for the next one."""
        visit.stop_timers()
        if self._on_reader.get(visit.reader.name) is visit:
            del self._on_reader[visit.reader.name]

    def forget(self, visit: Visit) -> None:
        """Drop a visit and the names in its result. One that came to nothing frees its nonce."""
        self.release(visit)
        if visit.result is None:
            self._nonces.pop(visit.start.requester_nonce, None)
        self._by_id.pop(visit.transaction_id, None)
        if self._by_ref.get(visit.client_ref) is visit:
            del self._by_ref[visit.client_ref]
        visit.forgotten.set()

    def on_reader(self, reader: ReaderLink) -> Visit | None:
        """The visit that is under way there."""
        return self._on_reader.get(reader.name)

    def of(self, reader: ReaderLink, transaction_id: UUID) -> Visit | None:
        """The visit of that id on that reader, over or not."""
        visit = self._by_id.get(transaction_id)
        return visit if visit is not None and visit.reader is reader else None

    def by_ref(self, attendant: Attendant, client_ref: str) -> Visit | None:
        """This client's visit under its own reference. Raises `Refusal` `already_taken`."""
        visit = self._by_ref.get(client_ref)
        return None if visit is None else _attended(visit, attendant)

    def by_id(self, attendant: Attendant, transaction_id: UUID) -> Visit:
        """This client's visit. Raises `Refusal`: `transaction_unknown`, `already_taken`."""
        visit = self._by_id.get(transaction_id)
        if visit is None:
            raise Refusal("transaction_unknown")
        return _attended(visit, attendant)

    def left_by(self, attendant: Attendant) -> list[Visit]:
        """A connection is gone: the visits that nobody attends any more because of it."""
        left = [visit for visit in self if attendant in visit.attendants]
        for visit in left:
            visit.attendants.discard(attendant)
        return [visit for visit in left if not visit.attendants]


def _attended(visit: Visit, attendant: Attendant) -> Visit:
    """The visit, if it is this client's: asking for it is to attend it."""
    if visit.owner != attendant.owner:
        raise Refusal("already_taken")
    visit.attendants.add(attendant)
    if visit.grace is not None:
        visit.grace.cancel()
        visit.grace = None
    return visit
