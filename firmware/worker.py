"""A supervised child process with a deadline, and the child's end of the line to it. [shell]

It knows nothing of what is said: messages are msgspec structs behind a length. Requests are
answered in order; a worker that says nothing for `answer_within_s` while it owes an answer is
killed and replaced, because neither a PC/SC call nor a camera driver can be cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import select
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec

from firmware.faults import PanelUnavailable, WorkerLost

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">I")
MAX_MESSAGE_BYTES = 1 << 20
START_AGAIN_AFTER_S = 0.2
START_WITHIN_S = 15.0
"""A new process loads its libraries before it answers: its first answer may take so much longer."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4

Request = TypeVar("Request")
Reply = TypeVar("Reply")
News = TypeVar("News")


class SupervisedWorker(Generic[Request, Reply, News]):
    """The firmware's end: starts the worker, asks it, replaces it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        replies: Any,
        news: Any,
        *,
        answer_within_s: float,
        start_within_s: float = START_WITHIN_S,
        on_news: Callable[[News], None],
        on_lost: Callable[[WorkerLost], None],
        inherited: Sequence[int] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        """`command` is `python -m`'s arguments; the line's descriptor is appended to them."""
        self.name = name
        self._command = tuple(command)
        self._decoder = msgspec.msgpack.Decoder(replies | news)
        self._news_types = _members(news)
        self._answer_within_s, self._start_within_s = answer_within_s, start_within_s
        self._on_news, self._on_lost = on_news, on_lost
        self._inherited = tuple(inherited)
        self._environment = environment
        self._owed: deque[asyncio.Future[Reply]] = deque()
        self._deadline: asyncio.TimerHandle | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._supervision: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stopping = False
        self._killed = False
        self._silent_since_s: float | None = None

    async def start(self) -> None:
        """Start the first worker process, and keep one running until `stop`."""
        self._supervision = asyncio.create_task(self._supervise(), name=f"supervise {self.name}")
        await self._ready.wait()

    async def ask(self, request: Request) -> Reply:
        """Send a request and wait for its answer. Raises `WorkerLost`."""
        await self._ready.wait()
        if self._writer is None:
            raise WorkerLost(f"{self.name} is not running")
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._owed.append(answer)
        body = msgspec.msgpack.encode(request)
        self._writer.write(_LENGTH.pack(len(body)) + body)
        if self._deadline is None:
            self._set_deadline()
        return await answer

    @property
    def owes_answer(self) -> bool:
        """Whether it was asked something: until it has answered, its deadline watches it."""
        return bool(self._owed)

    @property
    def has_spoken(self) -> bool:
        """Whether the process that runs now has said anything; until then it is starting."""
        return self._silent_since_s is None

    @property
    def silent_for_s(self) -> float:
        """For how long it has been starting; 0 once it has spoken. Processes that were replaced
        before they had said a word count with the one that runs."""
        since_s = self._silent_since_s
        return 0.0 if since_s is None else asyncio.get_running_loop().time() - since_s

    async def replace(self) -> None:
        """Kill the process and wait for a clean one, so that nobody is answered by the old."""
        self._ready.clear()
        self._kill()
        await self._ready.wait()

    async def stop(self) -> None:
        """End the worker for good."""
        self._stopping = True
        self._kill()
        if self._supervision is not None:
            await self._supervision

    async def _supervise(self) -> None:
        while not self._stopping:
            try:
                reader, process = await self._spawn()
            except OSError as cause:  # no memory, no descriptors, an upgrade under way
                log.error("%s cannot be started: %s", self.name, cause)
                await asyncio.sleep(START_AGAIN_AFTER_S)
                continue
            why = await self._read_until_end(reader)
            self._ready.clear()
            kill_child(process)
            await process.wait()
            self._lose(WorkerLost(f"{self.name} {why} (exit {process.returncode})"))
            if not self._stopping and why == "ended":
                await asyncio.sleep(START_AGAIN_AFTER_S)  # a worker that dies at once must not spin

    async def _spawn(self) -> tuple[asyncio.StreamReader, asyncio.subprocess.Process]:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # a worker is what is installed, not what lies in the folder one stands in
                "-m",
                *self._command,
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(), *self._inherited),
                stdin=asyncio.subprocess.DEVNULL,
                env=self._environment,
            )
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._killed = False
        if self._silent_since_s is None:
            self._silent_since_s = asyncio.get_running_loop().time()
        self._ready.set()
        if self._stopping:
            self._kill()  # `stop` came meanwhile
        return reader, self._process

    async def _read_until_end(self, reader: asyncio.StreamReader) -> str:
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                if length > MAX_MESSAGE_BYTES:
                    return "said too much"
                self._hear(self._decoder.decode(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return "was replaced" if self._killed else "ended"
        except msgspec.MsgspecError as cause:
            return f"said something unknown: {cause}"

    def _hear(self, message: Any) -> None:
        self._silent_since_s = None
        if isinstance(message, self._news_types):
            self._on_news(cast(News, message))
        elif self._owed:
            answer = self._owed.popleft()
            if not answer.done():
                answer.set_result(message)
        self._set_deadline()

    def _set_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._owed:
            within_s = self._answer_within_s + (0.0 if self.has_spoken else self._start_within_s)
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(within_s, self._kill)

    def _kill(self) -> None:
        self._killed = True
        if self._process is not None:
            kill_child(self._process)

    def _lose(self, fault: WorkerLost) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        owed, self._owed = self._owed, deque()
        for answer in owed:
            if not answer.done():
                answer.set_exception(fault)
        if not self._stopping:
            self._on_lost(fault)


class Line(Generic[Request]):
    """The worker's end: blocking, one message at a time."""

    def __init__(self, descriptor: int, requests: Any) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(requests)

    def fileno(self) -> int:
        """For a selector that also watches other things."""
        return self._socket.fileno()

    def receive(self, wait_s: float | None = None) -> Request | None:
        """The next request; None after `wait_s` without one. Raises `EOFError` at the end."""
        if not select.select([self._socket], [], [], wait_s)[0]:
            return None
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return self._decoder.decode(self._exactly(length))

    def send(self, message: Any) -> None:
        """A reply or news. Threads of one worker must agree on who speaks."""
        body = msgspec.msgpack.encode(message)
        self._socket.sendall(_LENGTH.pack(len(body)) + body)

    def _exactly(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            part = self._socket.recv(length - len(content))
            if not part:
                raise EOFError
            content += part
        return content


def kill_child(process: asyncio.subprocess.Process) -> None:
    """End a child that may just be ending by itself.

    `Process.kill` of Python 3.11 collects such a child before asyncio does, which then says
    "Unknown child process" and 255 in the place of how it ended.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def die_with_parent() -> None:
    """Called first in a worker: it ends when the firmware does, and leaves no core dump."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    leave_no_dump()


def leave_no_dump() -> None:
    """Whatever happens to this process, its memory is not written to a disk."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def photo_passage() -> tuple[socket.socket, socket.socket]:
    """The way of the photo from the card worker to the vision worker, past the firmware.

    One datagram per photo: 16 bytes of visit id, then the JPEG 2000 file. Message boundaries are
    kept, so a worker killed in the middle of a photo leaves no half of one behind.
    """
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def preview_door() -> socket.socket:
    """Where pages ask for the live preview: a port on loopback, open for as long as the firmware.

    The vision worker answers there. The door is not its own, so that a page need not learn of
    another origin when the worker is replaced. Raises `PanelUnavailable`.
    """
    try:
        return socket.create_server(("127.0.0.1", 0))
    except OSError as cause:
        raise PanelUnavailable(f"preview: {cause.strerror}") from cause


def _members(union: Any) -> tuple[type, ...]:
    return getattr(union, "__args__", (union,))
