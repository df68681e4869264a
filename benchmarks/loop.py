"""How soon a frame becomes a decision, and what following a face saves.

    python benchmarks/loop.py [--visits N] [--looks N] [--limit-embeds E]

The vision worker's own loop, in a thread, decides on whole visits: drawn frames of one person come
at a camera's pace, the photo as JPEG 2000. Time is counted from the moment at which the last frame
that the decision needed was captured, and said in ms and in embeddings of the same visit, which a
busy machine slows alike. Exit code 1 when the median is above the limit.

Then single looks in turns, with the detector at each and with the face followed, in CPU time.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final
from uuid import uuid4

import cv2
import numpy as np

from firmware.camera.frame import Frame, Pixels
from firmware.camera.pi_camera import LORES_SIZE, MAIN_SIZE
from firmware.camera.preview import Preview
from firmware.match.compare import Comparer
from firmware.match.networks import Grey, Reals, grey_of
from firmware.match.photo import PhotoDecoder
from firmware.match.requests import (
    NEWS,
    REPLIES,
    REQUESTS,
    CompareFaces,
    FacesCompared,
    ForgetFaces,
    StartLooking,
    VisionMessage,
)
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.text_reader import TextReaderInBackground
from firmware.match.tracking import TrackedLooks
from firmware.match.worker import VisionWorker
from firmware.simulator.camera import SimulatedCamera, set_scene
from firmware.simulator.card_pictures import photo_of
from firmware.simulator.world import World
from firmware.worker import Line, photo_passage

LIMIT_EMBEDS: Final = 2.0
RATES: Final = (15, 30)
WITHIN_S: Final = 60.0
DRAWN: Final = 60
PEOPLE: Final = (("the holder", "person_b_2"), ("somebody else", "person_c_1"))
PHOTO: Final = "person_b_1"
COLUMNS: Final = (
    "last needed frame → decision, ms: median",
    "worst",
    "median, in embeddings",
    "frames",
    "whole, ms",
    "age of a frame when looked at, ms",
    "decision",
)


class TimedNetworks(OnnxNetworks):
    """Tells how long each embedding took."""

    def __init__(self) -> None:
        super().__init__(models_folder())
        self.embeds_s: list[float] = []

    def embed(self, face: Grey) -> Reals:
        began_s = time.monotonic()
        values = super().embed(face)
        self.embeds_s.append(time.monotonic() - began_s)
        return values


class PacedCamera:
    """Drawn frames at a pace; one is captured at the moment at which it is due."""

    def __init__(self, pictures: list[Pixels], frames_per_s: int) -> None:
        self._pictures, self._frames_per_s = pictures, frames_per_s
        self._began_s, self._shown = 0.0, 0
        self.ages_s: list[float] = []
        self.captured_at_s = 0.0

    def start(self) -> None:
        self._began_s, self._shown = time.monotonic(), 0

    def latest(self) -> Frame | None:
        now_s = time.monotonic()
        due = int((now_s - self._began_s) * self._frames_per_s)
        if due <= self._shown:
            return None
        self._shown, self.captured_at_s = due, self._began_s + due / self._frames_per_s
        self.ages_s.append(now_s - self.captured_at_s)
        return Frame(self._pictures[due % DRAWN], due, self.captured_at_s)

    def stop(self) -> None:
        """The next start begins anew."""


@dataclass
class Found:
    """What one kind of visit took, a number for each."""

    from_frame_ms: list[float] = field(default_factory=list)
    in_embeds: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)


def drawn(live: str) -> list[Pixels]:
    """Frames of one person, 640 × 480, a tenth of a second apart."""
    with tempfile.TemporaryDirectory() as folder:
        scene, now_s = Path(folder), 0.0
        (scene / "faces").symlink_to(World().root.resolve() / "faces")
        set_scene(scene, live=live)
        camera = SimulatedCamera(f"face:{scene}", lambda: now_s)
        camera.start()
        pictures = []
        while len(pictures) < DRAWN:
            now_s += 0.1
            if (frame := camera.latest()) is not None:
                pictures.append(frame.pixels)
        return pictures


def chip_photo() -> bytes:
    """A portrait as a virtual card holds it."""
    return photo_of(World().portrait(PHOTO))


@contextmanager
def worker_with(
    networks: TimedNetworks, camera: PacedCamera
) -> Iterator[tuple[Line[VisionMessage], socket.socket]]:
    """The worker's loop in a thread; the firmware's end of its line, the card's end of photos."""
    ours, theirs = socket.socketpair()
    card_end, vision_end = photo_passage()
    point = networks.operating_point
    with ours, card_end, vision_end, PhotoDecoder(WITHIN_S) as decoder:
        worker = VisionWorker(
            line=Line(theirs.detach(), REQUESTS),
            photos=vision_end,
            comparer=Comparer(networks, "model", point),
            model_and_point=("model", point.id),
            decoder=decoder,
            text_reader=TextReaderInBackground(1),
            face_camera=camera,
            tray_camera=None,
            preview=Preview(),
        )
        thread = Thread(target=worker.run)
        thread.start()
        try:
            yield Line(os.dup(ours.fileno()), REPLIES | NEWS), card_end
        finally:
            ours.shutdown(socket.SHUT_WR)
            thread.join()


