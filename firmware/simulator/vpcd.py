"""[shell] The wire to vpcd, the driver of virtual readers: a slot played to a real PC/SC daemon.

vpcd listens on TCP; connecting inserts the card, closing removes it. Each message is a length of
two bytes, big-endian, and that many bytes. One-byte messages are orders, all others commands.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Final

from firmware.simulator.line_time import Line, line_time_s
from firmware.simulator.slot import NoAnswer, Slot

PORT: Final = 0x8C7B  # 35963: the first slot of the driver
HOST: Final = "127.0.0.1"


class Order(IntEnum):
    """What the driver tells the card in one byte."""

    POWER_OFF = 0x00
    POWER_ON = 0x01
    RESET = 0x02
    GET_ATR = 0x04


async def insert(host: str = HOST, port: int = PORT) -> socket.socket:
    """Connect, which inserts the card; `play` the returned socket. Raises OSError."""
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    try:
        await loop.sock_connect(connection, (host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


async def play(
    slot: Slot,
    connection: socket.socket,
    line: Line | None = None,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Answer the driver until it hangs up, the card is pulled, or the task is cancelled.

    The card is then without power and the connection closed, whichever it was. With a `line` each
    command and its answer take the time that they would on it.
    """
    loop = asyncio.get_running_loop()
    try:
        while (message := await _receive(connection)) is not None:
            answer = _answer(slot, message)
            if answer is NoAnswer.PULLED:
                return
            if isinstance(answer, bytes):
                if line is not None and len(message) > 1:
                    await wait(line_time_s(line, len(message), len(answer)))
                await loop.sock_sendall(connection, len(answer).to_bytes(2, "big") + answer)
    except OSError:
        return  # the daemon is gone, which removes the card as well
    finally:
        slot.card.power_off()
        connection.close()


def _answer(slot: Slot, message: bytes) -> bytes | NoAnswer | None:
    """What to send back; None after an order that wants nothing."""
    if len(message) != 1:
        return slot.exchange(message)
    match message[0]:
        case Order.POWER_OFF:
            slot.card.power_off()
        case Order.POWER_ON:
            slot.card.power_on()
        case Order.RESET:
            slot.card.reset()
        case Order.GET_ATR:
            return slot.card.atr
    return None


async def _receive(connection: socket.socket) -> bytes | None:
    """One message; None once the driver has hung up."""
    header = await _receive_exactly(connection, 2)
    return (
        None
        if header is None
        else await _receive_exactly(connection, int.from_bytes(header, "big"))
    )


async def _receive_exactly(connection: socket.socket, length: int) -> bytes | None:
    loop = asyncio.get_running_loop()
    received = b""
    while len(received) < length:
        # vpcd writes length and body apart: without an acknowledgement at once, Nagle's algorithm
        # there and the delayed acknowledgement here cost 44 ms a command (measured). The kernel
        # drops the option by itself, so it is set before every read.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = await loop.sock_recv(connection, length - len(received))
        if not part:
            return None
        received += part
    return received
