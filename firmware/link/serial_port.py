"""A serial port as an asyncio transport: pyserial below, endpoint and channel between. [shell]

The protocol above sees a stream that loses nothing, or its end; the channel keeps it secret. Two
threads wait for the port, so the same code runs where a port has no file descriptor; what they hold
is bounded, and a frame that finds no place is lost as on any cable: the endpoint sends it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import secrets
import threading
from collections.abc import Callable
from typing import Any, Final

import serial

from firmware.faults import LinkLost, PeerNotTrusted
from firmware.link.endpoint import (
    FRAGMENT_BYTES,
    LEASE_S,
    MAX_PAYLOAD_BYTES,
    NO_SESSION,
    Endpoint,
)
from firmware.link.outbox import WINDOW
from firmware.link.secure import Channel, SecureChannel

BAUD: Final = 115_200  # a real line's; USB has no such thing
READ_BYTES: Final = 4096
READS_AHEAD: Final = 8
FRAMES_AHEAD: Final = 2 * WINDOW
AHEAD_BYTES: Final = 4 * FRAGMENT_BYTES
"""What may wait behind a full window before the protocol is asked to pause."""


class SerialTransport(asyncio.Transport):
    """One session on an open port. `connection_made` comes when its channel is established."""

    def __init__(
        self, port: serial.Serial, protocol: asyncio.Protocol, channel: Channel, lease_s: float
    ) -> None:
        super().__init__({"serial": port, "paired": isinstance(channel, SecureChannel)})
        self._channel = channel
        self.fault: LinkLost | None = None
        """Why it ended, where it did not end as it should."""
        self._port, self._protocol, self._lease_s = port, protocol, lease_s
        self._loop = asyncio.get_running_loop()
        self._endpoint = Endpoint(_new_session(), self._loop.time(), lease_s)
        self._made = False
        self._closing = False
        self._ended = False
        self._writing_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._releasing: asyncio.Task[None] | None = None
        self._frames: queue.Queue[bytes] = queue.Queue(FRAMES_AHEAD)
        self._reads = threading.BoundedSemaphore(READS_AHEAD)
        self._threads = (
            threading.Thread(target=self._read_port, name=f"read {port.name}", daemon=True),
            threading.Thread(target=self._write_port, name=f"write {port.name}", daemon=True),
        )
        for thread in self._threads:
            thread.start()
        self._turn()

    # --- asyncio.Transport
    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue bytes of the stream; past the high-water mark the protocol is asked to pause."""
        if self._closing or self._ended:
            return
        self._channel.send(bytes(data))
        self._turn()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`serial`: the port; `paired`; `figures`: how the line has behaved so far."""
        if name == "figures":
            return self._endpoint.figures
        return super().get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Bytes that the other end has not acknowledged."""
        return self._endpoint.backlog_bytes

    def pause_reading(self) -> None:
        """Leave data at the other end."""
        self._endpoint.accepting = False

    def resume_reading(self) -> None:
        """Take data again."""
        self._endpoint.accepting = True

    def is_closing(self) -> bool:
        """Is it closed, or will be once everything was acknowledged."""
        return self._closing or self._ended

    def close(self) -> None:
        """Close once the other end has everything, or its lease is over."""
        if not self.is_closing():
            self._flush()
            self._closing = True
            self._endpoint.close()
            if self._endpoint.established:
                self._turn()
            else:
                self._end(None)

    def abort(self) -> None:
        """Close now."""
        self._end(None)

    # --- the endpoint's turns
    def _hear(self, data: bytes) -> None:
        self._reads.release()
        if self._ended:
            return
        for payload in self._endpoint.feed(data, self._loop.time()):
            if not self.is_closing():
                self._take_in(payload)
        self._turn()

    def _take_in(self, payload: bytes) -> None:
        try:
            content = self._channel.receive(payload)
        except PeerNotTrusted as fault:
            self.fault = fault
            self._flush()  # the other end is told why, if it can still read
            self.close()
            return
        if self._channel.established and not self._made:
            self._made = True
            self._protocol.connection_made(self)
        if content and not self._ended:
            self._protocol.data_received(content)

    def _flush(self) -> None:
        while payload := self._channel.outgoing():
            for start in range(0, len(payload), MAX_PAYLOAD_BYTES):
                self._endpoint.send(payload[start : start + MAX_PAYLOAD_BYTES])

    def _turn(self) -> None:
        """Write what is due, and come back when more is."""
        if self._ended:
            return
        self._flush()
        try:
            frames = self._endpoint.poll(self._loop.time())
        except LinkLost as fault:
            self._end(fault)
            return
        for frame in frames:
            with contextlib.suppress(queue.Full):  # lost, as on any cable
                self._frames.put_nowait(frame)
        if self._endpoint.closed:
            self._end(None)
            return
        self._mind_the_backlog()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._endpoint.due_s, self._turn)

    def _mind_the_backlog(self) -> None:
        if not self._made:
            return
        ahead_bytes = self._endpoint.backlog_bytes - self._endpoint.window_bytes
        if not self._writing_paused and ahead_bytes > AHEAD_BYTES:
            self._writing_paused = True
            self._protocol.pause_writing()
        elif self._writing_paused and ahead_bytes <= 0:
            self._writing_paused = False
            self._protocol.resume_writing()

    def _end(self, fault: LinkLost | None) -> None:
        if self._ended:
            return
        self._ended = True
        self.fault = self.fault or fault
        if self._timer is not None:
            self._timer.cancel()
        self._releasing = self._loop.create_task(self._release())

    async def _release(self) -> None:
        """Let the threads go, close the port, then say so: whoever reopens it finds it free."""
        await asyncio.to_thread(self._close_port)
        self._protocol.connection_lost(self.fault)

    def _close_port(self) -> None:
        reader, writer = self._threads
        # Behind what is still to be written, a goodbye for instance. A writer that ended by itself
        # makes no room, and needs no end.
        with contextlib.suppress(queue.Full):
            self._frames.put(b"", timeout=self._lease_s if writer.is_alive() else 0)
        writer.join()  # a write that waits too long is an error
        with contextlib.suppress(OSError):
            self._port.cancel_read()
        reader.join()
        self._port.close()

    # --- in threads
    def _read_port(self) -> None:
        try:
            while not self._ended:
                data = self._port.read(1)  # waits; never for more than has come
                data += self._port.read(min(self._port.in_waiting, READ_BYTES))
                if data:
                    self._reads.acquire()
                    self._tell(self._hear, data)
        except OSError as cause:
            self._tell(self._end, LinkLost(f"{self._port.name}: {cause}"))

    def _write_port(self) -> None:
        try:
            while frame := self._frames.get():
                self._port.write(frame)
        except OSError as cause:
            self._tell(self._end, LinkLost(f"{self._port.name}: {cause}"))

    def _tell(self, verb: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended first, and nobody listens
            self._loop.call_soon_threadsafe(verb, *arguments)


def open_port(name: str, lease_s: float = LEASE_S) -> serial.Serial:
    """The port, for nobody else. Raises `LinkLost`."""
    try:
        return serial.Serial(name, BAUD, timeout=None, write_timeout=lease_s, exclusive=True)
    except (OSError, ValueError) as cause:
        raise LinkLost(f"{name} cannot be opened: {cause}") from cause


def _new_session() -> int:
    return NO_SESSION + 1 + secrets.randbelow(2**32 - 1)
