"""What the subcommands of `kazashi` share: options, printing, and how a fault ends a command."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from firmware.faults import Fault
from hostdriver.client import Client
from hostdriver.eligibility.answer import JAPAN
from hostdriver.faults import Answered, NoDriver
from hostdriver.rendering import error_lines

DAY = click.DateTime(["%Y-%m-%d"])
DATE = "YYYY-MM-DD"


class Digits(click.ParamType[str]):
    """So many digits, as they stand on paper or panel; an error never repeats them."""

    name = "digits"

    def __init__(self, *counts: int) -> None:
        self._counts = counts

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Without blanks."""
        digits = "".join(str(value).split())
        if not (digits.isascii() and digits.isdecimal() and len(digits) in self._counts):
            self.fail(f"write {' or '.join(map(str, self._counts))} digits", param, ctx)
        return digits


as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
since = click.option("--since", type=DAY, metavar=DATE, help="The first day, in Japan's time.")
until = click.option("--until", type=DAY, metavar=DATE, help="The last day, in Japan's time.")


@contextlib.contextmanager
def driver_at(address: str, token: str | None) -> Iterator[Client]:
    """A connection; what goes wrong on it becomes a text on stderr and an exit code."""
    try:
        with Client(address, "kazashi", token=token) as client:
            yield client
    except NoDriver as fault:
        click.echo(f"kazashi: {fault}\n{_way_out(fault)}", err=True)
        sys.exit(2)
    except Answered as fault:
        click.echo(error_lines(fault.error), err=True)
        wrong_use = str(fault.error.get("code", "")).startswith("-326")
        sys.exit(2 if wrong_use else 1)


def _way_out(fault: NoDriver) -> str:
    if isinstance(fault.__cause__, PermissionError):
        return "Are you in the group kazashi, and have you logged in since?"
    return "Is kazashi-hostdriver running?"


@contextlib.contextmanager
def told() -> Iterator[None]:
    """A fault, or a file that cannot be written, becomes a text on stderr and exit code 1."""
    try:
        yield
    except (Fault, OSError) as fault:
        click.echo(f"kazashi: {fault}", err=True)
        sys.exit(1)


def in_order(since: datetime | None, until: datetime | None) -> None:
    """Refuses a time that ends before it begins, which would count as empty."""
    if since and until and since > until:
        raise click.UsageError("--since is after --until")


def in_japan(day: datetime) -> datetime:
    """The beginning of a day there, where the clinics are."""
    return day.replace(tzinfo=JAPAN)


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
