"""Who may be at the other end of the link: served, or got to know by digits that the panel shows.

A device on a serial line that nobody was paired with opens pairing by itself; afterwards only
whoever stands at the device can open it again. While it is open nobody is served.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from firmware.bulletin import Bulletin
from firmware.device import Device
from firmware.faults import BadSettings, Fault, LinkLost, PairingRefused
from firmware.link.pairing import PairingWindow
from firmware.link.pairing_line import OPEN_S, pair_with_host
from firmware.link.transport import LEASE_S, Link, LinkServer, Peers, serve_link
from firmware.settings import Settings
from firmware.site import group_of

TRIES_PER_LEASE: Final = 4

log = logging.getLogger(__name__)


class Host(Protocol):
    """Who speaks with a host, and hears who else was there."""

    async def serve(self, link: Link) -> None:
        """Speak with one host until its link ends."""

    def note_stranger(self) -> None:
        """Somebody else than the paired host tried to get in."""


class PairingTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a caller of the control socket hears: first the digits, then what it came to."""

    code: str | None = None
    paired: bool | None = None
    """False: three wrong tries, or nobody came in time; whoever was pinned before still is."""

    def __repr__(self) -> str:
        return f"PairingTold(paired={self.paired})"


class HostLine:
    """The link's address: one host is served there, and on a serial line it can be paired."""

    def __init__(
        self,
        settings: Settings,
        device: Device,
        host: Host,
        bulletin: Bulletin,
        is_idle: Callable[[], bool],
        *,
        open_s: float = OPEN_S,
    ) -> None:
        """Raises `BadSettings` for a group that is not there."""
        self._settings, self._trust, self._host = settings, device.link_trust, host
        self._bulletin, self._is_idle, self._open_s = bulletin, is_idle, open_s
        self._peers = Peers(gid=group_of(settings.link_group))
        self._lease_s = LEASE_S * settings.machine_scale
        self._server: LinkServer | None = None
        self._window: PairingWindow | None = None
        self._trying: asyncio.Task[bool] | None = None
        self._under_way: asyncio.Task[None] | None = None
        self._outcome: asyncio.Future[bool] | None = None

    async def open(self) -> None:
        """Serve, and let a first host be paired by itself; a serial port may come later.

        Raises `LinkLost` for a socket that cannot be served, `BadSettings`.
        """
        try:
            self._server = await self._serve()
        except LinkLost as fault:
            if not self._is_serial:
                raise
            log.warning("%s", fault)
            self._under_way = asyncio.create_task(self._open_later())
        else:
            self._pair_a_first_host()

    async def _open_later(self) -> None:
        self._server = await self._serve_again()
        self._under_way = None
        self._pair_a_first_host()

    def _pair_a_first_host(self) -> None:
        if not self._is_serial:
            return
        if self._trust.accepted():
            self._bulletin.note(unpaired=self._is_unpaired())
        else:
            self.pair()

    @property
    def _is_serial(self) -> bool:
        return self._settings.link.startswith("serial:")

    async def close(self) -> None:
        """Stop serving or pairing."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)
        if self._server is not None:
            await self._server.close()

    def pair(self) -> str:
        """Open pairing, or join the one that is open: its digits.

        Raises `PairingRefused` during a visit, `BadSettings` where the link is no serial line.
        """
        port = serial_port(self._settings)
        if self._window is None:
            if not self._is_idle():
                raise PairingRefused("a visit is under way")
            self._window = PairingWindow(self._trust.certificate())
            if self._under_way is not None:
                self._under_way.cancel()  # it may still wait for a port to serve on
            self._outcome = asyncio.get_running_loop().create_future()
            self._bulletin.note(code=self._window.code)
            self._trying = asyncio.create_task(self._try(port, self._window))
            self._under_way = asyncio.create_task(self._see_through(self._trying, self._outcome))
        return self._window.code

    async def pair_for_caller(self) -> AsyncGenerator[PairingTold, None]:
        """`kazashi-firmware pair`, while the firmware runs. What it began ends when it hangs up.

        Raises as `pair` does.
        """
        begun = self._window is None
        code = self.pair()
        trying, outcome = self._trying, self._outcome
        assert trying is not None
        assert outcome is not None
        try:
            yield PairingTold(code=code)
            yield PairingTold(paired=await asyncio.shield(outcome))
        finally:
            if begun:
                trying.cancel()

    def pair_again(self) -> None:
        """Somebody at the device wants other digits."""
        try:
            self.pair()
        except Fault as fault:
            log.warning("pairing: %s", fault)

    async def _try(self, port: str, window: PairingWindow) -> bool:
        server, self._server = self._server, None
        if server is not None:
            await server.close()
        return await pair_with_host(port, window, self._trust, self._lease_s, self._open_s)

    async def _see_through(self, trying: asyncio.Task[bool], outcome: asyncio.Future[bool]) -> None:
        """Say what the tries came to, and serve again whatever that was."""
        paired = False
        try:
            await asyncio.wait({trying})
            paired = not trying.cancelled() and trying.result()
        except Fault as fault:
            log.warning("pairing: %s", fault)
        finally:
            trying.cancel()
            self._window = None
            self._bulletin.note(code=None, unpaired=self._is_unpaired())
            outcome.set_result(paired)
        if self._server is None:
            self._server = await self._serve_again()

    async def _meet(self, link: Link) -> None:
        self._bulletin.note(unpaired=self._is_unpaired())  # a candidate that came is pinned
        await self._host.serve(link)

    def _is_unpaired(self) -> bool:
        try:
            return self._is_serial and self._trust.pinned() is None
        except BadSettings:
            return False  # what is pinned cannot be read, which the server says

    async def _serve(self) -> LinkServer:
        return await serve_link(
            self._settings.link,
            Path(self._settings.runtime_dir),
            self._meet,
            lease_s=self._lease_s,
            peers=self._peers,
            trust=self._trust,
            on_stranger=self._host.note_stranger,
        )

    async def _serve_again(self) -> LinkServer:
        """As soon as the port is there: the cable may have been pulled in between."""
        while True:
            with contextlib.suppress(LinkLost, BadSettings):
                return await self._serve()
            await asyncio.sleep(self._lease_s / TRIES_PER_LEASE)


def serial_port(settings: Settings) -> str:
    """The port of the link. Raises `BadSettings` where it is on none."""
    kind, _, port = settings.link.partition(":")
    if kind != "serial":
        raise BadSettings(f"link: {settings.link!r} is no serial line; only these are paired")
    return port


async def let_a_host_pair(settings: Settings, show: Callable[[str], None]) -> bool:
    """Pair while the firmware does not run: show a code and wait.

    True when a host was paired, False after the last wrong try. Raises `BadSettings` where the link
    is no serial line, and as `pair_with_host`.
    """
    port = serial_port(settings)
    trust = Device(settings.device_id, Path(settings.state_dir), settings.clock_trust).link_trust
    window = PairingWindow(trust.certificate())
    show(window.code)
    return await pair_with_host(port, window, trust, LEASE_S * settings.machine_scale)
