"""`kazashi`: reception's client on the command line. It speaks to a running host driver."""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.live import Live

from firmware.findings import finding_lines
from firmware.words import ConsentItem, Language, Method, NoConsentReason, Profile, Purpose
from hostdriver.advice import health_lines
from hostdriver.api import DoctorResult
from hostdriver.client import Client
from hostdriver.codec import holds_personal_number
from hostdriver.eligibility.answer import JAPAN
from hostdriver.ledger_command import ledger
from hostdriver.progress import VisitProgress
from hostdriver.rendering import insurance_table, progress_line, reader_line, result_table
from hostdriver.stats_command import stats
from hostdriver.terminal import Digits, as_json, driver_at, print_json

DEFAULT_SOCKET = "/run/kazashi/hostdriver/hostdriver.sock"
RESULT_WITHIN_S = 10.0
EXAMINED_WITHIN_S = 90.0
INSURED = {"valid", "valid_unregistered"}
DRAWN_PER_S = 4

EPILOG = """\b
Examples:
  kazashi readers
  kazashi pair
  kazashi visit
  kazashi visit --profile pharmacy --item medication --json
  kazashi query --insurer 06990001 --symbol 0123 --number 0004321 --birthdate 19520401
  kazashi ledger verify
  kazashi ledger export --since 2026-01-01 --out january.jsonl
  kazashi stats --by day --since 2026-01-01
  kazashi doctor
  kazashi --socket /tmp/kazashi/hostdriver.sock health

Exit codes: 0 done or verified, 1 refused or failed, 2 wrong use or no driver there.
"""


@click.group(epilog=EPILOG)
@click.option(
    "--socket",
    "address",
    envvar="KAZASHI_SOCKET",
    default=DEFAULT_SOCKET,
    show_default=True,
    help="The host driver's socket: a path, or tcp:PORT; $KAZASHI_SOCKET.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The token of a tcp: socket: socket.token in the driver's state_dir.",
)
@click.version_option(package_name="kazashi")
@click.pass_context
def main(context: click.Context, address: str, token_file: Path | None) -> None:
    """Reception's client: readers, visits, the ledger, counters, health, the device's doctor."""
    try:
        token = token_file.read_text(encoding="ascii").strip() if token_file else None
    except UnicodeDecodeError as cause:
        raise click.BadParameter(f"{token_file} holds no token") from cause
    context.obj = lambda: driver_at(address, token)


def _words(kind: type[StrEnum]) -> click.Choice[str]:
    """The words of the wire, as choices."""
    return click.Choice([word.value for word in kind])


main.add_command(ledger)
main.add_command(stats)


@main.command(epilog="\b\nExample:\n  kazashi readers --json")
@as_json
@click.pass_obj
def readers(driver: Any, /, as_json: bool) -> None:
    """List the readers, with the keys that are pinned for them."""
    with driver() as client:
        answer = client.call("reader.list")
    if as_json:
        print_json(answer)
    else:
        click.echo("\n".join(reader_line(reader) for reader in answer["readers"]))


@main.command(epilog="\b\nExamples:\n  kazashi pair\n  kazashi pair --reader counter-2")
@click.option("--reader", help="The reader's name (default: the first).")
@click.option(
    "--code", type=Digits(6), prompt="The six digits that the device shows", help="The digits."
)
@click.pass_obj
def pair(driver: Any, /, reader: str | None, code: str) -> None:
    """Get to know the device at the other end of a serial cable, and no other from then on.

    Begin at the device, with kazashi-firmware pair; it shows six digits. Three wrong tries end it.
    """
    asked = {"code": code} | ({"reader": reader} if reader else {})
    with driver() as client:
        paired = client.call("reader.pair", **asked)
    click.echo(f"{paired['reader']} is paired")


