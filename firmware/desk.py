"""The firmware's side of the link: what a host may ask, and what it is told. [shell]

One host at a time. Every answer of the gateway becomes an event; what leaves goes through the
link's message schema and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from firmware.bulletin import Bulletin
from firmware.chores import Chores
from firmware.device import Device
from firmware.faults import LinkLost, MalformedMessage
from firmware.link import messages as m
from firmware.link.transport import Link
from firmware.panel.standing import Host
from firmware.settings import Settings
from firmware.staff import StaffGate
from firmware.statement import Evidence
from firmware.transaction import events as e
from firmware.transaction.consent import complete
from firmware.transaction.profiles import asks_for, methods_for
from firmware.transaction.visit import Request, Visit
from firmware.words import Cause, ClockTrust, Language, Method, State, reason_fits
from firmware.worker import START_WITHIN_S

LOOKS_EVERY_S = 2.0
ODD_FOR_S = 10.0
"""A host that was turned away tries again sooner, and is told of until it is gone."""

log = logging.getLogger(__name__)


class HostDesk:
    """Speaks with the host driver about the visit under way."""

    def __init__(
        self,
        settings: Settings,
        device: Device,
        post: Callable[[e.Event], None],
        visit: Callable[[], Visit],
        languages: tuple[Language, ...],
        *,
        staff_gate: StaffGate,
        examine: Callable[[], Awaitable[m.DoctorReported]],
        bulletin: Bulletin,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._device, self._examine = settings, device, examine
        self._post, self._visit, self._languages = post, visit, languages
        self._staff_gate, self._clock, self._bulletin = staff_gate, clock, bulletin
        self._link: Link | None = None
        self._chores = Chores("what the host was to be told", post)
        self._sequence = 0
        self._told = self._examining = False
        self._reader: str | None = None
        self._reader_cause: Cause | None = Cause.READER_UNAVAILABLE
        self._reader_lost_s: float | None = None
        bulletin.note(reader=self._reader_cause)  # until one is told of
        self._camera = False
        self._opened = False
        self._stored = True
        self._odd_until_s = 0.0
        self._seen: tuple[bool, ClockTrust] | None = None
        self._overall: asyncio.TimerHandle | None = None
        self.started: m.StartTransaction | None = None

    # --- listening
    async def serve(self, link: Link) -> None:
        """Serve one host until its link ends; a second host is told that the reader is taken."""
        try:
            hello = await link.receive()
            if not isinstance(hello, m.HostHello):
                await link.send(m.Refused(None, "hello_first", "say host_hello first"))
                return
            if hello.protocol.partition(".")[0] != m.PROTOCOL.partition(".")[0]:
                self._note_odd(Host.OTHER_VERSION)
                await link.send(m.Refused(None, "protocol", f"this is protocol {m.PROTOCOL}"))
                return
            if self._link is not None:
                await link.send(m.Refused(None, "reader_taken", "another host has this reader"))
                return
            self._link = link
            self._bulletin.note(host=Host.HERE)
            if link.transport_info("paired"):
                self._device.hear_host_time(hello.now)
            await link.send(self._hello())
            await link.send(self._status())
            while True:
                await self._listen(link)
        except MalformedMessage as cause:
            log.warning("host: %s", cause)
            await self._deliver(link, m.Refused(None, cause.code, str(cause)))
        except LinkLost as lost:
            log.info("host: %s", lost)
        finally:
            if self._link is link:
                self._link = None
                self._bulletin.note(host=Host.AWAY)
                self._post(e.HostLost())

    async def _listen(self, link: Link) -> None:
        try:
            message = await link.receive()
        except MalformedMessage as cause:
            await link.send(m.Refused(None, cause.code, str(cause)))
            return
        match message:
            case m.StartTransaction():
                refusal = self._start(message)
                if refusal is not None:
                    await link.send(refusal)
            case m.DoctorRequested() if self._examining:
                await link.send(m.Refused(None, "doctor_busy", "one examination is under way"))
            case m.DoctorRequested():
                self._examining = True
                self._chores.begin(self._report(link))
            case m.Cancel(transaction_id) if self._is_mine(transaction_id):
                self._post(e.Cancelled(message.cause))
            case m.RegistrationAnswer(transaction_id) if self._is_mine(transaction_id):
                self._post(
                    e.RegistrationReported(
                        message.registration,
                        message.cause,
                        message.clinical_consent_allowed,
                        message.certificate_warning,
                    )
                )
            case m.ConfirmationAnswer(transaction_id) if self._is_mine(transaction_id):
                if message.cause is not Cause.LEDGER_UNAVAILABLE:
                    self._device.statement_answered()
                self._post(e.Confirmed(message.accepted, message.cause))
            case _:
                log.info("host said %s out of turn", type(message).__name__)

    def _is_mine(self, transaction_id: object) -> bool:
        return self.started is not None and self.started.transaction_id == transaction_id

    def _start(self, start: m.StartTransaction) -> m.Refused | None:
        """Begin the visit, or say why not."""

        def refused(symbol: str, reason: str) -> m.Refused:
            return m.Refused(start.transaction_id, symbol, reason)

        if self._visit().state is not State.IDLE or self.started is not None:
            return refused("reader_busy", "a visit is under way")
        if self._opened:
            return refused(Cause.TAMPERED, "the enclosure is open")
        if not self._stored:
            return refused(Cause.STORAGE_UNAVAILABLE, "the device has no room for its records")
        if self._reader is None:
            cause = self._reader_cause or Cause.READER_UNAVAILABLE
            return refused(cause, "no card reader can be used")
        if start.profile not in self._settings.profiles:
            return refused("profile_not_allowed", f"{start.profile} is not allowed here")
        if not reason_fits(start.profile, start.reason):
            symbol = "reason_required" if start.reason is None else "reason_not_allowed"
            return refused(symbol, f"{start.profile} with reason {start.reason}")
        wanted = methods_for(start.reason, start.methods or self._settings.methods)
        methods = self._methods_now(wanted)
        if not methods and self._methods(wanted):
            return refused(Cause.STAFF_LOOK_CLOSED, "too many wrong staff passcodes")
        if not methods:
            return refused("method_not_available", "no method of proof that is asked for is here")
        asks = asks_for(start.profile, start.purpose, start.items)
        self.started, self._told, self._sequence = start, False, 0
        timeout_s = start.timeout_s * self._settings.time_scale
        self._overall = asyncio.get_running_loop().call_later(
            timeout_s, self._post, e.Cancelled(Cause.TIMED_OUT)
        )
        self._post(
            e.Started(
                Request(
                    transaction_id=start.transaction_id,
                    purpose=start.purpose,
                    profile=start.profile,
                    methods=methods,
                    items=asks.items,
                    questions=asks.questions,
                    language=start.language or self._settings.language,
                    looks=self._settings.looks,
                    unverified_photo_allowed=self._settings.card.allow_unverified_photo,
                    reason=start.reason,
                )
            )
        )
        return None

    def _methods(self, wanted: tuple[Method, ...] | None) -> tuple[Method, ...]:
        here = tuple(
            method
            for method in self._settings.methods
            if method is not Method.STAFF or self._settings.staff
        )
        return here if wanted is None else tuple(method for method in here if method in wanted)

    def _methods_now(self, wanted: tuple[Method, ...] | None) -> tuple[Method, ...]:
        """Without the staff look while wrong passcodes keep it closed."""
        methods = self._methods(wanted)
        if self._staff_gate.is_open(self._clock()):
            return methods
        return tuple(method for method in methods if method is not Method.STAFF)

    # --- telling
    def tell_progress(self, visit: Visit, now_s: float) -> None:
        """The visit entered a state."""
        if visit.state is State.IDLE:
            self._send(self._status())
        if self.started is None:
            return
        self._sequence += 1
        self._send(
            m.Progress(
                transaction_id=self.started.transaction_id,
                sequence=self._sequence,
                state=visit.state,
                monotonic_s=now_s,
                at=self._device.now().wall,
                card_kind=visit.card_kind,
                method=visit.method,
                tries_left=visit.pin_tries_left,
            )
        )

    def ask_registration(self, certificate: bytes, method: Method) -> None:
        """Identity is proven: the certificate goes out only now."""
        if self.started is not None:
            self._send(m.AskRegistration(self.started.transaction_id, certificate, method))

    def ask_to_register(self, certificate: bytes) -> None:
        """The patient wants to register."""
        if self.started is not None:
            self._send(m.AskToRegister(self.started.transaction_id, certificate))

    def ask_confirmation(self, evidence: Evidence) -> None:
        """Past the point of no return."""
        if self.started is not None:
            visit = self.started.transaction_id
            unanswered = self._device.numbering.before(visit)
            self._send(m.EvidenceReady(visit, evidence, unanswered))

    def tell_result(
        self, visit: Visit, evidence: Evidence | None, timings_ms: dict[str, int]
    ) -> None:
        """What the visit came to; once."""
        if self.started is None or visit.ending is None or self._told:
            return
        self._told = True
        self._send(
            m.TransactionEnded(
                transaction_id=self.started.transaction_id,
                outcome=visit.ending.outcome,
                cause=visit.ending.cause,
                method=visit.method,
                card_kind=visit.card_kind,
                consents=complete(visit.consents),
                answers=dict(visit.answers),
                evidence=evidence,
                language=visit.language,
                timings_ms=timings_ms,
            )
        )

    def forget(self) -> None:
        """The visit is over."""
        if self._overall is not None:
            self._overall.cancel()
        self.started = self._overall = None

    def note_reader(self, name: str | None, cause: Cause | None) -> None:
        """The card reader in use changed."""
        self._reader, self._reader_cause, self._reader_lost_s = name, cause, None
        self._bulletin.note(reader=cause)
        self._send(self._status())

    def note_reader_lost(self) -> None:
        """Who watches the reader is gone. The next one tells of it, or in good time nobody has."""
        if self._reader_lost_s is None:
            self._reader_lost_s = self._clock()

    def note_camera(self, *, ready: bool) -> None:
        """The face camera works, or not."""
        self._camera = ready
        self._bulletin.note(camera=ready or Method.FACE not in self._settings.methods)
        self._send(self._status())

    def note_enclosure(self, *, opened: bool) -> None:
        """The enclosure was opened: no visit begins until it is shut again."""
        self._opened = opened
        self._bulletin.note(opened=opened)
        self._send(self._status())

    def note_stranger(self) -> None:
        """Somebody else than the paired host is at the cable."""
        self._note_odd(Host.STRANGER)

    def _note_odd(self, host: Host) -> None:
        self._odd_until_s = self._clock() + ODD_FOR_S * self._settings.machine_scale
        if self._link is None:
            self._bulletin.note(host=host)

    async def look_after_device(self) -> None:
        """Find out by looking what nobody tells: room on the disk, the clock. Until cancelled."""
        while True:
            self.look_at_device()
            await self._device.clock.ask()
            await asyncio.sleep(LOOKS_EVERY_S)

    def look_at_device(self) -> None:
        """Look once."""
        before, self._seen = self._seen, (self._device.has_room, self._device.clock_trust)
        self._stored, clock = self._seen
        self._bulletin.note(storage=self._stored, clock=clock)
        if self._link is None and self._clock() >= self._odd_until_s:
            self._bulletin.note(host=Host.AWAY)
        if before != self._seen:
            self._send(self._status())
        start_within_s = START_WITHIN_S * self._settings.machine_scale
        if self._reader_lost_s is not None and self._clock() > self._reader_lost_s + start_within_s:
            self.note_reader(None, Cause.READER_UNAVAILABLE)

    def _hello(self) -> m.DeviceHello:
        return m.DeviceHello(
            protocol=m.PROTOCOL,
            device_id=self._device.device_id,
            boot_id=self._device.boot_id,
            device_key=self._device.public_key,
            profiles=self._settings.profiles,
            methods=self._methods(None),
            languages=self._languages,
            clock_trust=self._device.clock_trust,
            version=version("kazashi"),
        )

    def _status(self) -> m.ReaderStatus:
        return m.ReaderStatus(
            state=self._visit().state,
            card_reader=self._reader,
            camera=self._camera,
            cause=self._cause(),
            clock_trust=self._device.clock_trust,
        )

    def _cause(self) -> Cause | None:
        if self._opened:
            return Cause.TAMPERED
        return self._reader_cause if self._stored else Cause.STORAGE_UNAVAILABLE

    def _send(self, message: m.Message) -> None:
        """Send when the link takes it; a host that is gone has missed it."""
        if self._link is not None:
            self._chores.begin(self._deliver(self._link, message))

    async def _report(self, link: Link) -> None:
        """Examine the device while everything else goes on."""
        try:
            report = await self._examine()
        finally:
            self._examining = False
        await self._deliver(link, report)

    @staticmethod
    async def _deliver(link: Link, message: m.Message) -> None:
        try:
            await link.send(message)
        except (LinkLost, MalformedMessage):
            log.info("%s did not reach the host", type(message).__name__)
