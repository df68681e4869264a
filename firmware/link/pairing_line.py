"""Pairing over a serial port: the words of `pairing.py`, in the clear, on an endpoint. [shell]"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, cast

import serial

from firmware.faults import LinkLost, MalformedMessage, PairingRefused
from firmware.link.framing import LineDecoder
from firmware.link.pairing import (
    MAX_LINE_BYTES,
    HostPairing,
    PairingWindow,
    PairingWord,
    decode,
    encode,
)
from firmware.link.serial_port import SerialTransport, open_port

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
    """Lines to words, and the answers back, until there is nothing to say."""

    def __init__(self, hear: Callable[[PairingWord], PairingWord | None]) -> None:
        self._hear = hear
        self._lines = LineDecoder(MAX_LINE_BYTES)
        self._transport: asyncio.Transport | None = None
        self.over = asyncio.Event()
        self.refused: PairingRefused | None = None
        self.lost: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            try:
                answer = self._hear(decode(line))
            except MalformedMessage as fault:
                self._end(PairingRefused(f"the other end does not pair: {fault}"))
            except PairingRefused as fault:
                self._end(fault)
            else:
                if answer is None:
                    self._end(None)
                elif self._transport is not None:
                    self._transport.write(encode(answer))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc
        self.over.set()

    def _end(self, refused: PairingRefused | None) -> None:
        self.refused = self.refused or refused
        if self._transport is not None:
            self._transport.close()


async def pair_with_device(name: str, pairing: HostPairing, lease_s: float) -> bytes:
    """Try once, from the host: the device's certificate.

    Raises `PairingRefused`, and `LinkLost` where no port or no device is.
    """
    talk, channel = _Talk(pairing.hear), ClearChannel()
    channel.begin(encode(pairing.begin()))
    transport = SerialTransport(open_port(name, lease_s), talk, channel, lease_s)
    try:
        async with asyncio.timeout(ANSWER_LEASES * lease_s):
            await talk.over.wait()
    except TimeoutError as cause:
        raise LinkLost(f"nobody on {name} is being paired") from cause
    finally:
        transport.abort()
        await talk.over.wait()
    if pairing.peer is None:
        raise talk.refused or PairingRefused("the device broke off: is pairing open there?")
    return pairing.peer


async def pair_with_host(
    name: str, window: PairingWindow, lease_s: float, open_s: float = OPEN_S
) -> bytes | None:
    """Let hosts try, from the device, until one did or none may any more: the host's certificate.

    Raises `LinkLost` for a port that cannot be opened at first, `PairingRefused` when `open_s` have
    gone by.
    """
    try:
        async with asyncio.timeout(open_s):
            return await _any_host(name, window, lease_s)
    except TimeoutError as cause:
        if window.peer is not None:  # it was being told so
            return window.peer
        minutes = f"{open_s / 60:g} minutes"
        raise PairingRefused(f"nobody was paired within {minutes}: begin anew") from cause


async def _any_host(name: str, window: PairingWindow, lease_s: float) -> bytes | None:
    port = open_port(name, lease_s)
    while True:
        talk = _Talk(window.hear)
        transport = SerialTransport(port, talk, ClearChannel(), lease_s)
        try:
            await talk.over.wait()
        finally:
            transport.abort()
            await talk.over.wait()
        window.forsake()
        if not window.is_open:
            return window.peer
        port = await _reopened(name, lease_s)


async def _reopened(name: str, lease_s: float) -> serial.Serial:
    while True:
        with contextlib.suppress(LinkLost):  # unplugged in between
            return open_port(name, lease_s)
        await asyncio.sleep(lease_s / REOPENS_PER_LEASE)
