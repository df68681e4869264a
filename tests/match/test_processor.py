"""What a processor says of itself, and which form of a network it is given for that."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from firmware.match.processor import Processor, this_processor

X86 = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu sse2 avx512_vnni\npower management: ts\n"
PI = "BogoMIPS\t: 108.00\nFeatures\t: fp asimd asimddp\nCPU part\t: 0xd0b\n"


@pytest.mark.parametrize(
    ("told", "features"),
    [
        (X86, {"fpu", "sse2", "avx512_vnni"}),
        (PI, {"fp", "asimd", "asimddp"}),
        ("flags\t\t:\n", set()),
        ("\x00\xff no such line", set()),
        ("", set()),
    ],
    ids=["x86-64", "ARM", "none told", "garbage", "empty"],
)
def test_the_kernel_tells_what_a_processor_can_do(
    tmp_path: Path, told: str, features: set[str]
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(told, encoding="latin-1")
    assert this_processor(cpuinfo) == Processor(platform.machine(), frozenset(features))


def test_where_the_kernel_tells_nothing_a_processor_can_nothing(tmp_path: Path) -> None:
    assert this_processor(tmp_path / "absent") == Processor(platform.machine())


@pytest.mark.parametrize(
    ("machine", "features", "in_blocks", "of_bytes"),
    [
        ("x86_64", {"avx2", "avx512_vnni"}, True, True),
        ("x86_64", {"avx2", "avx_vnni"}, True, True),
        ("x86_64", {"avx2"}, True, False),
        ("aarch64", {"asimd", "asimddp"}, False, True),  # Pi 5, Cortex-A76
        ("aarch64", {"asimd"}, False, False),  # Pi 4, Cortex-A72
        ("aarch64", {"avx512_vnni"}, False, False),  # emulated: the file is the host's
        ("riscv64", {"asimddp", "avx512_vnni"}, False, False),
    ],
)
def test_each_kind_of_processor(
    machine: str, features: set[str], in_blocks: bool, of_bytes: bool
) -> None:
    processor = Processor(machine, frozenset(features))
    assert (processor.runs_in_blocks, processor.has_int8_dot_products) == (in_blocks, of_bytes)
