"""Does a page that shows the camera slow the looks that are compared?

    python benchmarks/preview.py [--rounds N] [--looks N] [--limit-percent P]

The vision worker's own loop, models and simulated camera look at one person, in turns with and
without a page (a process of its own) that streams the preview. Intervals are between the beginnings
of two looks, CPU is of the whole worker for each look; the ratio is the median over rounds of two
neighbours. Exit code 1 when a watched look comes later by more than the limit.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final
from uuid import uuid4

from firmware.camera.opening import open_camera
from firmware.camera.preview import Preview, PreviewServer
from firmware.match.compare import Comparer, Look
from firmware.match.detect import Face
from firmware.match.networks import Grey
from firmware.match.photo import PhotoDecoder
from firmware.match.requests import NEWS, REPLIES, REQUESTS, StartLooking, VisionMessage
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.text_reader import TextReaderInBackground
from firmware.match.worker import VisionWorker
from firmware.simulator.camera import set_scene
from firmware.simulator.world import World
from firmware.worker import Line, photo_passage, preview_door

LIMIT_PERCENT = 5.0
WITHIN_S: Final = 30.0
PAGE: Final = """
import sys, urllib.request
stream = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1])
while stream.read1():
    pass
"""


class TimedComparer(Comparer):
    """Tells when each look begins."""

    def __init__(self, networks: OnnxNetworks) -> None:
        super().__init__(networks, networks.embedder_card.model_id, networks.operating_point)
        self.began_s: SimpleQueue[float] = SimpleQueue()

    def look_at(self, frame: Grey, face: Face) -> Look:
        self.began_s.put(time.perf_counter())
        return super().look_at(frame, face)

    def pace(self, looks: int) -> tuple[float, float]:
        """Median milliseconds from one look to the next, and CPU milliseconds of one."""
        while not self.began_s.empty():
            self.began_s.get()
        last_s, cpu_s, waits_s = self.began_s.get(timeout=WITHIN_S), time.process_time(), []
        for _ in range(looks):
            next_s = self.began_s.get(timeout=WITHIN_S)
            waits_s.append(next_s - last_s)
            last_s = next_s
        cpu_ms = 1000 * (time.process_time() - cpu_s) / looks
        return 1000 * statistics.median(waits_s), cpu_ms


@contextmanager
def looking_worker(scene: Path, comparer: TimedComparer, preview: Preview) -> Iterator[None]:
    """The worker's loop in a thread, at the beginning of a visit."""
    set_scene(scene, live="person_a_2")
    (scene / "faces").symlink_to(World().root.resolve() / "faces")
    ours, theirs = socket.socketpair()
    card_end, vision_end = photo_passage()
    with ours, card_end, vision_end, PhotoDecoder() as decoder:
        firmware: Line[VisionMessage] = Line(os.dup(ours.fileno()), REPLIES | NEWS)
        worker = VisionWorker(
            line=Line(theirs.detach(), REQUESTS),
            photos=vision_end,
            comparer=comparer,
            model_and_point=("model", "point"),
            decoder=decoder,
            text_reader=TextReaderInBackground(1),
            face_camera=open_camera(f"simulated:face:{scene}"),
            tray_camera=None,
            preview=preview,
        )
        thread = Thread(target=worker.run)
        thread.start()
        firmware.send(StartLooking(uuid4()))
        try:
            yield
        finally:
            ours.shutdown(socket.SHUT_WR)
            thread.join()


@contextmanager
def page_at(address: str, comparer: TimedComparer, preview: Preview) -> Iterator[None]:
    """Somebody watches; afterwards nobody does."""
    with subprocess.Popen([sys.executable, "-c", PAGE, address]) as page:
        while not preview.watched:
            comparer.began_s.get(timeout=WITHIN_S)
        yield
        page.kill()
    while preview.watched:
        comparer.began_s.get(timeout=WITHIN_S)


Pace = tuple[float, float]


def measured(rounds: int, looks: int) -> list[tuple[Pace, Pace]]:
    """(alone, watched) of each round; every other round begins with the page."""
    comparer, preview = TimedComparer(OnnxNetworks(models_folder())), Preview()
    server = PreviewServer(preview, preview_door())
    server.start()
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        looking_worker(Path(folder), comparer, preview),
    ):
        for number in range(rounds):
            alone = comparer.pace(looks) if number % 2 else None
            with page_at(server.address, comparer, preview):
                watched = comparer.pace(looks)
            found.append((alone or comparer.pace(looks), watched))
    server.stop()
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--looks", type=int, default=25)
    arguments.add_argument("--limit-percent", type=float, default=LIMIT_PERCENT)
    chosen = arguments.parse_args()
    rounds = measured(chosen.rounds, chosen.looks)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(
        f"{chosen.rounds} rounds of {chosen.looks} looks each way "
        f"({platform.machine()}, {cores} cores, load {load:.1f})"
    )
    print(f"{'':<22}{'alone':>9}{'watched':>9}{'ratio':>8}")
    ratios = []
    for column, name in enumerate(("look to look, ms", "CPU of a look, ms")):
        alone = statistics.median(each[column] for each, _ in rounds)
        watched = statistics.median(each[column] for _, each in rounds)
        ratios.append(statistics.median(after[column] / before[column] for before, after in rounds))
        print(f"{name:<22}{alone:>9.1f}{watched:>9.1f}{ratios[-1]:>8.3f}")
    return 0 if ratios[0] <= 1 + chosen.limit_percent / 100 else 1


if __name__ == "__main__":
    sys.exit(main())
