"""The link between firmware and host driver as messages both ways, with a lease. [shell]

It knows nothing of what the messages mean. A `Link` is an asyncio protocol, so it runs on any
asyncio transport: a Unix socket between two daemons on one Pi (`unix_socket.py`), or the port of a
serial cable (`serial_port.py`). Neither is imported before such an address is opened, so a host
without Unix sockets, or without a serial library, imports this.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from firmware.faults import BadSettings, LinkLost, MalformedMessage
from firmware.link.framing import LINE_END, LineDecoder
from firmware.link.messages import MAX_MESSAGE_BYTES, Heartbeat, Message, decode, encode

if TYPE_CHECKING:
    from firmware.link.trust import Trust

LEASE_S: Final = 2.0
HEARTBEATS_PER_LEASE: Final = 4
INBOX_MESSAGES: Final = 64
"""Waiting to be received; past these the link stops reading and the other side waits."""

OnLink = Callable[["Link"], Awaitable[None]]
OnStranger = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Peers:
    """Who may be at the other end of a Unix socket, besides this process's own user.

    `gid` is a peer's primary group, and the socket then belongs to it. Whoever is named here, the
    socket is open to its group (0660); otherwise to its owner alone (0600).
    """

    uids: frozenset[int] = frozenset()
    gid: int | None = None


class LinkServer(Protocol):
    """What `serve_link` returns."""

    async def close(self) -> None:
        """Listen no more, close every open link and wait for their handlers."""


class Link(asyncio.Protocol):
    """Messages both ways until one side is gone. Heartbeats go and come unseen.

    Made by `open_link` and `serve_link`. One task receives; any task may send.
    """

    def __init__(self, lease_s: float, on_made: Callable[[Link], None] | None = None) -> None:
        self._lease_s = lease_s
        self._on_made = on_made
        self._loop = asyncio.get_running_loop()
        self._lines = LineDecoder(MAX_MESSAGE_BYTES)
        self._inbox: deque[Message | MalformedMessage] = deque()
        self._stirred = asyncio.Event()  # the inbox grew, or the link was lost
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading = True
        self._why_lost: str | None = None
        self._closed = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._heard_s = self._due_s = self._loop.time()
        self._tick: asyncio.TimerHandle | None = None

    async def send(self, message: Message) -> None:
        """Give `message` to the wire; waits while the other side is behind.

        Raises `LinkLost`, and `MalformedMessage` for one longer than `MAX_MESSAGE_BYTES`.
        """
        line = encode(message)
        if len(line) > MAX_MESSAGE_BYTES:
            raise MalformedMessage(f"{len(line)} bytes are more than a message may have")
        await self._writable.wait()
        if self._transport is None or self._why_lost is not None:
            raise LinkLost(self._why_lost or "the link was never open")
        self._transport.write(line + LINE_END)

    async def receive(self) -> Message:
        """The next message, never a heartbeat.

        Raises `MalformedMessage` for a line that is none: the link stays usable and the caller
        decides. Raises `LinkLost` once everything that came before the loss was received.
        """
        while not self._inbox:
            if self._why_lost is not None:
                raise LinkLost(self._why_lost)
            self._stirred.clear()
            await self._stirred.wait()
        arrived = self._inbox.popleft()
        if not self._reading and len(self._inbox) <= INBOX_MESSAGES // 2:
            self._read_on()
        if isinstance(arrived, MalformedMessage):
            raise arrived
        return arrived

    def close(self) -> None:
        """Let what was sent go out, then close. Again is harmless."""
        self._lose("the link was closed here", at_once=False)

    async def wait_closed(self) -> None:
        """Wait until the transport is gone, which is at most a lease after the link was lost."""
        await self._closed.wait()

    def transport_info(self, name: str) -> Any:
        """What the transport knows of itself (`get_extra_info`); None once there is none."""
        return None if self._transport is None else self._transport.get_extra_info(name)

    # --- asyncio.Protocol ------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is open: beat, and watch the other side's lease."""
        self._transport = cast(asyncio.Transport, transport)
        self._heard_s = self._due_s = self._loop.time()
        if self._on_made is not None:
            self._on_made(self)  # and a stranger is turned away before a word is said
        if self._why_lost is None:
            self._beat()

    def data_received(self, data: bytes) -> None:
        """Bytes came: whatever they are, the other side lives."""
        self._heard_s = self._loop.time()
        for line in self._lines.feed(data):
            try:
                message = decode(line)
            except MalformedMessage as fault:
                self._inbox.append(fault)
            else:
                if not isinstance(message, Heartbeat):
                    self._inbox.append(message)
        if self._inbox:
            self._stirred.set()
        if self._reading and len(self._inbox) >= INBOX_MESSAGES and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The other side closed in good order."""
        self._lose("the other side closed the link", at_once=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._lose(f"the connection broke: {exc}" if exc else "the connection ended", at_once=True)
        if self._tick is not None:
            self._tick.cancel()
        self._closed.set()

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self._writable.set()

    # --- lease -----------------------------------------------------------------------------------
    def _beat(self) -> None:
        # While reading is paused the silence is ours, not the other side's. So it is for as long as
        # this loop stood still: nobody listened.
        now_s = self._loop.time()
        self._heard_s = min(now_s, self._heard_s + max(0.0, now_s - self._due_s))
        silent_s = now_s - self._heard_s if self._reading else 0.0
        if silent_s >= self._lease_s:
            self._lose(f"nothing was heard for {silent_s:.1f} s", at_once=True)
            return
        if self._transport is not None and self._writable.is_set():
            self._transport.write(encode(Heartbeat()) + LINE_END)
        self._due_s = now_s + self._lease_s / HEARTBEATS_PER_LEASE
        self._tick = self._loop.call_at(self._due_s, self._beat)

    def _read_on(self) -> None:
        self._reading = True
        self._heard_s = self._loop.time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _lose(self, why: str, *, at_once: bool) -> None:
        if self._why_lost is not None:
            return
        self._why_lost = why
        if self._tick is not None:
            self._tick.cancel()
        if self._transport is None:
            self._closed.set()
        elif at_once:
            self._transport.abort()
        else:
            self._transport.close()
            self._tick = self._loop.call_later(self._lease_s, self._transport.abort)
        self._writable.set()
        self._stirred.set()


async def open_link(
    address: str,
    runtime_dir: Path,
    *,
    lease_s: float = LEASE_S,
    peers: Peers | None = None,
    trust: Trust | None = None,
) -> Link:
    """Connect to the other side, at `unix:PATH` (relative to `runtime_dir`) or `serial:PORT`.

    `lease_s` is 2 s times the settings' `time_scale`. A socket's server must run as this user, as
    one of `peers`, or as the owner of the socket's folder, who alone can put sockets there; at the
    end of a serial line must be whom `trust` has pinned. Raises `LinkLost` when nobody answers,
    `PeerNotTrusted` when somebody else does, `BadSettings` for an address that is none.
    """
    kind, place = _parts(address)
    if kind == "serial":
        from firmware.link import serial_link

        return await serial_link.connect(place, lease_s, _needed(trust))
    from firmware.link import unix_socket

    return await unix_socket.connect(runtime_dir / place, lease_s, peers or Peers())


async def serve_link(
    address: str,
    runtime_dir: Path,
    on_link: OnLink,
    *,
    lease_s: float = LEASE_S,
    peers: Peers | None = None,
    trust: Trust | None = None,
    on_stranger: OnStranger = lambda: None,
) -> LinkServer:
    """Listen, and run `on_link` for every link that comes; the link is closed when it returns.

    `on_stranger` hears of everybody at a serial line whom `trust` has not pinned.
    `on_link` may let `LinkLost` through. Raises `LinkLost` when the address cannot be served,
    `BadSettings` for one that is none.
    """
    kind, place = _parts(address)
    if kind == "serial":
        from firmware.link import serial_link

        return await serial_link.serve(place, on_link, lease_s, _needed(trust), on_stranger)
    from firmware.link import unix_socket

    return await unix_socket.serve(runtime_dir / place, on_link, lease_s, peers or Peers())


def _needed(trust: Trust | None) -> Trust:
    if trust is None:
        raise BadSettings("link: a serial line is for paired ends only")
    return trust


def _parts(address: str) -> tuple[str, str]:
    kind, _, place = address.partition(":")
    if kind not in ("unix", "serial") or not place:
        raise BadSettings(f"link: {address!r} is neither unix:PATH nor serial:PORT")
    return kind, place
