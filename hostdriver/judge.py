"""What becomes of evidence, and of questions: checked, recorded, put to the gateway. [shell]

The gateway is asked in time or counts as unavailable; nothing here ever says yes in its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID, uuid4

from firmware.faults import MalformedStatement, UpstreamUnavailable
from firmware.link.messages import AskRegistration, AskToRegister, RegistrationAnswer
from firmware.statement import Evidence, Unanswered
from firmware.words import Cause, Registration
from hostdriver import entries, translate
from hostdriver.eligibility.gateway import Gateway, InsuredCardQuestion, RegistrationReport
from hostdriver.eligibility.question import QueryParams, QueryResult, insured_card_data
from hostdriver.faults import Refusal
from hostdriver.ledger import Ledger
from hostdriver.translate import Judgement
from hostdriver.visits import Visit

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Judge:
    """The gateway and the ledger, asked in the right order."""

    def __init__(self, gateway: Gateway, ledger: Ledger, gateway_answers_within_s: float) -> None:
        self._gateway, self._ledger = gateway, ledger
        self._within_s = gateway_answers_within_s

    @property
    def set_up(self) -> bool:
        """Whether the gateway has what it needs to confirm anybody."""
        return self._gateway.capabilities.set_up

    async def challenge(self, transaction_id: UUID) -> bytes | None:
        """A fresh challenge, or None where the gateway has none.

        Raises `UpstreamUnavailable`, and `Refusal` where no card can be confirmed: then nobody
        should be asked for one.
        """
        if not self.set_up:
            raise Refusal("gateway_not_set_up")
        if not self._gateway.capabilities.confirms_cards:
            raise Refusal("upstream_cannot_confirm_card")
        return await self._in_time(self._gateway.challenge(transaction_id))

    async def registration(self, asked: AskRegistration | AskToRegister) -> RegistrationAnswer:
        """What to tell the device of a card, or of one that its holder wants to register."""
        visit, certificate = asked.transaction_id, asked.card_certificate
        match asked:
            case AskRegistration(method=method):
                answer = self._gateway.registration(visit, certificate, method)
            case AskToRegister():
                answer = self._gateway.register(visit, certificate)
        try:
            report = await self._in_time(answer)
        except UpstreamUnavailable as fault:
            log.warning("registration: %s", fault)
            report = RegistrationReport(Registration.REFUSED, Cause.UPSTREAM_UNAVAILABLE)
        return RegistrationAnswer(
            transaction_id=visit,
            registration=report.registration,
            cause=report.cause,
            clinical_consent_allowed=report.clinical_consent_allowed,
            certificate_warning=report.certificate_warning,
        )

    async def judge(
        self, visit: Visit, evidence: Evidence, unanswered: tuple[Unanswered, ...]
    ) -> Judgement:
        """The judgement of `evidence`. Its statement and consents are on disk before anybody is
        asked or told; until the gateway has answered, `visit.judged` says that it has not.

        Raises `LedgerUnavailable`.
        """
        try:
            statement = translate.checked_statement(
                evidence, visit.start, visit.hello, visit.device_key
            )
        except MalformedStatement as fault:
            log.error("%s: evidence rejected: %s", visit.reader.name, fault)
            return Judgement(evidence, None, None, Cause.EVIDENCE_REJECTED)
        earlier = (entries.statement_unanswered(statement.device_id, one) for one in unanswered)
        await self._ledger.append(*earlier, *entries.statement_made(statement, evidence))
        visit.judged = Judgement(evidence, statement, None, None)
        try:
            confirmation = await self._in_time(
                self._gateway.confirm(visit.transaction_id, evidence, visit.device_key)
            )
        except UpstreamUnavailable as fault:
            log.warning("confirmation: %s", fault)
            return Judgement(evidence, statement, None, Cause.UPSTREAM_UNAVAILABLE)
        cause = None if confirmation.accepted else confirmation.cause or Cause.EVIDENCE_REJECTED
        return Judgement(evidence, statement, confirmation, cause)

    async def query(self, requester: str, params: QueryParams) -> QueryResult:
        """The answer to a question by insured-card data, on record before it is told.

        Raises `Refusal`, `UpstreamUnavailable`, `LedgerUnavailable`.
        """
        if not self._gateway.capabilities.queries:
            raise Refusal("upstream_cannot_query")
        asked = insured_card_data(params)
        question = InsuredCardQuestion(uuid4(), requester, asked)
        try:
            answer = await self._in_time(self._gateway.query(question))
        except UpstreamUnavailable as fault:
            log.warning("query: %s", fault)
            row = entries.eligibility_queried(question.inquiry_id, requester, fault.code)
            await self._ledger.append(row)
            raise
        row = entries.eligibility_queried(question.inquiry_id, requester, answer.validity)
        await self._ledger.append(row)
        return QueryResult(question.inquiry_id, answer)

    async def _in_time(self, answer: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._within_s):
                return await answer
        except TimeoutError as cause:
            raise UpstreamUnavailable("the gateway did not answer in time") from cause
