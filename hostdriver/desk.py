"""A visit's course through the driver: begun, followed, confirmed, ended, fetched. [shell]

One visit per reader at a time. Everything runs on the one event loop, so whatever has no `await`
in it is atomic; what must wait is a task, and a task that breaks ends its visit as failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol
from uuid import UUID, uuid4

import msgspec

from firmware.faults import LinkLost, UpstreamUnavailable
from firmware.link.messages import (
    AskRegistration,
    AskToRegister,
    Cancel,
    ConfirmationAnswer,
    EvidenceReady,
    Message,
    Progress,
    Refused,
    StartTransaction,
    TransactionEnded,
)
from firmware.statement import Evidence
from firmware.words import Cause, Outcome
from hostdriver import api, entries, translate
from hostdriver.chain import Entry
from hostdriver.clock import now, today
from hostdriver.eligibility.answer import Eligibility
from hostdriver.faults import LedgerUnavailable, Refusal
from hostdriver.judge import Judge
from hostdriver.ledger import Ledger
from hostdriver.reader import ReaderLink
from hostdriver.settings import Settings
from hostdriver.translate import Ending, Judgement
from hostdriver.visits import Attendant, Owner, Visit, VisitBook

log = logging.getLogger(__name__)


class Publish(Protocol):
    """Where events go. `owner` None: every subscriber may know."""

    def __call__(self, event: api.Event, owner: Owner | None) -> None:
        """Push it to whoever subscribed."""


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
        self._judge, self._ledger = judge, ledger
        self._profile, self._limits = settings.profile, settings.limits
        self._scale = settings.time_scale
        self._publish, self._hand_over = publish, hand_over
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.visits = VisitBook()

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
            await self._cancel(visit)
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
        await self._record(entries.result_taken(transaction_id))
        return api.AckResult(acknowledged=True)

    def leave(self, attendant: Attendant) -> None:
        """A connection is gone. A visit that nobody attends any more is cancelled after a grace."""
        for visit in self.visits.left_by(attendant):
            if visit.can_be_cancelled:
                visit.grace = self._after(self._limits.grace_s, visit, self._abandon)

    async def close(self) -> None:
        """The driver stops: what is under way ends as cancelled, and all is forgotten."""
        self._closing = True
        for visit in self.visits:
            if visit.ended is None:
                await self._tell(visit, Cancel(visit.transaction_id))
                await self._end(visit, Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_RECEPTION))
            self.visits.forget(visit)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
                self._progressed(visit, message)
            case _ if visit.ended is not None:
                log.warning("%s: %s after the end", reader.name, type(message).__name__)
            case AskRegistration(card_certificate=certificate):
                self._spawn(visit, self._answer_registration(visit, certificate, register=False))
            case AskToRegister(card_certificate=certificate):
                self._spawn(visit, self._answer_registration(visit, certificate, register=True))
            case EvidenceReady(evidence=evidence) if visit.evidence is None:
                visit.evidence = evidence
                visit.confirming = self._spawn(visit, self._confirm(visit, evidence))
            case TransactionEnded():
                self._spawn(visit, self._end(visit, translate.ending(message)))
            case Refused() if not visit.accepted.done():
                visit.refuse(translate.refusal(message))
            case _:
                log.warning("%s: %s was not due", reader.name, type(message).__name__)

    def reader_met(self, reader: ReaderLink) -> None:
        """A device presented itself, with the key that is pinned for it."""
        row = entries.device_met(reader.name, *reader.met())
        self._spawn(None, self._record(row))

    def reader_lost(self, reader: ReaderLink) -> None:
        """The link is gone: the visit on it cannot end well any more."""
        visit = self.visits.on_reader(reader)
        if visit is None:
            return
        if visit.accepted.done():
            self._spawn(visit, self._end(visit, Ending(Outcome.FAILED, Cause.READER_UNAVAILABLE)))
        else:
            visit.refuse(Refusal("reader_unavailable"))

    def reader_changed(self, reader: ReaderLink) -> None:
        """The reader came, went, or can do something else than before."""
        self._publish(api.ReaderStatusEvent(*now(), reader=reader.view), None)

    # --- a visit's beginning
    def _new_visit(
        self, attendant: Attendant, params: api.StartParams, reader: ReaderLink
    ) -> Visit:
        if self._closing:
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
        visit.beginning = self._spawn(visit, self._begin(visit))
        return visit

    async def _begin(self, visit: Visit) -> None:
        """Challenge, record, start, and wait for the device's word. Raises `Refusal`."""
        try:
            challenge = await self._judge.challenge(visit.transaction_id)
            visit.start = msgspec.structs.replace(visit.start, gateway_challenge=challenge)
            hashed_ref = self._ledger.hashed(visit.client_ref)
            await self._ledger.append(entries.visit_begun(visit.start, hashed_ref))
            if visit.ended is not None:
                return  # cancelled before the device heard of it
            await visit.reader.send(visit.start)
            async with asyncio.timeout(self._limits.device_answers_within_s * self._scale):
                await visit.accepted
        except UpstreamUnavailable as fault:
            raise self._not_begun(visit, Refusal("upstream_unavailable")) from fault
        except LedgerUnavailable as fault:
            raise self._not_begun(visit, Refusal("ledger_unavailable")) from fault
        except (LinkLost, TimeoutError) as fault:
            await self._tell(visit, Cancel(visit.transaction_id))  # it may have begun unheard
            raise self._not_begun(visit, Refusal("reader_unavailable")) from fault
        except Refusal as refusal:
            raise self._not_begun(visit, refusal) from None
        if visit.ended is None:
            lasts_s = visit.start.timeout_s + self._limits.overdue_s
            visit.deadline = self._after(lasts_s, visit, self._give_up)

    def _not_begun(self, visit: Visit, refusal: Refusal) -> Refusal:
        """Nothing came of it: the reference is free again, and there is no result to keep."""
        self.visits.forget(visit)
        row = entries.visit_not_begun(visit.transaction_id, refusal.symbol)
        self._spawn(visit, self._record(row))
        return refusal

    # --- a visit's course
    def _progressed(self, visit: Visit, message: Progress) -> None:
        visit.state = message.state
        visit.sequence += 1
        if not visit.accepted.done():
            visit.accepted.set_result(None)
        self._publish(translate.progress_event(message, visit.sequence, *now()), visit.owner)

    async def _answer_registration(
        self, visit: Visit, certificate: bytes, *, register: bool
    ) -> None:
        answer = await self._judge.registration(
            visit.transaction_id, certificate, register=register
        )
        await self._tell(visit, answer)

    async def _confirm(self, visit: Visit, evidence: Evidence) -> None:
        try:
            judged = await self._judge.judge(visit, evidence)
        except LedgerUnavailable:
            judged = Judgement(evidence, None, None, Cause.LEDGER_UNAVAILABLE)
        visit.judged = judged
        await self._tell(
            visit, ConfirmationAnswer(visit.transaction_id, judged.accepted, judged.cause)
        )

    # --- a visit's end
    async def _end(self, visit: Visit, ended: Ending) -> None:
        """The first ending counts. The result is published only when it is on disk."""
        if visit.ended is not None:
            return
        visit.ended = ended
        self.visits.release(visit)
        if visit.confirming is not None:
            visit.confirming.cancel()
        result = translate.visit_result(ended, visit.judged, visit.device_key, today())
        try:
            await self._ledger.append(entries.visit_ended(visit.transaction_id, result))
        except LedgerUnavailable:
            unrecorded = Ending(Outcome.FAILED, Cause.LEDGER_UNAVAILABLE)
            result = translate.visit_result(unrecorded, None, visit.device_key, today())
        visit.result = result
        if self._hand_over is not None and result.eligibility is not None:
            self._hand_over(visit.transaction_id, result.eligibility)
        visit.sequence += 1
        visit.deadline = asyncio.get_running_loop().call_later(
            self._limits.result_kept_s, self._result_expired, visit
        )
        visit.finished.set()
        if not visit.accepted.done():
            visit.accepted.set_result(None)
        event = api.FinishedEvent(
            *now(),
            transaction_id=visit.transaction_id,
            sequence=visit.sequence,
            state=visit.state,
            outcome=result.outcome,
            cause=result.cause,
        )
        self._publish(event, visit.owner)

    def _result_expired(self, visit: Visit) -> None:
        self.visits.forget(visit)
        self._spawn(visit, self._record(entries.result_expired(visit.transaction_id)))

    async def _cancel(self, visit: Visit) -> None:
        """Ask the device to stop; if it does not, the visit is ended without it."""
        await self._tell(visit, Cancel(visit.transaction_id))
        if visit.ended is None:
            if visit.deadline is not None:
                visit.deadline.cancel()
            within_s = self._limits.device_answers_within_s
            visit.deadline = self._after(within_s, visit, self._end_as_cancelled)

    async def _end_as_cancelled(self, visit: Visit) -> None:
        if visit.evidence is not None:  # it crossed the point of no return
            visit.deadline = self._after(self._limits.overdue_s, visit, self._give_up)
            return
        await self._end(visit, Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_RECEPTION))

    async def _abandon(self, visit: Visit) -> None:
        """Nobody came back within the grace."""
        visit.grace = None
        if visit.can_be_cancelled and not visit.attendants:
            log.warning("%s: its client is gone, the visit is cancelled", visit.reader.name)
            await self._cancel(visit)

    async def _give_up(self, visit: Visit) -> None:
        """The device did not end the visit in its own time."""
        log.error("%s: the visit did not end in its time", visit.reader.name)
        await self._tell(visit, Cancel(visit.transaction_id, Cause.TIMED_OUT))
        await self._end(visit, Ending(Outcome.FAILED, Cause.DEVICE_FAULT))

    # --- small parts
    async def _tell(self, visit: Visit, message: Message) -> None:
        """Say something to the device; a lost link ends the visit by itself."""
        try:
            await visit.reader.send(message)
        except LinkLost as fault:
            log.warning("%s: %s was not said: %s", visit.reader.name, type(message).__name__, fault)

    async def _record(self, entry: Entry) -> None:
        with contextlib.suppress(LedgerUnavailable):  # it says so itself, and counts what it lost
            await self._ledger.append(entry)

    def _after(
        self, seconds: float, visit: Visit, work: Callable[[Visit], Coroutine[Any, Any, None]]
    ) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(
            seconds * self._scale, lambda: self._spawn(visit, work(visit))
        )

    def _spawn(self, visit: Visit | None, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._task_over(visit, done))
        return task

    def _task_over(self, visit: Visit | None, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        broke = None if task.cancelled() else task.exception()
        if broke is None or isinstance(broke, Refusal):
            return
        log.critical("a task broke", exc_info=broke)
        if visit is not None and visit.ended is None and not self._closing:
            self._spawn(visit, self._end(visit, Ending(Outcome.FAILED, Cause.DEVICE_FAULT)))
