"""`kazashi-testbench show` and `diff`: traces for people to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from firmware.simulator.expected_table import aligned
from firmware.testbench.comparing import compare
from firmware.testbench.options import FILE, json_option, refusing
from firmware.testbench.trace import Header, Trace, read_trace
from firmware.testbench.wording import Told, told


class Row(msgspec.Struct, frozen=True):
    """One exchange of `show --json`."""

    n: int
    at_ms: int
    fresh: bool
    hidden: int
    told: Told


class Shown(msgspec.Struct, frozen=True):
    """What `show --json` prints."""

    header: Header
    exchanges: tuple[Row, ...]


_HEADINGS: Final = ("n", "ms", "command", "place", "sent", "came", "from", "SW", "meaning")
_TO_THE_RIGHT: Final = frozenset({"n", "ms", "sent", "came", "from"})


@click.command("show")
@click.argument("file", type=FILE)
@json_option
def show_command(*, file: Path, as_json: bool) -> None:
    """Print a trace as a table: when, what was asked of which file, what came, how it ended.

    Applications, files and status words stand there by name. `*` marks an exchange before which
    the card was given power, or something is missing.

    \b
    Examples:
      kazashi-testbench show card.jsonl
      kazashi-testbench show --json card.jsonl
    """
    with refusing():
        trace = read_trace(file)
    shown = Shown(trace.header, tuple(_rows(trace)))
    if as_json:
        click.echo(msgspec.json.encode(shown))
        return
    header = trace.header
    holder = "nobody's card" if header.synthetic_holder else "personal data masked"
    click.echo(f"{header.card_kind} in {header.reader!r}, ATR {header.atr}, {holder}")
    used = header.context.program if header.context and header.context.program else None
    by = f", used by {used}" if used else ""
    click.echo(f"{header.tool}, {header.recorded_at:%Y-%m-%d %H:%M:%S %Z}{by}")
    rows = (_cells(row) for row in shown.exchanges)
    click.echo(aligned((_HEADINGS, *rows), _TO_THE_RIGHT))


@click.command("diff")
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@json_option
def diff_command(*, a: Path, b: Path, as_json: bool) -> None:
    """Tell in words how two traces differ; exit code 1 when they do.

    Compared is what program and card said, not when. A byte that one of them hides is compared by
    its place alone.

    \b
    Examples:
      kazashi-testbench diff mine.jsonl theirs.jsonl
      kazashi-testbench diff --json mine.jsonl theirs.jsonl
    """
    with refusing():
        comparison = compare(read_trace(a), read_trace(b))
    if as_json:
        click.echo(msgspec.json.encode(comparison))
    else:
        for difference in comparison.differences:
            click.echo(difference)
        count = len(comparison.differences)
        same = f"the same in {comparison.exchanges[0]} exchanges"
        says = f"{count} differences" if count else same
        hidden = f"; {comparison.hidden_bytes} hidden bytes" if comparison.hidden_bytes else ""
        click.echo(f"{says}{hidden}")
    if comparison.differences:
        raise click.exceptions.Exit(1)


def _rows(trace: Trace) -> list[Row]:
    return [
        Row(n, each.at_ms, each.fresh, each.hidden, words)
        for n, (each, words) in enumerate(told(trace), start=1)
    ]


def _cells(row: Row) -> tuple[str, ...]:
    words = row.told
    return (
        f"*{row.n}" if row.fresh else str(row.n),
        str(row.at_ms),
        words.asked,
        words.place,
        str(words.sent or ""),
        str(words.came or ""),
        str(words.offset) if words.came and words.offset is not None else "",
        words.status_word,
        words.meaning,
    )
