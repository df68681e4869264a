"""How two traces differ, in words that tell no byte."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from personalised import NUMBER_B
from recorded import Bench, reading_of

from firmware.faults import VerifyRefused
from firmware.testbench.comparing import compare
from firmware.testbench.trace import Exchange, MaskedBytes, Trace
from firmware.words import CardKind


def says(a: Trace, b: Trace) -> list[str]:
    return [str(difference) for difference in compare(a, b).differences]


def place(trace: Trace, words: str) -> int:
    """The number of the first exchange whose note begins so."""
    return next(n for n, each in enumerate(trace.exchanges, 1) if each.note.startswith(words))


def changed(trace: Trace, n: int, **parts: str) -> Trace:
    """With another command or response in the n-th exchange."""
    exchanges = list(trace.exchanges)
    new = {name: MaskedBytes.parse(text) for name, text in parts.items()}
    exchanges[n - 1] = replace(exchanges[n - 1], **new)
    return Trace(trace.header, tuple(exchanges))


@pytest.mark.parametrize("synthetic_holder", [True, False])
def test_a_trace_is_the_same_as_itself(synthetic_holder: bool) -> None:
    trace = reading_of(synthetic_holder=synthetic_holder)
    comparison = compare(trace, trace)
    assert comparison.differences == ()
    assert comparison.exchanges == (len(trace.exchanges),) * 2
    assert comparison.hidden_bytes == trace.hidden


def test_what_is_hidden_in_one_is_compared_by_its_length() -> None:
    masked, told = reading_of(), reading_of(synthetic_holder=True)
    comparison = compare(masked, told)
    assert comparison.differences == ()
    assert comparison.hidden_bytes == masked.hidden > 0
    verify = place(masked, "VERIFY CARD_FACE")
    shorter = changed(masked, verify, command="0020008006" + "XX" * 6)
    assert any(line.startswith(f"A:{verify} ") for line in says(shorter, told))


def test_times_readers_and_tools_are_no_difference() -> None:
    trace = reading_of()
    header = msgspec.structs.replace(trace.header, reader="Another", tool="other 2")
    later = [replace(each, at_ms=each.at_ms + 7, note="", fresh=True) for each in trace.exchanges]
    assert says(trace, Trace(header, tuple(later))) == []


def test_header_and_answers_are_told_in_words() -> None:
    trace = reading_of()
    verify = place(trace, "VERIFY CARD_FACE")
    query, label = place(trace, "TRIES OF CARD_FACE"), place(trace, "READ BINARY JPKI 0006")
    header = msgspec.structs.replace(trace.header, atr="3B00", card_kind=CardKind.PHONE_IOS)
    other = changed(Trace(header, trace.exchanges), query, response="63C2")
    size = len(trace.exchanges[label - 1].response.content) - 2
    other = changed(other, label, response="00" * size + "9000")
    other = changed(other, verify, response="009000")
    told = says(trace, other)
    assert told[0].split(maxsplit=1) == [
        "header",
        "card kind: A has my_number_card, B has phone_ios",
    ]
    assert "ATR: A has" in told[1]
    assert f"A:{label} B:{label}" in told[2]
    assert "JPKI 0006 token info: the answers differ in" in told[2]
    assert "A was answered 63CA (refused, 10 tries left), B 63C2 (refused, 2 tries left)" in told[3]
    assert f"A:{verify} B:{verify}" in told[4] and "0 bytes came in A, 1 in B" in told[4]
    assert len(told) == 5


def test_exchanges_that_only_one_has_are_named() -> None:
    trace = reading_of()
    n = place(trace, "VERIFY CARD_FACE")
    without = Trace(trace.header, trace.exchanges[: n - 1] + trace.exchanges[n:])
    words = "VERIFY CARD_FACE 0012 COLLATION_NUMBER_B: done"
    assert says(trace, without) == [f"{f'A:{n}':12} only in A: {words}"]
    assert says(without, trace) == [f"{f'B:{n}':12} only in B: {words}"]


def test_no_byte_of_data_is_told() -> None:
    a, b = Bench(synthetic_holder=True), Bench(synthetic_holder=True)
    a.read()
    with pytest.raises(VerifyRefused):
        b.read(NUMBER_B[:-4] + "9999")
    told = "\n".join(says(a.trace(), b.trace()))
    assert "VERIFY CARD_FACE 0012 COLLATION_NUMBER_B: the commands differ in" in told
    for digits in (NUMBER_B, NUMBER_B.encode().hex(), "39393939", "9999"):
        assert digits not in told


def test_many_alike_commands_are_compared_in_bounded_time() -> None:
    """Ten thousand of one shape: pairing each with each would be a hundred million steps."""
    trace = reading_of()
    read = trace.exchanges[place(trace, "READ BINARY") - 1]
    many: tuple[Exchange, ...] = (read,) * 10_000
    same = compare(Trace(trace.header, many), Trace(trace.header, many))
    assert same.differences == ()
    one_less = compare(Trace(trace.header, many), Trace(trace.header, many[1:]))
    assert one_less.exchanges == (10_000, 9_999)
    assert one_less.differences
