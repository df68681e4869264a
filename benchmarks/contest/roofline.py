"""How fast our networks could be at best on a Raspberry Pi: an estimate from counted work alone.

    time ≥ max(2 · MACs / peak, bytes of weights / bandwidth)

Nothing here was measured on a Pi. A limit is what no kernel can beat; good kernels reach 40–60 % of
it on networks made of 1 × 1 convolutions and 10–25 % on depthwise layers, so the expectation takes
50 % and 18 % (computed, not measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contest.macs import Work

DENSE_SHARE, DEPTHWISE_SHARE = 0.50, 0.18  # of the peak: the middles of those ranges


@dataclass(frozen=True, slots=True)
class Board:
    """One machine: clock, fp32 operations a core does in each cycle, memory bandwidth.

    Flops: recalled from ARM's software optimisation guides (A72: one 128-bit multiply-add a cycle;
    A76: two). Bandwidth: what a program sees, the lower end of 4 to 6 GB/s.
    """

    name: str
    clock_ghz: float
    flops_per_cycle: int
    bandwidth_gb_s: float

    @property
    def peak_gflops(self) -> float:
        """fp32, one core."""
        return self.clock_ghz * self.flops_per_cycle


BOARDS = (
    Board("Pi 4 (Cortex-A72)", 1.8, 8, 4.0),
    Board("Pi 5 (Cortex-A76)", 2.4, 16, 4.0),
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One network on one core of one board, in milliseconds."""

    network: str
    board: str
    work: Work
    limit_ms: float
    expected_ms: float


def estimates(works: Iterable[tuple[str, Work]]) -> Iterator[Estimate]:
    """Every network on every board."""
    for name, work in works:
        for board in BOARDS:
            yield Estimate(name, board.name, work, limit_ms(work, board), expected_ms(work, board))


def limit_ms(work: Work, board: Board) -> float:
    """What no kernel can beat."""
    return max(_compute_ms(work.macs, board), _memory_ms(work, board))


def expected_ms(work: Work, board: Board) -> float:
    """What good kernels would need."""
    dense = _compute_ms(work.macs - work.depthwise_macs, board) / DENSE_SHARE
    depthwise = _compute_ms(work.depthwise_macs, board) / DEPTHWISE_SHARE
    return max(dense + depthwise, _memory_ms(work, board))


def _compute_ms(macs: int, board: Board) -> float:
    return 2 * macs / (board.peak_gflops * 1e6)


def _memory_ms(work: Work, board: Board) -> float:
    return work.weight_bytes / (board.bandwidth_gb_s * 1e6)
