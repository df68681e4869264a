"""The control socket: one line asks, lines answer, and hanging up ends what was begun."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path

import msgspec
import pytest

from firmware.control import SOCKET_NAME, ControlServer, Verb, ask
from firmware.faults import BadSettings, ControlUnavailable, Fault, LinkLost

WITHIN_S = 30.0


class Count(msgspec.Struct, frozen=True):
    """What the verbs below answer."""

    number: int


async def three() -> AsyncGenerator[Count, None]:
    for number in (1, 2, 3):
        yield Count(number)


async def broken() -> AsyncGenerator[Count, None]:
    yield Count(1)
    raise BadSettings("there is no such line")


@contextlib.asynccontextmanager
async def serving(runtime_dir: Path, verbs: Mapping[str, Verb]) -> AsyncIterator[Path]:
    server = ControlServer(runtime_dir, verbs)
    await server.start()
    try:
        yield runtime_dir
    finally:
        await server.stop()


async def numbers(runtime_dir: Path, verb: str) -> list[int]:
    return [said.number async for said in ask(runtime_dir, verb, Count, WITHIN_S)]


async def test_a_verb_answers_in_lines_and_hangs_up(tmp_path: Path) -> None:
    async with serving(tmp_path, {"count": three}) as at:
        assert await numbers(at, "count") == [1, 2, 3]
        assert await asyncio.gather(numbers(at, "count"), numbers(at, "count")) == [[1, 2, 3]] * 2


async def test_a_fault_is_told_and_the_next_caller_is_served(tmp_path: Path) -> None:
    async with serving(tmp_path, {"count": three, "break": broken}) as at:
        with pytest.raises(Fault, match="there is no such line"):
            await numbers(at, "break")
        with pytest.raises(Fault, match="the verbs are break, count"):
            await numbers(at, "sing")
        assert await numbers(at, "count") == [1, 2, 3]


async def test_nobody_else_may_ask(tmp_path: Path) -> None:
    async with serving(tmp_path, {"count": three}) as at:
        mode = (at / SOCKET_NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert (at / SOCKET_NAME).stat().st_uid == os.getuid()


async def test_no_firmware_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ControlUnavailable, match="No such file"):
        await numbers(tmp_path, "count")
    async with serving(tmp_path, {"count": three}):
        pass
    with pytest.raises(ControlUnavailable):
        await numbers(tmp_path, "count")


async def test_a_second_firmware_does_not_take_the_place(tmp_path: Path) -> None:
    async with serving(tmp_path, {"count": three}) as at:
        with pytest.raises(LinkLost, match="another process serves it"):
            await ControlServer(at, {}).start()
        assert await numbers(at, "count") == [1, 2, 3]


async def test_a_caller_that_hangs_up_ends_what_it_began(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncGenerator[Count, None]:
        try:
            yield Count(1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(tmp_path, {"wait": endless}) as at:
        async with contextlib.aclosing(ask(at, "wait", Count, WITHIN_S)) as answers:
            assert await anext(answers) == Count(1)
            assert not ended.is_set()
        async with asyncio.timeout(WITHIN_S):
            await ended.wait()


async def test_stopping_ends_what_is_under_way(tmp_path: Path) -> None:
    async def endless() -> AsyncGenerator[Count, None]:
        yield Count(1)
        await asyncio.Event().wait()

    async with serving(tmp_path, {"wait": endless}) as at:
        answers = ask(at, "wait", Count, WITHIN_S)
        assert await anext(answers) == Count(1)
    assert [said async for said in answers] == []


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b'{"verb": 3}\n',
        b'{"verb": "count", "and": 1}\n',
        b"\xff\xfe\n",
        b'{"verb": "count"}',
        b"x" * 300_000,
    ],
    ids=["empty", "no verb", "list", "number", "more", "not text", "no end", "endless"],
)
async def test_garbage_gets_no_answer_of_a_verb_and_harms_nobody(
    tmp_path: Path, line: bytes
) -> None:
    async with serving(tmp_path, {"count": three}) as at:
        reader, writer = await asyncio.open_unix_connection(at / SOCKET_NAME)
        with contextlib.suppress(ConnectionError):
            writer.write(line)
            writer.write_eof()
            said = await reader.read()
            assert b'"answer"' not in said
        writer.close()
        assert await numbers(at, "count") == [1, 2, 3]


async def test_what_answers_there_may_be_a_stranger(tmp_path: Path) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"answer": {"number": "many"}}\n')
        writer.close()

    stranger = await asyncio.start_unix_server(babble, tmp_path / SOCKET_NAME)
    async with stranger:
        with pytest.raises(ControlUnavailable):
            await numbers(tmp_path, "count")
