"""The vision worker: both cameras, the photo, the models; a process of its own. [shell]

`python -m firmware.match.worker SETTINGS_JSON SCALE PHOTO_FD PREVIEW_FD LINE_FD`, as
`firmware.worker` starts it. One thread waits for the line, the photo passage and the next frame. A
request that takes time is an errand that the loop walks on with between frames, so that another
request may end it. It never hears of a PIN.
"""

from __future__ import annotations

import ctypes
import logging
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import cv2
import msgspec

from firmware.camera.frame import Camera, Frame
from firmware.camera.opening import NamedCamera
from firmware.camera.preview import Preview, PreviewServer
from firmware.camera.watch import FRAME_WAIT_S, WatchedCamera
from firmware.faults import (
    CameraUnavailable,
    Fault,
    MalformedMessage,
    MalformedPhoto,
    ModelRejected,
)
from firmware.match import requests
from firmware.match.compare import Comparer
from firmware.match.errands import Comparing, Errand, ReadingPrint
from firmware.match.looking import LOOKS_LAST_S, MOMENT_S, Looking
from firmware.match.manifest import Signed, check_models
from firmware.match.networks import grey_of
from firmware.match.pad import sighting
from firmware.match.pad_watch import NoWatch, PadWatch, Watch
from firmware.match.photo import DEADLINE_S, PhotoDecoder
from firmware.match.requests import (
    Alive,
    AreYouWell,
    CameraSeen,
    CompareFaces,
    ForgetFaces,
    Forgotten,
    Hinted,
    LightWanted,
    PreviewAt,
    ReadPrintedNumber,
    Rested,
    StartLooking,
    StopLooking,
    VisionMessage,
    VisionProblem,
    Well,
)
from firmware.match.runtime import PAD, ModelChoice, OnnxNetworks, read_pad_card
from firmware.match.text_reader import TextReaderInBackground
from firmware.match.tracking import TrackedLooks
from firmware.settings import VisionSettings
from firmware.worker import Line, die_with_parent

log = logging.getLogger(__name__)

VISIT_ID_BYTES: Final = 16
LARGEST_PHOTO_BYTES: Final = 64 * 1024
"""The chip's photo is near 5 kB; a longer datagram is no photo."""
PROBE_EVERY_S: Final = 30.0
"""Nobody there: the camera rests, and is asked now and then whether it still works."""
ALIVE_EVERY_S: Final = 1.0
PREVIEW_AFTER_S: Final = MOMENT_S / 2
"""Between two looks a page gets one picture more. The next look finds a newer frame again and is
not delayed, at 15 frames a second and more."""
LARGE_BUFFER_BYTES: Final = 256 * 1024
_M_MMAP_THRESHOLD: Final = -3  # of glibc's mallopt


