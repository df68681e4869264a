"""A device on the other end of the link: real messages, real signatures, throw-away keys.

It does what a test tells it and no more, so a test can also make it lie.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import OKPKey

from firmware.link.messages import (
    PROTOCOL,
    Cancel,
    ConfirmationAnswer,
    DeviceHello,
    EvidenceReady,
    HostHello,
    Message,
    Progress,
    ReaderStatus,
    StartTransaction,
    TransactionEnded,
)
from firmware.link.transport import Link, LinkServer, serve_link
from firmware.link.trust import Trust
from firmware.numbering import Numbering
from firmware.statement import (
    RSA_PKCS1_SHA256,
    Comparison,
    ConsentRecord,
    Evidence,
    Statement,
    freeze,
    sign,
    to_be_signed,
)
from firmware.words import (
    CardKind,
    CardSigning,
    Cause,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Language,
    MatchDecision,
    Method,
    Outcome,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Question,
    State,
)

Expected = TypeVar("Expected", bound=Message)
WITHIN_S = 60.0
TIMINGS_MS = {"card_read": 800, "decision": 300, "machine": 40, "total": 9000}
ANSWERS = {Question.PRESCRIPTION_FORM: "electronic"}


@cache
def card_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def card_certificate() -> bytes:
    """Self-signed: nobody here checks the chain, which is the gateway's business."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away card")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(card_key().public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(card_key(), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)


@cache
def device_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519")


def consent_given() -> ConsentRecord:
    now = datetime.now(UTC)
    return ConsentRecord(
        ConsentItem.MEDICATION, ConsentAnswer.GRANTED, now, now + timedelta(hours=24), "ja-1"
    )


def statement_for(
    start: StartTransaction, hello: DeviceHello, counter: int, **changes: Any
) -> Statement:
    """What an honest device states of a visit; `changes` make it lie."""
    now = datetime.now(UTC)
    honest = Statement(
        version=1,
        device_id=hello.device_id,
        boot_id=hello.boot_id,
        counter=counter,
        transaction_id=start.transaction_id,
        requester=start.requester,
        requester_nonce=start.requester_nonce,
        gateway_challenge=start.gateway_challenge,
        profile=start.profile,
        purpose=start.purpose,
        method=Method.PIN,
        card_signing=CardSigning.PIN,
        comparison=Comparison(MatchDecision.NOT_DONE),
        pad=PadDecision.NOT_DONE,
        photo_authenticity=PhotoAuthenticity.NOT_DONE,
        card_kind=CardKind.MY_NUMBER_CARD,
        card_certificate_sha256=hashlib.sha256(card_certificate()).digest(),
        consents=(consent_given(),),
        answers=ANSWERS,
        language=Language.JA,
        helper=False,
        staff_id=None,
        started_at=now,
        proven_at=now,
        signed_at=now,
        clock_trust=ClockTrust.NTP,
        reason=start.reason,
    )
    return msgspec.structs.replace(honest, **changes)


def evidence_of(statement: Statement, key: OKPKey | None = None) -> Evidence:
    payload = freeze(statement)
    return Evidence(
        statement=sign(payload, key or device_key()),
        card_certificate=card_certificate(),
        card_signature=card_key().sign(to_be_signed(payload), padding.PKCS1v15(), hashes.SHA256()),
        card_signature_algorithm=RSA_PKCS1_SHA256,
    )


