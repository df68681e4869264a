"""A visit on a trace: to the byte where nothing is hidden, as a dialogue where something is."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import replace

import msgspec
import pytest
from personalised import NUMBER_B, PIN
from recorded import RECORDED_AT, Bench, reading_of

from firmware.card.apdu import INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.files import Key
from firmware.faults import MalformedTrace, TraceMismatch
from firmware.testbench.replayed_visit import replay_visit
from firmware.testbench.trace import Context, MaskedBytes, Trace, decode, encode
from firmware.testbench.visit_context import METHODS, draw_context
from firmware.words import Cause, Method, Outcome

WRONG_PIN = "9999"
WRONG_B = NUMBER_B[:-4] + "9999"


def through_a_file(trace: Trace) -> Trace:
    return decode(encode(trace), "visit.jsonl")


def with_context(trace: Trace, **changed: object) -> Trace:
    context = msgspec.structs.replace(trace.header.context, **changed)
    return replace(trace, header=msgspec.structs.replace(trace.header, context=context))


@pytest.mark.parametrize("passes_extended", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_a_synthetic_visit_replays_to_the_byte(method: Method, passes_extended: bool) -> None:
    """Also that of a reader which let nothing of extended length pass: the trace stands for it."""
    bench = Bench(synthetic_holder=True, passes_extended=passes_extended)
    then = bench.visit(method)
    trace = through_a_file(bench.trace())
    assert trace.hidden == 0
    assert (then.outcome, then.cause, then.method) == (Outcome.VERIFIED, None, method)
    assert replay_visit(trace) == then
    longest = max(len(each.response.content) for each in trace.exchanges)
    assert (longest > 300) == passes_extended
    assert (then.card_signature is not None) == (method is Method.PIN)
    assert then.statement is not None and b"kazashi-testbench" in base64.b64decode(then.statement)


def test_every_byte_that_is_signed_counts() -> None:
    """Another id, nonce or time anywhere in the context makes another statement."""
    bench = Bench(synthetic_holder=True)
    bench.visit(Method.PIN)
    trace = bench.trace()
    context = trace.header.context
    assert context is not None and context.clock is not None
    others = [{"clock": RECORDED_AT.replace(second=1)}]
    for name, value in context.ids.items():
        other = value[:-1] + ("0" if value[-1] != "0" else "1")
        others.append({"ids": context.ids | {name: other}})  # type: ignore[dict-item]
    for name in context.nonces:
        others.append({"nonces": context.nonces | {name: "00" * 32}})  # type: ignore[dict-item]
    assert len(others) == 9
    for changed in others:
        with pytest.raises(TraceMismatch, match=r"exchange \d+: .* came, and the trace has"):
            replay_visit(with_context(trace, **changed))


@pytest.mark.parametrize("method", METHODS)
def test_a_masked_visit_replays_as_a_dialogue_and_is_never_verified(method: Method) -> None:
    bench = Bench()
    assert bench.visit(method).outcome is Outcome.VERIFIED
    trace = through_a_file(bench.trace())
    assert trace.hidden > 0
    visited = replay_visit(trace)
    assert (visited.outcome, visited.cause) == (Outcome.FAILED, Cause.MASKED_TRACE)
    assert visited.statement is None and visited.card_signature is None


def test_one_hidden_byte_is_enough_to_prove_nothing() -> None:
    bench = Bench(synthetic_holder=True)
    bench.visit(Method.PIN)
    trace = bench.trace()
    *others, last = trace.exchanges
    hidden = replace(last, response=MaskedBytes.hiding(last.response.content, frozenset({0})))
    visited = replay_visit(replace(trace, exchanges=(*others, hidden)))
    assert (visited.outcome, visited.cause) == (Outcome.FAILED, Cause.MASKED_TRACE)


@pytest.mark.parametrize("synthetic_holder", [True, False])
@pytest.mark.parametrize("drop", [0, 9, -1])
def test_a_visit_is_compared_strictly(synthetic_holder: bool, drop: int) -> None:
    bench = Bench(synthetic_holder=synthetic_holder)
    bench.visit(Method.PIN)
    trace = bench.trace()
    shorter = list(trace.exchanges)
    del shorter[drop]
    with pytest.raises(TraceMismatch, match=rf"exchange {drop % len(trace.exchanges) + 1}: "):
        replay_visit(replace(trace, exchanges=tuple(shorter)))
    with pytest.raises(TraceMismatch, match="the last 1 exchanges were not asked for"):
        replay_visit(replace(trace, exchanges=(*trace.exchanges, trace.exchanges[-1])))


def test_a_forged_signature_is_not_verified() -> None:
    bench = Bench(synthetic_holder=True)
    bench.visit(Method.PIN)
    trace = bench.trace()
    *others, last = trace.exchanges
    forged = bytes([last.response.content[0] ^ 1]) + last.response.content[1:]
    exchanges = (*others, replace(last, response=MaskedBytes(forged)))
    visited = replay_visit(replace(trace, exchanges=exchanges))
    assert (visited.outcome, visited.cause) == (Outcome.FAILED, Cause.CARD_CHANGED)


def test_a_refused_pin_is_presented_once() -> None:
    bench = Bench(synthetic_holder=True)
    visited = bench.visit(Method.PIN, pin=WRONG_PIN)
    assert visited.outcome is Outcome.CANCELLED
    tries = bench.terminal.card.report().tries_left[Key.USER_AUTHENTICATION_PIN.name.lower()]
    assert tries == 2
    assert replay_visit(bench.trace()) == visited


@pytest.mark.parametrize(
    ("patient", "number", "cause"),
    [
        ("pin_blocked", None, Cause.CANCELLED_BY_PATIENT),
        ("pin_blocked", WRONG_B, Cause.PIN_BLOCKED),
        ("certificate_missing", None, Cause.CERTIFICATE_MISSING),
    ],
)
def test_a_visit_that_came_to_nothing_replays_too(
    patient: str, number: str | None, cause: Cause
) -> None:
    bench = Bench(patient, synthetic_holder=True)
    visited = bench.visit(Method.PIN, number=number)
    assert visited.cause is cause
    assert replay_visit(through_a_file(bench.trace())) == visited


def test_the_last_try_is_never_spent() -> None:
    bench = Bench("one_try_left", synthetic_holder=True)
    assert bench.visit(Method.PIN, number=None).outcome is Outcome.CANCELLED
    assert bench.terminal.card.report().verifies_sent == 0


def test_a_trace_without_a_visit_says_so() -> None:
    with pytest.raises(MalformedTrace, match="no context"):
        replay_visit(reading_of())
    trace = replace(reading_of())
    for context in (
        Context(program="pkcs15-tool"),
        Context(clock=RECORDED_AT, method=Method.STAFF),
        msgspec.structs.replace(draw_context(1, RECORDED_AT, Method.PIN), ids={}),
        msgspec.structs.replace(draw_context(1, RECORDED_AT, Method.PIN), nonces={"presence": ""}),
    ):
        header = msgspec.structs.replace(trace.header, context=context)
        with pytest.raises(MalformedTrace, match="not that of a visit"):
            replay_visit(replace(trace, header=header))


def test_the_pin_is_in_no_masked_visit() -> None:
    bench = Bench()
    bench.visit(Method.PIN)
    told = encode(bench.trace()).decode()
    for digits in (PIN, NUMBER_B):
        verify = CommandApdu(0x00, 0x20, 0x00, 0x80, digits.encode()).encode().hex().upper()
        assert verify not in told
        assert f"{verify[:10]}{'XX' * len(digits)}" in told


def test_a_seed_draws_ids_and_nonces() -> None:
    """The same seed and clock draw the same context, and others another."""
    drawn = draw_context(7, RECORDED_AT, Method.PIN)
    assert drawn == draw_context(7, RECORDED_AT, Method.PIN)
    other = draw_context(8, RECORDED_AT, Method.PIN)
    assert not set(drawn.nonces.values()) & set(other.nonces.values())


@pytest.mark.parametrize(
    "clock", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2100-01-01T00:00:00Z"]
)
def test_a_clock_with_which_no_visit_can_reckon_is_refused(clock: str) -> None:
    context = msgspec.structs.replace(
        draw_context(1, RECORDED_AT, Method.PIN), clock=dt.datetime.fromisoformat(clock)
    )
    header = msgspec.structs.replace(reading_of().header, context=context)
    with pytest.raises(MalformedTrace, match="the years 2000 to 2099"):
        replay_visit(replace(reading_of(), header=header))


@pytest.mark.parametrize("counter", ["-1", str(1 << 64), "9" * 5000, "x"])
def test_a_counter_that_no_statement_can_have_is_refused(counter: str) -> None:
    context = draw_context(1, RECORDED_AT, Method.PIN)
    context = msgspec.structs.replace(context, ids=context.ids | {"counter": counter})
    header = msgspec.structs.replace(reading_of().header, context=context)
    with pytest.raises(MalformedTrace, match="not that of a visit"):
        replay_visit(replace(reading_of(), header=header))


class CutOff(Bench):
    """A bench whose process is told to end in the midst of a command."""

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if command.ins == INS_VERIFY and command.data:
            raise KeyboardInterrupt
        return super().transmit(command)


def test_a_visit_that_breaks_off_leaves_no_power_on_the_card() -> None:
    bench = CutOff(synthetic_holder=True)
    with pytest.raises(KeyboardInterrupt):
        bench.visit(Method.PIN, number=None)
    assert bench.closed
