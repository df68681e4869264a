"""One client's connection: what it asked, who answers. No sockets here: lines in, lines out."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from firmware.faults import Fault
from hostdriver import api, codec, translate
from hostdriver.clock import today
from hostdriver.desk import Desk
from hostdriver.eligibility.face_folder import FaceFolder
from hostdriver.eligibility.gateway import Capabilities
from hostdriver.eligibility.question import QueryParams, QueryResult
from hostdriver.envelope import Notification, Success
from hostdriver.errors import ERRORS
from hostdriver.events import EVENTS, Event
from hostdriver.faults import Refusal
from hostdriver.figures import StatsParams, StatsResult
from hostdriver.judge import Judge
from hostdriver.ledger import Ledger
from hostdriver.reader import ReaderLink
from hostdriver.settings import Settings
from hostdriver.tally import Tally
from hostdriver.visits import Owner

log = logging.getLogger(__name__)


class Line(Protocol):
    """The connection as the session sees it."""

    def send(self, line: bytes) -> None:
        """Queue one line; a client that reads too slowly is cut off."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: `uid:1000`, or `token` together with the token that it must say."""

    name: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """What a session answers from."""

    settings: Settings
    version: str
    boot_id: UUID
    readers: dict[str, ReaderLink]
    desk: Desk
    judge: Judge
    ledger: Ledger
    tally: Tally
    gateway: Capabilities
    audience: Audience
    face_folder: FaceFolder | None


class Audience:
    """The sessions that are open, and those that subscribed."""

    def __init__(self) -> None:
        self.sessions: set[Session] = set()

    def publish(self, event: Event, owner: Owner | None) -> None:
        """Push an event to the subscribers that may know of it."""
        listening = [
            session
            for session in self.sessions
            if session.subscribed and (owner is None or session.owner == owner)
        ]
        if listening:
            line = codec.encode(Notification(event))
            for session in listening:
                session.line.send(line)


