"""`kazashi ledger`: the record checked through the driver or as a file, exported, and its key."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from hostdriver.export import jwk_of
from hostdriver.ledger_export import check_file, export, read_public_key
from hostdriver.ledger_file import KEY, read_private_key
from hostdriver.rendering import ledger_lines
from hostdriver.terminal import as_json, in_japan, in_order, print_json, since, told, until
from hostdriver.translate import public_jwk
from hostdriver.whole_file import PRIVATE, written_whole

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STATE_DIR = "/var/lib/kazashi/hostdriver"

EPILOG = """\b
Examples:
  kazashi ledger verify
  kazashi ledger key > ledger-key.json
  kazashi ledger export --since 2026-01-01 --until 2026-01-31 --out january.jsonl
  kazashi ledger verify january.jsonl --key ledger-key.json
"""
VERIFY_EPILOG = """\b
Examples:
  kazashi ledger verify
  kazashi ledger verify january.jsonl --key ledger-key.json
  kazashi ledger verify /media/backup/ledger.sqlite --key ledger-key.json --json

Exit codes: 0 whole, 1 not whole or not readable, 2 wrong use or no driver there.
"""
EXPORT_EPILOG = """\b
Examples:
  kazashi ledger export > everything.jsonl
  kazashi ledger export --since 2026-01-01 --until 2026-01-31 --out january.jsonl

The export's last line carries the driver's signature; an export without it is cut off. It is made
from the files, so it needs the rights of the driver's user, and the driver may run meanwhile.
"""

state_dir = click.option(
    "--state-dir",
    envvar="KAZASHI_STATE_DIR",
    default=STATE_DIR,
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The driver's state_dir, which only its user (or root) may read; $KAZASHI_STATE_DIR.",
)


@click.group(epilog=EPILOG)
def ledger() -> None:
    """The append-only record of visits and consents."""


@ledger.command(epilog=VERIFY_EPILOG)
@click.argument("file", required=False, type=FILE)
@click.option(
    "--key",
    "key_file",
    type=FILE,
    help="The key that must have signed FILE, as `kazashi ledger key` printed it.",
)
@as_json
@click.pass_obj
def verify(driver: Any, /, as_json: bool, file: Path | None, key_file: Path | None) -> None:
    """Check every row's hash, the signed head, the statements' counters.

    Without FILE the running driver checks its own ledger; FILE is a ledger or an export, and no
    driver is needed.
    """
    if file is None:
        if key_file is not None:
            raise click.UsageError("--key goes with FILE: a running driver has its own key")
        with driver() as client:
            report = client.call("ledger.verify")
    else:
        with told():
            pinned = read_public_key(key_file) if key_file else None
            report = msgspec.to_builtins(check_file(file, pinned))
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(ledger_lines(report)))
    sys.exit(0 if report["ok"] else 1)


@ledger.command("export", epilog=EXPORT_EPILOG)
@since
@until
@state_dir
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write (default: stdout). The file appears when it is complete.",
)
def export_(
    since: datetime | None, until: datetime | None, state_dir: Path, out: Path | None
) -> None:
    """Write rows as JSON Lines that can be checked without the driver."""
    in_order(since, until)
    first = in_japan(since) if since else None
    behind = in_japan(until) + timedelta(days=1) if until else None
    with told():
        written = export(state_dir, first, behind)
        if out is None:
            _write(written, sys.stdout.buffer)
        else:
            # Its owner's alone, as the ledger is.
            with written_whole(out, PRIVATE) as file:
                _write(written, file)


@ledger.command(epilog="\b\nExample:\n  kazashi ledger key > ledger-key.json")
@state_dir
def key(state_dir: Path) -> None:
    """Print the ledger's public key (JWK), to be kept where the ledger is not."""
    with told():
        print_json(public_jwk(jwk_of(read_private_key(state_dir / KEY).public_key())))


def _write(lines: Iterable[bytes], out: IO[bytes]) -> None:
    for line in lines:
        out.write(line + b"\n")
