"""`kazashi-testbench`: reads a card as the firmware does, records that, and plays it again."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from firmware.card import scripts
from firmware.card.credential import CollationNumberB
from firmware.card.pcsc import Connection, Context, ReaderWatch
from firmware.card.worker import read_issuer_keys
from firmware.faults import (
    CardRemoved,
    CardServiceUnavailable,
    Fault,
    MalformedCredential,
    TraceMismatch,
)
from firmware.simulator.pcsc_service import SOCKET_VARIABLE
from firmware.simulator.world import DEFAULT_ROOT
from firmware.testbench.check import check
from firmware.testbench.player import TraceReader
from firmware.testbench.reading import NONCE_BYTES, Reading, firmware_reads
from firmware.testbench.record import Recorder
from firmware.testbench.trace import Trace, encode, read_trace
from firmware.words import CardKind

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LOOK_EVERY_S: Final = 0.5
SHOWN_COMMAND: Final = 36  # characters of a command's hex in a table

TRACE = click.Path(exists=True, dir_okay=False, path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
reader_option = click.option(
    "--reader", required=True, help="The PC/SC reader's name, or a pattern of it such as '*ACR*'."
)
wait_option = click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 600), default=0, help="Seconds to wait for a card."
)


def parse_number(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> CollationNumberB | None:
    """照合番号B as given, or of standard input for `-`; an error never repeats it."""
    if value is None:
        return None
    digits = sys.stdin.readline().strip() if value == "-" else value
    try:
        return CollationNumberB.parse(digits)
    except MalformedCredential as fault:
        raise click.BadParameter(str(fault)) from fault


number_option = click.option(
    "--collation-number-b",
    "number",
    metavar="DIGITS",
    callback=parse_number,
    help="照合番号B, 14 digits; '-' reads them from standard input, out of the shell's history. "
    "A wrong number costs one of ten tries.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Read, record and replay cards as the firmware sees them.

    No command ever sends a PIN. Exit codes: 0 done, 1 refused or failed, 2 wrong use.

    \b
    Examples:
      kazashi-testbench read --reader '*' --wait 10
      kazashi-testbench record --reader '*' --out card.jsonl --collation-number-b -
      kazashi-testbench show card.jsonl
      kazashi-testbench replay --check card.jsonl
    """


