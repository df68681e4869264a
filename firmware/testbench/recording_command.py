"""`kazashi-testbench record`: a dialogue with a card on a reader, as a trace."""

from __future__ import annotations

import datetime as dt
import secrets
import sys
import time
from pathlib import Path
from typing import Final

import click
import msgspec

from firmware.card.credential import CollationNumberB, Pin
from firmware.faults import HolderNotSynthetic, MalformedCredential
from firmware.simulator.world import World
from firmware.testbench.digits import Digits
from firmware.testbench.options import (
    json_option,
    number_option,
    out_option,
    reader_option,
    refusing,
    wait_option,
    world_option,
    write,
)
from firmware.testbench.reader import find_reader
from firmware.testbench.record import Recorder
from firmware.testbench.recording import (
    look_at_card,
    proof_of_synthetic,
    record_program,
    record_reads,
    record_visit,
    take_any,
)
from firmware.testbench.trace import Context, Trace, encode, printable
from firmware.testbench.visit_context import METHODS, draw_context
from firmware.testbench.visiting import Visited
from firmware.words import CardKind, Method, Outcome

SEED_BITS: Final = 48


class Summary(msgspec.Struct, frozen=True):
    """What `record --json` prints."""

    trace: str
    exchanges: int
    kind: CardKind
    hidden_bytes: int
    visit: Visited | None = None


def parse_pin(_context: click.Context, _option: click.Parameter, value: str | None) -> bytes | None:
    """A PIN as given, or of standard input for `-`; an error never repeats it."""
    if value is None:
        return None
    digits = sys.stdin.readline().strip() if value == "-" else value
    try:
        return Pin.parse(digits).reveal()
    except MalformedCredential as fault:
        raise click.BadParameter(str(fault)) from fault


@click.command("record")
@reader_option
@out_option
@number_option
@click.option(
    "--through",
    is_flag=True,
    help="Run PROGRAM, and record what it does with the card, which it sees on a private reader.",
)
@click.option(
    "--visit",
    "method",
    type=click.Choice([method.value for method in METHODS]),
    help="Play a whole visit, with this proof of identity; for cards of the simulated world alone.",
)
@click.option("--pin", metavar="DIGITS", callback=parse_pin, help="For --visit; '-' as above.")
@click.option("--seed", type=click.IntRange(0), help="Of the visit's ids and nonces.")
@click.option(
    "--synthetic-holder",
    is_flag=True,
    help="Mask nothing, and mark the trace; for cards of the simulated world alone.",
)
@wait_option
@world_option
@json_option
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
def record_command(
    *,
    reader: str,
    out: Path,
    number: CollationNumberB | None,
    through: bool,
    method: str | None,
    pin: bytes | None,
    seed: int | None,
    synthetic_holder: bool,
    wait_s: float,
    world: Path,
    as_json: bool,
    program: tuple[str, ...],
) -> None:
    """Write a dialogue with a card as a trace: the firmware's reads, unless told otherwise.

    PINs, numbers and a person's data are masked in it. A dialogue that breaks off is written as
    well, and ends with exit code 1; so does a PROGRAM that failed. Whether a card is of the
    simulated world, its certificate proves.

    \b
    Examples:
      kazashi-testbench record --reader '*' --out card.jsonl
      kazashi-testbench record --reader '*' --out card.jsonl --collation-number-b - --wait 10
      kazashi-testbench record --reader '*' --out tool.jsonl --through -- pkcs15-tool --dump
      kazashi-testbench record --reader '*' --out visit.jsonl --visit pin --pin - --synthetic-holder

    Two `-` take a line each, in their order.
    """
    _refuse_wrong_use(through, program, method, number, pin)
    recorded_at = dt.datetime.now(dt.UTC)
    visited: Visited | None = None
    context: Context | None = None
    with refusing():
        name = find_reader(reader, wait_s)
        atr = look_at_card(name)
        simulated = World(world)
        prove = proof_of_synthetic(simulated) if synthetic_holder or method else take_any
        recorder = Recorder(time.monotonic, synthetic_holder=synthetic_holder)

        def keep() -> Trace:
            trace = recorder.trace(reader=name, atr=atr, recorded_at=recorded_at, context=context)
            write(out, encode(trace))
            return trace

        try:
            if program:
                context = Context(program=printable(Path(program[0]).name))
                said_to = sys.stderr if as_json else None  # ours prints one JSON object
                record_program(name, recorder, prove, program, simulated, stdout=said_to)
            elif method:
                drawn_from = secrets.randbits(SEED_BITS) if seed is None else seed
                context = draw_context(drawn_from, recorded_at, Method(method))
                digits = Digits(number.reveal() if number else None, pin)
                visited = record_visit(name, recorder, prove, context, digits)
            else:
                record_reads(name, recorder, prove, number)
        except HolderNotSynthetic:
            raise  # of a card that may be a person's, nothing is kept
        except BaseException:
            keep()
            raise
        trace = keep()
    kind, count = trace.header.card_kind, len(trace.exchanges)
    came_to = f", {visited.outcome}" if visited else ""
    summary = Summary(str(out), count, kind, trace.hidden, visited)
    said = f"{out}: {kind}, {count} exchanges, {trace.hidden} bytes hidden{came_to}"
    click.echo(msgspec.json.encode(summary) if as_json else said)
    if visited is not None and visited.outcome is not Outcome.VERIFIED:
        raise click.exceptions.Exit(1)


def _refuse_wrong_use(
    through: bool,
    program: tuple[str, ...],
    method: str | None,
    number: CollationNumberB | None,
    pin: bytes | None,
) -> None:
    if through != bool(program):
        raise click.UsageError("--through and a program, after `--`, belong together")
    if through and (method or number):
        raise click.UsageError("the program uses the card: there is no number or visit beside it")
    if method == Method.FACE and number is None:
        raise click.UsageError("--visit face needs --collation-number-b")
    if (method == Method.PIN) != (pin is not None):
        raise click.UsageError("--visit pin and --pin belong together")
