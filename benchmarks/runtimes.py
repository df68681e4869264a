"""Which version of ONNX Runtime is fastest on our networks, and does one of them leak.

    python benchmarks/runtimes.py [--versions V …] [--rounds N] [--folder DIR]

Each version is fetched once from the package index into a folder of its own, by the hashes of
benchmarks/runtimes.lock (its numpy by those of requirements.lock), and runs in a process of its
own, all alive at once: they take turns within each round, in one order and then the other, so that
a busy machine slows all of them alike. CPU time of one thread; the ratio is the median over rounds
to the version that is pinned. Growth is of resident memory over 2,000 inferences of each network,
after a hundred that may grow it.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from firmware.match.runtime import models_folder

PINNED: Final = version("onnxruntime")
AT_ONCE: Final = 8
LONG_RUN: Final = 2000
ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "build" / "runtimes"
LOCK: Final = ROOT / "benchmarks" / "runtimes.lock"
REQUIREMENT: Final = re.compile(r"^(\S+?)==(\S+)(?:.*\n)(?:[ #].*\n)*", re.MULTILINE)
RUNNER: Final = """
import sys, time
import numpy as np, onnxruntime as ort

def resident_kb():
    return int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0])

sessions = {}
for path in sys.argv[1:]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    batch = np.random.default_rng(0).random(entry.shape, np.float32)
    sessions[path] = session, {entry.name: batch}
print(ort.__version__, flush=True)
for line in sys.stdin:
    path, count = line.rsplit(" ", 1)
    session, fed = sessions[path]
    before_kb, began_s = resident_kb(), time.thread_time()
    for _ in range(int(count)):
        session.run(None, fed)
    print(1e3 * (time.thread_time() - began_s) / int(count), resident_kb() - before_kb, flush=True)
"""


def versions() -> list[str]:
    """What the lock names, oldest first."""
    return [part[2] for part in REQUIREMENT.finditer(LOCK.read_text(encoding="utf-8"))]


def _fetch(wanted: str, place: Path) -> None:
    ours = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    runtimes = LOCK.read_text(encoding="utf-8")
    parts = [
        *(part[0] for part in REQUIREMENT.finditer(runtimes) if part[2] == wanted),
        *(part[0] for part in REQUIREMENT.finditer(ours) if part[1] == "numpy"),
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as asked:
        asked.write("".join(parts))
        asked.flush()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
        pip += ["--no-deps", "--require-hashes", "--target", str(place)]
        subprocess.run([*pip, "--requirement", asked.name], check=True)


class Runtime:
    """One version, with all networks loaded."""

    def __init__(self, wanted: str, folder: Path, networks: list[Path]) -> None:
        place = folder / wanted
        if not place.exists():
            _fetch(wanted, place)
        self._process = subprocess.Popen(
            # Without the packages of this environment: it has a version of its own.
            [sys.executable, "-S", "-c", RUNNER, *map(str, networks)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"},
        )
        if (said := self._heard()) != wanted:
            raise SystemExit(f"{place} holds {said or 'nothing that runs'}")

    def run(self, network: Path, count: int) -> tuple[float, float]:
        """(CPU ms of one inference, growth in kB) of so many."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{network} {count}\n")
        self._process.stdin.flush()
        took_ms, grown_kb = map(float, self._heard().split())
        return took_ms, grown_kb

    def close(self) -> None:
        self._process.communicate()

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--versions", nargs="+", choices=versions(), default=versions())
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--folder", type=Path, default=FOLDER)
    chosen = arguments.parse_args()
    wanted = list(dict.fromkeys([PINNED, *chosen.versions]))
    networks = sorted(models_folder().glob("*/*.onnx"))
    runtimes = {each: Runtime(each, chosen.folder, networks) for each in wanted}
    took: dict[tuple[str, Path], list[float]] = {}
    for number in range(chosen.rounds):
        for network in networks:
            for each in wanted if number % 2 else wanted[::-1]:
                took.setdefault((each, network), []).append(runtimes[each].run(network, AT_ONCE)[0])
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{chosen.rounds} rounds ({platform.machine()}, {cores} cores, load {load:.1f})\n")
    print("| ratio to", PINNED, "(best ms) |", " | ".join(each.stem for each in networks), end="")
    print(f" | kB more after {LONG_RUN} |\n" + "|---" * (2 + len(networks)) + "|")
    for each in wanted:
        cells = []
        for network in networks:
            mine, pinned = took[each, network], took[PINNED, network]
            ratio = statistics.median(a / b for a, b in zip(mine, pinned, strict=True))
            cells.append(f"{ratio:.2f} ({min(mine):.1f})")
        grown_kb = 0.0
        for network in networks:
            runtimes[each].run(network, 100)
            grown_kb += runtimes[each].run(network, LONG_RUN)[1]
        print(f"| {each} |", " | ".join([*cells, f"{grown_kb:.0f}"]), "|", flush=True)
        runtimes[each].close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
