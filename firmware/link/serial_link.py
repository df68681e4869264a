"""The link over a serial cable: one link at a time, and the port opened anew after it. [shell]

Whoever holds the cable is believed: nothing here proves who the other end is.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from firmware.faults import Fault, LinkLost
from firmware.link.serial_port import SerialTransport, open_port
from firmware.link.transport import Link, OnLink

ANSWER_LEASES: Final = 2  # the other end may first have to notice that its last session is over
REOPENS_PER_LEASE: Final = 4


async def connect(name: str, lease_s: float) -> Link:
    """See `transport.open_link`."""
    session = _Session(name, lease_s)
    try:
        await asyncio.wait_for(session.made.wait(), ANSWER_LEASES * lease_s)
    except TimeoutError as cause:
        await session.abort()
        raise LinkLost(f"nobody answers on {name}") from cause
    return session.link


async def serve(name: str, on_link: OnLink, lease_s: float) -> SerialServer:
    """See `transport.serve_link`."""
    return SerialServer(name, on_link, lease_s)


class _Session:
    """An open port and the link that it carries as soon as the other end answers."""

    def __init__(self, name: str, lease_s: float) -> None:
        """Open the port. Raises `LinkLost`."""
        self.made = asyncio.Event()
        self.link = Link(lease_s, lambda _: self.made.set())
        self._transport = SerialTransport(open_port(name, lease_s), self.link, lease_s)

    async def abort(self) -> None:
        """Close the port now."""
        self._transport.abort()
        await self.link.wait_closed()


class SerialServer:
    """Keeps a port open, and runs a handler for each link on it."""

    def __init__(self, name: str, on_link: OnLink, lease_s: float) -> None:
        """Open the port. Raises `LinkLost`: a port that is not there at first is a wrong name."""
        self._name, self._on_link, self._lease_s = name, on_link, lease_s
        self._closing = asyncio.Event()
        self._session = _Session(name, lease_s)
        self._serving = asyncio.create_task(self._serve(), name=f"serve {name}")

    async def close(self) -> None:
        """Close the link and the port, and wait for the handler."""
        self._closing.set()
        if self._session.made.is_set():
            self._session.link.close()
        else:
            await self._session.abort()
        await self._serving

    async def _serve(self) -> None:
        while True:
            link = self._session.link
            if await self._is_made():
                with contextlib.suppress(Fault):  # whatever one host said, the next one is served
                    await self._on_link(link)
                link.close()
            await link.wait_closed()
            if not await self._reopen():
                return

    async def _is_made(self) -> bool:
        """Wait until the other end answers, or the port is gone."""
        made = asyncio.create_task(self._session.made.wait())
        gone = asyncio.create_task(self._session.link.wait_closed())
        await asyncio.wait((made, gone), return_when=asyncio.FIRST_COMPLETED)
        for waiting in (made, gone):
            waiting.cancel()
        return self._session.made.is_set()

    async def _reopen(self) -> bool:
        """Open the port again as soon as it is there; False when the server closes instead."""
        while not self._closing.is_set():
            try:
                self._session = _Session(self._name, self._lease_s)
            except LinkLost:  # unplugged
                with contextlib.suppress(TimeoutError):
                    pause_s = self._lease_s / REOPENS_PER_LEASE
                    await asyncio.wait_for(self._closing.wait(), pause_s)
            else:
                return True
        return False
