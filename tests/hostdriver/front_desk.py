"""Reception's side of the tests: a gateway with moods, a driver on throw-away folders, a client."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from joserfc.jwk import OKPKey
from signing_device import WITHIN_S, SigningDevice

from firmware.faults import UpstreamUnavailable
from firmware.link.messages import StartTransaction
from firmware.statement import Evidence, verify
from firmware.words import Cause, CertificateWarning, Method, Registration
from hostdriver.driver import running
from hostdriver.eligibility.answer import (
    Eligibility,
    MessageHeader,
    ResultOfQualificationConfirmation,
    Validity,
)
from hostdriver.eligibility.gateway import (
    Capabilities,
    Confirmation,
    InsuredCardQuestion,
    RegistrationReport,
)
from hostdriver.settings import LimitSettings, Settings

NONCE = "MDEyMzQ1Njc4OWFiY2RlZg=="
NAME = "見本●子"
Json = dict[str, Any]


def fresh_nonce() -> str:
    """For a second visit on one site: a nonce counts once."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


@dataclass
class MoodyGateway:
    """It really checks the device's signature and its own challenge; the rest is as told."""

    refusal: Cause | None = None
    warning: CertificateWarning | None = None
    up: bool = True
    confirms: asyncio.Event | None = None
    challenges: dict[UUID, bytes] = field(default_factory=dict)
    confirmed: list[UUID] = field(default_factory=list)
    asked: list[InsuredCardQuestion] = field(default_factory=list)
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities("moody", True, True, queries=True, synthetic=True)
    )

    async def challenge(self, transaction_id: UUID) -> bytes | None:
        self._must_be_up()
        return self.challenges.setdefault(transaction_id, transaction_id.bytes)

    async def registration(
        self, transaction_id: UUID, certificate: bytes, method: Method
    ) -> RegistrationReport:
        self._must_be_up()
        allowed = self.warning is not CertificateWarning.IN_GRACE
        return RegistrationReport(Registration.REGISTERED, None, allowed, self.warning)

    async def register(self, transaction_id: UUID, certificate: bytes) -> RegistrationReport:
        return await self.registration(transaction_id, certificate, Method.PIN)

    async def confirm(
        self, transaction_id: UUID, evidence: Evidence, device_key: OKPKey
    ) -> Confirmation:
        self.confirmed.append(transaction_id)
        if self.confirms is not None:
            await self.confirms.wait()
        self._must_be_up()
        statement = verify(evidence, device_key)
        assert statement.gateway_challenge == self.challenges.pop(transaction_id)
        if self.refusal is not None:
            return Confirmation(False, self.refusal, None)
        return Confirmation(True, None, eligibility(), self.warning)

    async def query(self, question: InsuredCardQuestion) -> Eligibility:
        self._must_be_up()
        self.asked.append(question)
        return msgspec.structs.replace(
            eligibility(), qualification_confirm_search_info=question.asked
        )

    def _must_be_up(self) -> None:
        if not self.up:
            raise UpstreamUnavailable("told to be down")


def eligibility() -> Eligibility:
    return Eligibility(
        validity=Validity.VALID,
        message_header=MessageHeader(
            process_execution_time="20260105093012",
            qualification_confirmation_date="20260105",
            medical_institution_code="0000000000",
        ),
        processing_result_status="1",
        result_list=(ResultOfQualificationConfirmation(insurer_number="  000001", name=NAME),),
    )


def settings(folder: Path, **changes: Any) -> Settings:
    """A driver on `folder` that a test need not wait for, and that waits for a slow machine."""
    (folder / "run").mkdir(exist_ok=True)
    made = Settings(
        state_dir=str(folder / "state"),
        runtime_dir=str(folder / "run"),
        limits=LimitSettings(grace_s=0.05, reconnect_s=0.02, device_answers_within_s=WITHIN_S),
    )
    return msgspec.structs.replace(made, **changes)


class Desk:
    """An asynchronous client that can also misbehave. `events` holds what was pushed to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.events: list[Json] = []
        self._last_id = 0

    async def send(self, line: bytes) -> None:
        self.writer.write(line)
        await self.writer.drain()

    async def read(self) -> Json:
        """The next line. `EOFError` when the driver closed the connection."""
        async with asyncio.timeout(WITHIN_S):
            line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        message: Json = json.loads(line)
        return message

    async def exchange(self, line: bytes) -> Json:
        """Send one raw line, and read its answer past the events."""
        await self.send(line)
        while "method" in (message := await self.read()):
            self.events.append(message["params"])
        return message

    async def ask(self, method: str, **params: Any) -> Json:
        """The whole answer: `result` or `error`."""
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        answer = await self.exchange(json.dumps(request).encode() + b"\n")
        assert answer["id"] == self._last_id
        return answer

    async def must(self, method: str, **params: Any) -> Json:
        answer = await self.ask(method, **params)
        assert "error" not in answer, answer
        result: Json = answer["result"]
        return result

    async def refused(self, method: str, **params: Any) -> str:
        """The symbol of the error that must come."""
        answer = await self.ask(method, **params)
        symbol: str = answer["error"]["data"]["symbol"]
        return symbol

    async def next_event(self, kind: str) -> Json:
        """The next event of a kind; others are kept in `events`."""
        while True:
            event: Json = self.events.pop(0) if self.events else (await self.read())["params"]
            if event["event"] == kind:
                return event

    def hang_up(self) -> None:
        self.writer.transport.abort()


@dataclass
class Site:
    """A running driver, its gateway and its device."""

    address: str
    gateway: MoodyGateway
    device: SigningDevice
    settings: Settings

    @asynccontextmanager
    async def client(self, name: str = "front desk", *, hello: bool = True) -> AsyncIterator[Desk]:
        path = self.address.removeprefix("unix:")
        desk = Desk(*await asyncio.open_unix_connection(path, limit=1 << 20))
        try:
            if hello:
                await desk.must("hello", protocol="1.0", client=name)
                await self.ready(desk)
            yield desk
        finally:
            desk.writer.close()

    async def ready(self, desk: Desk) -> None:
        """Wait until the reader is there."""
        await desk.must("events.subscribe")
        if not (await desk.must("reader.status"))["state"]:
            while (await desk.next_event("reader_status"))["reader"]["state"] is None:
                pass
        desk.events.clear()


@asynccontextmanager
async def open_site(folder: Path, **changes: Any) -> AsyncIterator[Site]:
    """A driver with a device that answers."""
    chosen = settings(folder, **changes)
    gateway = MoodyGateway()
    async with (
        SigningDevice(Path(chosen.runtime_dir)) as device,
        running(chosen, gateway) as address,
    ):
        yield Site(address, gateway, device, chosen)


async def begin(site: Site, desk: Desk, ref: str = "a-1") -> tuple[StartTransaction, str]:
    """A visit that the device has accepted: its start, and its id."""
    accepted = asyncio.create_task(site.device.accept())
    begun = await desk.must("transaction.start", client_ref=ref, nonce=fresh_nonce())
    return await accepted, begun["transaction_id"]


async def result_of(desk: Desk, transaction_id: str) -> Json:
    return await desk.must("transaction.result", transaction_id=transaction_id, wait_s=WITHIN_S)
