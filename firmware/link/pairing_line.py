"""Pairing over a serial port: the words of `pairing.py`, in the clear, on an endpoint. [shell]"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, cast

import serial

from firmware.faults import BadSettings, Fault, LinkLost, MalformedMessage, PairingRefused
from firmware.link.framing import LineDecoder
from firmware.link.pairing import (
    MAX_LINE_BYTES,
    HostPairing,
    Kept,
    PairingWindow,
    PairingWord,
    decode,
    encode,
)
from firmware.link.serial_port import SerialTransport, open_port
from firmware.link.trust import Trust

Ear = Callable[[PairingWord], PairingWord | None]
Keep = Callable[[bytes], None]
"""Puts a certificate on disk, and has it there when it returns."""

ANSWER_LEASES: Final = 4
REOPENS_PER_LEASE: Final = 4
OPEN_S: Final = 600.0
"""How long digits count that nobody typed: a device that was forgotten pairs with no late comer."""


class ClearChannel:
    """No secrets yet: payloads are the stream, after `secure.Channel`."""

    def __init__(self) -> None:
        self.established = False
        self._leaving = b""

    def begin(self, first: bytes) -> None:
        """Say something before the other end has said anything."""
        self._leaving += first

    def receive(self, payload: bytes) -> bytes:
        """The same."""
        self.established = True
        return payload

    def send(self, content: bytes) -> None:
        """Later, by `outgoing`."""
        self._leaving += content

    def outgoing(self) -> bytes:
        """What was sent."""
        leaving, self._leaving = self._leaving, b""
        return leaving


class _Talk(asyncio.Protocol):
    """Lines to words, and the answers back, until the last one."""

    def __init__(self, hear: Ear) -> None:
        self._hear = hear
        self._lines = LineDecoder(MAX_LINE_BYTES)
        self._transport: asyncio.Transport | None = None
        self.over = asyncio.Event()
        self.refused: Fault | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            try:
                answer = self._hear(decode(line))
            except MalformedMessage as fault:
                self._end(PairingRefused(f"the other end does not pair: {fault}"))
            except Fault as fault:
                self._end(fault)
            else:
                if answer is not None and self._transport is not None:
                    self._transport.write(encode(answer))
                if answer is None or isinstance(answer, Kept):
                    self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()

    def _end(self, refused: Fault | None) -> None:
        self.refused = self.refused or refused
        if self._transport is not None:
            self._transport.close()


def host_ear(pairing: HostPairing, keep: Keep) -> Ear:
    """Keeps the device before it says so."""

    def hear(word: PairingWord) -> PairingWord:
        answer = pairing.hear(word)
        if pairing.peer is not None:
            keep(pairing.peer)
        return answer

    return hear


def device_ear(window: PairingWindow, trust: Trust) -> Ear:
    """Lets the host in before it can know of it, and pins it when it is known to know."""

    def hear(word: PairingWord) -> PairingWord | None:
        answer = window.hear(word)
        if window.peer is not None:
            (trust.pin if window.kept else trust.propose)(window.peer)
        return answer

    return hear


async def pair_with_device(name: str, pairing: HostPairing, keep: Keep, lease_s: float) -> None:
    """Try once, from the host. Returns when the device is kept, and may lack the word of it.

    Raises `PairingRefused`, `LinkLost` where no port or no device is, and what `keep` raises: then
    nothing was kept.
    """
    talk, channel = _Talk(host_ear(pairing, keep)), ClearChannel()
    channel.begin(encode(pairing.begin()))
    transport = SerialTransport(open_port(name, lease_s), talk, channel, lease_s)
    try:
        async with asyncio.timeout(ANSWER_LEASES * lease_s):
            await talk.over.wait()
    except TimeoutError as cause:
        if pairing.peer is None:
            raise LinkLost(f"nobody on {name} is being paired") from cause
    finally:
        transport.abort()
        await talk.over.wait()
    if talk.refused is not None:
        raise talk.refused
    if pairing.peer is None:
        raise PairingRefused("the device broke off, and is not kept: have it show new digits")


async def pair_with_host(
    name: str, window: PairingWindow, trust: Trust, lease_s: float, open_s: float = OPEN_S
) -> bool:
    """Let hosts try, from the device, until one did or none may any more: whether one did.

    Raises `LinkLost` for a port that cannot be opened at first, `BadSettings` where nobody can be
    pinned, `PairingRefused` when `open_s` have gone by, or where a host did and never said so.
    """
    try:
        async with asyncio.timeout(open_s):
            await _any_host(name, window, trust, lease_s)
    except TimeoutError as cause:
        if window.peer is None:
            minutes = f"{open_s / 60:g} minutes"
            raise PairingRefused(f"nobody was paired within {minutes}: begin anew") from cause
    if window.peer is not None and not window.kept:
        raise PairingRefused("the line broke at the end: where the host is not met now, begin anew")
    return window.kept


async def _any_host(name: str, window: PairingWindow, trust: Trust, lease_s: float) -> None:
    port = open_port(name, lease_s)
    while True:
        talk = _Talk(device_ear(window, trust))
        transport = SerialTransport(port, talk, ClearChannel(), lease_s)
        try:
            await talk.over.wait()
        finally:
            transport.abort()
            await talk.over.wait()
        window.forsake()
        if isinstance(talk.refused, BadSettings):
            raise talk.refused
        if not window.is_open:
            return
        port = await _reopened(name, lease_s)


async def _reopened(name: str, lease_s: float) -> serial.Serial:
    while True:
        with contextlib.suppress(LinkLost):  # unplugged in between
            return open_port(name, lease_s)
        await asyncio.sleep(lease_s / REOPENS_PER_LEASE)
