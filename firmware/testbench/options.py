"""What the commands of `kazashi-testbench` share: options, and how a fault becomes an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from firmware.card.credential import CollationNumberB
from firmware.faults import Fault, MalformedCredential
from firmware.simulator.world import DEFAULT_ROOT

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
reader_option = click.option(
    "--reader", required=True, help="The PC/SC reader's name, or a pattern of it such as '*ACR*'."
)
wait_option = click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 600), default=0, help="Seconds to wait for a card."
)


def in_a_folder(
    _context: click.Context, _option: click.Parameter, value: Path | None
) -> Path | None:
    """A file to write whose folder is there, so that no card is asked in vain."""
    if value is not None and not os.path.isdir(value.parent):
        raise click.BadParameter(f"there is no folder {value.parent}")
    return value


out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    callback=in_a_folder,
    help="The file.",
)
world_option = click.option(
    "--world",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    help="The simulated world: its virtual reader's driver, its test authorities.",
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


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """A fault becomes one line on standard error and exit code 1."""
    try:
        yield
    except Fault as fault:
        raise click.ClickException(str(fault)) from fault


def write(out: Path, content: bytes) -> None:
    """Write a file; wrong use when it cannot be."""
    try:
        out.write_bytes(content)
    except OSError as cause:
        raise click.FileError(str(out), cause.strerror or "") from cause