@main.command(
    epilog="\b\nExamples:\n  kazashi visit\n  kazashi visit --method pin --language en --json\n"
    "  kazashi visit --profile emergency --reason unconscious"
)
@click.option("--ref", help="Your reference of this visit (default: made from the time).")
@click.option("--reader", help="The reader's name (default: the first).")
@click.option("--purpose", type=_words(Purpose), default=Purpose.VISIT.value, show_default=True)
@click.option("--profile", type=_words(Profile), help="What kind of site asks.")
@click.option("--reason", type=_words(NoConsentReason), help="Why no consent can be obtained.")
@click.option("--item", "items", multiple=True, type=_words(ConsentItem))
@click.option("--method", "methods", multiple=True, type=_words(Method))
@click.option("--language", type=_words(Language), help="The panel's first language.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(10, 600), default=180.0)
@as_json
@click.pass_obj
def visit(driver: Any, /, as_json: bool, ref: str | None, **options: Any) -> None:
    """Begin a visit, follow it on stderr, print what it came to. Ctrl-C cancels it."""
    asked = {name: value for name, value in options.items() if value not in (None, ())}
    with driver() as client:
        begun = client.start(ref or _made_ref(), **asked)
        transaction_id = begun["transaction_id"]
        if not begun["taken_over"] or not _is_over(client, transaction_id):
            _follow(client, transaction_id)
        result = client.result(transaction_id, wait_s=RESULT_WITHIN_S)
        if as_json:
            print_json(result)
        else:
            click.echo(result_table(result))
        client.ack(transaction_id)
    sys.exit(0 if result["outcome"] == "verified" else 1)


@main.command(
    epilog="\b\nExamples:\n"
    "  kazashi query --insurer 06990001 --symbol 0123 --number 0004321 --birthdate 19520401\n"
    "  kazashi query --insurer 138008 --number 0004321 --branch 01 --birthdate 19520401 --json"
)
@click.option(
    "--insurer",
    "insurer_number",
    type=Digits(6, 8),
    required=True,
    help="保険者番号: 6 or 8 digits.",
)
@click.option("--symbol", "insured_card_symbol", help="記号, where there is one.")
@click.option("--number", "insured_identification_number", required=True, help="番号.")
@click.option("--branch", "insured_branch_number", type=Digits(2), help="枝番: 2 digits.")
@click.option("--birthdate", type=Digits(8), required=True, help="生年月日: YYYYMMDD.")
@as_json
@click.pass_obj
def query(driver: Any, /, as_json: bool, **asked: str | None) -> None:
    """Ask by insured-card data, for a patient without a card. Nobody's identity is proven.

    Exit code 0 if the person is insured as asked, 1 if not.
    """
    told = {name: value for name, value in asked.items() if value is not None}
    if holds_personal_number(told):
        raise click.UsageError("a 12-digit number is never accepted")
    with driver() as client:
        answer = client.query(**told)
    if as_json:
        print_json(answer)
    else:
        click.echo(insurance_table(answer["eligibility"]))
    sys.exit(0 if answer["eligibility"]["validity"] in INSURED else 1)


@main.command(epilog="\b\nExamples:\n  kazashi health\n  kazashi health --json")
@as_json
@click.pass_obj
def health(driver: Any, /, as_json: bool) -> None:
    """Say whether a visit could begin now, and if not, why, since when, and what to do.

    Exit code 1 when something is wrong.
    """
    with driver() as client:
        answer = client.call("health")
    if as_json:
        print_json(answer)
    else:
        click.echo("\n".join(health_lines(answer)))
    sys.exit(0 if answer["ok"] else 1)


@main.command(epilog="\b\nExamples:\n  kazashi doctor\n  kazashi doctor --reader counter-2 --json")
@click.option("--reader", help="The reader's name (default: the first).")
@as_json
@click.pass_obj
def doctor(driver: Any, /, as_json: bool, reader: str | None) -> None:
    """Have a reader's device examine itself, and say what is wrong and what to do.

    What only the device's own person can see, kazashi-firmware doctor says there. Exit code 1 when
    something is wrong.
    """
    asked: Any = {"wait_s": EXAMINED_WITHIN_S} | ({"reader": reader} if reader else {})
    with driver() as client:
        answer = client.call("reader.doctor", **asked)
    if as_json:
        print_json(answer)
    else:
        report = msgspec.convert(answer, DoctorResult)
        click.echo("\n".join(finding_lines(report.checks, report.findings)))
    sys.exit(0 if answer["ok"] else 1)


def _follow(client: Client, transaction_id: str) -> None:
    """Progress on stderr until the end; the first Ctrl-C asks for a cancel."""
    with _shown() as tell:
        while True:
            try:
                for event in client.events():
                    tell(event)
                return
            except KeyboardInterrupt:
                click.echo("cancelling", err=True)
                client.cancel(transaction_id)


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Where events go: a live display where stderr is a terminal, else a line each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda event: click.echo(progress_line(event), err=True)
        return
    progress = VisitProgress(time.monotonic)
    with Live(progress, console=console, refresh_per_second=DRAWN_PER_S):
        yield progress.hear


def _is_over(client: Client, transaction_id: str) -> bool:
    status = client.call("transaction.status", transaction_id=transaction_id)
    return status["outcome"] is not None


def _made_ref() -> str:
    return f"{datetime.now(JAPAN):%Y-%m-%d.%H%M%S}.{secrets.token_hex(2)}"
