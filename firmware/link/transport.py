"""The link between firmware and host driver as a shell: sockets, leases, who may speak. [shell]

It knows nothing of what the messages mean. A `Link` is an asyncio protocol, so it runs on any
asyncio transport: a Unix socket between two daemons on one Pi, or the serial line's own transport
(`serial_port.py`). Nothing that only Unix has is touched before a `unix:` address is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from firmware.faults import BadSettings, LinkLost, MalformedMessage
from firmware.link.framing import LINE_END, LineDecoder
from firmware.link.messages import MAX_MESSAGE_BYTES, Heartbeat, Message, decode, encode

LEASE_S: Final = 2.0
HEARTBEATS_PER_LEASE: Final = 4
INBOX_MESSAGES: Final = 64
"""Waiting to be received; past these the link stops reading and the other side waits."""
OPEN_LINKS: Final = 4

_UCRED = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid

OnLink = Callable[["Link"], Awaitable[None]]


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
        self._heard_s = self._loop.time()
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

    # --- asyncio.Protocol ------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is open: beat, and watch the other side's lease."""
        self._transport = cast(asyncio.Transport, transport)
        self._heard_s = self._loop.time()
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
        # While reading is paused the silence is ours, not the other side's.
        silent_s = self._loop.time() - self._heard_s if self._reading else 0.0
        if silent_s >= self._lease_s:
            self._lose(f"nothing was heard for {silent_s:.1f} s", at_once=True)
            return
        if self._transport is not None and self._writable.is_set():
            self._transport.write(encode(Heartbeat()) + LINE_END)
        self._tick = self._loop.call_later(self._lease_s / HEARTBEATS_PER_LEASE, self._beat)

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
    address: str, runtime_dir: Path, *, lease_s: float = LEASE_S, peers: Peers | None = None
) -> Link:
    """Connect to the other side. `lease_s` is 2 s times the settings' `time_scale`.

    The server must run as this user, as one of `peers`, or as the owner of the socket's folder,
    who alone can put sockets there. Raises `LinkLost` when nobody answers, `BadSettings` for an
    address that is none.
    """
    path = _unix_path(address, runtime_dir)
    create_connection = _unix_only("create_unix_connection")
    try:
        owner = path.parent.stat().st_uid
        _, link = await create_connection(lambda: Link(lease_s), str(path))
    except OSError as cause:
        raise LinkLost(f"{path}: {cause.strerror or cause}") from cause
    peers = peers or Peers()
    if not _may_speak(link, Peers(peers.uids | {owner}, peers.gid)):
        link.close()
        raise LinkLost(f"{path} is served by a user that is not trusted")
    return cast(Link, link)


async def serve_link(
    address: str,
    runtime_dir: Path,
    on_link: OnLink,
    *,
    lease_s: float = LEASE_S,
    peers: Peers | None = None,
) -> LinkServer:
    """Listen, and run `on_link` for every link that comes; the link is closed when it returns.

    `on_link` may let `LinkLost` through. Raises `LinkLost` when the address cannot be served,
    `BadSettings` for one that is none.
    """
    path = _unix_path(address, runtime_dir)
    create_server = _unix_only("create_unix_server")
    server = _UnixServer(path, on_link, lease_s, peers or Peers())
    await server.start(create_server)
    return server


class _UnixServer:
    """A listening Unix socket and the handlers of its links."""

    def __init__(self, path: Path, on_link: OnLink, lease_s: float, peers: Peers) -> None:
        self._path, self._on_link, self._lease_s, self._peers = path, on_link, lease_s, peers
        self._links: dict[asyncio.Task[None], Link] = {}
        self._server: asyncio.Server | None = None
        self._inode: int | None = None

    async def start(self, create_server: Callable[..., Awaitable[Any]]) -> None:
        """Listen. Raises `LinkLost`."""
        try:
            listener = _listen(self._path, self._peers)
            self._inode = self._path.stat().st_ino
        except OSError as cause:
            raise LinkLost(f"{self._path} cannot be served: {cause.strerror or cause}") from cause
        self._server = await create_server(
            lambda: Link(self._lease_s, self._welcome), sock=listener
        )

    async def close(self) -> None:
        """Listen no more, close every open link and wait for their handlers."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(OSError):  # another server may stand here by now
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
        for link in self._links.values():
            link.close()
        if self._links:
            await asyncio.wait(self._links)

    def _welcome(self, link: Link) -> None:
        if len(self._links) >= OPEN_LINKS or not _may_speak(link, self._peers):
            link.close()
            return
        task = asyncio.ensure_future(self._handle(link))
        self._links[task] = link
        task.add_done_callback(self._links.pop)

    async def _handle(self, link: Link) -> None:
        try:
            with contextlib.suppress(LinkLost):
                await self._on_link(link)
        finally:
            link.close()
            await link.wait_closed()


def _unix_path(address: str, runtime_dir: Path) -> Path:
    kind, _, place = address.partition(":")
    if kind != "unix" or not place:
        raise BadSettings(f"link: {address!r} is not unix:PATH")
    return runtime_dir / place


def _unix_only(name: str) -> Callable[..., Awaitable[Any]]:
    """A verb of the event loop that Windows' loop lacks."""
    try:
        return cast(Callable[..., Awaitable[Any]], getattr(asyncio.get_running_loop(), name))
    except AttributeError as cause:
        raise BadSettings("link: unix: needs a system with Unix sockets") from cause


def _listen(path: Path, peers: Peers) -> socket.socket:
    """A listening socket at `path` that never was open to more than it should be.

    It takes its mode under another name and before it listens; the rename then replaces a socket
    that an earlier process left behind. Raises `OSError`.
    """
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(f"{path} is there and is no socket")
    if _is_served(path):
        raise OSError("another process serves it")
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(made))
        if peers.gid is not None:
            os.chown(made, -1, peers.gid)
        made.chmod(0o600 if peers == Peers() else 0o660)
        listener.listen(OPEN_LINKS)
        made.rename(path)
    except OSError:
        listener.close()
        made.unlink(missing_ok=True)
        raise
    return listener


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        return caller.connect_ex(str(path)) == 0


def _may_speak(link: Link, peers: Peers) -> bool:
    """Is the process behind this Unix socket this user's, or one of `peers`?"""
    transport = link._transport
    connection = transport.get_extra_info("socket") if transport is not None else None
    option = getattr(socket, "SO_PEERCRED", None)
    if connection is None or option is None:
        return False  # no way to know is no
    _, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    return uid == os.getuid() or uid in peers.uids or (peers.gid is not None and gid == peers.gid)
