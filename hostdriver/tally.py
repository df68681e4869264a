"""The reader that keeps the counters up to date, beside the writer and never in its way. [shell]"""

from __future__ import annotations

import asyncio
from pathlib import Path

from hostdriver.faults import ChainBroken, LedgerUnavailable
from hostdriver.figures import StatsParams, StatsResult
from hostdriver.ledger_file import LEDGER, reading, rows_after
from hostdriver.metrics import Metrics


class Tally:
    """Counts on demand: each question reads the rows that came since the last one."""

    def __init__(self, folder: Path) -> None:
        self._database = folder / LEDGER
        self._metrics = Metrics()
        self._reading = asyncio.Lock()

    async def figures(self, params: StatsParams) -> StatsResult:
        """The counters as of now. Raises `LedgerUnavailable`, `Refusal`."""
        async with self._reading:
            return await asyncio.to_thread(self._counted, params)

    def _counted(self, params: StatsParams) -> StatsResult:
        try:
            with reading(self._database) as connection:
                for row in rows_after(connection, self._metrics.cursor):
                    self._metrics.take(row)
        except (ChainBroken, ValueError) as cause:
            at = self._metrics.cursor + 1
            raise LedgerUnavailable(f"row {at} cannot be counted: {cause}") from cause
        return self._metrics.figures(params)
