"""How the counters read on a terminal, and the usage rate that they allow. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from firmware.words import Method, Outcome
from hostdriver.figures import Period, StatsResult


class Usage(msgspec.Struct, frozen=True):
    """利用率 as far as one site can know it: verified visits over the claims of that period.

    The public figure divides *persons* by outpatient claims (レセプト); the ledger holds no
    persons, so whoever came twice counts twice, and the rate is `rate_at_most`.
    """

    verified: int
    receipts: int
    rate_at_most: float


def usage(result: StatsResult, receipts: dict[str, int]) -> dict[str, Usage]:
    """The rate of each period whose number of claims is given (more than none)."""
    return {
        period.period: Usage(
            verified := _visits(period, Outcome.VERIFIED),
            receipts[period.period],
            round(verified / receipts[period.period], 4),
        )
        for period in result.periods
        if period.period in receipts
    }


def stats_view(result: StatsResult, rates: dict[str, Usage]) -> RenderableType:
    """Three tables: how visits ended, how the verified ones went, why others were not."""
    return Group(_endings(result), _ways(result, rates), _causes(result.total))


def _endings(result: StatsResult) -> Table:
    table = _table("Visits", "began in", ["asked", *Outcome, "not begun", "unended"])
    for period in _with_total(result, table):
        counts = [
            period.begun,
            *(_visits(period, outcome) for outcome in Outcome),
            sum(period.not_begun.values()),
            period.unended,
        ]
        table.add_row(period.period, *map(str, counts))
    return table


def _ways(result: StatsResult, rates: dict[str, Usage]) -> Table:
    columns = [*(f"by {method}" for method in Method), "half ≤ s", "90 % ≤ s", "利用率 ≤"]
    table = _table("Verified by, time of all, usage", "began in", columns)
    for period in _with_total(result, table):
        methods = Counter[str | None]()
        for row in period.ended:
            if row.outcome == Outcome.VERIFIED:
                methods[row.method] += row.visits
        spent = period.spent.get("total")
        times = [f"{ms / 1000:.1f}" for ms in (spent.p50_ms, spent.p90_ms)] if spent else ["-", "-"]
        by_method = [str(methods[method]) for method in Method]
        table.add_row(period.period, *by_method, *times, _rate(rates.get(period.period)))
    return table


def _with_total(result: StatsResult, table: Table) -> Iterator[Period]:
    yield from result.periods
    table.add_section()
    yield result.total


def _table(title: str, first: str, others: list[str]) -> Table:
    # Without lines and with few blanks, every column's name fits into 80 characters.
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for column in others:
        table.add_column(column, justify="right")
    return table


def _causes(total: Period) -> Table:
    causes = Counter[tuple[str, str]]()
    for row in total.ended:
        if row.cause is not None:
            causes[row.outcome, row.cause] += row.visits
    for symbol, visits in total.not_begun.items():
        causes["not begun", symbol] += visits
    table = _table("Why not verified", "outcome: cause", ["visits"])
    for (outcome, cause), visits in causes.most_common():
        table.add_row(f"{outcome}: {cause}", str(visits))
    return table


def _visits(period: Period, outcome: Outcome) -> int:
    return sum(row.visits for row in period.ended if row.outcome == outcome)


def _rate(rate: Usage | None) -> str:
    return "-" if rate is None else f"{rate.rate_at_most:.1%}"
