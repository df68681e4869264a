"""Mishaps befall the command they were arranged for, once; the wire to vpcd carries all that."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import ControlRefused
from firmware.simulator import vpcd
from firmware.simulator.card_control import (
    AnyRequest,
    Arrange,
    AskStatus,
    Insert,
    Refusal,
    Remove,
    Reset,
    Status,
    decode_answer,
    decode_request,
    encode,
)
from firmware.simulator.card_options import CardOptions
from firmware.simulator.line_time import Line, line_time_s
from firmware.simulator.slot import (
    AnyMishap,
    CardReport,
    CutShort,
    NoAnswer,
    OddStatus,
    PowerLoss,
    Pull,
    Silence,
    Slot,
)

SELECT, READ = bytes.fromhex("00A40000"), bytes.fromhex("00B0000004")


class Echo:
    """A card that answers with the command, and writes down what happens to its power."""

    def __init__(self) -> None:
        self.atr = b"\x3b\x80\x80\x01\x01"
        self.seen: list[bytes] = []
        self.power: list[str] = []

    def power_on(self) -> None:
        self.power.append("on")

    def power_off(self) -> None:
        self.power.append("off")

    def reset(self) -> None:
        self.power.append("reset")

    def process(self, command: bytes) -> bytes:
        self.seen.append(command)
        return command + b"\x90\x00"

    def report(self) -> CardReport:
        return CardReport(commands=len(self.seen))


# --- mishaps -----------------------------------------------------------------------------------
def test_without_mishaps_the_card_answers() -> None:
    slot = Slot(Echo())
    assert slot.exchange(READ) == READ + b"\x90\x00"


def test_mishap_waits_for_its_command_and_is_gone_after_it() -> None:
    slot = Slot(Echo())
    slot.arrange(OddStatus(after=2, status_word=0x6F00))
    answers = [slot.exchange(READ) for _ in range(4)]
    assert [answer == b"\x6f\x00" for answer in answers] == [False, False, True, False]


def test_only_commands_of_its_instruction_count() -> None:
    slot = Slot(Echo())
    slot.arrange(OddStatus(after=1, ins=0xB0, status_word=0x6982))
    sent = [SELECT, READ, SELECT, SELECT, READ, READ]
    refused = [slot.exchange(command) == b"\x69\x82" for command in sent]
    assert refused == [False, False, False, False, True, False]


def test_two_mishaps_of_one_command_happen_one_after_the_other() -> None:
    slot = Slot(Echo())
    slot.arrange(OddStatus(status_word=0x6F00))
    slot.arrange(CutShort(length=1))
    assert [slot.exchange(READ) for _ in range(3)] == [b"\x6f\x00", b"\x00", READ + b"\x90\x00"]


@pytest.mark.parametrize(
    ("mishap", "answer", "seen", "power"),
    [
        (Pull(), NoAnswer.PULLED, 0, ["off"]),
        (Silence(), NoAnswer.MUTE, 0, []),
        (OddStatus(status_word=0x6300), b"\x63\x00", 0, []),
        (CutShort(length=3), READ[:3], 1, []),
        (PowerLoss(), READ + b"\x90\x00", 1, ["off", "on"]),
    ],
)
def test_each_mishap(mishap: AnyMishap, answer: object, seen: int, power: list[str]) -> None:
    card = Echo()
    slot = Slot(card)
    slot.arrange(mishap)
    assert slot.exchange(READ) == answer
    assert (len(card.seen), card.power) == (seen, power)


# --- the control lines ---------------------------------------------------------------------------
REQUESTS: tuple[AnyRequest, ...] = (
    Insert(patient="valid"),
    Insert(patient="valid", options=CardOptions(line=Line.CONTACT_9600, blocked_try="6983")),
    Remove(),
    Reset(),
    AskStatus(),
    *(
        Arrange(mishap=mishap)
        for mishap in (
            Pull(after=3),
            PowerLoss(ins=0x20),
            OddStatus(status_word=0x6F00),
            Silence(),
            CutShort(length=0),
        )
    ),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=repr)
def test_every_request_survives_the_wire(request_: AnyRequest) -> None:
    line = encode(request_)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode_request(line) == request_


def test_answers_survive_the_wire() -> None:
    status = Status(inserted="valid", commands=3, verifies_sent=1, tries_left={"pin": 2})
    assert decode_answer(encode(status)) == status
    with pytest.raises(ControlRefused, match="no card lies"):
        decode_answer(encode(Refusal(error="no card lies on the reader")))


@given(st.binary(max_size=200))
def test_any_line_is_a_request_or_refused(line: bytes) -> None:
    for decode in (decode_request, decode_answer):
        try:
            decode(line)
        except ControlRefused:
            continue


@pytest.mark.parametrize(
    "line",
    [
        b'{"do":"insert"}',
        b'{"do":"open_door"}',
        b'{"do":"arrange","mishap":{"mishap":"status_word","status_word":1}}',
        b'{"do":"remove","slot":2}',
    ],
)
def test_wrong_requests_are_refused(line: bytes) -> None:
    with pytest.raises(ControlRefused):
        decode_request(line)


# --- the wire to vpcd ----------------------------------------------------------------------------
class Driver:
    """The driver's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, message: bytes) -> None:
        """Length and body apart, as vpcd writes them."""
        self.writer.write(len(message).to_bytes(2, "big"))
        await self.writer.drain()
        self.writer.write(message)
        await self.writer.drain()

    async def receive(self) -> bytes:
        length = int.from_bytes(await self.reader.readexactly(2), "big")
        return await self.reader.readexactly(length)


