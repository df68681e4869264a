"""Where the vision worker's memory goes, step by step. Run: make bench-memory

The simulated cameras draw what a lens would see, and take memory for it that no device takes. So a
process of its own draws the frames; this one loads, looks and reads as the worker does.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

FRAMES: Final = 6
PATIENT: Final = "valid"
PORTRAIT: Final = "person_a_2"
KB_IN_MB: Final = 1024


def resident() -> tuple[int, int]:
    """MB that are resident now, and at most until now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    now, peak = (int(fields[name].split()[0]) // KB_IN_MB for name in ("VmRSS", "VmHWM"))
    return now, peak


def tell(step: str) -> None:
    """One row of the table."""
    now, peak = resident()
    print(f"| {step} | {now} | {peak} |", flush=True)


def ticking() -> Callable[[], float]:
    """A clock on which a quarter of a second passes at every look."""
    quarters = itertools.count(1)
    return lambda: next(quarters) / 4


def draw(folder: Path) -> None:
    """Frames of somebody before the face camera and of a card in the tray, as files."""
    from firmware.simulator.camera import SimulatedCamera, set_scene

    set_scene(folder, live=PORTRAIT, tray=PATIENT)
    for lens in ("face", "tray"):
        camera = SimulatedCamera(f"{lens}:{folder}", clock=ticking())
        camera.start()
        for number in range(FRAMES):
            frame = camera.latest()
            if frame is None:
                raise SystemExit(f"the {lens} camera gave no frame")
            np.save(folder / f"{lens}-{number}.npy", frame.pixels)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, __file__, "--draw", name], check=True)
        print("| step | MB resident after it | most until then |\n|---|---|---|")
        work(folder)


def work(folder: Path) -> None:
    """What the worker does in a visit, with a row after each step."""
    tell("Python")
    from firmware.camera.frame import Frame
    from firmware.match.compare import Comparer
    from firmware.match.networks import grey_of
    from firmware.match.ocr import PrintedNumberReading
    from firmware.match.runtime import OnnxNetworks, models_folder
    from firmware.match.text_reader import TextReaderInBackground
    from firmware.match.worker import give_memory_back, hold_memory_tight

    hold_memory_tight()
    tell("imports")
    networks = OnnxNetworks(models_folder())
    give_memory_back()
    tell("four networks of the face")
    comparer = Comparer(networks, networks.model_id, networks.operating_point)
    for number in range(FRAMES):
        comparer.look(grey_of(np.load(folder / f"face-{number}.npy")))
    tell(f"{FRAMES} looks")
    recogniser = TextReaderInBackground(1)
    recogniser.begin()
    while (reader := recogniser.get()) is None:
        time.sleep(0.05)
    give_memory_back()
    tell("recogniser of print")
    reading = PrintedNumberReading(reader, date(2026, 11, 22))
    for number in range(FRAMES):
        if reading.feed(Frame(np.load(folder / f"tray-{number}.npy"), number, 0.0)) is not None:
            break
    tell("a card read")
    give_memory_back()
    tell("its pages given back")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--draw"]:
        draw(Path(sys.argv[2]))
    else:
        main()
