"""[shell] PcscService: a private PC/SC daemon with a virtual card, for one demonstration or test.

Any PC/SC program sees it that has `environment` in its own. Several run side by side. It needs
`unshare` (an ordinary user may, on Debian), pcscd, and the world that set-up makes.
"""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import msgspec

from firmware.faults import CardServiceNotStarted, ControlRefused
from firmware.simulator.card_control import (
    AnyRequest,
    Arrange,
    AskStatus,
    Insert,
    Ready,
    Remove,
    Reset,
    Status,
    decode_answer,
    encode,
)
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.card_player import CONTROL_SOCKET, DAEMON_SOCKET, daemon_path
from firmware.simulator.neighbour import SLOT_NAMES
from firmware.simulator.slot import AnyMishap
from firmware.simulator.world import DEFAULT_ROOT

START_LIMIT_S: Final = 20.0
STOP_LIMIT_S: Final = 5.0
ANSWER_LIMIT_S: Final = 15.0
SOCKET_VARIABLE: Final = "PCSCLITE_CSOCK_NAME"
# Short on purpose: the path of a Unix socket has 107 bytes. Never under /run, which the player
# replaces by its own.
TEMPORARY_ROOT: Final = "/tmp"  # noqa: S108  mkdtemp makes a fresh folder, for its owner alone
NAMESPACES: Final = (
    "unshare",
    "--map-root-user",
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
)


def end_player(player: subprocess.Popen[bytes]) -> None:
    """The end of its input is the order to stop; all that it started is gone afterwards."""
    assert player.stdin is not None
    player.stdin.close()
    try:
        player.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        player.kill()  # unshare's own end kills process 1 of the namespace, and so all of it
        player.wait()
    for pipe in (player.stdout, player.stderr):
        if pipe is not None:
            pipe.close()


class PcscService:
    """The service of one folder of the simulated world; a context manager.

    Leaves nothing running and no file behind, also when this process is killed: the player sees
    its standard input end.
    """

    def __init__(self, world: Path = DEFAULT_ROOT, options: CardOptions = AS_USUAL) -> None:
        """`options`: of every card that is inserted without some of its own."""
        self._world, self._options = world, options
        self._player: subprocess.Popen[bytes] | None = None
        self._directory = Path()
        self.reader_name = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def socket_path(self) -> Path:
        """The daemon's socket."""
        return self._directory / DAEMON_SOCKET

    @property
    def environment(self) -> Mapping[str, str]:
        """What a PC/SC program needs in its environment, before its first call."""
        return {SOCKET_VARIABLE: str(self.socket_path)}

    def start(self) -> None:
        """Start, and return once the reader is listed; raises CardServiceNotStarted."""
        if self._player is not None:
            raise CardServiceNotStarted("it runs already")
        self._directory = Path(tempfile.mkdtemp(prefix="kazashi-", dir=TEMPORARY_ROOT))
        command = (
            *NAMESPACES,
            sys.executable,
            "-m",
            "firmware.simulator.card_player",
            str(self._directory),
            str(self._world.resolve()),
        )
        try:
            self._player = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Ctrl-C is for us: the player stops in order when its input ends.
                start_new_session=True,
            )
        except OSError as cause:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise CardServiceNotStarted(f"unshare cannot be run: {cause}") from cause
        try:
            self.reader_name = self._wait_until_ready(self._player)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the player and all that it started; may be called again."""
        player, self._player = self._player, None
        if player is None:
            return
        end_player(player)
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def second_reader_name(self) -> str:
        """The driver has two slots; the first is used where none is named."""
        first, second = SLOT_NAMES
        return self.reader_name.removesuffix(first) + second

    def insert(
        self, patient_id: str, options: CardOptions | None = None, slot: Literal[0, 1] = 0
    ) -> Status:
        """Put the patient's card on the reader; returns when the daemon sees it."""
        return self._ask(Insert(patient=patient_id, options=options or self._options, slot=slot))

    def remove(self, slot: Literal[0, 1] = 0) -> Status:
        """Take the card away; returns when the daemon has noticed."""
        return self._ask(Remove(slot=slot))

    def reset(self) -> Status:
        """Let another program reset the card."""
        return self._ask(Reset())

    def arrange(self, mishap: AnyMishap) -> Status:
        """Let a mishap befall the inserted card."""
        return self._ask(Arrange(mishap=mishap))

    def status(self, slot: Literal[0, 1] = 0) -> Status:
        """What lies on the reader, and its counters."""
        return self._ask(AskStatus(slot=slot))

    def _ask(self, request: AnyRequest) -> Status:
        """One line there and one back; raises ControlRefused."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_LIMIT_S)
            try:
                connection.connect(str(self._directory / CONTROL_SOCKET))
                connection.sendall(encode(request))
                with connection.makefile("rb") as answers:
                    return decode_answer(answers.readline())
            except OSError as cause:
                raise ControlRefused(f"the player does not answer: {cause}") from cause

    def _wait_until_ready(self, player: subprocess.Popen[bytes]) -> str:
        assert player.stdout is not None and player.stderr is not None
        readable, _, _ = select.select((player.stdout,), (), (), START_LIMIT_S)
        line = player.stdout.readline() if readable else b""
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(line, type=Ready).reader
        player.kill()
        player.wait()
        said = player.stderr.read().decode(errors="replace").strip()
        raise CardServiceNotStarted(said or f"no reader within {START_LIMIT_S:.0f} s")


def is_possible() -> bool:
    """Whether this system lets us have namespaces of our own, and has a daemon to put into them."""
    if shutil.which("pcscd", path=daemon_path()) is None or shutil.which("unshare") is None:
        return False
    tried = subprocess.run((*NAMESPACES, "true"), capture_output=True, check=False)
    return tried.returncode == 0
