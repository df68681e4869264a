"""[shell] TraceReader: a private PC/SC daemon whose one card is a trace.

Two processes, as with virtual cards: `TraceReader` here, and `main` in namespaces of its own, which
plays the trace beside the daemon of `firmware.simulator.card_player` and tells on standard error
what it was asked in vain. The end of its standard input is the order to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from firmware.faults import CardServiceNotStarted, Fault, TraceMismatch
from firmware.simulator import card_player, vpcd
from firmware.simulator.card_control import Ready
from firmware.simulator.pcsc_service import (
    NAMESPACES,
    SOCKET_VARIABLE,
    START_LIMIT_S,
    STOP_LIMIT_S,
    TEMPORARY_ROOT,
)
from firmware.simulator.slot import Slot
from firmware.simulator.world import World
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import read_trace

STRAYED: Final = 3  # exit code of the player: it was asked something that the trace does not hold


class TraceReader:
    """A context manager; leaves nothing running and no file behind."""

    def __init__(self, trace: Path, world: Path) -> None:
        """`world` is where the virtual reader's driver lies."""
        self._trace, self._world = trace, world
        self._directory = Path()
        self._player: subprocess.Popen[bytes] | None = None
        self.reader_name = ""

    def __enter__(self) -> Self:
        """Start, and return once the reader is listed; raises `CardServiceNotStarted`."""
        self._directory = Path(tempfile.mkdtemp(prefix="kazashi-", dir=TEMPORARY_ROOT))
        paths = (self._directory, self._world.resolve(), self._trace.resolve())
        try:
            self._player = subprocess.Popen(
                (*NAMESPACES, sys.executable, "-m", __name__, *map(str, paths)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us: the player stops when its input ends
            )
            self.reader_name = self._listed_reader(self._player)
        except OSError as cause:
            self._clear()
            raise CardServiceNotStarted(f"unshare cannot be run: {cause}") from cause
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()

    @property
    def environment(self) -> Mapping[str, str]:
        """What a PC/SC program needs in its environment, before its first call."""
        return {SOCKET_VARIABLE: str(self._directory / card_player.DAEMON_SOCKET)}

    @property
    def is_running(self) -> bool:
        """Whether the card can still be read."""
        return self._player is not None and self._player.poll() is None

    def stop(self) -> bool:
        """End it; whether all that was asked of the card stood in the trace."""
        player = self._player
        self._clear()
        return player is not None and player.returncode == 0

    def _clear(self) -> None:
        player, self._player = self._player, None
        if player is not None:
            assert player.stdin is not None and player.stdout is not None
            player.stdin.close()
            try:
                player.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                player.kill()  # unshare's own end takes the whole namespace with it
                player.wait()
            player.stdout.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _listed_reader(self, player: subprocess.Popen[bytes]) -> str:
        assert player.stdout is not None
        readable, _, _ = select.select((player.stdout,), (), (), START_LIMIT_S)
        line = player.stdout.readline() if readable else b""
        try:
            return msgspec.json.decode(line, type=Ready).reader
        except msgspec.DecodeError as cause:
            raise CardServiceNotStarted("the player of the trace did not start") from cause


async def play(directory: Path, world: World, card: ReplayedCard) -> None:
    """The daemon, and the card in it, until the order to stop."""
    plugging = asyncio.create_task(_plug(card))
    try:
        await card_player.play(directory, world)
    finally:
        plugging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await plugging


async def _plug(card: ReplayedCard) -> None:
    """Connect as soon as the driver listens, of which there is no other sign."""
    while True:
        try:
            connection = await vpcd.insert()
        except OSError:
            await asyncio.sleep(card_player.POLL_S)
        else:
            await vpcd.play(Slot(card), connection)
            return


def main(arguments: list[str]) -> None:
    """`python -m firmware.testbench.player DIRECTORY WORLD TRACE`, inside the namespaces."""
    directory, world, trace = map(Path, arguments)
    strayed = False

    def tell(mismatch: TraceMismatch) -> None:
        nonlocal strayed
        strayed = True
        sys.stderr.write(f"{mismatch}\n")
        sys.stderr.flush()

    try:
        card = ReplayedCard(read_trace(trace), tell)
        card_player.enter_private_world(directory)
        asyncio.run(play(directory, World(world), card))
    except (Fault, OSError, subprocess.SubprocessError) as problem:
        sys.exit(str(problem))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(STRAYED if strayed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
