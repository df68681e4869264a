"""A trace as a card: the same dialogue is answered the same, any other not at all."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from personalised import NUMBER_B, Terminal
from recorded import NONCE, Bench, answering, reading_of

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.credential import CollationNumberB
from firmware.card.desk import CardDesk
from firmware.card.requests import (
    CardFaceRead,
    CardIdentified,
    CertificateRead,
    IdentifyCard,
    PinTries,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
)
from firmware.faults import TraceMismatch, VerifyRefused
from firmware.simulator.card_contents import DEMONSTRATION_NUMBER
from firmware.simulator.patients import find
from firmware.simulator.people import collation_number_b
from firmware.testbench.check import check
from firmware.testbench.reading import firmware_reads
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import Trace
from firmware.words import CardKind

VISIT = UUID(int=5)
WRONG_B = NUMBER_B[:-4] + "9999"


class Watched:
    """A replayed card and what it missed."""

    def __init__(self, trace: Trace) -> None:
        self.mismatches: list[str] = []
        self.card = ReplayedCard(trace, lambda mismatch: self.mismatches.append(str(mismatch)))
        self.card.power_on()

    def send(self, command: str) -> str:
        return self.card.process(bytes.fromhex(command)).hex().upper()


@pytest.mark.parametrize("synthetic_holder", [True, False])
@pytest.mark.parametrize("patient", ["valid", "no_photo", "pin_blocked"])
def test_the_firmware_reads_a_trace_as_it_read_the_card(
    patient: str, synthetic_holder: bool
) -> None:
    bench = Bench(patient, synthetic_holder=synthetic_holder)
    number = collation_number_b(find(patient))
    then = bench.read(number)
    watched = Watched(bench.trace())
    reads = firmware_reads(CollationNumberB.parse(number), {}, bytes(32))
    now = scripts.run(reads, answering(watched.card.process))
    assert watched.mismatches == []
    assert watched.card.left_over == 0
    assert (now.kind, now.pin_tries_left) == (then.kind, then.pin_tries_left)
    assert now.certificate == then.certificate
    assert now.face is not None and then.face is not None
    if synthetic_holder:
        assert now.face.photo == then.face.photo
    elif then.face.photo is not None:
        assert now.face.photo is not None
        assert now.face.photo.bytes == then.face.photo.bytes
        assert now.face.photo.width is None


class OnTheTrace:
    """A replayed card behind the connection that the card worker's desk expects."""

    reader = "Drawn Reader 00 00"

    def __init__(self, card: ReplayedCard) -> None:
        self.card = card

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.decode(self.card.process(command.encode()))

    def begin_transaction(self) -> None:
        """Nobody else is there."""

    def end_transaction(self) -> None:
        """Nobody else is there."""

    def close(self) -> None:
        self.card.power_off()


def test_the_card_worker_says_what_the_bench_says() -> None:
    """The bench has a dialogue of its own for its reads: it must stay the worker's."""
    watched = Watched(reading_of())
    desk = CardDesk(lambda: OnTheTrace(watched.card), lambda _visit, _photo: None, {}, None)
    assert desk.answer(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)
    assert isinstance(desk.answer(ReadCardFace(VISIT, NUMBER_B.encode())), CardFaceRead)
    assert desk.answer(QueryPinTries()) == PinTries(3)
    assert isinstance(desk.answer(ReadCertificate()), CertificateRead)
    assert watched.mismatches == []
    assert watched.card.left_over == 0


def test_one_command_too_many_fails() -> None:
    bench = Bench()
    bench.send("00A4040C0AD392F000260100000001")
    watched = Watched(bench.trace())
    assert watched.send("00A4040C0AD392F000260100000001") == "9000"
    assert watched.send("00B0000000") == "6F00"
    assert watched.send("00B0000000") == "6F00"  # told once
    assert watched.mismatches == [
        "exchange 2: CommandApdu(00 B0 00 00, le=256) came, and the trace has ended"
    ]


@pytest.mark.parametrize(
    "other",
    ["00A4040C0AD392F000260100000002", "00A4040C", "00", "00A4040C0AD392F00026010000000100"],
)
def test_another_command_fails_until_the_next_power_up(other: str) -> None:
    bench = Bench()
    right = "00A4040C0AD392F000260100000001"
    bench.send(right)
    watched = Watched(bench.trace())
    assert watched.send(other) == "6F00"
    assert watched.send(right) == "6F00"
    assert len(watched.mismatches) == 1
    watched.card.power_off()
    watched.card.power_on()
    assert watched.send(right) == "9000"


def test_a_hidden_number_is_compared_by_its_length_and_never_told() -> None:
    trace = reading_of()
    at = next(n for n, each in enumerate(trace.exchanges) if each.command.hidden)
    from_there = replace(trace, exchanges=trace.exchanges[at:])
    other = DEMONSTRATION_NUMBER.encode().hex()
    assert Watched(from_there).send(f"002000800E{other}3132") == "9000"

    watched = Watched(from_there)
    assert watched.send(f"002000800C{other}") == "6F00"
    assert other not in watched.mismatches[0].lower()
    assert "12 secret bytes" in watched.mismatches[0]


def test_what_is_signed_may_differ_even_if_it_is_told() -> None:
    trace = reading_of(synthetic_holder=True)
    (signing,) = [each for each in trace.exchanges if each.command.text.startswith("802A")]
    assert signing.command.hidden == frozenset()
    assert bytes(32) != NONCE  # what `check` has signed in its place
    assert check(trace).exchanges == len(trace.exchanges)


def test_a_dialogue_that_broke_off_is_checked_as_well() -> None:
    bench = Bench()
    with pytest.raises(VerifyRefused):
        bench.read(WRONG_B)
    checked = check(bench.trace())
    assert checked.kind is None
    assert checked.ended == "COLLATION_NUMBER_B refused, 9 tries left"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda trace: replace(trace, exchanges=trace.exchanges[:-1]), "the trace has ended"),
        (lambda trace: replace(trace, exchanges=trace.exchanges[1:]), "exchange 1: "),
        (
            lambda trace: replace(trace, exchanges=(*trace.exchanges, trace.exchanges[0])),
            "last 1 exchanges were not asked for",
        ),
        (
            lambda trace: Trace(
                type(trace.header)(
                    reader="R",
                    atr="3B00",
                    card_kind=CardKind.PHONE_IOS,
                    tool="t",
                    recorded_at=trace.header.recorded_at,
                    synthetic_holder=False,
                ),
                trace.exchanges,
            ),
            "the header says phone_ios",
        ),
    ],
)
def test_check_sees_the_difference(spoil, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TraceMismatch, match=says):
        check(spoil(reading_of()))


def test_it_reports_commands_as_virtual_cards_do() -> None:
    watched = Watched(reading_of())
    watched.send("00A4040C0AD392F000260100000001")
    watched.send("00")
    watched.card.reset()
    assert watched.card.report().commands == 2
    assert watched.card.atr == Terminal().card.atr
