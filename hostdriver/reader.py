"""One reader: its link kept open, its device's key pinned, how it stands. [shell]

It opens, greets, listens and opens again; what a message means for a visit is `desk.py`'s.
"""

from __future__ import annotations

import asyncio
import logging
import platform
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec
from joserfc.jwk import OKPKey

from firmware.faults import BadSettings, Fault, LinkLost, MalformedMessage, PeerNotTrusted
from firmware.link.messages import (
    PROTOCOL,
    DeviceHello,
    DoctorReported,
    DoctorRequested,
    HostHello,
    Message,
    Progress,
    ReaderStatus,
    Refused,
)
from firmware.link.transport import LEASE_S, Link, open_link
from firmware.link.trust import Trust
from hostdriver import translate
from hostdriver.api import Reader
from hostdriver.device_key import forget_kept_key, trusted_key
from hostdriver.faults import DeviceNotTrusted, DeviceRefused, Refusal
from hostdriver.settings import ReaderSettings, Settings

LINK_FOLDER = "link"
REFUSED_AS = {"protocol": "reader_version", "reader_taken": "reader_taken"}
"""A device's word at the greeting → our symbol."""

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told what a reader says. Nothing here may wait."""

    def reader_met(self, reader: ReaderLink) -> None:
        """A device presented itself, with the key that is pinned for it."""

    def hear(self, reader: ReaderLink, message: Message) -> None:
        """A message of a visit."""

    def reader_changed(self, reader: ReaderLink) -> None:
        """The reader came, went, or can do something else than before."""

    def reader_lost(self, reader: ReaderLink) -> None:
        """The link is gone, and with it whatever was under way."""


class ReaderLink:
    """The driver's end of one reader. `hello` and `device_key` are there while it is connected."""

    def __init__(self, name: str, settings: Settings, listener: Listener) -> None:
        self.name = name
        self.hello: DeviceHello | None = None
        self.device_key: OKPKey | None = None
        self._reader: ReaderSettings = settings.readers[name]
        self._settings = settings
        self._trust = Trust(Path(settings.state_dir) / LINK_FOLDER, name)
        self._at_the_line = asyncio.Lock()  # who opens it and greets: `run` or `pair`
        self._listener = listener
        self._link: Link | None = None
        self._status: ReaderStatus | None = None
        self._examined: asyncio.Future[DoctorReported] | None = None
        self._problem: str | None = "reader_unavailable"
        self._stood: str | None = self._problem
        self._logged: str | None = self._problem
        self.stands_since = datetime.now(UTC)
        """Since when its problem is what it is."""

    @property
    def view(self) -> Reader:
        """How the reader stands, for reception."""
        figures = self._link.transport_info("figures") if self._link is not None else None
        return translate.reader(
            self.name, self.hello, self.device_key, self._status, self._problem, figures=figures
        )

    def met(self) -> tuple[DeviceHello, OKPKey]:
        """The device that is there now, and its pinned key. Raises `Refusal`."""
        if self.hello is None or self.device_key is None:
            raise Refusal(self._problem or "reader_unavailable")
        return self.hello, self.device_key

    async def send(self, message: Message) -> None:
        """Give a message to the device. Raises `LinkLost`."""
        if self._link is None:
            raise LinkLost(f"{self.name} is not connected")
        await self._link.send(message)

    async def examine(self, within_s: float) -> DoctorReported:
        """Have the device examine itself, one at a time. Raises `Refusal`."""
        self.met()
        if self._examined is not None:
            raise Refusal("doctor_busy")
        report: asyncio.Future[DoctorReported] = asyncio.get_running_loop().create_future()
        self._examined = report
        try:
            async with asyncio.timeout(within_s):
                await self.send(DoctorRequested())
                return await report
        except (LinkLost, TimeoutError) as cause:
            raise Refusal("reader_unavailable", "it did not say how it is") from cause
        finally:
            self._examined = None

    def _changed(self) -> None:
        problem = self.view.problem
        if problem != self._stood:
            self._stood, self.stands_since = problem, datetime.now(UTC)
        self._listener.reader_changed(self)

    async def run(self) -> None:
        """Keep the link open until cancelled."""
        pause_s = self._settings.limits.reconnect_s * self._settings.time_scale
        while True:
            try:
                await self._open_and_serve()
            except (LinkLost, MalformedMessage, DeviceNotTrusted, BadSettings) as fault:
                self._stand_by(fault)
            await asyncio.sleep(pause_s)

    async def pair(self, code: str) -> None:
        """Get to know the device that shows these digits; `run` meets it then. Raises `Refusal`."""
        kind, _, port = self._reader.link.partition(":")
        if kind != "serial":
            raise Refusal("pairing_not_possible", f"{self.name} is on {kind}:")
        from hostdriver.pairing import learn_device

        async with self._at_the_line:
            if self.hello is not None:
                raise Refusal("pairing_not_possible", f"{self.name} is connected")
            lease_s = LEASE_S * self._settings.time_scale
            await learn_device(port, code, self._trust, self._keep, lease_s)

    def _keep(self, certificate: bytes) -> None:
        # In this order: halfway, whoever is pinned is met again and its key kept anew.
        forget_kept_key(self.name, Path(self._settings.state_dir))
        self._trust.pin(certificate)

    async def _open_and_serve(self) -> None:
        async with AsyncExitStack() as served:
            async with self._at_the_line, AsyncExitStack() as opened:
                link = await open_link(
                    self._reader.link,
                    Path(self._settings.runtime_dir),
                    lease_s=LEASE_S * self._settings.time_scale,
                    trust=self._trust,
                )
                opened.push_async_callback(self._leave, link)
                await self._meet(link)
                served.push_async_exit(opened.pop_all())  # the line is free to be asked for
            while True:
                self._hear(await link.receive())

    async def _leave(self, link: Link) -> None:
        self._link = None
        link.close()
        await link.wait_closed()

    async def _meet(self, link: Link) -> None:
        await link.send(HostHello(PROTOCOL, platform.node()[:64], datetime.now(UTC)))
        within_s = self._settings.limits.device_answers_within_s * self._settings.time_scale
        try:
            async with asyncio.timeout(within_s):
                hello = await link.receive()
        except TimeoutError as cause:
            raise LinkLost("the device does not answer the greeting") from cause
        if isinstance(hello, Refused):
            symbol = REFUSED_AS.get(hello.symbol, "reader_unavailable")
            raise DeviceRefused(symbol, f"the device refused: {hello.reason}")
        if not isinstance(hello, DeviceHello):
            raise MalformedMessage("the device's first word is no hello")
        if hello.protocol.partition(".")[0] != PROTOCOL.partition(".")[0]:
            raise DeviceRefused("reader_version", f"the device speaks protocol {hello.protocol}")
        key = trusted_key(self.name, self._reader, Path(self._settings.state_dir), hello.device_key)
        self._link, self.hello, self.device_key, self._problem = link, hello, key, None
        self._logged = None
        log.info("%s: device %s, version %s", self.name, hello.device_id, hello.version)
        self._listener.reader_met(self)
        self._changed()

    def _hear(self, message: Message) -> None:
        if isinstance(message, ReaderStatus):
            self._status = message
            self._changed()
            return
        waiting = self._examined if self._examined and not self._examined.done() else None
        if isinstance(message, DoctorReported):
            if waiting is not None:
                waiting.set_result(message)
            return
        if isinstance(message, Refused) and message.symbol == "doctor_busy":
            if waiting is not None:
                waiting.set_exception(Refusal(message.symbol, message.reason))
            return
        if isinstance(message, Progress) and self._status is not None:
            self._status = msgspec.structs.replace(self._status, state=message.state)
        self._listener.hear(self, message)

    def _stand_by(self, fault: Fault) -> None:
        """The link is gone or was never there: say so once, and end what was under way."""
        was = self._problem
        self.hello, self.device_key, self._status, self._link = None, None, None, None
        self._problem = _problem_of(fault)
        if self._examined is not None and not self._examined.done():
            self._examined.set_exception(LinkLost(f"{self.name} is gone"))
        if was is None:
            self._listener.reader_lost(self)
        # A file to repair is told of even where the reader was unavailable before.
        logged = str(fault) if isinstance(fault, BadSettings) else self._problem
        if logged != self._logged:
            self._logged = logged
            log.warning("%s: %s", self.name, fault)
        if was != self._problem:
            self._changed()


def _problem_of(fault: Fault) -> str:
    """The symbol of what keeps a reader away."""
    match fault:
        case DeviceNotTrusted() | PeerNotTrusted():
            return "device_not_trusted"
        case DeviceRefused(symbol=symbol):
            return symbol
        case _:
            return "reader_unavailable"
