"""The counters: what the rows of the ledger come to, and every form in which they are shown."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from front_desk import NONCE, Site, fresh_nonce, open_site
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey
from prometheus_client.parser import text_string_to_metric_families
from signing_device import WITHIN_S

from firmware.words import Cause, Method, Outcome
from hostdriver import cli, entries, translate
from hostdriver.advice import health_lines
from hostdriver.api import Line, Reader
from hostdriver.chain import EMPTY, Entry, Head, Row, next_row
from hostdriver.charts import draw
from hostdriver.faults import LedgerUnavailable, Refusal
from hostdriver.figures import Period, StatsParams, VisitCount
from hostdriver.ledger import Ledger
from hostdriver.metrics import Metrics
from hostdriver.prometheus import exposition
from hostdriver.stats_view import usage
from hostdriver.tally import Tally
from hostdriver.translate import Ending

Json = dict[str, Any]
KEY = OKPKey.generate_key("Ed25519")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def begun(visit: int) -> Entry:
    return Entry("visit_begun", {"transaction_id": str(UUID(int=visit))})


def ended(visit: int, outcome: Outcome, cause: Cause | None, **facts: Any) -> Entry:
    """As the driver writes it, from a result."""
    result = translate.visit_result(Ending(outcome, cause, **facts), None, KEY, date(2026, 1, 1))
    return entries.visit_ended(UUID(int=visit), result)


def verified(visit: int, method: Method, total_ms: int) -> Entry:
    facts = {"transaction_id": str(UUID(int=visit)), "outcome": "verified", "cause": None}
    return Entry("visit_ended", {**facts, "method": method, "total_ms": total_ms})


def rows(*recorded: tuple[datetime, Entry]) -> list[Row]:
    made: list[Row] = []
    head = EMPTY
    for at, entry in recorded:
        made.append(next_row(head, entry, at))
        head = Head(made[-1].sequence, made[-1].hash)
    return made


def counted(*recorded: tuple[datetime, Entry]) -> Metrics:
    metrics = Metrics()
    for row in rows(*recorded):
        metrics.take(row)
    return metrics


def total(metrics: Metrics, **asked: Any) -> Period:
    return metrics.figures(StatsParams(**asked)).total


# --- what is counted
def test_a_visit_is_counted_by_outcome_cause_and_method() -> None:
    metrics = counted(
        (NEW_YEAR, begun(1)),
        (NEW_YEAR, verified(1, Method.PIN, 9000)),
        (NEW_YEAR, begun(2)),
        (NEW_YEAR, ended(2, Outcome.CANCELLED, Cause.TIMED_OUT, timings_ms={"total": 4000})),
        (NEW_YEAR, begun(3)),
        (NEW_YEAR, entries.visit_not_begun(UUID(int=3), "reader_busy")),
        (NEW_YEAR, begun(4)),
    )
    all_of_it = total(metrics)
    assert all_of_it.ended == (
        VisitCount("cancelled", "timed_out", None, 1),
        VisitCount("verified", None, "pin", 1),
    )
    assert (all_of_it.begun, all_of_it.unended) == (4, 1)
    assert all_of_it.not_begun == {"reader_busy": 1}
    assert (all_of_it.spent["total"].visits, all_of_it.spent["total"].sum_ms) == (2, 13000)


def test_a_visit_belongs_to_the_day_in_japan_on_which_it_began() -> None:
    evening = datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC)  # 23:59:59 there
    night = evening + timedelta(seconds=2)
    metrics = counted(
        (evening, begun(1)), (night, begun(2)), (night, verified(1, Method.FACE, 5000))
    )
    by_day = metrics.figures(StatsParams(by="day")).periods
    assert [(p.period, p.begun, len(p.ended)) for p in by_day] == [
        ("2026-01-31", 1, 1),
        ("2026-02-01", 1, 0),
    ]
    by_month = metrics.figures(StatsParams()).periods
    assert [p.period for p in by_month] == ["2026-01", "2026-02"]
    assert total(metrics, since=date(2026, 2, 1)).begun == 1
    assert total(metrics, until=date(2026, 1, 31)).begun == 1
    assert total(metrics, since=date(2026, 2, 2)).begun == 0


def test_what_was_under_way_when_the_driver_stopped_stays_unended() -> None:
    metrics = counted(
        (NEW_YEAR, begun(1)),
        (NEW_YEAR, entries.driver_started(UUID(int=9), "0.1.0")),
        (NEW_YEAR, verified(1, Method.FACE, 1)),  # no driver writes this; it counts for nothing
    )
    assert (total(metrics).unended, total(metrics).ended) == (1, ())


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=200))
def test_a_quantile_is_a_time_that_was_taken_and_that_many_kept(all_ms: list[int]) -> None:
    metrics = counted(
        *(
            pair
            for visit, ms in enumerate(all_ms)
            for pair in ((NEW_YEAR, begun(visit)), (NEW_YEAR, verified(visit, Method.FACE, ms)))
        )
    )
    spent = total(metrics).spent["total"]
    for hundredths, limit in ((50, spent.p50_ms), (90, spent.p90_ms), (99, spent.p99_ms)):
        assert limit in all_ms
        assert sum(ms <= limit for ms in all_ms) * 100 >= hundredths * len(all_ms)
        assert sum(ms < limit for ms in all_ms) * 100 < hundredths * len(all_ms)


@given(st.lists(st.integers(0, 30), max_size=8))
def test_reading_in_pieces_comes_to_the_same(stops: list[int]) -> None:
    recorded = [
        (NEW_YEAR + timedelta(hours=8 * n), entry)
        for n in range(10)
        for entry in (begun(n), verified(n, Method.FACE, n), begun(100 + n))
    ]
    chain, metrics = rows(*recorded), Metrics()
    for stop in [*sorted(stops), len(chain)]:
        for row in chain[metrics.cursor : stop]:
            metrics.take(row)
        metrics.figures(StatsParams())  # asking changes nothing
    assert metrics.figures(StatsParams(by="day")) == counted(*recorded).figures(
        StatsParams(by="day")
    )


def test_more_days_than_one_answer_holds_are_refused() -> None:
    metrics = counted(*((NEW_YEAR + timedelta(days=n), begun(n)) for n in range(125)))
    with pytest.raises(Refusal, match="125 days"):
        metrics.figures(StatsParams(by="day"))
    assert len(metrics.figures(StatsParams(by="day", since=date(2026, 1, 2))).periods) == 124


def test_the_usage_rate_is_verified_visits_over_claims() -> None:
    january = [
        step
        for visit in range(6)
        for step in ((NEW_YEAR, begun(visit)), (NEW_YEAR, verified(visit, Method.FACE, 1)))
    ]
    refused = [(NEW_YEAR, begun(7)), (NEW_YEAR, ended(7, Outcome.REFUSED, Cause.NOT_THE_HOLDER))]
    result = counted(*january, *refused).figures(StatsParams())
    rates = usage(result, {"2026-01": 16, "2026-02": 5})
    assert rates.keys() == {"2026-01"}
    assert (rates["2026-01"].verified, rates["2026-01"].rate_at_most) == (6, 0.375)


def test_prometheus_reads_the_text() -> None:
    metrics = counted(
        (NEW_YEAR, begun(1)),
        (NEW_YEAR, verified(1, Method.FACE, 2500)),
        (NEW_YEAR, begun(2)),
        (NEW_YEAR, entries.visit_not_begun(UUID(int=2), "reader_busy")),
    )
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition(total(metrics)))
        for sample in family.samples
    }
    ended_as = (("cause", ""), ("method", "face"), ("outcome", "verified"))
    assert samples["kazashi_visits_ended_total", *ended_as] == 1
    assert samples["kazashi_visits_begun_total",] == 2
    assert samples["kazashi_visits_not_begun_total", ("symbol", "reader_busy")] == 1
    median = ("kazashi_visit_duration_seconds", ("part", "total"), ("quantile", "0.5"))
    assert samples[median] == 2.5


def test_prometheus_reads_how_the_cables_behave() -> None:
    line = Line(sent=120, resent=3, heard=118, dropped=2, again=1, round_trip_ms=4.2)
    of_reader = {"state": None, "card_reader": None, "camera": False, "problem": None}
    readers = (
        Reader(name="counter", connected=True, device=None, line=line, **of_reader),
        Reader(name="ward", connected=False, device=None, line=None, **of_reader),
    )
    samples = {
        (sample.name, sample.labels.get("reader")): sample.value
        for family in text_string_to_metric_families(exposition(total(counted()), readers))
        for sample in family.samples
    }
    assert samples["kazashi_reader_connected", "counter"] == 1
    assert samples["kazashi_reader_connected", "ward"] == 0
    assert samples["kazashi_link_round_trip_seconds", "counter"] == pytest.approx(0.0042)
    told = {"sent": 120, "resent": 3, "heard": 118, "spoiled": 2, "repeated": 1}
    for name, count in told.items():
        assert samples[f"kazashi_link_frames_{name}_total", "counter"] == count
        assert (f"kazashi_link_frames_{name}_total", "ward") not in samples


def test_health_says_how_the_cables_behave() -> None:
    line = {"sent": 200, "resent": 3, "heard": 118, "dropped": 2, "again": 1, "round_trip_ms": 4.2}
    readers = [{"name": "counter", "line": line}, {"name": "on a socket", "line": None}]
    lines = list(health_lines({"ok": True, "troubles": [], "readers": readers}))
    assert lines == [
        "all is well",
        "counter: cable: 200 frames sent, 1.5% of them again; 118 heard, 2 spoiled, "
        "answers within 4.2 ms",
    ]


# --- through a running driver
async def kazashi(site: Site, *arguments: str) -> tuple[int, str, str]:
    def run() -> Any:
        return CliRunner().invoke(cli.main, ["--socket", site.address, "stats", *arguments])

    done = await asyncio.wait_for(asyncio.to_thread(run), WITHIN_S)
    return done.exit_code, done.stdout, done.stderr


async def visit(site: Site, ref: str) -> None:
    async with site.client() as desk:
        playing = asyncio.create_task(site.device.verify_one())
        visit_id = (await desk.must("transaction.start", client_ref=ref, nonce=fresh_nonce()))[
            "transaction_id"
        ]
        await playing
        await desk.must("transaction.result", transaction_id=visit_id, wait_s=WITHIN_S)


async def test_a_visit_is_counted_as_soon_as_it_ended(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await visit(site, "a")
        for ref, visits in (("b", 1), ("c", 2)):
            code, out, _ = await kazashi(site, "--json")
            told = json.loads(out)
            assert code == 0
            (row,) = told["total"]["ended"]
            assert (row["outcome"], row["visits"]) == ("verified", visits)
            await visit(site, ref)
    async with open_site(tmp_path) as site:  # and counted again after a restart
        _, out, _ = await kazashi(site, "--json", "--by", "day")
        assert json.loads(out)["total"]["begun"] == 3


async def test_a_row_that_cannot_be_counted_is_never_passed_over(tmp_path: Path) -> None:
    ledger = await Ledger.open(tmp_path)
    await ledger.append(begun(1), Entry("visit_begun", {"transaction_id": 7}), begun(2))
    await ledger.close()
    tally = Tally(tmp_path)
    for _ in range(3):
        with pytest.raises(LedgerUnavailable, match="row 2 cannot be counted"):
            await tally.figures(StatsParams())


async def test_the_table_says_how_many_why_and_the_rate(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await visit(site, "a")
        async with site.client() as desk:
            site.gateway.up = False
            refused = await desk.refused("transaction.start", client_ref="b", nonce=NONCE)
            assert refused == "upstream_unavailable"
            site.gateway.up = True
        await visit(site, "c")  # what was recorded before it has been written
        async with site.client() as desk:
            month = (await desk.must("stats"))["periods"][0]["period"]
        code, out, err = await kazashi(site, "--receipts", f"{month}=4")
        assert code == 0, err
        assert month in out
        assert "50.0%" in out
        assert "upstream_unavailable" in out
        assert "…" not in out
        code, out, _ = await kazashi(site, "--prometheus")
        assert (code, "kazashi_visits_begun_total 3.0\n" in out) == (0, True)


@pytest.mark.parametrize("visits", [0, 1, 40])
def test_a_picture_is_drawn_of_any_figures(tmp_path: Path, visits: int) -> None:
    metrics = counted(
        *(
            step
            for visit in range(visits)
            for at in (NEW_YEAR + timedelta(days=visit),)
            for step in ((at, begun(visit)), (at, verified(visit, Method.FACE, 1000)))
        )
    )
    draw(metrics.figures(StatsParams(by="day")).periods, tmp_path / "visits.png")
    assert (tmp_path / "visits.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        draw((), tmp_path / "none" / "visits.png")


WITHOUT_MATPLOTLIB = """
import sys
sys.modules["matplotlib"] = None  # as Python marks what is not there
from hostdriver.charts import draw
from hostdriver.faults import PlotsMissing
try:
    draw((), None)
except PlotsMissing as fault:
    print(fault)
"""


def test_without_matplotlib_the_way_out_is_told() -> None:
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_MATPLOTLIB], capture_output=True, text=True, check=True
    ).stdout
    assert "kazashi[plots]" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "yesterday"),
        ("--since", "2026-02-01", "--until", "2026-01-31"),
        ("--by", "week"),
        ("--receipts", "2026-01=0"),
        ("--receipts", "2026-01"),
        ("--prometheus", "--json"),
        ("--plot", "visits.docx"),
    ],
)
def test_wrong_use_is_two(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(cli.main, ["stats", *arguments]).exit_code == 2