@dataclass(eq=False)
class SigningDevice:
    """Serves one end of the link; tests drive it message by message."""

    runtime_dir: Path
    key: OKPKey = field(default_factory=device_key)
    boot_id: UUID = field(default_factory=uuid4)
    numbering: Numbering = field(default_factory=Numbering)
    clock_trust: ClockTrust = ClockTrust.NTP
    device_id: str = "device-1"
    profiles: tuple[Profile, ...] = (Profile.CLINIC, Profile.PHARMACY)
    address: str = "unix:link.sock"
    trust: Trust | None = None
    link: Link | None = None

    def __post_init__(self) -> None:
        self._server: LinkServer | None = None
        self._linked = asyncio.Event()
        self._sequence = 0

    @property
    def hello(self) -> DeviceHello:
        return DeviceHello(
            protocol=PROTOCOL,
            device_id=self.device_id,
            boot_id=self.boot_id,
            device_key={k: str(v) for k, v in self.key.as_dict(private=False).items()},
            profiles=self.profiles,
            methods=(Method.FACE, Method.PIN, Method.STAFF),
            languages=(Language.JA, Language.EN),
            clock_trust=self.clock_trust,
            version="0.1.0",
        )

    async def __aenter__(self) -> SigningDevice:
        self._server = await serve_link(
            self.address, self.runtime_dir, self._greet, trust=self.trust
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await self._server.close()

    async def _greet(self, link: Link) -> None:
        assert isinstance(await link.receive(), HostHello)
        await link.send(self.hello)
        await link.send(ReaderStatus(State.IDLE, "Throw-away Reader 00 00", True))
        self.link = link
        self._linked.set()
        await link.wait_closed()
        self._linked.clear()

    async def say(self, message: Message) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self._linked.wait()
            assert self.link is not None
            await self.link.send(message)

    async def hear(self, expected: type[Expected]) -> Expected:
        """The next message, which must be of that type."""
        async with asyncio.timeout(WITHIN_S):
            await self._linked.wait()
            assert self.link is not None
            message = await self.link.receive()
        assert isinstance(message, expected), message
        if isinstance(message, ConfirmationAnswer):
            self.numbering = self.numbering.answered()
        return message

    async def enter(self, start: StartTransaction, state: State, **facts: Any) -> None:
        self._sequence += 1
        await self.say(
            Progress(
                transaction_id=start.transaction_id,
                sequence=self._sequence,
                state=state,
                monotonic_s=0.0,
                at=datetime.now(UTC),
                **facts,
            )
        )

    async def accept(self) -> StartTransaction:
        """Hear a start, and say that the visit has begun."""
        start = await self.hear(StartTransaction)
        await self.enter(start, State.WAITING_FOR_CARD)
        return start

    async def state_it(
        self, start: StartTransaction, key: OKPKey | None = None, **changes: Any
    ) -> Evidence:
        """Pass the point of no return: one statement, signed and sent."""
        visit = start.transaction_id
        self.numbering = self.numbering.made(visit)
        evidence = evidence_of(
            statement_for(start, self.hello, self.numbering.last, **changes), key
        )
        await self.enter(start, State.CONFIRMING, method=Method.PIN)
        await self.say(EvidenceReady(visit, evidence, self.numbering.before(visit)))
        return evidence

    async def end(
        self,
        start: StartTransaction,
        outcome: Outcome,
        cause: Cause | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        await self.say(
            TransactionEnded(
                transaction_id=start.transaction_id,
                outcome=outcome,
                cause=cause,
                method=Method.PIN,
                card_kind=CardKind.MY_NUMBER_CARD,
                consents=(consent_given(),),
                answers=ANSWERS,
                evidence=evidence,
                language=Language.JA,
                timings_ms=TIMINGS_MS,
            )
        )

    async def verify_one(self) -> ConfirmationAnswer:
        """A whole visit as it should go, from start to end."""
        start = await self.accept()
        evidence = await self.state_it(start)
        answer = await self.hear(ConfirmationAnswer)
        outcome = Outcome.VERIFIED if answer.accepted else Outcome.REFUSED
        await self.end(start, outcome, answer.cause, evidence)
        return answer

    async def stop_one(self, start: StartTransaction) -> Cancel:
        """Hear a cancel and obey it."""
        cancel = await self.hear(Cancel)
        await self.end(start, Outcome.CANCELLED, cancel.cause)
        return cancel
