"""[shell] A card that two processes share: one holds it on its reader, one plays it to a daemon.

The holder (`CardRelay`) is in the ordinary world, hears every exchange and forwards the bytes as
they are. The player (`RelayedSlot`) is in the private namespaces, which the holder's PC/SC daemon
does not reach; a Unix socket does. One request, one answer: a length of four bytes, then a byte
that says what follows.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from firmware.card import status_word as sw
from firmware.card.apdu import ResponseApdu
from firmware.faults import CardFault, CardSilent, ExtendedLengthRefused, HolderNotSynthetic
from firmware.simulator.pcsc_service import TEMPORARY_ROOT
from firmware.simulator.slot import CardReport, NoAnswer, Slot
from firmware.testbench.record import Recorder

MIN_COMMAND_BYTES: Final = 4
_LENGTH_BYTES: Final = 4
_LAST_ANSWER_LIMIT_S: Final = 30  # the longest command of a card, on the slowest reader
_WRONG_LENGTH: Final = ResponseApdu(b"", sw.WRONG_LENGTH).encode()


class Order(IntEnum):
    """What the player asks of the holder."""

    POWER_ON = 1  # → the ATR
    POWER_OFF = 2
    RESET = 3
    COMMAND = 4  # → the response


class Answer(IntEnum):
    """How the holder begins its answer."""

    DONE = 1
    GONE = 2  # there is no card any more


class CardHeld(Protocol):
    """What `firmware.card.pcsc.Connection` does."""

    @property
    def atr(self) -> bytes: ...
    def exchange(self, command: bytes) -> bytes: ...
    def reset(self) -> None: ...
    def begin_transaction(self) -> None: ...
    def close(self) -> None: ...


class CardRelay:
    """The holder's side, in a thread of its own; a context manager.

    It keeps every other program off the card while the player has it powered.
    """

    def __init__(
        self,
        connect: Callable[[], CardHeld],
        prove: Callable[[CardHeld], None],
        recorder: Recorder,
        *,
        last_answer_limit_s: float = _LAST_ANSWER_LIMIT_S,
    ) -> None:
        """`connect` gives the card power; the recorder hears what happens.

        `prove` is asked after every power-up and reset, before anything is forwarded: another card
        may lie there by then. It raises `HolderNotSynthetic`, and may change what is selected.
        """
        self._connect, self._prove, self._recorder = connect, prove, recorder
        self._last_answer_limit_s = last_answer_limit_s
        self._folder = Path()
        self._door = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, name="card relay", daemon=True)
        self._card: CardHeld | None = None
        self.fault: CardFault | HolderNotSynthetic | None = None
        """Why the card could not be used any more, if so."""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="kazashi-", dir=TEMPORARY_ROOT))
        self._door.bind(str(self.path))
        self._door.listen(1)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # wakes who waits for a player
        self._thread.join(self._last_answer_limit_s)
        if self._thread.is_alive():  # in a call of PC/SC, which nothing ends; it dies with us
            self.fault = CardSilent("the card on its reader does not answer any more")
        self._door.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def path(self) -> Path:
        """Where the player finds it."""
        return self._folder / "card"

    def _serve(self) -> None:
        """One player, until it hangs up; then the card is without power."""
        try:
            player, _ = self._door.accept()
        except OSError:
            return
        with player, contextlib.suppress(OSError):
            try:
                while (request := receive(player)) is not None:
                    send(player, self._answer(request))
            finally:
                self._power_off()

    def _answer(self, request: bytes) -> bytes:
        if self.fault is None:
            try:
                return bytes((Answer.DONE,)) + self._perform(Order(request[0]), request[1:])
            except (CardFault, HolderNotSynthetic) as fault:
                self.fault = fault
                self._power_off()
        return bytes((Answer.GONE,))

    def _perform(self, order: Order, command: bytes) -> bytes:
        match order:
            case Order.POWER_OFF:
                self._power_off()
            case Order.POWER_ON:
                self._power_off()
                return self._powered().atr
            case Order.RESET:
                card = self._powered()
                card.reset()
                self._prove(card)
            case Order.COMMAND:
                return self._exchange(command)
        return b""

    def _exchange(self, command: bytes) -> bytes:
        if len(command) < MIN_COMMAND_BYTES:
            return _WRONG_LENGTH  # no reader would send it, and no trace can hold it
        try:
            answer = self._powered().exchange(command)
        except ExtendedLengthRefused:
            answer = _WRONG_LENGTH  # vpcd has no word for it; programs then ask for less
        self._recorder.hear_bytes(command, ResponseApdu.decode(answer))
        return answer

    def _powered(self) -> CardHeld:
        if self._card is None:
            self._card = self._connect()
            self._card.begin_transaction()
            self._prove(self._card)
            self._recorder.hear_power_up()
        return self._card

    def _power_off(self) -> None:
        card, self._card = self._card, None
        if card is not None:
            card.close()


class RelayedCard:
    """The player's side: a card for `vpcd` that asks the holder for everything."""

    def __init__(self, holder: socket.socket) -> None:
        self._holder = holder
        self.atr = self._ask(Order.POWER_ON) or b""
        self._commands = 0

    def power_on(self) -> None:
        """At the holder's reader."""
        self._ask(Order.POWER_ON)

    def power_off(self) -> None:
        """At the holder's reader."""
        self._ask(Order.POWER_OFF)

    def reset(self) -> None:
        """At the holder's reader."""
        self._ask(Order.RESET)

    def exchange(self, command: bytes) -> bytes | None:
        """The card's answer; None when it is gone."""
        self._commands += 1
        return self._ask(Order.COMMAND, command)

    def process(self, command: bytes) -> bytes:
        """As every card; nothing at all from one that is gone."""
        return self.exchange(command) or b""

    def report(self) -> CardReport:
        """Commands alone."""
        return CardReport(commands=self._commands)

    def _ask(self, order: Order, command: bytes = b"") -> bytes | None:
        try:
            send(self._holder, bytes((order,)) + command)
            answer = receive(self._holder)
        except OSError:
            return None
        return answer[1:] if answer and answer[0] == Answer.DONE else None


class RelayedSlot(Slot):
    """A slot whose card may leave at the holder's reader."""

    def __init__(self, holder: socket.socket) -> None:
        """A socket that is connected to a `CardRelay`; raises OSError when there is no card."""
        self.relayed = RelayedCard(holder)
        super().__init__(self.relayed)
        self._holder = holder
        if not self.relayed.atr:
            raise OSError("the card has left its reader")

    @classmethod
    def to(cls, path: Path) -> Self:
        """The slot for the relay at a path; raises OSError."""
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.connect(str(path))
            return cls(holder)
        except BaseException:
            holder.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_ended: object) -> None:
        self._holder.close()

    def exchange(self, command: bytes) -> bytes | NoAnswer:
        """One command to the card, wherever it is."""
        answer = self.relayed.exchange(command)
        return NoAnswer.PULLED if answer is None else answer


def send(connection: socket.socket, content: bytes) -> None:
    """One message."""
    connection.sendall(len(content).to_bytes(_LENGTH_BYTES, "big") + content)


def receive(connection: socket.socket) -> bytes | None:
    """One message; None once the other side has hung up."""
    length = _receive_exactly(connection, _LENGTH_BYTES)
    return length and _receive_exactly(connection, int.from_bytes(length, "big"))


def _receive_exactly(connection: socket.socket, length: int) -> bytes | None:
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            return None
        received += part
    return received
