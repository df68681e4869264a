"""A card that another process holds: forwarded byte for byte, heard, and gone when it goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from personalised import JPKI, PIN, Terminal
from recorded import RECORDED_AT

from firmware.card.apdu import is_extended
from firmware.faults import (
    CardFault,
    CardRemoved,
    CardSilent,
    ExtendedLengthRefused,
    HolderNotSynthetic,
)
from firmware.simulator.card import VirtualCard
from firmware.simulator.slot import NoAnswer
from firmware.testbench.record import Recorder
from firmware.testbench.recording import take_any
from firmware.testbench.relay import CardHeld, CardRelay, RelayedSlot, receive, send

SELECT_JPKI = bytes.fromhex(f"00A4040C0A{JPKI}")
SELECT_LABEL = bytes.fromhex("00A4020C020006")
READ_LABEL = bytes.fromhex("00B0000020")
SELECT_PIN = bytes.fromhex("00A4020C020018")
QUERY = bytes.fromhex("00200080")
VERIFY = bytes.fromhex("0020008004") + PIN.encode()
LIMIT_S = 30


class OnAReader:
    """A virtual card as `pcsc.Connection` has one; it can be taken away."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._card.power_on()

    @property
    def _card(self) -> VirtualCard:
        """Whichever lies there: a reset goes to that one as well."""
        return self._held.terminal.card

    @property
    def atr(self) -> bytes:
        return self._card.atr

    def exchange(self, command: bytes) -> bytes:
        if self._held.gone:
            raise CardRemoved("it was taken away")
        if is_extended(command) and not self._held.passes_extended:
            raise ExtendedLengthRefused("as some readers do")
        return self._card.process(command)

    def reset(self) -> None:
        self._card.reset()

    def begin_transaction(self) -> None:
        """Nobody else is there."""

    def close(self) -> None:
        self._card.power_off()


class Held:
    """A relay with a card, what it heard, and a hand that can take the card, or change it."""

    def __init__(
        self, prove: Callable[[CardHeld], None] = take_any, *, limit_s: float = LIMIT_S
    ) -> None:
        self.terminal, self.gone, self.passes_extended = Terminal(), False, True
        self.recorder = Recorder(lambda: 0.0, synthetic_holder=False)
        self.relay = CardRelay(self._connect, prove, self.recorder, last_answer_limit_s=limit_s)

    def _connect(self) -> OnAReader:
        if self.gone:
            raise CardRemoved("there is none")
        return OnAReader(self)

    def heard(self) -> list[tuple[str, str, bool]]:
        trace = self.recorder.trace(reader="R", atr=self.terminal.card.atr, recorded_at=RECORDED_AT)
        return [(each.command.text, each.response.text, each.fresh) for each in trace.exchanges]


def test_every_byte_goes_there_and_back_and_is_heard() -> None:
    held = Held()
    with held.relay as relay, RelayedSlot.to(relay.path) as slot:
        assert slot.card.atr == held.terminal.card.atr
        assert [slot.exchange(each) for each in (SELECT_JPKI, SELECT_PIN, QUERY, VERIFY)] == [
            *(b"\x90\x00", b"\x90\x00", b"\x63\xc3", b"\x90\x00")
        ]
        slot.card.reset()  # warm: the selection stays
        assert slot.exchange(QUERY) != NoAnswer.PULLED
        slot.card.power_off()
        slot.card.power_on()
        assert slot.exchange(SELECT_PIN) == b"\x6a\x82"
        assert slot.card.report().commands == 6
    assert relay.fault is None
    commands = [command for command, _, _ in held.heard()]
    assert commands[3] == "0020008004" + "XX" * 4
    assert [fresh for _, _, fresh in held.heard()] == [False] * 5 + [True]


@pytest.mark.parametrize("command", ["00CA00000000010000", "80CA000007", "00A4040C00"])
def test_bytes_are_forwarded_as_they_are(command: str) -> None:
    """Also such that mean the same as shorter ones, or nothing."""
    held = Held()
    with held.relay as relay, RelayedSlot.to(relay.path) as slot:
        direct = Terminal().card.process(bytes.fromhex(command))
        assert slot.exchange(bytes.fromhex(command)) == direct
    ((heard, _, _),) = held.heard()
    assert len(heard) == len(command)
    assert heard[:8] == command[:8]


def test_what_the_reader_does_not_pass_is_a_wrong_length() -> None:
    """And no reason to lose the card."""
    held = Held()
    with held.relay as relay, RelayedSlot.to(relay.path) as slot:
        held.passes_extended = False
        assert slot.exchange(bytes.fromhex("00B08600000000")) == b"\x67\x00"
        assert slot.exchange(SELECT_JPKI) == b"\x90\x00"
    assert relay.fault is None
    assert [response for _, response, _ in held.heard()] == ["6700", "9000"]


