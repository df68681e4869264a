"""PC/SC: readers, insertion and removal, one card connection. [shell]

It moves APDUs and decides nothing. A call of it may block without limit (no PC/SC call can be
cancelled), so it runs in the card worker only. An error is judged by what the card's status says
afterwards as well, because a card pulled in mid-APDU answers "success" and nothing else.
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smartcard import scard

from firmware.card.apdu import CommandApdu, ResponseApdu, is_extended
from firmware.card.attendance import Attendance, Shown
from firmware.card.requests import CardMessage, ReaderSeen
from firmware.faults import (
    CardFault,
    CardRemoved,
    CardReset,
    CardServiceRefused,
    CardServiceUnavailable,
    CardSilent,
    ExtendedLengthRefused,
    ReaderHeld,
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
    }
)


def fault_of(hresult: int, doing: str) -> CardFault:
    """The fault that a PC/SC return code stands for."""
    says = f"{doing}: {scard.SCardGetErrorMessage(hresult)}"
    if hresult == scard.SCARD_W_RESET_CARD:
        return CardReset(says)
    if hresult in _GONE:
        return CardRemoved(says)
    if hresult == scard.SCARD_W_SECURITY_VIOLATION:  # polkit
        return CardServiceRefused(says)
    if hresult in _NO_SERVICE:
        return CardServiceUnavailable(says)
    if hresult == scard.SCARD_E_SHARING_VIOLATION:
        return ReaderHeld(says)
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
        """The reader of that name, or the first that fits it; see `fitting`."""
        return self.fitting((pattern,))[0]

    def fitting(self, patterns: Iterable[str]) -> list[str]:
        """The readers that have one of these names or fit it as a pattern, in that order.

        ReaderUnavailable names those there are.
        """
        names = self.readers()
        # The name as it is comes first: `ACS ACR122U [PICC] 00 00` does not fit itself.
        found = {
            name: None
            for pattern in patterns
            for name in (pattern, *names)
            if name in names and (name == pattern or fnmatch.fnmatchcase(name, pattern))
        }
        if not found:
            there = ", ".join(names) or "none"
            wanted = " or ".join(patterns)
            raise ReaderUnavailable(f"no card reader fits {wanted}; there are: {there}")
        return list(found)

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

    def leave(self) -> None:
        """Let go of a card that others may be speaking with: its power and its keys stay."""
        scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)
        self._context.release()

    def close(self) -> None:
        """Power the card off, so that nobody inherits an open key. Never raises."""
        if self._in_transaction:
            # Off before the next program is let in: it may be waiting already.
            scard.SCardEndTransaction(self._card, scard.SCARD_UNPOWER_CARD)
            self._in_transaction = False
        scard.SCardDisconnect(self._card, scard.SCARD_UNPOWER_CARD)
        self._context.release()


class ReaderWatch(threading.Thread):
    """Tells of the readers and the card, in a thread of its own; it survives the daemon's death.

    Readers may be plugged in and out; `tell` hears `ReaderSeen`, `CardSeen` and `CardGone`.
    """

    def __init__(self, patterns: Sequence[str], tell: Callable[[CardMessage], None]) -> None:
        super().__init__(name="reader watch", daemon=True)
        self._patterns, self._tell = patterns, tell
        self._attendance = Attendance()
        self._stopping = threading.Event()
        self._turned_at_s = time.monotonic()

    def silent_s(self, now_s: float) -> float:
        """For how long it has not turned: no call of PC/SC can be told to come back."""
        return now_s - self._turned_at_s

    @property
    def reader_of_card(self) -> str | None:
        """Where the visit's card lies, as far as is known by now."""
        return self._attendance.reader_of_card

    def run(self) -> None:
        """Watch until `stop`."""
        last_code: str | None = None
        while self._turns():
            try:
                context = Context.establish()
                try:
                    readers = context.fitting(self._patterns)
                    last_code = None
                    self._watch(context, readers)
                finally:
                    context.release()
            except CardFault as fault:
                self._look({})
                if fault.code != last_code:
                    self._tell(ReaderSeen(None, fault.code))
                last_code = fault.code
                self._stopping.wait(_LOOK_AGAIN_AFTER_S)

    def stop(self) -> None:
        """End the thread at its next look."""
        self._stopping.set()

    def _watch(self, context: Context, readers: list[str]) -> None:
        """Return when a reader came or went."""
        known = [(name, scard.SCARD_STATE_UNAWARE) for name in (*readers, _NEW_READERS)]
        while self._turns() and context.fitting(self._patterns) == readers:
            hresult, states = scard.SCardGetStatusChange(context.handle, _STATUS_WAIT_MS, known)
            if hresult == scard.SCARD_E_TIMEOUT:
                continue
            if hresult == scard.SCARD_E_UNKNOWN_READER:  # unplugged since it was listed
                self._stopping.wait(_LOOK_AGAIN_AFTER_S)
                return
            if hresult != scard.SCARD_S_SUCCESS:
                raise fault_of(hresult, "watching the readers")
            known = [(name, state) for name, state, _atr in states]
            self._look({name: _shown(state) for name, state in known if name in readers})

    def _turns(self) -> bool:
        self._turned_at_s = time.monotonic()
        return not self._stopping.is_set()

    def _look(self, readers: dict[str, Shown]) -> None:
        for news in self._attendance.look(readers):
            self._tell(news)


def _shown(state: int) -> Shown:
    """An event state of PC/SC; a reader that is being unplugged shows no card."""
    return Shown(bool(state & scard.SCARD_STATE_PRESENT), state >> _COUNTER_SHIFT)
