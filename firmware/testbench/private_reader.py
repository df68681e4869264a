"""[shell] PrivateReader: a private PC/SC daemon whose one card is a trace, or a card elsewhere.

Two processes, as with virtual cards: `PrivateReader` here, and `firmware.testbench.player` in
namespaces of its own. The end of its standard input is the order to stop.
"""

from __future__ import annotations

import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from firmware.faults import CardServiceNotStarted
from firmware.simulator import card_player
from firmware.simulator.card_control import Ready
from firmware.simulator.pcsc_service import (
    NAMESPACES,
    SOCKET_VARIABLE,
    START_LIMIT_S,
    TEMPORARY_ROOT,
    end_player,
)
from firmware.simulator.world import World
from firmware.testbench.player import PLUGGED

PLAYER: Final = "firmware.testbench.player"  # run as a program


class PrivateReader:
    """A context manager; leaves nothing running and no file behind."""

    def __init__(self, source: str, file: Path, world: Path) -> None:
        """`source`: what the player plays `file` as, a `trace` or a `relay`. `world` is where the
        virtual reader's driver lies."""
        self._source, self._file, self._world = source, file, world
        self._directory = Path()
        self._player: subprocess.Popen[bytes] | None = None
        self.reader_name = ""

    def __enter__(self) -> Self:
        """Start, and return once the card is on the reader; raises `CardServiceNotStarted`."""
        self._directory = Path(tempfile.mkdtemp(prefix="kazashi-", dir=TEMPORARY_ROOT))
        world = World(self._world.resolve()).root
        arguments = (self._directory, world, self._source, self._file.resolve())
        try:
            self._player = subprocess.Popen(
                (*NAMESPACES, sys.executable, "-m", PLAYER, *map(str, arguments)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,  # or a line that was read ahead would not wake `select`
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
        """End it; whether the player had nothing to complain of."""
        player = self._player
        self._clear()
        return player is not None and player.returncode == 0

    def _clear(self) -> None:
        player, self._player = self._player, None
        if player is not None:
            end_player(player)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _listed_reader(self, player: subprocess.Popen[bytes]) -> str:
        """Its name, once the daemon lists it and has noticed the card."""
        assert player.stdout is not None
        until_s = time.monotonic() + START_LIMIT_S
        said: list[bytes] = []
        while len(said) < 2:
            left_s = max(0.0, until_s - time.monotonic())
            readable, _, _ = select.select((player.stdout,), (), (), left_s)
            said.append(player.stdout.readline().strip() if readable else b"")
            if not said[-1]:
                raise CardServiceNotStarted("the player did not start")
        ready = next((line for line in said if line != PLUGGED), b"")
        try:
            return msgspec.json.decode(ready, type=Ready).reader
        except msgspec.DecodeError as cause:
            raise CardServiceNotStarted("the player did not start") from cause
