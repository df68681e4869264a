"""Which form of a network this machine's processor runs fastest. [shell]"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")
_IN_BLOCKS: Final = frozenset({"x86_64"})
_INT8_DOT_PRODUCTS: Final = {
    "x86_64": frozenset({"avx512_vnni", "avx_vnni"}),
    "aarch64": frozenset({"asimddp"}),
}


@dataclass(frozen=True, slots=True)
class Processor:
    """A kind of processor, and what the kernel says that it can do."""

    machine: str
    features: frozenset[str] = frozenset()

    @property
    def runs_in_blocks(self) -> bool:
        """ONNX Runtime 1.23 runs its convolutions on blocks of channels (NCHWc)."""
        return self.machine in _IN_BLOCKS

    @property
    def has_int8_dot_products(self) -> bool:
        """It sums products of four bytes in one instruction: a Pi 5 does, a Pi 4 does not.

        Without it a quantised network is slower, and on x86-64 sums of two such products may
        overflow (ONNX Runtime's documentation of U8S8).
        """
        return not self.features.isdisjoint(_INT8_DOT_PRODUCTS.get(self.machine, frozenset()))


def this_processor(cpuinfo: Path = CPUINFO) -> Processor:
    """That of this machine; one without features where the kernel tells none."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    told = (line.partition(":") for line in lines)
    features = next((v for k, _, v in told if k.strip() in {"flags", "Features"}), "")
    return Processor(platform.machine(), frozenset(features.split()))
