"""The schema of the counters: what a site's figures hold. No field can name a person or a visit."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, TypeAlias

import msgspec

Span: TypeAlias = Literal["day", "month"]

PARTS: Final = ("card_read", "decision", "machine", "total")
"""The times that a device takes of a visit."""
MAX_PERIODS: Final = 124
"""In one answer: four months of days, or ten years of months."""


class StatsParams(msgspec.Struct, frozen=True):
    """Which visits to count, by the day in Japan on which they began; both days belong to it."""

    since: date | None = None
    until: date | None = None
    by: Span = "month"


class VisitCount(msgspec.Struct, frozen=True):
    """How many visits ended like this. `method` is null where no identity was proven."""

    outcome: str
    cause: str | None
    method: str | None
    visits: int


class Spent(msgspec.Struct, frozen=True):
    """How long a part of the visits took, in ms; of `visits` visits that the device timed.

    A quantile is a time that was really taken: that many hundredths of the visits took no longer.
    """

    visits: int
    sum_ms: int
    p50_ms: int
    p90_ms: int
    p99_ms: int


class Period(msgspec.Struct, frozen=True):
    """The visits that began in a day (`2026-01-05`), a month (`2026-01`) or at `all` times asked.

    `begun` is the sum of `ended`, `not_begun` (by the error that reception got) and `unended`:
    still under way, or cut off when the driver stopped.
    """

    period: str
    begun: int
    ended: tuple[VisitCount, ...]
    not_begun: dict[str, int]
    unended: int
    spent: dict[str, Spent]
    """By part: `card_read`, `decision`, `machine`, `total`."""


class StatsResult(msgspec.Struct, frozen=True):
    """The periods in which there were visits, in order, and all of them together."""

    periods: tuple[Period, ...]
    total: Period
