"""PC/SC: readers, insertion and removal, one card connection. [shell]

It moves APDUs and decides nothing. A call of it may block without limit (no PC/SC call can be
cancelled), so it runs in the card worker only. An error is judged by what the card's status says
afterwards as well, because a card pulled in mid-APDU answers "success" and nothing else.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from smartcard import scard

from firmware.card.apdu import CommandApdu, ResponseApdu, is_extended
from firmware.faults import (
    CardFault,
    CardRemoved,
    CardReset,
    CardServiceUnavailable,
    CardSilent,
    ExtendedLengthRefused,
    ReaderUnavailable,
)

_NEW_READERS: Final = "\\\\?PnP?\\Notification"
_LOOK_AGAIN_AFTER_S: Final = 0.5
_STATUS_WAIT_MS: Final = 500
_ANY_PROTOCOL: Final = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_COUNTER_SHIFT: Final = 16  # the upper half of an event state counts insertions and removals

_GONE = frozenset(
    {
        scard.SCARD_W_REMOVED_CARD,
        scard.SCARD_E_NO_SMARTCARD,
        scard.SCARD_E_NOT_TRANSACTED,
        scard.SCARD_W_UNPOWERED_CARD,
        scard.SCARD_W_UNRESPONSIVE_CARD,
    }
)
# What drivers say of a command that is too long for their reader; the first also of a card that is
# being pulled. Whoever sends a shorter one instead finds out.
_NOT_PASSED = frozenset(
    {
        scard.SCARD_E_NOT_TRANSACTED,
        scard.SCARD_E_INSUFFICIENT_BUFFER,
        scard.SCARD_E_INVALID_PARAMETER,
        scard.SCARD_E_INVALID_VALUE,
    }
)
_NO_VOICE = frozenset({scard.SCARD_W_UNPOWERED_CARD, scard.SCARD_W_UNRESPONSIVE_CARD})
_NO_SERVICE = frozenset(
    {
        scard.SCARD_E_NO_SERVICE,
        scard.SCARD_E_SERVICE_STOPPED,
        scard.SCARD_F_COMM_ERROR,
        scard.SCARD_E_INVALID_HANDLE,
        scard.SCARD_W_SECURITY_VIOLATION,
    }
)


def fault_of(hresult: int, doing: str) -> CardFault:
    """The fault that a PC/SC return code stands for."""
    says = f"{doing}: {scard.SCardGetErrorMessage(hresult)}"
    if hresult == scard.SCARD_W_RESET_CARD:
        return CardReset(says)
    if hresult in _GONE:
        return CardRemoved(says)
    if hresult in _NO_SERVICE:
        return CardServiceUnavailable(says)
    return ReaderUnavailable(says)


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    """A PC/SC call's results without the return code. Raises its fault."""
    answer = function(*arguments)
    hresult, *results = answer if isinstance(answer, list | tuple) else (answer,)
    if hresult != scard.SCARD_S_SUCCESS:
        raise fault_of(hresult, function.__name__)
    return results[0] if len(results) == 1 else results


@dataclass(frozen=True, slots=True)
class Context:
    """A connection to the PC/SC daemon; it dies with the daemon, and is then made anew."""

    handle: Any

    @classmethod
    def establish(cls) -> Context:
        """Raises `CardServiceUnavailable`."""
        return cls(_call(scard.SCardEstablishContext, scard.SCARD_SCOPE_USER))

    def release(self) -> None:
        """Give it back; one that died already is no loss."""
        scard.SCardReleaseContext(self.handle)

    def readers(self) -> list[str]:
        """Names of all readers."""
        hresult, names = scard.SCardListReaders(self.handle, [])
        if hresult == scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        if hresult != scard.SCARD_S_SUCCESS:
            raise fault_of(hresult, "listing readers")
        return list(names)

    def reader(self, pattern: str) -> str:
        """The reader of that name, or the first that fits it as a pattern.

        ReaderUnavailable names those there are.
        """
        names = self.readers()
        # The name as it is comes first: `ACS ACR122U [PICC] 00 00` does not fit itself.
        fitting = (name for name in names if fnmatch.fnmatchcase(name, pattern))
        chosen = pattern if pattern in names else next(fitting, None)
        if chosen is None:
            there = ", ".join(names) or "none"
            raise ReaderUnavailable(f"no card reader fits {pattern!r}; there are: {there}")
        return chosen

    def has_card(self, reader: str) -> bool:
        """Whether a card lies on a reader now."""
        states = _call(scard.SCardGetStatusChange, self.handle, 0, [(reader, 0)])
        return bool(states[0][1] & scard.SCARD_STATE_PRESENT)


