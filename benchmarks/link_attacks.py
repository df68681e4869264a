"""Whether anybody but the paired end gets through a serial line, and whether that one always does.

    python benchmarks/link_attacks.py [--attempts 1000] [--seed N]

Real pseudo-terminals, the link's own server, and somebody who holds the cable: he bends payloads
and mends their CRC, plays back what he recorded, speaks an older TLS with the right key, shows
another certificate, guesses the digits.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import pty
import ssl
import struct
import tempfile
import tty
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import UUID

from firmware.faults import LinkLost, PairingRefused
from firmware.link.framing import FrameDecoder, wrap
from firmware.link.messages import Cancel, Message
from firmware.link.pairing import HostPairing, PairingWindow, new_code
from firmware.link.pairing_line import ClearChannel, pair_with_device, pair_with_host
from firmware.link.secure import Channel
from firmware.link.serial_port import SerialTransport, open_port
from firmware.link.transport import Link, open_link, serve_link
from firmware.link.trust import Trust

NOWHERE = Path("/nonexistent")
LEASE_S = 10.0  # nothing is decided by it: every attempt ends with a word
WORDS = tuple(Cancel(UUID(int=number)) for number in range(4))
FRAMES_OF_A_TALK = 8
"""Data frames towards the device: the handshake, a heartbeat, and the words."""

UNREAD = (1, 2)
"""In the first record: a version that TLS tells everybody to ignore (RFC 8446, 5.1)."""

_DATA = 1
_HEADER = struct.Struct(">BIIIIH")

Bend = Callable[[bytes], bytes]


class Wire:
    """Two pseudo-terminals, and a hand between them."""

    def __init__(self, to_device: Bend | None = None) -> None:
        """`to_device` is given each frame on its way to the device, and says what goes on."""
        self._bend, self._frames = to_device, FrameDecoder()
        pairs = [pty.openpty() for _ in range(2)]
        for master, slave in pairs:
            tty.setraw(slave)
            os.set_blocking(master, False)
        (self._device, _), (self._host, _) = pairs
        self._all = [end for pair in pairs for end in pair]
        self.device, self.host = (os.ttyname(slave) for _, slave in pairs)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._device, self._to_host)
        loop.add_reader(self._host, self._to_device)

    def _to_host(self) -> None:
        self._write(self._host, os.read(self._device, 4096))

    def _to_device(self) -> None:
        data = os.read(self._host, 4096)
        if self._bend is not None:
            data = b"".join(wrap(self._bend(frame)) for frame in self._frames.feed(data))
        self._write(self._device, data)

    @staticmethod
    def _write(there: int, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # as on any cable
            os.write(there, data)

    def close(self) -> None:
        """Pull it."""
        loop = asyncio.get_running_loop()
        for master in (self._device, self._host):
            loop.remove_reader(master)
        for end in self._all:
            os.close(end)


class Flip:
    """Turns one bit of what one data frame carries."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._at = random.randrange(FRAMES_OF_A_TALK)
        self.done = False

    def __call__(self, frame: bytes) -> bytes:
        """The frame, or a bent one; a frame that comes again is bent again."""
        flags, _, _, sequence, *_ = _HEADER.unpack_from(frame)
        if not flags & _DATA or sequence != self._at or len(frame) == _HEADER.size:
            return frame
        self.done = True
        at = self._random.randrange(_HEADER.size, len(frame))
        if sequence == 0 and at - _HEADER.size in UNREAD:
            at = _HEADER.size
        return frame[:at] + bytes([frame[at] ^ 1 << self._random.randrange(8)]) + frame[at + 1 :]


class Tape:
    """Records what a host says to the device."""

    def __init__(self) -> None:
        self.payloads: dict[int, bytes] = {}

    def __call__(self, frame: bytes) -> bytes:
        """The same frame."""
        flags, _, _, sequence, *_ = _HEADER.unpack_from(frame)
        if flags & _DATA:
            self.payloads[sequence] = frame[_HEADER.size :]
        return frame


class OldTls:
    """The right key and certificate, and TLS 1.2, after `secure.Channel`."""

    def __init__(self, ends: Ends) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(ends.host.identity_file)
        self.established = False
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving)
        self.receive(b"")

    def receive(self, payload: bytes) -> bytes:
        """Shake hands on."""
        self._arrived.write(payload)
        with contextlib.suppress(ssl.SSLError):
            self._tls.do_handshake()
            self.established = True
        return b""

    def send(self, content: bytes) -> None:
        """Never asked for."""

    def outgoing(self) -> bytes:
        """What TLS wants to say."""
        return self._leaving.read()


class Silent(asyncio.Protocol):
    """Waits for the end."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """It came."""
        self.over.set()


@dataclass
class Ends:
    """A paired host and device, and a stranger who knows the device's certificate."""

    folder: Path
    host: Trust = field(init=False)
    device: Trust = field(init=False)
    stranger: Trust = field(init=False)

    def __post_init__(self) -> None:
        self.host, self.stranger = (
            Trust(self.folder / name, "device") for name in ("host", "stranger")
        )
        self.device = Trust(self.folder / "device", "host")
        self.host.pin(self.device.certificate())
        self.device.pin(self.host.certificate())
        self.stranger.pin(self.device.certificate())
        self.stranger.certificate()