class VisionWorker:
    """The loop of the worker. `clock` is monotonic, in seconds; a machine that is slower by `scale`
    has that much longer for its looks."""

    def __init__(
        self,
        *,
        line: Line[VisionMessage],
        photos: socket.socket,
        comparer: Comparer,
        model_and_point: tuple[str, str],
        decoder: PhotoDecoder,
        text_reader: TextReaderInBackground,
        face_camera: Camera,
        tray_camera: Camera | None,
        preview: Preview,
        watch: Callable[[], Watch] = NoWatch,
        scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line, self._photos = line, photos
        self._photos_open = True
        self._comparer, self._decoder, self._text_reader = comparer, decoder, text_reader
        self._model, self._point = model_and_point
        self._tracked = TrackedLooks(comparer)
        self._face = WatchedCamera(face_camera, self._tell_camera)
        self._tray, self._preview, self._watch = tray_camera, preview, watch
        self._looks_last_s, self._clock = LOOKS_LAST_S * scale, clock
        self._looking: Looking | None = None
        self._errand: Errand | None = None
        self._probing = False
        self._probe_at_s = self._look_at_s = self._show_at_s = self._alive_at_s = clock()

    def run(self) -> None:
        """Work until the line ends."""
        try:
            while True:
                self.turn(self._wait_s())
        except EOFError:
            return

    def turn(self, wait_s: float) -> None:
        """One round: what was asked, what was sent, what is seen, what is under way."""
        line, photos = self._line.fileno(), self._photos.fileno()
        ready, _, _ = select.select([line, photos] if self._photos_open else [line], [], [], wait_s)
        # The line first: a photo has its own passage, and may overtake the request it belongs to.
        if line in ready:
            request = self._line.receive(0)
            if request is not None:
                self._answer(request)
        elif photos in ready:
            self._take_photo()
        now_s = self._clock()
        self._probe(now_s)
        self._light(now_s)
        self._look(now_s)
        self._walk_on(self._clock())

    def _wait_s(self) -> float:
        if self._errand is not None:
            return FRAME_WAIT_S
        now_s = self._clock()
        if self._face.running:
            due_s = self._show_at_s if self._preview.watched else self._look_at_s
            wait_s = 0.0 if self._probing else due_s - now_s
            return max(self._face.look_again_in_s(now_s), wait_s)
        return max(0.0, self._probe_at_s - now_s)

    # --- requests

    def _answer(self, request: VisionMessage) -> None:
        self._break_off()
        try:
            reply = self._begin(request)
        except Fault as fault:
            reply = VisionProblem(fault.code, str(fault))
        if reply is not None:
            self._line.send(reply)

    def _begin(self, request: VisionMessage) -> VisionMessage | None:
        """The reply to a request, or None when it has become an errand."""
        now_s = self._clock()
        match request:
            case StartLooking():
                self._look_at(request.visit)
                if self._tray is not None:
                    self._text_reader.begin()
                return requests.Looking()
            case CompareFaces():
                looking = self._look_at(request.visit)
                deadline_s = now_s + request.seconds
                self._errand = Comparing(looking, deadline_s, self._model, self._point)
            case ReadPrintedNumber():
                if self._tray is None:
                    raise CameraUnavailable("there is no tray camera")
                deadline_s = now_s + request.seconds
                today = _day(request.today)
                self._errand = ReadingPrint(self._tray, self._text_reader, today, deadline_s)
            case StopLooking():
                self._rest()
                return Rested()
            case ForgetFaces():
                self._looking = None
                self._rest()
                give_memory_back()
                return Forgotten()
            case AreYouWell():
                return Well(self._face.overdue_s(now_s))
        self._alive_at_s = now_s + ALIVE_EVERY_S
        return None

    def _look_at(self, visit: UUID) -> Looking:
        """Let the camera run for this visit; what was learnt of another one is dropped."""
        if self._looking is None or self._looking.visit != visit:
            self._looking = Looking(visit, self._comparer, self._watch(), self._looks_last_s)
            self._tracked.forget()
        self._probing = False
        self._face.start(self._clock())
        return self._looking

    def _rest(self) -> None:
        self._preview.forget()
        self._tracked.forget()
        if self._tray is not None:
            self._tray.stop()
        self._rest_face()

    def _rest_face(self) -> None:
        self._face.stop()
        self._probe_at_s = self._clock() + PROBE_EVERY_S

    def _break_off(self) -> None:
        """Whatever is asked next, the errand under way is answered first: replies keep order."""
        if self._errand is not None:
            errand, self._errand = self._errand, None
            self._line.send(errand.break_off())

    def _walk_on(self, now_s: float) -> None:
        if self._errand is None:
            return
        try:
            reply = self._errand.step(now_s)
        except Fault as fault:
            reply = VisionProblem(fault.code, str(fault))
        if reply is not None:
            self._errand = None
            self._line.send(reply)
        elif now_s >= self._alive_at_s:
            self._alive_at_s = now_s + ALIVE_EVERY_S
            self._line.send(Alive())

    # --- what comes in

    def _take_photo(self) -> None:
        datagram, _, flags, _ = self._photos.recvmsg(VISIT_ID_BYTES + LARGEST_PHOTO_BYTES)
        if not datagram:
            self._photos_open = False  # the card worker's end is gone for good
            return
        looking = self._looking
        if looking is None or datagram[:VISIT_ID_BYTES] != looking.visit.bytes:
            return  # of another visit: nobody waits for it
        try:
            if flags & socket.MSG_TRUNC:
                raise MalformedPhoto("the photo is far too long")
            photo = self._decoder.decode(datagram[VISIT_ID_BYTES:])
            looking.learn_photo(self._comparer.reference(photo))
        except MalformedPhoto as fault:
            looking.learn_photo(MalformedPhoto(str(fault)))  # without the traceback's pixels

    def _probe(self, now_s: float) -> None:
        """With nobody there, start the camera now and then, only to see that it works."""
        if self._probing:
            self._face.latest(now_s)
            if self._face.proven or now_s >= self._probe_at_s:
                self._probing = False
                self._rest_face()
        elif not self._face.running and now_s >= self._probe_at_s:
            self._probe_at_s = now_s + PROBE_EVERY_S
            try:
                self._face.start(now_s)
            except Fault:
                return  # the watch has told it
            self._probing = True

    def _look(self, now_s: float) -> None:
        """Look at the newest frame, no oftener than a look is a moment of its own."""
        watched = self._preview.watched
        due_s = min(self._look_at_s, self._show_at_s) if watched else self._look_at_s
        if self._looking is None or self._probing or now_s < due_s:
            return
        frame: Frame | None = self._face.latest(now_s)
        if frame is None:
            return
        if watched:
            self._preview.show(frame.pixels)
        if now_s < self._look_at_s:
            self._show_at_s = self._look_at_s
            return
        if not self._looking.is_new_moment(frame.captured_at_s):
            return  # the next one will be
        self._look_at_s, self._show_at_s = now_s + MOMENT_S, now_s + PREVIEW_AFTER_S
        look, at_s = self._tracked.look(grey_of(frame.pixels), frame.luma), frame.captured_at_s
        seen = None
        marks = look.landmarks if look.template is not None else None
        if marks is not None and self._looking.wants_sighting(at_s):
            seen = sighting(frame.pixels, marks, at_s)
        self._looking.see(look, at_s, seen)
        hint = self._looking.take_hint(now_s)
        if hint is not None:
            self._line.send(Hinted(hint))

    def _light(self, now_s: float) -> None:
        """Ask for the next light, while somebody is looked at."""
        looking = self._looking if self._face.running and not self._probing else None
        light = looking.light_due(now_s) if looking is not None else None
        if light is not None:
            self._line.send(LightWanted(light))

    def _tell_camera(self, code: str | None) -> None:
        self._line.send(CameraSeen(ready=code is None, code=code))


def _day(today: str) -> date:
    try:
        return date.fromisoformat(f"{today[:4]}-{today[4:6]}-{today[6:]}")
    except ValueError as cause:
        raise MalformedMessage("today is no date") from cause


def watch_by(settings: VisionSettings, signed: Signed | None = None) -> Callable[[], Watch]:
    """What looks whether a face is alive, one for each visit; `ModelRejected` without its card."""
    if not settings.liveness:
        return NoWatch
    card = read_pad_card(Path(settings.models) / PAD, signed)
    return partial(PadWatch, card, os.urandom if settings.screen_light else None)


def serve_preview(door: socket.socket, line: Line[VisionMessage]) -> Preview:
    """A preview that pages can watch; the firmware is told where."""
    preview = Preview()
    server = PreviewServer(preview, door)
    server.start()
    line.send(PreviewAt(server.address))
    return preview


def hold_memory_tight() -> None:
    """Let every large buffer be a mapping of its own: glibc would keep freed pictures for later."""
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BUFFER_BYTES)


