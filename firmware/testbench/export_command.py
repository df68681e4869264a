"""`kazashi-testbench export`: a trace for Wireshark."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from firmware.testbench.options import FILE, json_option, out_option, refusing, write
from firmware.testbench.pcapng import export
from firmware.testbench.trace import read_trace


@click.command("export")
@click.argument("file", type=FILE)
@out_option
@json_option
def export_command(*, file: Path, out: Path, as_json: bool) -> None:
    """Write a trace as pcapng, which Wireshark and tshark decode as ISO 7816.

    Two packets for each exchange, with their directions. What the trace hides stays hidden: such
    bytes are 30, and the packet's comment counts them.

    \b
    Examples:
      kazashi-testbench export card.jsonl --out card.pcapng
      tshark -r card.pcapng
    """
    with refusing():
        trace = read_trace(file)
    write(out, export(trace))
    summary = {
        "capture": str(out),
        "packets": 2 * len(trace.exchanges),
        "hidden_bytes": trace.hidden,
    }
    said = f"{out}: {summary['packets']} packets, {trace.hidden} bytes hidden"
    click.echo(msgspec.json.encode(summary) if as_json else said)
