"""What a photo costs that asks for too much: to refuse it, and what a decoder would have done.

    python benchmarks/photo_bombs.py [--rounds N] [--limit-ms MS]

Beside the refusal: Pillow alone (OpenJPEG) on the same bytes, in a process of its own that may take
four gigabytes and ten seconds, with its own guard against large pictures as it comes. Exit code 1
when a refusal takes longer than the limit (the best of the rounds), or when this process has grown.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "match"))
from bombs import bombs  # noqa: E402  (the tests' own corpus, which is a folder of programs)

from firmware.faults import MalformedPhoto  # noqa: E402
from firmware.match.jpeg2000 import photo_size  # noqa: E402

LIMIT_MS: Final = 1.0
GROWTH_KB: Final = 256
PILLOW_ALONE: Final = """
import io, resource, sys, time
from PIL import Image
Image.init()
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (12, 12))
content = sys.stdin.buffer.read()
peak_kb = lambda: int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
before_kb, began_s = peak_kb(), time.process_time()
try:
    Image.open(io.BytesIO(content), formats=["JPEG2000"]).convert("L").tobytes()
    said = "decoded"
except Exception as fault:
    said = type(fault).__name__
took_ms = (time.process_time() - began_s) * 1e3
print(peak_kb() - before_kb >> 10, took_ms, said)
"""


def refused_in_ms(content: bytes, rounds: int) -> list[float]:
    """Each round's time."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        with suppress(MalformedPhoto):
            photo_size(content)
            raise SystemExit("a bomb was let through")
        times.append((time.perf_counter() - began) * 1e3)
    return times


def pillow_alone(content: bytes) -> tuple[str, str, str]:
    """(MB, ms, what became of it) of a decoder that nobody guards."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", PILLOW_ALONE], input=content, capture_output=True, check=False
    )
    if done.returncode:
        return "–", "–", "died"
    grown, took, said = done.stdout.decode().split()
    return grown, f"{float(took):.0f}", said


def resident_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 10


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=300)
    arguments.add_argument("--limit-ms", type=float, default=LIMIT_MS)
    chosen = arguments.parse_args()
    corpus = bombs()
    for bomb in corpus:
        refused_in_ms(bomb.content, 3)
    before_kb = resident_kb()
    times = {bomb.name: refused_in_ms(bomb.content, chosen.rounds) for bomb in corpus}
    grown_kb = resident_kb() - before_kb
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{chosen.rounds} rounds ({platform.machine()}, {cores} cores, load {load:.1f})\n")
    print("| photo | bytes | refused in, ms: best | median | Pillow alone: MB more | CPU ms | |")
    print("|---|---|---|---|---|---|---|")
    for bomb in corpus:
        taken = times[bomb.name]
        row = (f"{min(taken):.3f}", f"{statistics.median(taken):.3f}", *pillow_alone(bomb.content))
        print(f"| {bomb.name} | {len(bomb.content)} | {' | '.join(row)} |")
    slowest = max(min(each) for each in times.values())
    refusals = chosen.rounds * len(corpus)
    print(f"\nThe slowest refusal took {slowest:.3f} ms; {refusals} grew this process by", end=" ")
    print(f"{grown_kb} kB.")
    return 0 if slowest <= chosen.limit_ms and grown_kb <= GROWTH_KB else 1


if __name__ == "__main__":
    sys.exit(main())
