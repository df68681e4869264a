"""The link over a Unix socket: who may open it, and who is behind it. [shell]"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, cast

from firmware.faults import BadSettings, LinkLost
from firmware.link.transport import Link, OnLink, Peers

OPEN_LINKS: Final = 4

_UCRED: Final = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid


async def connect(path: Path, lease_s: float, peers: Peers) -> Link:
    """See `transport.open_link`."""
    create_connection = _unix_only("create_unix_connection")
    try:
        owner = path.parent.stat().st_uid
        _, link = await create_connection(lambda: Link(lease_s), str(path))
    except OSError as cause:
        raise LinkLost(f"{path}: {cause.strerror or cause}") from cause
    if not _may_speak(link, Peers(peers.uids | {owner}, peers.gid)):
        link.close()
        raise LinkLost(f"{path} is served by a user that is not trusted")
    return cast(Link, link)


async def serve(path: Path, on_link: OnLink, lease_s: float, peers: Peers) -> UnixServer:
    """See `transport.serve_link`."""
    create_server = _unix_only("create_unix_server")
    server = UnixServer(path, on_link, lease_s, peers)
    await server.start(create_server)
    return server


class UnixServer:
    """A listening Unix socket and the handlers of its links."""

    def __init__(self, path: Path, on_link: OnLink, lease_s: float, peers: Peers) -> None:
        self._path, self._on_link, self._lease_s, self._peers = path, on_link, lease_s, peers
        self._links: dict[asyncio.Task[None], Link] = {}
        self._server: asyncio.Server | None = None
        self._inode: int | None = None

    async def start(self, create_server: Callable[..., Awaitable[Any]]) -> None:
        """Listen. Raises `LinkLost`."""
        try:
            listener = listen(self._path, self._peers)
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


def _unix_only(name: str) -> Callable[..., Awaitable[Any]]:
    """A verb of the event loop that Windows' loop lacks."""
    try:
        return cast(Callable[..., Awaitable[Any]], getattr(asyncio.get_running_loop(), name))
    except AttributeError as cause:
        raise BadSettings("link: unix: needs a system with Unix sockets") from cause


def listen(path: Path, peers: Peers) -> socket.socket:
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
    connection = link.transport_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)
    if connection is None or option is None:
        return False  # no way to know is no
    _, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    return uid == os.getuid() or uid in peers.uids or (peers.gid is not None and gid == peers.gid)
