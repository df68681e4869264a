"""What becomes of a visit's evidence: checked, recorded, then confirmed by the gateway. [shell]

The gateway is asked in time or counts as unavailable; nothing here ever says yes in its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

from firmware.faults import MalformedStatement, UpstreamUnavailable
from firmware.link.messages import RegistrationAnswer
from firmware.statement import Evidence
from firmware.words import Cause, Registration
from hostdriver import entries, translate
from hostdriver.eligibility.gateway import Gateway, RegistrationReport
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

    async def challenge(self, transaction_id: UUID) -> bytes | None:
        """A fresh challenge, or None where the gateway has none. Raises `UpstreamUnavailable`."""
        return await self._in_time(self._gateway.challenge(transaction_id))

    async def registration(
        self, transaction_id: UUID, card_certificate: bytes, *, register: bool
    ) -> RegistrationAnswer:
        """What to tell the device of a card; with `register` its holder asked to register it."""
        verb = self._gateway.register if register else self._gateway.registration
        try:
            report = await self._in_time(verb(transaction_id, card_certificate))
        except UpstreamUnavailable as fault:
            log.warning("registration: %s", fault)
            report = RegistrationReport(Registration.REFUSED, Cause.UPSTREAM_UNAVAILABLE)
        return RegistrationAnswer(
            transaction_id=transaction_id,
            registration=report.registration,
            cause=report.cause,
            clinical_consent_allowed=report.clinical_consent_allowed,
            certificate_warning=report.certificate_warning,
        )

    async def judge(self, visit: Visit, evidence: Evidence) -> Judgement:
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
        await self._ledger.append(*entries.statement_made(statement, evidence))
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

    async def _in_time(self, answer: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._within_s):
                return await answer
        except TimeoutError as cause:
            raise UpstreamUnavailable("the gateway did not answer in time") from cause