class Session:
    """One connection. `owner` is known after hello, and nothing else is answered before."""

    def __init__(self, peer: Peer, line: Line, services: Services) -> None:
        self.line = line
        self.subscribed = False
        self._owner: Owner | None = None
        self._peer = peer
        self._services = services
        self._verbs: dict[str, Callable[[msgspec.Raw], Awaitable[msgspec.Struct]]] = {
            "hello": self._hello,
            "reader.list": self._reader_list,
            "reader.status": self._reader_status,
            "reader.pair": self._reader_pair,
            "reader.doctor": self._reader_doctor,
            "transaction.start": self._start,
            "transaction.status": self._status,
            "transaction.cancel": self._cancel,
            "transaction.result": self._result,
            "transaction.ack": self._ack,
            "events.subscribe": self._subscribe,
            "eligibility.query": self._query,
            "ledger.verify": self._ledger_verify,
            "stats": self._stats,
            "health": self._health,
        }
        assert self._verbs.keys() == api.METHODS.keys()
        services.audience.sessions.add(self)

    @property
    def owner(self) -> Owner:
        """Whom this connection speaks for. Raises `Refusal` before hello."""
        if self._owner is None:
            raise Refusal("hello_required")
        return self._owner

    @property
    def said_hello(self) -> bool:
        """Whether the client has introduced itself."""
        return self._owner is not None

    async def answer(self, line: bytes) -> None:
        """Answer one line; whatever stands in it, there is exactly one answer."""
        request_id: str | int | None = None
        try:
            request = codec.decode_request(line)
            request_id = request.id
            verb = self._verbs.get(request.method)
            if verb is None:
                raise Refusal("method_not_found")
            if request.method != "hello" and not self.said_hello:
                raise Refusal("hello_required")
            result = await verb(request.params)
        except Refusal as refusal:
            self.refuse(refusal, request_id)
        except Fault as fault:
            log.error("a request failed: %s", fault)
            symbol = fault.code if fault.code in ERRORS else "internal_error"
            self.refuse(Refusal(symbol), request_id)
        else:
            self.line.send(codec.encode(Success(request_id, result)))

    def refuse(self, refusal: Refusal, request_id: str | int | None = None) -> None:
        """Answer with an error."""
        self.line.send(codec.encode(translate.failure(request_id, refusal, today())))

    def close(self) -> None:
        """The connection is gone."""
        self._services.audience.sessions.discard(self)
        self._services.desk.leave(self)

    # --- the verbs, in the order of api.METHODS
    async def _hello(self, raw: msgspec.Raw) -> api.HelloResult:
        params = codec.decode_params(raw, api.HelloParams)
        if params.protocol.partition(".")[0] != api.PROTOCOL.partition(".")[0]:
            raise Refusal("protocol_unsupported", f"it speaks {api.PROTOCOL}")
        if self._peer.token is not None and not hmac.compare_digest(
            (params.token or "").encode(), self._peer.token.encode()
        ):
            raise Refusal("token_refused")
        owner = Owner(self._peer.name, params.client)
        if self._owner not in (None, owner):
            raise Refusal("invalid_request", "a connection has one client")
        self._owner = owner
        services = self._services
        first = next(iter(services.readers.values())).view
        return api.HelloResult(
            protocol=api.PROTOCOL,
            version=services.version,
            boot_id=services.boot_id,
            site_profile=services.settings.profile,
            capabilities=_capabilities(services.gateway),
            languages=first.device.languages if first.device else (),
            device=first.device,
        )

    async def _reader_list(self, raw: msgspec.Raw) -> api.ReaderListResult:
        codec.decode_params(raw, api.Nothing)
        return api.ReaderListResult(self._readers())

    async def _reader_status(self, raw: msgspec.Raw) -> api.Reader:
        return self._reader(codec.decode_params(raw, api.ReaderParams).reader).view

    async def _reader_pair(self, raw: msgspec.Raw) -> api.PairResult:
        params = codec.decode_params(raw, api.PairParams)
        reader = self._reader(params.reader)
        await reader.pair(params.code)
        return api.PairResult(reader.name)

    async def _reader_doctor(self, raw: msgspec.Raw) -> api.DoctorResult:
        params = codec.decode_params(raw, api.DoctorParams)
        reader = self._reader(params.reader)
        report = await reader.examine(params.wait_s)
        return api.DoctorResult(
            reader=reader.name,
            ok=not report.findings,
            checks=report.checks,
            findings=report.findings,
        )

    async def _start(self, raw: msgspec.Raw) -> api.StartResult:
        params = codec.decode_params(raw, api.StartParams)
        return await self._services.desk.start(self, params, self._reader(params.reader))

    async def _status(self, raw: msgspec.Raw) -> api.StatusResult:
        params = codec.decode_params(raw, api.TransactionParams)
        return self._services.desk.status(self, params.transaction_id)

    async def _cancel(self, raw: msgspec.Raw) -> api.CancelResult:
        params = codec.decode_params(raw, api.TransactionParams)
        return await self._services.desk.cancel(self, params.transaction_id)

    async def _result(self, raw: msgspec.Raw) -> api.VisitResult:
        params = codec.decode_params(raw, api.ResultParams)
        return await self._services.desk.result(self, params.transaction_id, params.wait_s)

    async def _ack(self, raw: msgspec.Raw) -> api.AckResult:
        params = codec.decode_params(raw, api.TransactionParams)
        return await self._services.desk.acknowledge(self, params.transaction_id)

    async def _subscribe(self, raw: msgspec.Raw) -> api.SubscribeResult:
        codec.decode_params(raw, api.Nothing)
        self.subscribed = True
        return api.SubscribeResult(tuple(EVENTS))

    async def _query(self, raw: msgspec.Raw) -> QueryResult:
        params = codec.decode_params(raw, QueryParams)
        return await self._services.judge.query(self.owner.client, params)

    async def _ledger_verify(self, raw: msgspec.Raw) -> api.LedgerReport:
        codec.decode_params(raw, api.Nothing)
        return await self._services.ledger.verify()

    async def _stats(self, raw: msgspec.Raw) -> StatsResult:
        return await self._services.tally.figures(codec.decode_params(raw, StatsParams))

    async def _health(self, raw: msgspec.Raw) -> api.HealthResult:
        codec.decode_params(raw, api.Nothing)
        services = self._services
        await services.ledger.try_again()
        readers = tuple((reader.view, reader.stands_since) for reader in services.readers.values())
        troubles = translate.troubles(readers, services.ledger.failing_since)
        if not services.judge.set_up:
            troubles = (*troubles, translate.trouble("gateway_not_set_up", None, None))
        problem = services.face_folder.problem if services.face_folder else None
        if problem is not None:
            found = translate.trouble("face_folder_unusable", None, problem.since, problem.what)
            troubles = (*troubles, found)
        return api.HealthResult(
            ok=not troubles,
            version=services.version,
            problems=tuple(
                f"{trouble.reader}: {trouble.symbol}" if trouble.reader else trouble.symbol
                for trouble in troubles
            ),
            troubles=troubles,
            readers=self._readers(),
            connections=len(services.audience.sessions),
            visits_held=len(services.desk.visits),
        )

    def _readers(self) -> tuple[api.Reader, ...]:
        return tuple(reader.view for reader in self._services.readers.values())

    def _reader(self, name: str | None) -> ReaderLink:
        readers = self._services.readers
        chosen = next(iter(readers)) if name is None else name
        if chosen not in readers:
            raise Refusal("reader_unknown")
        return readers[chosen]


def _capabilities(gateway: Capabilities) -> tuple[str, ...]:
    able = {
        "confirms_cards": gateway.confirms_cards,
        "registers": gateway.registers,
        "queries": gateway.queries,
        "synthetic": gateway.synthetic,
    }
    return (f"eligibility:{gateway.adapter}", *(name for name, can in able.items() if can))
