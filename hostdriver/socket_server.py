"""The local socket: one JSON object a line, bounded in every direction. [shell]

A Unix-domain socket (0660, peer credentials), or TCP on loopback with a token; never a wider
address. It knows nothing of what the lines mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import struct
from pathlib import Path
from typing import Any, Final

from firmware.faults import BadSettings
from hostdriver.envelope import MAX_LINE_BYTES
from hostdriver.faults import Refusal, SocketNotOpened
from hostdriver.session import Peer, Services, Session
from hostdriver.settings import Settings

log = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
FLUSH_WITHIN_S: Final = 1.0
"""For a client that closed its side to get the answers to what it had asked."""
_UCRED = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid


class SocketServer:
    """Listens, and runs one session per connection."""

    def __init__(
        self, settings: Settings, services: Services, passed: socket.socket | None = None
    ) -> None:
        """`passed` is served in the place of what the settings name."""
        self._settings, self._services, self._passed = settings, services, passed
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._path: Path | None = None
        self._token: str | None = None

    async def open(self) -> str:
        """Listen; the address as a client writes it. Raises `SocketNotOpened`, `BadSettings`."""
        kind, _, place = self._settings.socket.partition(":")
        limits: dict[str, Any] = {"limit": MAX_LINE_BYTES, "backlog": 64}
        try:
            if self._passed is not None:
                return await self._serve_passed(self._passed, limits)
            if kind == "unix" and place:
                self._path = Path(self._settings.runtime_dir) / place
                listener = _listen_unix(self._path, self._settings.socket_group)
                self._server = await asyncio.start_unix_server(
                    self._connected, sock=listener, **limits
                )
                return f"unix:{self._path}"
            if kind == "tcp" and place.isdecimal() and int(place) < 1 << 16:
                self._token = _read_or_create_token(Path(self._settings.state_dir))
                self._server = await asyncio.start_server(
                    self._connected, LOOPBACK, int(place), **limits
                )
                return f"tcp:{self._server.sockets[0].getsockname()[1]}"
        except OSError as cause:
            where = self._path or self._settings.socket
            raise SocketNotOpened(f"{where}: {cause.strerror or cause}") from cause
        raise BadSettings(f"socket: {self._settings.socket!r}: no port is above 65535")

    async def _serve_passed(self, passed: socket.socket, limits: dict[str, Any]) -> str:
        """It is not ours to make or to remove, as `start_unix_server` would from Python 3.13 on."""
        address = f"unix:{passed.getsockname()}"
        if self._settings.socket.startswith("tcp:"):
            log.warning("%s was passed and is served, %s is not", address, self._settings.socket)
        self._server = await asyncio.start_server(self._connected, sock=passed, **limits)
        return address

    async def close(self) -> None:
        """Listen no more and close every connection."""
        if self._server is not None:
            self._server.close()
            if self._path is not None:
                self._path.unlink(missing_ok=True)
        for writer in self._connections.values():
            writer.transport.abort()  # its task sees the end and finishes by itself
        if self._connections:
            await asyncio.wait(self._connections)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        connection = _Connection(reader, writer, self._settings)
        try:
            peer = self._peer(writer)
            if peer is None:
                log.warning("a user that may not connect was turned away")
                return
            with contextlib.suppress(ConnectionError):
                await connection.serve(peer, self._services, crowded=self._is_crowded())
        finally:
            del self._connections[task]
            writer.transport.abort()

    def _is_crowded(self) -> bool:
        return len(self._connections) > self._settings.limits.connections

    def _peer(self, writer: asyncio.StreamWriter) -> Peer | None:
        """Who connects, as the kernel says; None for one that may not."""
        if self._token is not None:
            return Peer("token", self._token)
        credentials = writer.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size
        )
        _, uid, _ = _UCRED.unpack(credentials)
        allowed = self._settings.client_uids
        return Peer(f"uid:{uid}") if not allowed or uid in allowed else None


class _Connection:
    """One client's two directions: lines in, one task each; lines out through one bounded queue."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: Settings
    ) -> None:
        self._reader, self._writer = reader, writer
        self._limits, self._scale = settings.limits, settings.time_scale
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(self._limits.lines_waiting)
        self._asked: set[asyncio.Task[None]] = set()
        writer.transport.set_write_buffer_limits(high=0)  # written is: handed to the system

    def send(self, line: bytes) -> None:
        """Hand one line to the system, or queue it behind what it has not taken yet. A client that
        lets the queue fill up is cut off."""
        if self._waiting.empty() and not self._writer.transport.get_write_buffer_size():
            self._writer.write(line + b"\n")
            return
        try:
            self._waiting.put_nowait(line + b"\n")
        except asyncio.QueueFull:
            log.warning("a client that does not read is disconnected")
            self._writer.transport.abort()

    async def serve(self, peer: Peer, services: Services, *, crowded: bool) -> None:
        """Answer until the client is gone or says something that ends the connection."""
        session = Session(peer, self, services)
        writing = asyncio.create_task(self._write())
        greeting = asyncio.get_running_loop().call_later(
            self._limits.hello_within_s * self._scale, self._hello_overdue, session
        )
        try:
            if crowded:
                session.refuse(Refusal("too_many_connections"))
            else:
                await self._read(session)
            session.close()
            await self._flush()
        finally:
            greeting.cancel()
            session.close()  # again: a request that was in flight may have attended a visit
            for task in (*self._asked, writing):
                task.cancel()
            await asyncio.gather(*self._asked, writing, return_exceptions=True)

    async def _read(self, session: Session) -> None:
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                session.refuse(Refusal("line_too_long"))
                return
            if len(self._asked) >= self._limits.requests_in_flight:
                session.refuse(Refusal("too_many_requests"))
                continue
            task = asyncio.create_task(session.answer(line[:-1]))
            self._asked.add(task)
            task.add_done_callback(self._answered)
            # Requests that wait for nothing are answered in order, and one client's flood gives
            # way to the others.
            await asyncio.sleep(0)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._asked.discard(task)
        broke = None if task.cancelled() else task.exception()
        if broke is not None:
            log.critical("a request broke its connection", exc_info=broke)
            self._writer.transport.abort()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                self._writer.write(await self._waiting.get())
                await self._writer.drain()
                self._waiting.task_done()

    async def _flush(self) -> None:
        """Let the answers go out, then read on for a moment: closing over unread bytes would
        destroy what the client has not read yet."""
        if self._writer.is_closing():
            return
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(FLUSH_WITHIN_S * self._scale):
                if self._asked:
                    await asyncio.wait(self._asked)
                await self._waiting.join()
                self._writer.write_eof()
                while await self._reader.read(MAX_LINE_BYTES):
                    pass

    def _hello_overdue(self, session: Session) -> None:
        if not session.said_hello:
            self._writer.transport.abort()