def give_memory_back() -> None:
    """Return freed pages to the system, which wipes them before anybody else reads them."""
    ctypes.CDLL(None).malloc_trim(0)


def refuse_all(line: Line[VisionMessage], photos: socket.socket, fault: ModelRejected) -> None:
    """Without its models the worker stays and says why: to end would only have it started again."""
    try:
        while True:
            if photos.fileno() in select.select([line.fileno(), photos.fileno()], [], [])[0]:
                photos.recv(VISIT_ID_BYTES + LARGEST_PHOTO_BYTES)  # nobody's any more
            if line.receive(0) is not None:
                line.send(VisionProblem(fault.code, str(fault)))
    except EOFError:
        return


def main(arguments: list[str]) -> None:
    """Load everything, then work until the firmware closes the line."""
    die_with_parent()
    hold_memory_tight()
    settings_json, machine_scale, photo_descriptor, door_descriptor, line_descriptor = arguments
    scale = float(machine_scale)
    settings = msgspec.json.decode(settings_json, type=VisionSettings)
    line: Line[VisionMessage] = Line(int(line_descriptor), requests.REQUESTS)
    photos = socket.socket(fileno=int(photo_descriptor))
    door = socket.socket(fileno=int(door_descriptor))
    cv2.setNumThreads(settings.threads)
    try:
        models = Path(settings.models)
        signed = check_models(models, Path(settings.models_key) if settings.models_key else None)
        if signed is None:
            log.warning("the models in %s are unsigned, as in a working copy", models)
        chosen = ModelChoice(settings.detector, settings.landmarks, settings.embedder)
        networks = OnnxNetworks(models, settings.threads, chosen, signed)
        watch = watch_by(settings, signed)
        model, point = networks.model_id, networks.operating_point
    except ModelRejected as fault:
        line.send(CameraSeen(ready=False, code=fault.code))
        refuse_all(line, photos, fault)
        return
    give_memory_back()
    with PhotoDecoder(DEADLINE_S * scale) as decoder:
        VisionWorker(
            line=line,
            photos=photos,
            comparer=Comparer(networks, model, point),
            model_and_point=(model, point.id),
            decoder=decoder,
            text_reader=TextReaderInBackground(settings.threads, models, signed),
            face_camera=NamedCamera(settings.face_camera),
            tray_camera=NamedCamera(settings.tray_camera) if settings.tray_camera else None,
            preview=serve_preview(door, line),
            watch=watch,
            scale=scale,
        ).run()


if __name__ == "__main__":
    main(sys.argv[1:])