class Connection:
    """One powered card. `on_exchange` hears of every command and its answer."""

    def __init__(
        self,
        reader: str,
        on_exchange: Callable[[CommandApdu, ResponseApdu], None] = lambda _command, _answer: None,
    ) -> None:
        """Raises `CardRemoved` without a card, `CardSilent`, `ReaderUnavailable`,
        `CardServiceUnavailable`."""
        self.reader = reader
        self._on_exchange = on_exchange
        self._context = Context.establish()
        self._in_transaction = False
        hresult, self._card, self._protocol = scard.SCardConnect(
            self._context.handle,
            reader,
            scard.SCARD_SHARE_SHARED,
            _ANY_PROTOCOL,
        )
        if hresult != scard.SCARD_S_SUCCESS:
            self._context.release()
            # A card that is being powered on was there a moment ago: what has no voice now is two
            # cards that talk at once, a card in a metal case, or a chip that broke.
            if hresult in _NO_VOICE:
                raise CardSilent("it does not answer to power")
            raise fault_of(hresult, "SCardConnect")

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return bytes(_call(scard.SCardStatus, self._card)[3])

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """Send one command. Raises `CardRemoved`, `CardReset`, `MalformedResponse`, and
        `ExtendedLengthRefused` where a shorter command may still go through."""
        response = ResponseApdu.decode(self.exchange(command.encode()))
        self._on_exchange(command, response)
        return response

    def exchange(self, command: bytes) -> bytes:
        """Send a command as its bytes are; the same faults, and nobody is told of it."""
        pci = (
            scard.SCARD_PCI_T0 if self._protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
        )
        hresult, answer = scard.SCardTransmit(self._card, pci, list(command))
        if hresult in _NOT_PASSED and is_extended(command):
            raise ExtendedLengthRefused(scard.SCardGetErrorMessage(hresult))
        if hresult != scard.SCARD_S_SUCCESS:
            raise fault_of(hresult, "SCardTransmit")
        if not answer:  # "success" and no answer: how a card that is being pulled looks
            raise CardRemoved("the card was taken away in the middle of a command")
        return bytes(answer)

    def reset(self) -> None:
        """A warm reset: the card keeps its power, and some cards their open keys."""
        hresult, self._protocol = scard.SCardReconnect(
            self._card, scard.SCARD_SHARE_SHARED, _ANY_PROTOCOL, scard.SCARD_RESET_CARD
        )
        if hresult != scard.SCARD_S_SUCCESS:
            raise fault_of(hresult, "SCardReconnect")

    def begin_transaction(self) -> None:
        """Keep every other program off the card until `end_transaction`."""
        if not self._in_transaction:
            _call(scard.SCardBeginTransaction, self._card)
            self._in_transaction = True

    def end_transaction(self) -> None:
        """Let other programs at the card again; a card that is gone needs no end."""
        if self._in_transaction:
            scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)
            self._in_transaction = False

    def close(self) -> None:
        """Power the card off, so that nobody inherits an open key. Never raises."""
        if self._in_transaction:
            # Off before the next program is let in: it may be waiting already.
            scard.SCardEndTransaction(self._card, scard.SCARD_UNPOWER_CARD)
            self._in_transaction = False
        scard.SCardDisconnect(self._card, scard.SCARD_UNPOWER_CARD)
        self._context.release()


class ReaderWatch(threading.Thread):
    """Tells of the reader and its card, in a thread of its own; it survives the daemon's death."""

    def __init__(
        self,
        pattern: str,
        *,
        on_reader: Callable[[str | None, CardFault | None], None],
        on_card: Callable[[bool], None],
    ) -> None:
        super().__init__(name="reader watch", daemon=True)
        self._pattern = pattern
        self._on_reader, self._on_card = on_reader, on_card
        self._told: str | None = None
        self._present = False
        self._count = 0
        self._stopping = threading.Event()

    def run(self) -> None:
        """Watch until `stop`."""
        last_code: str | None = None
        while not self._stopping.is_set():
            try:
                context = Context.establish()
                try:
                    self._watch(context, context.reader(self._pattern))
                finally:
                    context.release()
            except CardFault as fault:
                self._see_card(present=False)
                if self._told is not None or fault.code != last_code:
                    self._on_reader(None, fault)
                self._told, last_code = None, fault.code
                self._stopping.wait(_LOOK_AGAIN_AFTER_S)

    def stop(self) -> None:
        """End the thread at its next look."""
        self._stopping.set()

    def _watch(self, context: Context, reader: str) -> None:
        if self._told != reader:
            self._told = reader
            self._on_reader(reader, None)
        known = [(reader, scard.SCARD_STATE_UNAWARE), (_NEW_READERS, scard.SCARD_STATE_UNAWARE)]
        while not self._stopping.is_set():
            hresult, states = scard.SCardGetStatusChange(context.handle, _STATUS_WAIT_MS, known)
            if hresult == scard.SCARD_E_TIMEOUT:
                continue
            if hresult != scard.SCARD_S_SUCCESS:
                raise fault_of(hresult, "watching the reader")
            state = states[0][1]
            if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
                raise ReaderUnavailable(f"{reader} was unplugged")
            self._see_state(state)
            known = [(name, new_state) for name, new_state, _atr in states]

    def _see_state(self, state: int) -> None:
        present = bool(state & scard.SCARD_STATE_PRESENT)
        count = state >> _COUNTER_SHIFT
        if self._present and present and count != self._count:
            self._see_card(present=False)  # out and in again between two looks
        self._count = count
        self._see_card(present=present)

    def _see_card(self, *, present: bool) -> None:
        if present != self._present:
            self._present = present
            self._on_card(present)
