"""The host's clocks, read in one place. [shell]"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from hostdriver.eligibility.answer import JAPAN


def today() -> date:
    """The day in Japan, by which the ways out begin and end."""
    return datetime.now(JAPAN).date()


def now() -> tuple[datetime, float]:
    """Wall time in UTC and monotonic seconds, as events carry them."""
    return datetime.now(UTC), time.monotonic()