@asynccontextmanager
async def inserted(
    slot: Slot, connection: socket.socket | None = None, **pace: Any
) -> AsyncIterator[tuple[Driver, asyncio.Task[None]]]:
    arrived: asyncio.Queue[Driver] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda reader, writer: arrived.put_nowait(Driver(reader, writer)), "127.0.0.1", 0
    )
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        if connection is None:
            connection = await vpcd.insert(port=port)
        else:
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        task = asyncio.create_task(vpcd.play(slot, connection, **pace))
        driver = await arrived.get()
        yield driver, task
        driver.writer.close()
        await asyncio.wait((task,))
        assert connection.fileno() == -1


async def test_orders_and_commands() -> None:
    card = Echo()
    async with inserted(Slot(card)) as (driver, _):
        await driver.send(b"\x01")
        await driver.send(b"\x04")
        assert await driver.receive() == card.atr
        await driver.send(READ)
        assert await driver.receive() == READ + b"\x90\x00"
        long = bytes.fromhex("00D6000000FFFF") + bytes(60000)
        await driver.send(long)
        assert await driver.receive() == long + b"\x90\x00"
        await driver.send(b"\x02")
        await driver.send(b"\x00")
        await driver.send(b"\x04")
        await driver.receive()
        assert card.power == ["on", "reset", "off"]
    assert card.power[-1] == "off"


async def test_each_command_takes_the_time_of_its_line_and_orders_none() -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    slot = Slot(Echo())
    slot.arrange(Silence(after=1))
    async with inserted(slot, line=Line.CONTACT_9600, wait=wait) as (driver, _):
        for message in (b"\x01", READ, READ, b"\x04"):
            await driver.send(message)
        await driver.receive()
        await driver.receive()
    assert waited == [line_time_s(Line.CONTACT_9600, len(READ), len(READ) + 2)]


async def test_pull_hangs_up_instead_of_answering() -> None:
    slot = Slot(Echo())
    slot.arrange(Pull())
    async with inserted(slot) as (driver, task):
        await driver.send(READ)
        assert await driver.reader.read() == b""
        await asyncio.wait((task,))


async def test_mute_card_still_obeys_orders() -> None:
    slot = Slot(Echo())
    slot.arrange(Silence())
    async with inserted(slot) as (driver, _):
        await driver.send(READ)
        await driver.send(b"\x04")
        assert await driver.receive() == slot.card.atr  # the first thing that comes back


async def test_removal_ends_the_play_and_takes_the_power() -> None:
    card = Echo()
    async with inserted(Slot(card)) as (driver, task):
        await driver.send(b"\x01")
        await driver.send(READ)
        await driver.receive()
        task.cancel()
        assert await driver.reader.read() == b""
    assert card.power == ["on", "off"]


class Watched(socket.socket):
    """Writes down each order to acknowledge, and each read that brought something."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def setsockopt(self, *option: int) -> None:  # type: ignore[override]
        super().setsockopt(*option)
        if option[:2] == (socket.IPPROTO_TCP, socket.TCP_QUICKACK):
            self.told.append("acknowledge")

    def recv(self, *size: int) -> bytes:
        received = super().recv(*size)
        self.told.append("read")
        return received


async def test_every_read_is_acknowledged_at_once() -> None:
    """Without TCP_QUICKACK before each read a command takes 44 ms; the kernel drops the option."""
    with Watched() as connection:
        connection.setblocking(False)
        async with inserted(Slot(Echo()), connection) as (driver, _):
            for _ in range(3):
                await driver.send(READ)
                await driver.receive()
    told = connection.told
    assert told.count("read") >= 6
    assert all(told[at - 1] == "acknowledge" for at, what in enumerate(told) if what == "read")
