"""The counters in the text format of Prometheus, in a registry of their own. Pure.

Nothing listens: the text is asked for, and whoever collects it puts it where it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hostdriver.api import Reader
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


COUNTED: Final = {
    "sent": ("kazashi_link_frames_sent", "Frames with content that went out, each sending of one."),
    "resent": ("kazashi_link_frames_resent", "Of these, those that had gone out before."),
    "heard": ("kazashi_link_frames_heard", "Good frames of the device."),
    "dropped": ("kazashi_link_frames_spoiled", "What came over the line and was no good frame."),
    "again": ("kazashi_link_frames_repeated", "Good frames that had come before."),
}
"""Field of `Line` → name and meaning. They begin anew with each connection, as counters may."""


class LinkCollector(Collector):
    """How the readers stand, and how the cables of those that have one behave."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers

    def collect(self) -> Iterator[Metric]:
        """Connected or not, frames, round trip."""
        connected = GaugeMetricFamily(
            "kazashi_reader_connected", "Whether the reader is connected.", labels=("reader",)
        )
        for reader in self._readers:
            connected.add_metric((reader.name,), reader.connected)
        yield connected
        yield from self._frames()
        yield self._round_trip()

    def _frames(self) -> Iterator[Metric]:
        for field, (name, meaning) in COUNTED.items():
            family = CounterMetricFamily(name, meaning, labels=("reader",))
            for reader in self._readers:
                if reader.line is not None:
                    family.add_metric((reader.name,), getattr(reader.line, field))
            yield family

    def _round_trip(self) -> Metric:
        family = GaugeMetricFamily(
            "kazashi_link_round_trip_seconds",
            "How soon the device acknowledges a frame, smoothed.",
            labels=("reader",),
        )
        for reader in self._readers:
            if reader.line is not None and reader.line.round_trip_ms is not None:
                family.add_metric((reader.name,), reader.line.round_trip_ms / 1000)
        return family


def exposition(period: Period, readers: Sequence[Reader] = ()) -> str:
    """The text that a Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(SiteCollector(period))
    registry.register(LinkCollector(readers))
    return generate_latest(registry).decode()