class Heard:
    """The device: how many links were made, and what was said on them."""

    def __init__(self) -> None:
        self.links, self.words = 0, list[Message]()

    async def __call__(self, link: Link) -> None:
        """One link, until it ends."""
        self.links += 1
        while True:
            self.words.append(await link.receive())


async def _talk(wire: Wire, ends: Ends, trust: Trust, device: Trust | None = None) -> Heard:
    """Connect as a host and say the words; what the device heard by the end."""
    heard = Heard()
    server = await serve_link(
        f"serial:{wire.device}", NOWHERE, heard, lease_s=LEASE_S, trust=device or ends.device
    )
    try:
        with contextlib.suppress(LinkLost):
            link = await open_link(f"serial:{wire.host}", NOWHERE, lease_s=LEASE_S, trust=trust)
            for word in WORDS:
                await link.send(word)
            link.close()  # once everything has arrived
            await link.wait_closed()
    finally:
        await server.close()
    return heard


async def _say(wire: Wire, ends: Ends, channel: Channel) -> Heard:
    """Speak to the device in a stranger's way until it ends the session."""
    heard, silent = Heard(), Silent()
    server = await serve_link(
        f"serial:{wire.device}", NOWHERE, heard, lease_s=LEASE_S, trust=ends.device
    )
    try:
        SerialTransport(open_port(wire.host, LEASE_S), silent, channel, LEASE_S)
        await silent.over.wait()
    finally:
        await server.close()
    return heard


async def control(ends: Ends, random: Random) -> bool:
    """Nobody attacks: does everything arrive?"""
    wire = Wire(to_device=lambda frame: frame)
    try:
        return (await _talk(wire, ends, ends.host)).words == list(WORDS)
    finally:
        wire.close()


async def flips(ends: Ends, random: Random) -> bool:
    """One bit: is anything else heard than what was said, or does the link outlive it?"""
    flip = Flip(random)
    wire = Wire(to_device=flip)
    try:
        heard = (await _talk(wire, ends, ends.host)).words
    finally:
        wire.close()
    return heard != list(WORDS[: len(heard)]) or (flip.done and heard == list(WORDS))


async def replays(ends: Ends, random: Random) -> bool:
    """A whole session, again."""
    tape, channel = Tape(), ClearChannel()
    first, second = Wire(to_device=tape), Wire()
    try:
        assert (await _talk(first, ends, ends.host)).words == list(WORDS)
        channel.begin(b"".join(tape.payloads[sequence] for sequence in sorted(tape.payloads)))
        return (await _say(second, ends, channel)).links > 0
    finally:
        first.close()
        second.close()


async def downgrades(ends: Ends, random: Random) -> bool:
    """TLS 1.2 with the right key; every other time no TLS at all."""
    clear = ClearChannel()
    clear.begin(b'{"type":"cancel","transaction_id":"00000000-0000-0000-0000-000000000007"}\n')
    wire = Wire()
    try:
        channel = clear if random.random() < 0.5 else OldTls(ends)
        return (await _say(wire, ends, channel)).links > 0
    finally:
        wire.close()


async def certificates(ends: Ends, random: Random) -> bool:
    """A stranger as host; every other time a stranger as device."""
    wire = Wire()
    try:
        if random.random() < 0.5:
            return (await _talk(wire, ends, ends.stranger)).links > 0
        as_device = Trust(ends.folder / "stranger", "host")
        as_device.pin(ends.host.certificate())
        return (await _talk(wire, ends, ends.host, as_device)).links > 0
    finally:
        wire.close()


async def codes(ends: Ends, random: Random) -> bool:
    """Wrong digits, three times."""
    wire = Wire()
    window = PairingWindow(ends.device.certificate())
    waiting = asyncio.create_task(pair_with_host(wire.device, window, ends.device, LEASE_S))
    try:
        for _ in range(window.tries_left):
            while (guess := new_code()) == window.code:
                pass
            pairing = HostPairing(guess, ends.stranger.certificate())
            with contextlib.suppress(PairingRefused, LinkLost):
                await pair_with_device(wire.host, pairing, ends.stranger.pin, LEASE_S)
                return True
        return await waiting
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        wire.close()


Attempt = Callable[[Ends, Random], Awaitable[bool]]
ATTACKS: dict[str, Attempt] = {
    "flips": flips,
    "replays": replays,
    "downgrade": downgrades,
    "wrong certificate": certificates,
    "wrong code": codes,
}


async def counted(attempt: Attempt, attempts: int, seed: int = 1) -> int:
    """How many of the attempts got through."""
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        ends = Ends(Path(folder))
        return sum([await attempt(ends, random) for _ in range(attempts)])


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| attempt | got through |\n| --- | --- |")
    for name, attempt in {"no attack": control, **ATTACKS}.items():
        through = asyncio.run(counted(attempt, arguments.attempts, arguments.seed))
        print(f"| {name} | {through} of {arguments.attempts} |", flush=True)


if __name__ == "__main__":
    main()
