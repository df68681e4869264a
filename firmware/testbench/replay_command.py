"""`kazashi-testbench replay`: a trace as a card, or against the firmware of today."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

import click
import msgspec

from firmware.faults import TraceMismatch
from firmware.simulator.pcsc_service import SOCKET_VARIABLE
from firmware.testbench.check import check
from firmware.testbench.options import FILE, json_option, refusing, world_option
from firmware.testbench.player import TRACE
from firmware.testbench.private_reader import PrivateReader
from firmware.testbench.replayed_visit import replay_visit
from firmware.testbench.trace import Trace, read_trace
from firmware.words import Outcome

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LOOK_EVERY_S: Final = 0.5


@click.command("replay")
@click.argument("file", type=FILE)
@click.option("--check", "only_check", is_flag=True, help="Run the firmware's reads against it.")
@click.option("--visit", "whole_visit", is_flag=True, help="Play the visit of its context on it.")
@world_option
@json_option
def replay_command(
    *, file: Path, only_check: bool, whole_visit: bool, world: Path, as_json: bool
) -> None:
    """Put a trace on a private PC/SC daemon as a card, until interrupted.

    Prints the variable with which any PC/SC program sees it. A command that the trace does not
    hold is answered 6F00, told on standard error, and ends in exit code 1. A hidden byte fits any.

    A visit on a trace that hides something ends `failed`, `masked_trace`: its dialogue is played,
    and proves nothing.

    \b
    Examples:
      kazashi-testbench replay card.jsonl
      kazashi-testbench replay --check --json card.jsonl
      kazashi-testbench replay --visit visit.jsonl
    """
    if only_check and whole_visit:
        raise click.UsageError("--check and --visit are two things")
    with refusing():
        trace = read_trace(file)
        if only_check:
            _tell_check(file, trace, as_json=as_json)
        elif whole_visit:
            _tell_visit(file, trace, as_json=as_json)
        else:
            _plug(file, world, as_json=as_json)


def _tell_check(file: Path, trace: Trace, *, as_json: bool) -> None:
    checked = check(trace)
    ended = f"; it ends in: {checked.ended}" if checked.ended else ""
    said = f"{file}: the firmware reads the same in {checked.exchanges} exchanges{ended}"
    click.echo(msgspec.json.encode(checked) if as_json else said)


def _tell_visit(file: Path, trace: Trace, *, as_json: bool) -> None:
    visited = replay_visit(trace)
    cause = f", {visited.cause}" if visited.cause else ""
    said = f"{file}: {len(trace.exchanges)} exchanges as they were: {visited.outcome}{cause}"
    click.echo(msgspec.json.encode(visited) if as_json else said)
    if visited.outcome is not Outcome.VERIFIED:
        raise click.exceptions.Exit(1)


def _plug(file: Path, world: Path, *, as_json: bool) -> None:
    """Serve the trace until a signal; raises TraceMismatch if it was asked for more."""
    with PrivateReader(TRACE, file, world) as plugged:
        told = {**plugged.environment, "reader": plugged.reader_name, "trace": str(file)}
        if as_json:
            click.echo(msgspec.json.encode(told))
        else:
            click.echo(f"{SOCKET_VARIABLE}={told[SOCKET_VARIABLE]}")
            click.echo(f"{file} lies on {plugged.reader_name!r}; Ctrl-C takes it away", err=True)
        # Blocked only now: what the reader starts must not inherit that.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        while plugged.is_running and signal.sigtimedwait(STOP_SIGNALS, LOOK_EVERY_S) is None:
            pass
        if not plugged.stop():
            raise TraceMismatch("more was asked than the trace holds")
