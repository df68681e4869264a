"""[shell] A card on a PC/SC reader, held against other programs, that can be cut off power."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.pcsc import Connection
from firmware.testbench.reader import connect


class PcscLine:
    """A context manager; the card is off afterwards. Raises what `Connection` does."""

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._connection = self._open()

    def _open(self) -> Connection:
        """One transaction for each power-up: nobody else selects, resets or inherits a key."""
        connection = connect(self._reader)
        try:
            connection.begin_transaction()
        except BaseException:
            connection.close()
            raise
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return self._connection.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """One command."""
        return self._connection.transmit(command)

    def cut_power(self) -> None:
        """Off and on."""
        self._connection.close()
        self._connection = self._open()

    def reset(self) -> None:
        """A warm reset."""
        self._connection.reset()
