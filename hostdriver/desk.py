"""Where clients ask about visits and devices speak of them: who may, and what is due. [shell]

One visit per reader at a time. What then happens is `course.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from uuid import UUID, uuid4

from firmware.link.messages import (
    AskRegistration,
    AskToRegister,
    EvidenceReady,
    Message,
    Progress,
    Refused,
    StartTransaction,
    TransactionEnded,
)
from firmware.words import Cause, Outcome
from hostdriver import api, entries, translate
from hostdriver.clock import now
from hostdriver.course import Course, Publish
from hostdriver.eligibility.answer import Eligibility
from hostdriver.events import ReaderStatusEvent
from hostdriver.faults import Refusal
from hostdriver.judge import Judge
from hostdriver.ledger import Ledger
from hostdriver.reader import ReaderLink
from hostdriver.settings import Settings
from hostdriver.translate import Ending
from hostdriver.visits import Attendant, Visit

log = logging.getLogger(__name__)


class Desk:
    """All visits of one driver. It listens to the readers and serves the sessions."""

    def __init__(
        self,
        judge: Judge,
        ledger: Ledger,
        settings: Settings,
        publish: Publish,
        hand_over: Callable[[UUID, Eligibility], None] | None,
    ) -> None:
        """`hand_over` takes every verified visit's answer to the face folder, if there is one."""
        self._profile, self._publish = settings.profile, publish
        self._course = Course(judge, ledger, settings, publish, hand_over)
        self.visits = self._course.visits

    # --- what clients ask
    async def start(
        self, attendant: Attendant, params: api.StartParams, reader: ReaderLink
    ) -> api.StartResult:
        """Begin a visit, or hand the one under this reference to the client that began it.

        Raises `Refusal`: `already_taken`, `reader_busy`, what the device or the gateway says.
        """
        visit = self.visits.by_ref(attendant, params.client_ref)
        taken_over = visit is not None
        if visit is None:
            visit = self._new_visit(attendant, params, reader)
        assert visit.beginning is not None
        await asyncio.shield(visit.beginning)
        return api.StartResult(
            transaction_id=visit.transaction_id,
            reader=visit.reader.name,
            state=visit.state,
            taken_over=taken_over,
            nonce=visit.start.requester_nonce,
        )

    def status(self, attendant: Attendant, transaction_id: UUID) -> api.StatusResult:
        """Where a visit stands. Raises `Refusal`."""
        visit = self.visits.by_id(attendant, transaction_id)
        return api.StatusResult(
            transaction_id=transaction_id,
            client_ref=visit.client_ref,
            reader=visit.reader.name,
            state=visit.state,
            sequence=visit.sequence,
            outcome=visit.result.outcome if visit.result else None,
        )

    async def cancel(self, attendant: Attendant, transaction_id: UUID) -> api.CancelResult:
        """Stop a visit, unless the point of no return lies behind. Raises `Refusal`."""
        visit = self.visits.by_id(attendant, transaction_id)
        cancelling = visit.can_be_cancelled
        if cancelling:
            await self._course.cancel(visit)
        return api.CancelResult(cancelling, visit.state)

    async def result(
        self, attendant: Attendant, transaction_id: UUID, wait_s: float
    ) -> api.VisitResult:
        """What a visit came to, waiting for its end at most `wait_s`. Raises `Refusal`."""
        visit = self.visits.by_id(attendant, transaction_id)
        if visit.result is None and wait_s > 0:
            with contextlib.suppress(TimeoutError):  # not finished, and said so below
                async with asyncio.timeout(wait_s):
                    await visit.finished.wait()
        if visit.result is None:
            raise Refusal("not_finished")
        return visit.result

    async def acknowledge(self, attendant: Attendant, transaction_id: UUID) -> api.AckResult:
        """The client has the result: erase it. Raises `Refusal`."""
        visit = self.visits.by_id(attendant, transaction_id)
        if visit.result is None:
            raise Refusal("not_finished")
        self.visits.forget(visit)
        await self._course.record(entries.result_taken(transaction_id))
        return api.AckResult(acknowledged=True)

    def leave(self, attendant: Attendant) -> None:
        """A connection is gone. A visit that nobody attends any more is cancelled after a grace."""
        for visit in self.visits.left_by(attendant):
            if visit.can_be_cancelled:
                self._course.nobody_attends(visit)

    async def close(self) -> None:
        """The driver stops: what is under way ends as cancelled, and all is forgotten."""
        await self._course.close()

    # --- what readers say
    def hear(self, reader: ReaderLink, message: Message) -> None:
        """A message of a visit; one that is not due is passed over.

        Progress goes on after the end, until the card is taken and the device has forgotten.
        """
        transaction_id = getattr(message, "transaction_id", None)
        visit = self.visits.of(reader, transaction_id) if transaction_id else None
        if visit is None:
            log.info("%s: %s of no visit that is held", reader.name, type(message).__name__)
            return
        match message:
            case Progress():
                self._course.progressed(visit, message)
            case _ if visit.ended is not None:
                log.warning("%s: %s after the end", reader.name, type(message).__name__)
            case AskRegistration() | AskToRegister():
                self._course.answer_registration(visit, message)
            case EvidenceReady() if visit.evidence is None:
                self._course.confirm(visit, message)
            case TransactionEnded():
                self._course.end(visit, translate.ending(message))
            case Refused() if not visit.accepted.done():
                visit.refuse(translate.refusal(message))
            case _:
                log.warning("%s: %s was not due", reader.name, type(message).__name__)

    def reader_met(self, reader: ReaderLink) -> None:
        """A device presented itself, with the key that is pinned for it."""
        row = entries.device_met(reader.name, *reader.met())
        self._course.note(row)

    def reader_lost(self, reader: ReaderLink) -> None:
        """The link is gone: the visit on it cannot end well any more."""
        visit = self.visits.on_reader(reader)
        if visit is None:
            return
        if visit.accepted.done():
            self._course.end(visit, Ending(Outcome.FAILED, Cause.READER_UNAVAILABLE))
        else:
            visit.refuse(Refusal("reader_unavailable"))

    def reader_changed(self, reader: ReaderLink) -> None:
        """The reader came, went, or can do something else than before."""
        self._publish(ReaderStatusEvent(*now(), reader=reader.view), None)

    def _new_visit(
        self, attendant: Attendant, params: api.StartParams, reader: ReaderLink
    ) -> Visit:
        if self._course.closing:
            raise Refusal("shutting_down")
        hello, device_key = reader.met()
        if self.visits.on_reader(reader) is not None:
            raise Refusal("reader_busy")
        owner = attendant.owner
        start = StartTransaction(
            transaction_id=uuid4(),
            requester=owner.client,
            requester_nonce=params.nonce,
            gateway_challenge=None,
            purpose=params.purpose,
            profile=params.profile or self._profile,
            items=params.items,
            methods=params.methods,
            language=params.language,
            timeout_s=params.timeout_s,
            reason=params.reason,
        )
        translate.refuse_what_it_cannot(start, hello)
        accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        visit = Visit(reader, owner, params.client_ref, start, hello, device_key, accepted)
        visit.attendants.add(attendant)
        self.visits.enter(visit)
        self._course.begin(visit)
        return visit
