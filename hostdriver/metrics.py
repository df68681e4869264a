"""Counters without persons, folded out of the ledger's rows one after the other. Pure.

The ledger is the source of truth: the same rows give the same figures, and a reader that stopped
goes on from its cursor.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import msgspec

from hostdriver.chain import Row
from hostdriver.eligibility.answer import JAPAN
from hostdriver.faults import Refusal
from hostdriver.figures import (
    MAX_PERIODS,
    PARTS,
    Period,
    Span,
    Spent,
    StatsParams,
    StatsResult,
    VisitCount,
)

QUANTILES: Final = (50, 90, 99)
NAMES: Final[dict[Span, Callable[[date], str]]] = {
    "day": lambda day: day.isoformat(),
    "month": lambda day: f"{day:%Y-%m}",
}


class _Begun(msgspec.Struct, frozen=True):
    transaction_id: str


class _NotBegun(msgspec.Struct, frozen=True):
    transaction_id: str
    symbol: str


class _Ended(msgspec.Struct, frozen=True):
    transaction_id: str
    outcome: str
    cause: str | None
    method: str | None
    card_read_ms: int | None = None
    decision_ms: int | None = None
    machine_ms: int | None = None
    total_ms: int | None = None


@dataclass(slots=True)
class Counts:
    """What is counted of one day, or of several."""

    begun: int = 0
    ended: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)
    not_begun: Counter[str] = field(default_factory=Counter)
    spent_ms: dict[str, list[int]] = field(default_factory=lambda: {part: [] for part in PARTS})

    def add(self, other: Counts) -> None:
        """Count another day too."""
        self.begun += other.begun
        self.ended += other.ended
        self.not_begun += other.not_begun
        for part, spent in other.spent_ms.items():
            self.spent_ms[part] += spent

    def period(self, name: str) -> Period:
        """The figures under that name."""
        return Period(
            period=name,
            begun=self.begun,
            ended=tuple(
                VisitCount(outcome, cause, method, visits)
                for (outcome, cause, method), visits in sorted(self.ended.items(), key=repr)
            ),
            not_begun=dict(sorted(self.not_begun.items())),
            unended=self.begun - self.ended.total() - self.not_begun.total(),
            spent={part: _spent(ms) for part, ms in self.spent_ms.items() if ms},
        )


class Metrics:
    """The counters, by day. `cursor` is the last row that was taken."""

    def __init__(self) -> None:
        self.cursor = 0
        self._days: dict[date, Counts] = defaultdict(Counts)
        self._began: dict[str, date] = {}
        """Of the visits that are under way, the day to which their end belongs."""

    def take(self, row: Row) -> None:
        """Count the next row. Raises `ValueError` for one that no driver wrote, each time anew."""
        match row.kind:
            case "visit_begun":
                self._begin(row, msgspec.json.decode(row.facts, type=_Begun).transaction_id)
            case "visit_not_begun":
                refused = msgspec.json.decode(row.facts, type=_NotBegun)
                if refused.transaction_id not in self._began:  # the gateway had no challenge for it
                    self._begin(row, refused.transaction_id)
                if counts := self._day_of(refused.transaction_id):
                    counts.not_begun[refused.symbol] += 1
            case "visit_ended":
                ended = msgspec.json.decode(row.facts, type=_Ended)
                if counts := self._day_of(ended.transaction_id):
                    counts.ended[ended.outcome, ended.cause, ended.method] += 1
                    for part in PARTS:
                        spent_ms = getattr(ended, f"{part}_ms")
                        if spent_ms is not None:
                            counts.spent_ms[part].append(spent_ms)
            case "driver_started":
                self._began.clear()  # what was under way then never ended
        self.cursor = row.sequence

    def figures(self, params: StatsParams) -> StatsResult:
        """What was asked for. Raises `Refusal` when that is too much for one answer."""
        chosen = [
            day
            for day in sorted(self._days)
            if (params.since is None or day >= params.since)
            and (params.until is None or day <= params.until)
        ]
        named = {day: NAMES[params.by](day) for day in chosen}
        if (asked := len(set(named.values()))) > MAX_PERIODS:
            raise Refusal(
                "invalid_params", f"{asked} {params.by}s; say since, or ask by month: {MAX_PERIODS}"
            )
        periods: dict[str, Counts] = defaultdict(Counts)
        total = Counts()
        for day, name in named.items():
            periods[name].add(self._days[day])
            total.add(self._days[day])
        return StatsResult(
            tuple(counts.period(name) for name, counts in periods.items()), total.period("all")
        )

    def _begin(self, row: Row, transaction_id: str) -> None:
        began = datetime.fromisoformat(row.at).astimezone(JAPAN).date()
        self._began[transaction_id] = began
        self._days[began].begun += 1

    def _day_of(self, transaction_id: str) -> Counts | None:
        """The counts of a visit that ends here; None for one that was not under way."""
        began = self._began.pop(transaction_id, None)
        return None if began is None else self._days[began]


def _spent(all_ms: Iterable[int]) -> Spent:
    ordered = sorted(all_ms)
    # The nearest rank: the smallest time that at least q hundredths of the visits kept.
    ranks = (-(-q * len(ordered) // 100) for q in QUANTILES)
    return Spent(len(ordered), sum(ordered), *(ordered[rank - 1] for rank in ranks))
