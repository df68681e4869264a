"""`kazashi stats`: the site's counters as a table, JSON, a picture, or for a Prometheus."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from hostdriver.api import ReaderListResult
from hostdriver.charts import PICTURES, draw
from hostdriver.figures import StatsResult
from hostdriver.stats_view import stats_view, usage
from hostdriver.terminal import as_json, in_order, print_json, since, told, until

EPILOG = """\b
Examples:
  kazashi stats
  kazashi stats --by day --since 2026-01-01
  kazashi stats --receipts 2026-01=830 --receipts 2026-02=791
  kazashi stats --plot visits.png
  kazashi stats --prometheus > /var/lib/prometheus/node-exporter/kazashi.prom

利用率 is verified visits over the claims (レセプト) that you name with --receipts. It is an upper
bound: the ledger holds no persons, so whoever came twice counts twice.
"""


class ReceiptsType(click.ParamType[tuple[str, int]]):
    """`PERIOD=COUNT`: the outpatient claims of a month or a day."""

    name = "period=count"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The period's name and the count."""
        if isinstance(value, tuple):
            return value
        told = re.fullmatch(r"(\d{4}-\d{2}(?:-\d{2})?)=([1-9]\d{0,8})", str(value))
        if told is None:
            self.fail("write it as 2026-01=830", param, ctx)
        return told[1], int(told[2])


@click.command(epilog=EPILOG)
@since
@until
@click.option("--by", type=click.Choice(["day", "month"]), default="month", show_default=True)
@click.option(
    "--receipts",
    multiple=True,
    type=ReceiptsType(),
    help="The outpatient claims of a period, from your receipt computer.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw a picture (PNG, SVG, PDF by its ending); needs matplotlib.",
)
@click.option("--prometheus", is_flag=True, help="Print all counters for a Prometheus.")
@as_json
@click.pass_obj
def stats(
    driver: Any,
    /,
    *,
    as_json: bool,
    since: datetime | None,
    until: datetime | None,
    by: str,
    receipts: tuple[tuple[str, int], ...],
    plot: Path | None,
    prometheus: bool,
) -> None:
    """Count visits by method, outcome and cause, and how long they took. It knows no persons."""
    in_order(since, until)
    if plot is not None and plot.suffix not in PICTURES:
        raise click.UsageError(f"--plot draws {', '.join(PICTURES)}")
    if prometheus and (since or until or receipts or as_json):
        raise click.UsageError("--prometheus counts everything, and is a format of its own")
    chosen = {name: f"{day:%Y-%m-%d}" for name, day in (("since", since), ("until", until)) if day}
    with driver() as client:
        result = msgspec.convert(client.call("stats", by=by, **chosen), StatsResult)
        readers = msgspec.convert(client.call("reader.list"), ReaderListResult).readers
    if plot is not None:
        with told():
            draw(result.periods, plot)
    rates = usage(result, dict(receipts))
    if prometheus:
        from hostdriver.prometheus import exposition

        click.echo(exposition(result.total, readers), nl=False)
    elif as_json:
        print_json(msgspec.to_builtins(result) | {"usage": msgspec.to_builtins(rates)})
    else:
        Console().print(stats_view(result, rates))
