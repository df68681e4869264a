"""[shell] The player of virtual cards: a PC/SC daemon of its own, a card, and their control socket.

It is process 1 of a private network, mount and process namespace, so nothing outlives it, nobody
else reaches vpcd's port, and no system daemon is touched. `pcsc_service.py` starts it; the end of
its standard input is the order to stop, which also comes when the starter is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from firmware.faults import CardServiceNotStarted, ControlRefused, Fault
from firmware.simulator import neighbour, vpcd
from firmware.simulator.card_control import (
    MAX_LINE_BYTES,
    AnyRequest,
    Arrange,
    AskStatus,
    Insert,
    Ready,
    Refusal,
    Remove,
    Reset,
    Status,
    decode_request,
    encode,
)
from firmware.simulator.card_options import CardOptions
from firmware.simulator.patients import find
from firmware.simulator.slot import Card, Slot
from firmware.simulator.vpcd_driver import driver_library
from firmware.simulator.world import World
from firmware.simulator.world_making import card_of

READER: Final = "Kazashi Virtual Reader"
CONTROL_SOCKET: Final = "control"
DAEMON_SOCKET: Final = "run/pcscd/pcscd.comm"
DAEMON_LOG: Final = "pcscd.log"
START_LIMIT_S: Final = 10.0
STOP_LIMIT_S: Final = 2.0
POLL_S: Final = 0.02  # PC/SC has no event for "the first reader is listed" that 1.9 delivers
DAEMON_LOOKS_EVERY_S: Final = 0.45
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1


class Player:
    """One of the daemon's two readers, and what may be done with it."""

    def __init__(self, world: World, slot: int = 0) -> None:
        self._world, self._number = world, slot
        self._cards: dict[tuple[str, CardOptions], Card] = {}
        self._inserted: tuple[str, Slot, asyncio.Task[None]] | None = None
        self._hung_up_at_s = 0.0

    async def perform(self, request: AnyRequest) -> Status:
        """Do what a request says; raises a Fault when it cannot be done."""
        match request:
            case Insert(patient=patient, options=options):
                await self._insert(patient, options)
            case Remove():
                await self._remove()
            case Arrange(mishap=mishap):
                self._slot().arrange(mishap)
            case Reset():
                self._slot()
                await asyncio.to_thread(neighbour.reset_card, self._number)
            case AskStatus():
                pass
        return self.status()

    def status(self) -> Status:
        """What lies there, and its counters."""
        playing = self._playing()
        if playing is None:
            return Status(inserted=None)
        patient, slot = playing
        report = slot.card.report()
        return Status(
            inserted=patient,
            commands=report.commands,
            verifies_sent=report.verifies_sent,
            tries_left=dict(report.tries_left),
        )

    async def hang_up(self) -> None:
        """Take the card away, without waiting for the daemon to notice."""
        if self._inserted is not None:
            task = self._inserted[2]
            self._inserted = None
            self._hung_up_at_s = asyncio.get_running_loop().time()
            task.cancel()
            await asyncio.wait((task,))

    async def _remove(self) -> None:
        await self.hang_up()
        await asyncio.to_thread(neighbour.wait_for_card, False, self._number)

    async def _insert(self, patient: str, options: CardOptions) -> None:
        card = self._cards.get((patient, options))
        if card is None:
            card = self._cards[patient, options] = card_of(find(patient), self._world, options)
        await self._remove()  # noticed by all: a card put in its place is another insertion
        # The daemon says "empty" as soon as a client's disconnect fails; its own look, every 0.4 s,
        # must have seen the empty reader too, or it takes the next card for the one before and
        # never announces it (measured with pcscd 1.9.9).
        since_s = asyncio.get_running_loop().time() - self._hung_up_at_s
        await asyncio.sleep(DAEMON_LOOKS_EVERY_S - since_s)
        slot = Slot(card)
        try:
            connection = await vpcd.insert(port=vpcd.PORT + self._number)
        except OSError as cause:
            raise ControlRefused(f"the virtual reader does not answer: {cause}") from cause
        playing = asyncio.create_task(vpcd.play(slot, connection, options.line))
        self._inserted = (patient, slot, playing)
        await asyncio.to_thread(neighbour.wait_for_card, True, self._number)

    def _playing(self) -> tuple[str, Slot] | None:
        """None also after a mishap pulled the card away."""
        if self._inserted is None or self._inserted[2].done():
            return None
        return self._inserted[0], self._inserted[1]

    def _slot(self) -> Slot:
        playing = self._playing()
        if playing is None:
            raise ControlRefused("no card lies on the reader")
        return playing[1]