@pytest.mark.parametrize("command", [b"", b"\x00", b"\x00\xa4\x04"])
def test_what_is_too_short_for_a_command_reaches_no_card(command: bytes) -> None:
    held = Held()
    with held.relay as relay, RelayedSlot.to(relay.path) as slot:
        assert slot.exchange(command) == b"\x67\x00"
    assert held.terminal.card.report().commands == 0
    assert held.heard() == []


def test_a_card_that_leaves_is_gone_for_the_player_and_its_fault_is_kept() -> None:
    held = Held()
    with held.relay as relay, RelayedSlot.to(relay.path) as slot:
        assert slot.exchange(SELECT_JPKI) == b"\x90\x00"
        held.gone = True
        assert slot.exchange(SELECT_PIN) is NoAnswer.PULLED
        held.gone = False
        assert slot.exchange(SELECT_PIN) is NoAnswer.PULLED  # it does not come back by itself
    assert isinstance(relay.fault, CardFault)
    assert len(held.heard()) == 1


def nobodys(card: CardHeld) -> None:
    """A proof as `holder` has one, of the kind of card alone."""
    card.exchange(SELECT_JPKI)
    card.exchange(SELECT_LABEL)
    if not card.exchange(READ_LABEL).startswith(b"JPKIAPICCTOKEN2"):
        raise HolderNotSynthetic("somebody's card")


@pytest.mark.parametrize("power", ["power_on", "reset"])
def test_a_card_that_was_changed_is_proven_anew_and_sent_nothing(power: str) -> None:
    held = Held(nobodys)
    with held.relay as relay, RelayedSlot.to(relay.path) as slot:
        for command in (SELECT_JPKI, SELECT_PIN, VERIFY):
            assert slot.exchange(command) == b"\x90\x00"
        held.terminal = Terminal("phone")
        held.terminal.card.power_on()
        getattr(slot.card, power)()
        for command in (SELECT_JPKI, VERIFY):
            assert slot.exchange(command) is NoAnswer.PULLED
    assert isinstance(relay.fault, HolderNotSynthetic)
    assert held.terminal.card.report().verifies_sent == 0
    assert len(held.heard()) == 3  # and no proof is among them


def test_a_card_that_fails_its_first_proof_is_not_in_the_slot() -> None:
    held = Held(nobodys)
    held.terminal = Terminal("phone")
    with held.relay as relay, pytest.raises(OSError, match="left its reader"):
        RelayedSlot.to(relay.path)
    assert isinstance(relay.fault, HolderNotSynthetic)
    assert held.heard() == []


def test_a_card_that_never_answers_does_not_hold_the_recording() -> None:
    """A call of PC/SC cannot be ended: what was heard before is kept."""
    held = Held(limit_s=0.01)
    asked, ending = threading.Event(), threading.Event()

    def never(_command: bytes) -> bytes:
        asked.set()
        ending.wait()
        raise CardRemoved("at last")

    try:
        with held.relay as relay:
            slot = RelayedSlot.to(relay.path)
            assert slot.exchange(SELECT_JPKI) == b"\x90\x00"
            held.terminal.card.process = never  # type: ignore[method-assign]
            waiting = threading.Thread(target=slot.exchange, args=(SELECT_PIN,), daemon=True)
            waiting.start()
            assert asked.wait(LIMIT_S)
        assert isinstance(relay.fault, CardSilent)
        assert len(held.heard()) == 1
    finally:
        ending.set()
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()
    slot.__exit__()


def test_without_a_card_there_is_no_slot() -> None:
    held = Held()
    held.gone = True
    with held.relay as relay:
        with pytest.raises(OSError, match="left its reader"):
            RelayedSlot.to(relay.path)
        folder = relay.path.parent
    assert not folder.exists()


def test_a_relay_that_nobody_asks_ends(tmp_path: Path) -> None:
    with Held().relay as relay:
        assert relay.path.exists()
    assert not relay.path.exists()
    with pytest.raises(OSError):
        RelayedSlot.to(tmp_path / "none")


def test_a_player_that_dies_leaves_the_card_without_power() -> None:
    held = Held()
    with held.relay as relay:
        slot = RelayedSlot.to(relay.path)
        for command in (SELECT_JPKI, SELECT_PIN, VERIFY):
            slot.exchange(command)
        slot.__exit__()
    held.terminal.card.power_on()
    held.terminal.select(JPKI, "0018")
    assert held.terminal.status("00200080") == "63C3"


def test_messages_cut_anywhere_are_put_together() -> None:
    one, other = socket.socketpair()
    with one, other:
        send(one, b"some bytes")
        assert receive(other) == b"some bytes"
        for byte in b"\x00\x00\x00\x03abc":
            one.sendall(bytes((byte,)))
        assert receive(other) == b"abc"
        one.sendall(b"\x00\x00")
        one.shutdown(socket.SHUT_WR)
        assert receive(other) is None
