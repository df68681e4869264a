"""The counters in the text format of Prometheus, in a registry of their own. Pure.

Nothing listens: the text is asked for, and whoever collects it puts it where it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from hostdriver.figures import Period

QUANTILES: Final = {"0.5": "p50_ms", "0.9": "p90_ms", "0.99": "p99_ms"}


class SiteCollector(Collector):
    """One period's figures, as metric families. Durations are in seconds, as is the custom."""

    def __init__(self, period: Period) -> None:
        self._period = period

    def collect(self) -> Iterator[Metric]:
        """Visits, refused beginnings, durations."""
        yield self._visits()
        yield self._not_begun()
        yield CounterMetricFamily(
            "kazashi_visits_begun",
            "Visits that reception asked for.",
            value=self._period.begun,
        )
        yield self._spent()

    def _visits(self) -> Metric:
        family = CounterMetricFamily(
            "kazashi_visits_ended", "Visits that ended.", labels=("outcome", "cause", "method")
        )
        for row in self._period.ended:
            family.add_metric((row.outcome, row.cause or "", row.method or ""), row.visits)
        return family

    def _not_begun(self) -> Metric:
        family = CounterMetricFamily(
            "kazashi_visits_not_begun", "Visits that were refused at once.", labels=("symbol",)
        )
        for symbol, visits in self._period.not_begun.items():
            family.add_metric((symbol,), visits)
        return family

    def _spent(self) -> Metric:
        family = Metric("kazashi_visit_duration_seconds", "How long visits took.", "summary")
        for part, spent in self._period.spent.items():
            name, labels = family.name, {"part": part}
            for quantile, of in QUANTILES.items():
                seconds = getattr(spent, of) / 1000
                family.add_sample(name, labels | {"quantile": quantile}, seconds)
            family.add_sample(f"{name}_count", labels, spent.visits)
            family.add_sample(f"{name}_sum", labels, spent.sum_ms / 1000)
        return family


def exposition(period: Period) -> str:
    """The text that a Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(SiteCollector(period))
    return generate_latest(registry).decode()