async def answer_client(
    players: Sequence[Player], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection to the control socket, line by line."""
    # ValueError is how a stream reports a line beyond its limit.
    with contextlib.closing(writer), contextlib.suppress(ConnectionError, ValueError):
        while line := await reader.readline():
            try:
                request = decode_request(line)
                answer: Status | Refusal = await players[request.slot].perform(request)
            except Fault as fault:
                answer = Refusal(error=str(fault))
            writer.write(encode(answer))
            await writer.drain()


async def play(directory: Path, world: World) -> None:
    """Bring the daemon up, say Ready, and serve until the order to stop."""
    daemon = await _start_daemon(directory, world)
    players = [Player(world, slot) for slot in range(len(neighbour.SLOT_NAMES))]
    try:
        reader = await asyncio.wait_for(_listed_reader(daemon), START_LIMIT_S)
        server = await asyncio.start_unix_server(
            lambda reader, writer: answer_client(players, reader, writer),
            path=directory / CONTROL_SOCKET,
            limit=MAX_LINE_BYTES,
        )
        async with server:
            sys.stdout.buffer.write(encode(Ready(reader=reader)))
            sys.stdout.buffer.flush()
            await _order_to_stop(daemon)
    except TimeoutError as cause:
        raise CardServiceNotStarted("pcscd lists no reader") from cause
    finally:
        for player in players:
            await player.hang_up()
        await _stop_daemon(daemon)


async def _start_daemon(directory: Path, world: World) -> asyncio.subprocess.Process:
    configuration = directory / "readers"
    configuration.mkdir()
    (configuration / "vpcd").write_text(
        f'FRIENDLYNAME "{READER}"\n'
        f"DEVICENAME /dev/null:{vpcd.PORT:#06X}\n"
        f"LIBPATH {driver_library(world.driver)}\n"
        f"CHANNELID {vpcd.PORT:#06X}\n"
    )
    with (directory / DAEMON_LOG).open("wb") as log:
        # Without --apdu and --debug: those would write PINs into the log.
        return await asyncio.create_subprocess_exec(
            "pcscd",
            "--foreground",
            "--config",
            str(configuration),
            *_without_polkit(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _without_polkit() -> tuple[str, ...]:
    """From 2.0 on, pcscd asks polkit, which does not live in this namespace."""
    option = "--disable-polkit"
    told = subprocess.run(
        ("pcscd", "--help"), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return (option,) if option in told.stdout else ()


async def _listed_reader(daemon: asyncio.subprocess.Process) -> str:
    """The name of the slot that cards are played to, once the daemon lists it."""
    while True:
        if daemon.returncode is not None:
            raise CardServiceNotStarted(f"pcscd ended with status {daemon.returncode}")
        if name := await asyncio.to_thread(neighbour.listed_reader):
            return name
        await asyncio.sleep(POLL_S)


async def _order_to_stop(daemon: asyncio.subprocess.Process) -> None:
    """The end of standard input, SIGTERM, or the daemon's own end, which is a fault."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)  # nothing is ever written: readable is the end
    ended = asyncio.create_task(daemon.wait())
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
    loop.remove_reader(sys.stdin.fileno())
    for task in (ended, stopped):
        task.cancel()
    if ended in done:
        raise CardServiceNotStarted(f"pcscd ended with status {daemon.returncode}")


async def _stop_daemon(daemon: asyncio.subprocess.Process) -> None:
    if daemon.returncode is None:
        daemon.terminate()
        try:
            await asyncio.wait_for(daemon.wait(), STOP_LIMIT_S)
        except TimeoutError:
            daemon.kill()
            await daemon.wait()


def enter_private_world(directory: Path) -> None:
    """Loopback up, and a /run of our own: pcscd's place for its socket is compiled in.

    All of /run, since /run/pcscd need not exist and an ordinary user cannot make it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
    run = directory / "run"
    (run / "pcscd").mkdir(parents=True)
    subprocess.run(("mount", "--bind", str(run), "/run"), check=True)
    os.environ.pop("PCSCLITE_CSOCK_NAME", None)
    os.environ["PATH"] = daemon_path()


def daemon_path() -> str:
    """Where programs are looked for: daemons are not on an ordinary user's PATH."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def main() -> None:
    """`python -m firmware.simulator.card_player DIRECTORY WORLD`, inside the namespaces."""
    directory, world = Path(sys.argv[1]), World(Path(sys.argv[2]))
    try:
        enter_private_world(directory)
        asyncio.run(play(directory, world))
    except (Fault, OSError, subprocess.SubprocessError) as problem:
        log = directory / DAEMON_LOG
        said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        sys.exit(f"{problem}\n{said}".strip())
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