def _listen_unix(path: Path, group: str | None) -> socket.socket:
    """A listening socket of mode 0660. Raises `OSError`, `SocketNotOpened`, `BadSettings`.

    It gets its mode and group under another name, so it never was open to more than it should be.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise BadSettings("socket: unix: needs a system with Unix sockets; tcp:PORT does not")
    if _is_served(path):
        raise SocketNotOpened(f"{path}: another host driver serves it")
    if path.exists() and not path.is_socket():
        raise SocketNotOpened(f"{path} is there and is no socket")
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(made))
        if group is not None:
            os.chown(made, -1, _group_id(group))
        made.chmod(0o660)
        listener.listen()
        made.replace(path)
    except (OSError, BadSettings):
        listener.close()
        made.unlink(missing_ok=True)
        raise
    return listener


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _group_id(name: str) -> int:
    import grp  # Unix only, and so is the socket

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as cause:
        raise BadSettings(f"socket_group: there is no group {name!r}") from cause


def _read_or_create_token(state_dir: Path) -> str:
    """The token of the TCP door, readable by its owner alone. Raises `OSError`."""
    path = state_dir / "socket.token"
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    token = path.read_text(encoding="ascii").strip()
    if len(token) < 32:
        raise SocketNotOpened(f"{path} holds no token; remove it to have a new one made")
    return token
