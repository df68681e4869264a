"""The link over a serial cable: one link at a time, and the port opened anew after it. [shell]

Whoever holds the cable is nobody: a link is only ever made with the end that was paired.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from firmware.faults import BadSettings, Fault, LinkLost, NotPaired, PeerNotTrusted
from firmware.link.secure import SecureChannel
from firmware.link.serial_port import SerialTransport, open_port
from firmware.link.transport import Link, OnLink, OnStranger
from firmware.link.trust import Trust

ANSWER_LEASES: Final = 4
"""A bad line needs some for the handshake, and the other end may still be in its last session."""
REOPENS_PER_LEASE: Final = 4

log = logging.getLogger(__name__)


async def connect(name: str, lease_s: float, trust: Trust) -> Link:
    """See `transport.open_link`."""
    session = _Session(name, lease_s, trust, server_side=False)
    try:
        async with asyncio.timeout(ANSWER_LEASES * lease_s):
            made = await session.is_made()
    except TimeoutError as cause:
        await session.abort()
        raise LinkLost(f"nobody answers on {name}") from cause
    if not made:
        raise session.fault or LinkLost(f"{name}: the other side closed the link")
    return session.link


async def serve(
    name: str, on_link: OnLink, lease_s: float, trust: Trust, on_stranger: OnStranger
) -> SerialServer:
    """See `transport.serve_link`."""
    return SerialServer(name, on_link, lease_s, trust, on_stranger)


class _Session:
    """An open port and the link that it carries as soon as the paired end answers."""

    def __init__(self, name: str, lease_s: float, trust: Trust, *, server_side: bool) -> None:
        """Open the port. Raises `LinkLost`, `NotPaired`, `BadSettings`."""
        channel = SecureChannel(trust, server_side=server_side)
        self._made = asyncio.Event()
        self.link = Link(lease_s, lambda _: self._made.set())
        self._transport = SerialTransport(open_port(name, lease_s), self.link, channel, lease_s)

    @property
    def fault(self) -> LinkLost | None:
        """Why it was not made."""
        return self._transport.fault

    async def is_made(self) -> bool:
        """Wait until the other end answers, or the port is closed."""
        made = asyncio.create_task(self._made.wait())
        gone = asyncio.create_task(self.link.wait_closed())
        try:
            await asyncio.wait((made, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (made, gone):
                waiting.cancel()
        return self._made.is_set()

    async def close(self) -> None:
        """Let what was sent go out."""
        if self._made.is_set():
            self.link.close()
            await self.link.wait_closed()
        else:
            await self.abort()

    async def abort(self) -> None:
        """Close the port now."""
        self._transport.abort()
        await self.link.wait_closed()


class SerialServer:
    """Keeps a port open, and runs a handler for each link on it.

    While nobody is paired the port is left alone: pairing needs it.
    """

    def __init__(
        self,
        name: str,
        on_link: OnLink,
        lease_s: float,
        trust: Trust,
        on_stranger: OnStranger = lambda: None,
    ) -> None:
        """Open the port. Raises `LinkLost`: a port that is not there at first is a wrong name.

        Raises `BadSettings` where what pairing left cannot be used.
        """
        self._name, self._on_link, self._lease_s, self._trust = name, on_link, lease_s, trust
        self._on_stranger = on_stranger
        self._closing = asyncio.Event()
        self._session: _Session | None = None
        try:
            self._session = _Session(name, lease_s, trust, server_side=True)
        except NotPaired:
            open_port(name, lease_s).close()
        self._serving = asyncio.create_task(self._serve(), name=f"serve {name}")

    async def close(self) -> None:
        """Close the link and the port, and wait for the handler."""
        self._closing.set()
        if self._session is not None:
            await self._session.close()
        await self._serving

    async def _serve(self) -> None:
        while self._session is not None or await self._reopen():
            session = self._session
            assert session is not None
            if await session.is_made():
                with contextlib.suppress(Fault):  # whatever one host said, the next one is served
                    await self._on_link(session.link)
                session.link.close()
            await session.link.wait_closed()
            self._session = None
            if isinstance(session.fault, PeerNotTrusted):
                self._on_stranger()
                await self._pause()  # whoever it is, trying costs more than refusing

    async def _reopen(self) -> bool:
        """Open the port again as soon as that can be; False when the server closes instead."""
        told = False
        while not self._closing.is_set():
            try:
                self._session = _Session(self._name, self._lease_s, self._trust, server_side=True)
            except LinkLost:  # unplugged, or not paired
                await self._pause()
            except BadSettings as fault:  # somebody may repair it
                if not told:
                    log.error("%s is not served: %s", self._name, fault)
                told = True
                await self._pause()
            else:
                return True
        return False

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), self._lease_s / REOPENS_PER_LEASE)
