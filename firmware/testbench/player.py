"""[shell] The process in the private namespaces: a PC/SC daemon, and the one card in it.

The card is a trace, or stands for a card that another process holds (`relay`). What a trace was
asked in vain is told on standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from firmware.faults import ControlRefused, Fault, TraceMismatch
from firmware.simulator import card_player, neighbour, vpcd
from firmware.simulator.slot import Slot
from firmware.simulator.world import World
from firmware.testbench.relay import RelayedSlot
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import read_trace

TRACE, RELAY = "trace", "relay"
PLUGGED: Final = b"plugged"  # said on standard output, beside the daemon's own Ready
STRAYED: Final = 3  # exit code: it was asked something that the trace does not hold


async def play(directory: Path, world: World, slot: Slot) -> None:
    """The daemon, and the card in it, until the order to stop."""
    plugging = asyncio.create_task(_plug(slot))
    try:
        await card_player.play(directory, world)
    finally:
        plugging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await plugging


async def _plug(slot: Slot) -> None:
    """Connect as soon as the driver listens, of which there is no other sign; then say so."""
    while True:
        try:
            connection = await vpcd.insert()
        except OSError:
            await asyncio.sleep(card_player.POLL_S)
        else:
            break
    playing = asyncio.create_task(vpcd.play(slot, connection))
    try:
        await _noticed()
        sys.stdout.buffer.write(PLUGGED + b"\n")
        sys.stdout.buffer.flush()
        await playing
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


async def _noticed() -> None:
    """Until the daemon says that a card is there; who started this process sets the limit."""
    while True:
        with contextlib.suppress(ControlRefused):
            return await asyncio.to_thread(neighbour.wait_for_card, present=True)


def main(arguments: list[str]) -> None:
    """`python -m firmware.testbench.player DIRECTORY WORLD trace|relay FILE`, in the namespaces."""
    directory, world, file = Path(arguments[0]), World(Path(arguments[1])), Path(arguments[3])
    strayed = False

    def tell(mismatch: TraceMismatch) -> None:
        nonlocal strayed
        strayed = True
        sys.stderr.write(f"{mismatch}\n")
        sys.stderr.flush()

    try:
        with contextlib.ExitStack() as held:
            if arguments[2] == RELAY:
                slot: Slot = held.enter_context(RelayedSlot.to(file))
            else:
                slot = Slot(ReplayedCard(read_trace(file), tell))
            card_player.enter_private_world(directory)
            asyncio.run(play(directory, world, slot))
    except (Fault, OSError, subprocess.SubprocessError) as problem:
        sys.exit(str(problem))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(STRAYED if strayed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
