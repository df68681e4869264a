"""The running firmware's control socket, for the commands of the person who installs it. [shell]

`control.sock` in the runtime folder, open to the firmware's own user and root alone (0600). A
caller says one line, `{"verb": "doctor"}`, and hears answers, one JSON object a line, until the
connection ends. What the verbs do is the composition root's; they are rows of a table there. A
caller that hangs up ends what it began.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from firmware.faults import ControlSilent, ControlUnavailable, Fault, LinkLost
from firmware.link.transport import Peers
from firmware.link.unix_socket import listen

log = logging.getLogger(__name__)

SOCKET_NAME: Final = "control.sock"
MAX_LINE_BYTES: Final = 256 * 1024
ASKED_WITHIN_S: Final = 10.0

Answer = TypeVar("Answer")
Verb = Callable[[], AsyncGenerator[msgspec.Struct, None]]
"""Yields answers. It is closed when the caller hangs up; a `Fault` that it raises is told."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller says."""

    verb: str


class Said(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of an answer: a value of the verb's own, or why there is none."""

    answer: msgspec.Raw = msgspec.Raw()
    fault: str | None = None


class ControlServer:
    """Answers callers, each in a task of its own, by the verbs of one table."""

    def __init__(self, runtime_dir: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = runtime_dir / SOCKET_NAME
        self._verbs = verbs
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises `LinkLost` where the socket cannot be put."""
        try:
            listener = listen(self._path, Peers())
        except OSError as cause:
            raise LinkLost(f"{self._path} cannot be served: {cause.strerror or cause}") from cause
        self._server = await asyncio.start_unix_server(
            self._connected, sock=listener, limit=MAX_LINE_BYTES
        )

    async def stop(self) -> None:
        """Listen no more, and end what is under way."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        for task in self._callers:
            task.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._callers.add(task)
        try:
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._callers.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ASKED_WITHIN_S):
                line = await reader.readuntil(b"\n")
            verb = self._verbs[msgspec.json.decode(line, type=Ask).verb]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
            known = ", ".join(sorted(self._verbs))
            await _say(writer, Said(fault=f"that is no request; the verbs are {known}"))
            return
        answering = asyncio.ensure_future(self._answer(verb, writer))
        hanging_up = asyncio.ensure_future(reader.read())  # ends only when the caller does
        try:
            await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, hanging_up):
                task.cancel()
            outcomes = await asyncio.gather(answering, hanging_up, return_exceptions=True)
            if isinstance(outcomes[0], Exception) and not isinstance(outcomes[0], ConnectionError):
                log.critical("a verb broke", exc_info=outcomes[0])

    @staticmethod
    async def _answer(verb: Verb, writer: asyncio.StreamWriter) -> None:
        try:
            async with contextlib.aclosing(verb()) as values:
                async for value in values:
                    await _say(writer, Said(answer=msgspec.Raw(msgspec.json.encode(value))))
        except Fault as fault:
            await _say(writer, Said(fault=str(fault)))


async def _say(writer: asyncio.StreamWriter, said: Said) -> None:
    writer.write(msgspec.json.encode(said) + b"\n")
    await writer.drain()


async def ask(
    runtime_dir: Path, verb: str, answers: type[Answer], within_s: float | None = None
) -> AsyncGenerator[Answer, None]:
    """What the running firmware answers to a verb, each within `within_s` of the one before.

    Close it (`contextlib.aclosing`) to hang up, which ends what was begun. Raises
    `ControlUnavailable` where no firmware runs, where it is another user's, or where it says no
    more; `ControlSilent` where one runs and is not heard in time; and `Fault` with what it says
    against it.
    """
    path = runtime_dir / SOCKET_NAME
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE_BYTES)
    except OSError as cause:
        raise ControlUnavailable(f"{path}: {cause.strerror or cause}") from cause
    try:
        writer.write(msgspec.json.encode(Ask(verb)) + b"\n")
        while True:
            async with asyncio.timeout(within_s):
                line = await reader.readline()
            if not line:
                return
            said = msgspec.json.decode(line, type=Said)
            if said.fault is not None:
                raise Fault(said.fault)
            yield msgspec.json.decode(said.answer, type=answers)
    except TimeoutError as cause:
        raise ControlSilent(f"{path}: no answer") from cause
    except (OSError, ValueError, msgspec.MsgspecError) as cause:
        raise ControlUnavailable(f"{path}: {cause}") from cause
    finally:
        writer.close()
