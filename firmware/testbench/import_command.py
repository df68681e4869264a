"""`kazashi-testbench import`: logs of OpenSC and pcscd as traces."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click
import msgspec

from firmware.testbench.log_formats import READERS, LogFormat, format_of
from firmware.testbench.logs import imported, read_lines
from firmware.testbench.options import FILE, json_option, out_option, refusing, write
from firmware.testbench.trace import encode


class Summary(msgspec.Struct, frozen=True):
    """What `import --json` prints."""

    trace: str
    log: LogFormat
    exchanges: int
    secrets: int
    """Commands whose data was a PIN or a number: in the log in clear, in the trace masked."""
    dropped: tuple[str, ...]
    """What could not be kept."""


@click.command("import")
@click.argument("log", type=FILE)
@out_option
@json_option
def import_command(*, log: Path, out: Path, as_json: bool) -> None:
    """Make a trace of a debug log: OpenSC's (OPENSC_DEBUG=9) or that of `pcscd --debug --apdu`.

    Such logs hold PINs and personal data in clear. The trace is masked, always; the log stays as
    it is, and is yours to delete. Of a log that was cut, whole exchanges are kept, and what was
    dropped is told.

    \b
    Examples:
      OPENSC_DEBUG=9 pkcs15-tool --dump 2> opensc.log
      kazashi-testbench import opensc.log --out card.jsonl
      kazashi-testbench import pcscd.log --out card.jsonl --json
    """
    with refusing():
        kind = format_of(read_lines(log), str(log))
        written_at = dt.datetime.fromtimestamp(log.stat().st_mtime, dt.UTC)
        found = imported(READERS[kind](read_lines(log)), str(log), written_at)
        write(out, encode(found.trace))
    summary = Summary(str(out), kind, len(found.trace.exchanges), found.secrets, found.dropped)
    for dropped in found.dropped:
        click.echo(f"{log}: {dropped}: dropped", err=True)
    click.echo(
        f"{log}: commands with a PIN or a number in clear: {found.secrets}; answers may hold a "
        f"person's data. They are masked in {out}, and still in the log",
        err=True,
    )
    said = f"{out}: {summary.exchanges} exchanges of a log of {kind}"
    click.echo(msgspec.json.encode(summary) if as_json else said)
