"""A visit's course at the driver: begun, followed, confirmed, ended, recorded, expired. [shell]

Everything runs on the one event loop, so whatever has no `await` in it is atomic; what must wait
is a task, and a task that breaks ends its visit as failed. Who may ask for what is `desk.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol
from uuid import UUID

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
)
from firmware.words import Cause, Outcome
from hostdriver import entries, translate
from hostdriver.chain import Entry
from hostdriver.clock import now, today
from hostdriver.eligibility.answer import Eligibility
from hostdriver.events import Event, FinishedEvent
from hostdriver.faults import LedgerUnavailable, Refusal
from hostdriver.judge import Judge
from hostdriver.ledger import Ledger
from hostdriver.settings import Settings
from hostdriver.translate import Ending, Judgement
from hostdriver.visits import Owner, Visit, VisitBook

log = logging.getLogger(__name__)


class Publish(Protocol):
    """Where events go. `owner` None: every subscriber may know."""

    def __call__(self, event: Event, owner: Owner | None) -> None:
        """Push it to whoever subscribed."""


class Course:
    """Moves the visits of one driver. It is told what devices say and clients want."""

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
        self._limits, self._scale = settings.limits, settings.time_scale
        self._publish, self._hand_over = publish, hand_over
        self.visits = VisitBook()
        self._tasks: set[asyncio.Task[None]] = set()
        self.closing = False

    # --- a visit's beginning
    def begin(self, visit: Visit) -> None:
        """Set it going; `visit.beginning` is done, or raises `Refusal`, at the device's word."""
        visit.beginning = self._spawn(visit, self._begin(visit))

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
        self._spawn(visit, self.record(row))
        return refusal

    # --- a visit's course
    def progressed(self, visit: Visit, message: Progress) -> None:
        """The device says where the visit stands."""
        visit.state = message.state
        visit.sequence += 1
        if not visit.accepted.done():
            visit.accepted.set_result(None)
        self._publish(translate.progress_event(message, visit.sequence, *now()), visit.owner)

    def answer_registration(self, visit: Visit, asked: AskRegistration | AskToRegister) -> None:
        """Ask the gateway about the certificate, and tell the device."""
        self._spawn(visit, self._answer_registration(visit, asked))

    def confirm(self, visit: Visit, ready: EvidenceReady) -> None:
        """The point of no return lies behind: judge the evidence, and tell the device."""
        visit.evidence = ready.evidence
        visit.confirming = self._spawn(visit, self._confirm(visit, ready))

    async def cancel(self, visit: Visit) -> None:
        """Ask the device to stop; if it does not, the visit is ended without it."""
        await self._tell(visit, Cancel(visit.transaction_id))
        if visit.ended is None:
            if visit.deadline is not None:
                visit.deadline.cancel()
            within_s = self._limits.device_answers_within_s
            visit.deadline = self._after(within_s, visit, self._end_as_cancelled)

    def nobody_attends(self, visit: Visit) -> None:
        """It is cancelled if nobody comes back within the grace."""
        visit.grace = self._after(self._limits.grace_s, visit, self._abandon)

    def end(self, visit: Visit, ended: Ending) -> None:
        """The visit came to this, as far as it had not ended before."""
        self._spawn(visit, self._end(visit, ended))

    def note(self, entry: Entry) -> None:
        """A row of the ledger that nothing waits for."""
        self._spawn(None, self.record(entry))

    async def record(self, entry: Entry) -> None:
        """A row of the ledger that nothing is lost without: a fault is the ledger's to tell."""
        with contextlib.suppress(LedgerUnavailable):  # it says so itself, and counts what it lost
            await self._ledger.append(entry)

    async def close(self) -> None:
        """The driver stops: what is under way ends as cancelled, and all is forgotten."""
        self.closing = True
        for visit in self.visits:
            if visit.ended is None:
                await self._tell(visit, Cancel(visit.transaction_id))
                await self._end(visit, Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_RECEPTION))
            self.visits.forget(visit)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- its tasks
    async def _answer_registration(
        self, visit: Visit, asked: AskRegistration | AskToRegister
    ) -> None:
        await self._tell(visit, await self._judge.registration(asked))

    async def _confirm(self, visit: Visit, ready: EvidenceReady) -> None:
        try:
            judged = await self._judge.judge(visit, ready.evidence, ready.unanswered)
        except LedgerUnavailable:
            judged = Judgement(ready.evidence, None, None, Cause.LEDGER_UNAVAILABLE)
        visit.judged = judged
        await self._tell(
            visit, ConfirmationAnswer(visit.transaction_id, judged.accepted, judged.cause)
        )

    # --- its end
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
        event = FinishedEvent(
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
        self._spawn(visit, self.record(entries.result_expired(visit.transaction_id)))

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
            await self.cancel(visit)

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
        if visit is not None and visit.ended is None and not self.closing:
            self._spawn(visit, self._end(visit, Ending(Outcome.FAILED, Cause.DEVICE_FAULT)))
