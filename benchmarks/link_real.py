"""How much of a shaped line is left to the link's messages, on real ports, in real time.

    python benchmarks/link_real.py [--seconds 20] [--seed N]

Everything as it ships: `Link`, TLS 1.3, endpoint, threads, two pseudo-terminals. Between them
stands a line that takes its time for each frame, in each direction, and loses some. This machine's
speed and load are in these figures; `link_line.py` computes the same without them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import pty
import sys
import tempfile
import tty
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

from link_attacks import NOWHERE, Ends

from firmware.link.framing import FrameDecoder, wrap
from firmware.link.messages import Refused, encode
from firmware.link.transport import Link, open_link, serve_link
from firmware.link.trust import Trust
from firmware.simulator.line import FAST, SLOW, LineKind

KINDS = {"1 MB/s, 1 ms": FAST, "115,200 bit/s": SLOW}
LOSSES = (0.0, 0.1)
SOUGHT = {0.0: 0.9, 0.1: 0.8}
"""Of what the line leaves whole."""
TEXT = "x" * 2000
READ_BYTES = 4096


class ShapedWire:
    """Two pseudo-terminals; a frame arrives when a line of that kind has carried it, or never."""

    def __init__(self, kind: LineKind, lost: float, seed: int) -> None:
        self._kind, self._lost, self._random = kind, lost, Random(seed)
        self._loop = asyncio.get_running_loop()
        self._masters, self._slaves = [], []
        for _ in range(2):
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)
        self.host, self.device = (f"serial:{os.ttyname(slave)}" for slave in self._slaves)
        self._free_s = dict.fromkeys(self._masters, 0.0)
        self._open = True
        for here, there in (self._masters, self._masters[::-1]):
            self._loop.add_reader(here, self._take, here, there, FrameDecoder())

    def _take(self, here: int, there: int, frames: FrameDecoder) -> None:
        now_s = self._loop.time()
        for frame in frames.feed(os.read(here, READ_BYTES)):
            whole = wrap(frame)
            passed_s = max(self._free_s[here], now_s) + len(whole) / self._kind.rate
            self._free_s[here] = passed_s
            if self._random.random() >= self._lost:
                self._loop.call_at(passed_s + self._kind.delay_s, self._give, there, whole)

    def _give(self, there: int, whole: bytes) -> None:
        if self._open:
            with contextlib.suppress(BlockingIOError):  # nobody reads: lost, as on any cable
                os.write(there, whole)

    def close(self) -> None:
        """Unplug it."""
        self._open = False
        for master in self._masters:
            self._loop.remove_reader(master)
        for end in (*self._masters, *self._slaves):
            os.close(end)


class Tally:
    """The device: how many bytes of messages have come."""

    def __init__(self) -> None:
        self.heard_bytes = self.heard = 0
        self.began = asyncio.Event()

    async def __call__(self, link: Link) -> None:
        """One link, until it ends; what comes has to be in order."""
        while True:
            message = await link.receive()
            assert isinstance(message, Refused)
            assert message.symbol == str(self.heard), "not what was sent, or not in its order"
            self.heard += 1
            self.heard_bytes += len(encode(message))
            self.began.set()


async def goodput(kind: LineKind, lost: float, seconds: float, seed: int) -> float:
    """Bytes of messages per second through one direction, as a share of the line's rate.

    Either end is a process of its own, and so is the line: this one.
    """
    wire = ShapedWire(kind, lost, seed)
    with tempfile.TemporaryDirectory() as folder:
        Ends(Path(folder))
        device = await _start("device", folder, wire.device, str(seconds))
        host = await _start("host", folder, wire.host)
        try:
            assert device.stdout is not None
            return float(await device.stdout.readline()) / kind.rate
        finally:
            for end in (host, device):
                with contextlib.suppress(ProcessLookupError):
                    end.kill()
                await end.wait()
            wire.close()


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--end", *arguments), stdout=asyncio.subprocess.PIPE
    )


async def device_end(folder: Path, port: str, seconds: float) -> None:
    """Serve, and print how many bytes of messages came in a second."""
    tally = Tally()
    server = await serve_link(port, NOWHERE, tally, trust=Trust(folder / "device", "host"))
    await tally.began.wait()
    loop = asyncio.get_running_loop()
    began_s, before = loop.time(), tally.heard_bytes
    await asyncio.sleep(seconds)
    print((tally.heard_bytes - before) / (loop.time() - began_s), flush=True)
    await server.close()


async def host_end(folder: Path, port: str) -> None:
    """Say one message after the other until the end."""
    link = await open_link(port, NOWHERE, trust=Trust(folder / "host", "device"))
    for number in count():
        await link.send(Refused(UUID(int=7), symbol=str(number), reason=TEXT))


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--end", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.end:
        which, folder, port, *seconds = arguments.end
        ends = {"device": device_end, "host": host_end}
        asyncio.run(ends[which](Path(folder), port, *map(float, seconds)))
        return
    print("| line | lost | of the line's rate | of what it leaves whole | sought |")
    print("| --- | --- | --- | --- | --- |")
    for name, kind in KINDS.items():
        for lost in LOSSES:
            share = asyncio.run(goodput(kind, lost, arguments.seconds, arguments.seed))
            whole = share / (1 - lost)
            print(
                f"| {name} | {lost:.0%} | {share:.3f} | {whole:.3f} | {SOUGHT[lost]} |", flush=True
            )


if __name__ == "__main__":
    main()