def asked(line: Line[VisionMessage], request: VisionMessage) -> VisionMessage:
    line.send(request)
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        heard = line.receive(WITHIN_S)
        if isinstance(heard, REPLIES):
            return heard
    raise SystemExit("the worker does not answer")


def visits(
    networks: TimedNetworks, live: str, frames_per_s: int, count: int
) -> tuple[Found, float]:
    """What the visits took, and the median age in ms of a frame when it was taken."""
    photo, found = chip_photo(), Found()
    camera = PacedCamera(drawn(live), frames_per_s)
    with worker_with(networks, camera) as (line, card_end):
        for _ in range(count):
            visit = uuid4()
            networks.embeds_s.clear()
            began_s = time.monotonic()
            asked(line, StartLooking(visit))
            card_end.send(visit.bytes + photo)
            answer = asked(line, CompareFaces(visit, WITHIN_S))
            now_s = time.monotonic()
            if not isinstance(answer, FacesCompared):
                raise SystemExit(f"no decision: {answer}")
            took_s = now_s - camera.captured_at_s
            found.from_frame_ms.append(1000 * took_s)
            found.in_embeds.append(took_s / statistics.median(networks.embeds_s))
            found.whole_ms.append(1000 * (now_s - began_s))
            found.frames.append(answer.frames)
            found.decisions.add(answer.decision.value)
            asked(line, ForgetFaces())
    return found, 1000 * statistics.median(camera.ages_s)


def followed(networks: TimedNetworks, looks: int) -> tuple[float, float, float]:
    """(CPU ms of a look with the detector, of one that follows, median ratio of rounds)."""
    comparer = Comparer(networks, "model", networks.operating_point)
    tracked = TrackedLooks(comparer)
    greys = [grey_of(picture) for picture in drawn(PEOPLE[0][1])]
    smalls = [np.asarray(cv2.resize(grey, (320, 240)), np.uint8) for grey in greys]
    rounds = []
    for number in range(looks // 3):
        taken = []
        for look in (comparer.look, tracked.look) if number % 2 else (tracked.look, comparer.look):
            began_s = time.thread_time()
            for step in range(3):  # one with the detector, two that follow
                at = (3 * number + step) % DRAWN
                look(greys[at], smalls[at] if look == tracked.look else None)
            taken.append(1000 * (time.thread_time() - began_s) / 3)
        rounds.append(taken if number % 2 else taken[::-1])
    each, follow = (statistics.median(one[side] for one in rounds) for side in (0, 1))
    return each, follow, statistics.median(after / before for before, after in rounds)


def copied(networks: TimedNetworks) -> tuple[float, float]:
    """(without, with a small plane) new memory at the peak of one look, in frames of 1280 × 960."""
    comparer = Comparer(networks, "model", networks.operating_point)
    pixels = np.asarray(cv2.resize(drawn(PEOPLE[0][1])[0], MAIN_SIZE), np.uint8)
    small = np.asarray(cv2.resize(grey_of(pixels), LORES_SIZE), np.uint8)
    peaks = []
    for plane in (None, small):
        tracemalloc.start()
        comparer.look(grey_of(pixels), plane)
        peaks.append(tracemalloc.get_traced_memory()[1] / pixels.nbytes)
        tracemalloc.stop()
    return peaks[0], peaks[1]


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--visits", type=int, default=12)
    arguments.add_argument("--looks", type=int, default=90)
    arguments.add_argument("--limit-embeds", type=float, default=LIMIT_EMBEDS)
    chosen = arguments.parse_args()
    cv2.setNumThreads(1)
    networks = TimedNetworks()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{chosen.visits} visits each ({platform.machine()}, {cores} cores, load {load:.1f})\n")
    print("| who, frames a second |", " | ".join(COLUMNS), "|")
    print("|---" * (1 + len(COLUMNS)) + "|")
    slowest = 0.0
    for who, live in PEOPLE:
        for rate in RATES:
            found, age_ms = visits(networks, live, rate, chosen.visits)
            embeds = statistics.median(found.in_embeds)
            slowest = max(slowest, embeds)
            row = (
                f"{statistics.median(found.from_frame_ms):.0f}",
                f"{max(found.from_frame_ms):.0f}",
                f"{embeds:.2f}",
                f"{statistics.median(found.frames):.0f}",
                f"{statistics.median(found.whole_ms):.0f}",
                f"{age_ms:.0f}",
                ", ".join(sorted(found.decisions)),
            )
            print(f"| {who}, {rate} |", " | ".join(row), "|")
    each, follow, ratio = followed(networks, chosen.looks)
    print(f"\nOne look, CPU ms: {each:.1f} with the detector at each, ", end="")
    print(f"{follow:.1f} with the face followed and a small plane: ratio {ratio:.3f}")
    whole, small = copied(networks)
    print(
        f"New memory at the peak of a look, in frames of 1280 × 960: {whole:.2f}; with a small",
        end="",
    )
    print(f" plane {small:.2f}. The grey picture is 0.33 of it.")
    return 0 if slowest <= chosen.limit_embeds else 1


if __name__ == "__main__":
    sys.exit(main())