@main.command("read")
@reader_option
@number_option
@click.option("--issuer-keys", type=TRACE, help="JSON file of the card-face issuers' keys.")
@click.option("--pem", is_flag=True, help="Print the certificate too (--json always does).")
@wait_option
@json_option
def read_command(
    *,
    reader: str,
    number: CollationNumberB | None,
    issuer_keys: Path | None,
    pem: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Tell what the firmware would read of a card: sizes and verdicts, never names or digits.

    \b
    Examples:
      kazashi-testbench read --reader 'ACS ACR1252 Reader 00 00'
      kazashi-testbench read --reader '*' --json --pem
      kazashi-testbench read --reader '*' --collation-number-b - --issuer-keys issuers.json
    """
    with refusing(), connected(reader, wait_s, Recorder(time.monotonic)) as connection:
        issuers = read_issuer_keys(str(issuer_keys) if issuer_keys else None)
        nonce = secrets.token_bytes(NONCE_BYTES)
        reading = scripts.run(firmware_reads(number, issuers, nonce), connection.transmit)
    click.echo(msgspec.json.encode(reading) if as_json else spoken(reading, pem=pem))
    if reading.kind is CardKind.UNKNOWN:
        raise click.ClickException("this is no card that the firmware knows")


@main.command("record")
@reader_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@number_option
@click.option(
    "--synthetic-holder",
    is_flag=True,
    help="The card is nobody's: mask secrets only, and say so in the trace.",
)
@wait_option
@json_option
def record_command(
    *,
    reader: str,
    out: Path,
    number: CollationNumberB | None,
    synthetic_holder: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Write the dialogue of the firmware's reads as a trace; personal data is masked in it.

    A dialogue that breaks off is written as well, and ends with exit code 1.

    \b
    Examples:
      kazashi-testbench record --reader '*' --out card.jsonl
      kazashi-testbench record --reader '*' --out card.jsonl --collation-number-b - --wait 10
    """
    recorder = Recorder(time.monotonic)
    kind = CardKind.UNKNOWN
    with refusing(), connected(reader, wait_s, recorder) as connection:
        atr, recorded_at = connection.atr, dt.datetime.now(dt.UTC)
        try:
            nonce = secrets.token_bytes(NONCE_BYTES)
            kind = scripts.run(firmware_reads(number, {}, nonce), connection.transmit).kind
        finally:
            trace = recorder.trace(
                reader=connection.reader,
                atr=atr,
                kind=kind,
                recorded_at=recorded_at,
                synthetic_holder=synthetic_holder,
            )
            write(out, trace)
    summary = {"trace": str(out), "exchanges": len(trace.exchanges), "kind": kind}
    click.echo(
        msgspec.json.encode(summary) if as_json else f"{out}: {kind}, {summary['exchanges']} lines"
    )


@main.command("replay")
@click.argument("file", type=TRACE)
@click.option("--check", "only_check", is_flag=True, help="Run the firmware's reads against it.")
@click.option(
    "--world",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    help="The simulated world, for the driver of its virtual reader.",
)
@json_option
def replay_command(file: Path, only_check: bool, world: Path, as_json: bool) -> None:
    """Put a trace on a private PC/SC daemon as a card, until interrupted.

    Prints the variable with which any PC/SC program sees it. A command that the trace does not
    hold is answered 6F00, told on standard error, and ends in exit code 1. A hidden byte fits any.

    \b
    Examples:
      kazashi-testbench replay card.jsonl
      kazashi-testbench replay --check --json card.jsonl
    """
    with refusing():
        trace = read_trace(file)
        if only_check:
            checked = check(trace)
            ended = f"; it ends in: {checked.ended}" if checked.ended else ""
            said = f"{file}: the firmware reads the same in {checked.exchanges} exchanges{ended}"
            click.echo(msgspec.json.encode(checked) if as_json else said)
        else:
            plug(file, world, as_json=as_json)


@main.command("show")
@click.argument("file", type=TRACE)
def show_command(file: Path) -> None:
    """Print a trace as a table: when, what was sent, what it means.

    \b
    Example:
      kazashi-testbench show card.jsonl
    """
    with refusing():
        trace = read_trace(file)
    header = trace.header
    holder = "nobody's card" if header.synthetic_holder else "personal data masked"
    click.echo(f"{header.card_kind} in {header.reader!r}, ATR {header.atr}, {holder}")
    click.echo(f"{header.tool}, {header.recorded_at:%Y-%m-%d %H:%M:%S %Z}")
    for n, each in enumerate(trace.exchanges, start=1):
        sent = each.command.text
        if len(sent) > SHOWN_COMMAND:
            sent = f"{sent[: SHOWN_COMMAND - 1]}…"
        click.echo(f"{n:4} {each.at_ms:6} ms  {sent:{SHOWN_COMMAND}}  {each.note}")


def plug(file: Path, world: Path, *, as_json: bool) -> None:
    """Serve the trace until a signal; raises TraceMismatch if it was asked for more."""
    with TraceReader(file, world) as plugged:
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


@contextlib.contextmanager
def connected(pattern: str, wait_s: float, recorder: Recorder) -> Iterator[Connection]:
    """The powered card on the reader. Raises what people can mend: no daemon, reader or card."""
    try:
        context = Context.establish()
    except CardServiceUnavailable as cause:
        raise CardServiceUnavailable(
            f"{cause}; is pcscd running? (or {SOCKET_VARIABLE})"
        ) from cause
    try:
        reader = context.reader(pattern)
    finally:
        context.release()
    wait_for_card(reader, wait_s)
    try:
        connection = Connection(reader, recorder.hear)
    except CardRemoved as cause:
        raise CardRemoved(f"no card that answers lies on {reader!r} ({cause})") from cause
    try:
        yield connection
    finally:
        connection.close()


def wait_for_card(reader: str, wait_s: float) -> None:
    """Return when a card lies on the reader, or after `wait_s`."""
    if not wait_s:
        return
    seen = threading.Event()

    def look(present: bool) -> None:
        if present:
            seen.set()

    watch = ReaderWatch(reader, on_reader=lambda _name, _fault: None, on_card=look)
    watch.start()
    seen.wait(wait_s)
    watch.stop()
    watch.join()


def write(out: Path, trace: Trace) -> None:
    """Write a trace file; wrong use when it cannot be."""
    try:
        out.write_bytes(encode(trace))
    except OSError as cause:
        raise click.FileError(str(out), cause.strerror or "") from cause


def spoken(reading: Reading, *, pem: bool) -> str:
    """A reading for people."""
    lines = [f"kind            {reading.kind}"]
    if reading.pin_tries_left is not None:
        lines.append(f"PIN             {reading.pin_tries_left} tries left")
    if (certificate := reading.certificate) is not None:
        lines += [
            f"certificate     {certificate.subject}",
            f"  issuer        {certificate.issuer}",
            f"  serial        {certificate.serial}",
            f"  valid         {certificate.not_before} to {certificate.not_after}",
            f"  SHA-256       {certificate.sha256}",
        ]
        lines += [certificate.pem.rstrip()] if pem else []
    if reading.certificate_problem:
        lines.append(f"certificate     none: {reading.certificate_problem}")
    if (face := reading.face) is not None:
        photo = face.photo
        size = "none" if photo is None else f"{photo.type}, {photo.bytes} bytes"
        if photo is not None and photo.width is not None:
            size += f", {photo.width} × {photo.height} pixels"
        lines += [f"photo           {size}", f"authenticity    {face.authenticity} ({face.reason})"]
    return "\n".join(lines)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """A fault becomes one line on standard error and exit code 1."""
    try:
        yield
    except Fault as fault:
        raise click.ClickException(str(fault)) from fault


if __name__ == "__main__":
    main()
