"""The requests that take time: walked on with step by step, and broken off at any step.

They read no clock and wait for nothing: a step does one piece of work that is there to be done.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Protocol

from firmware.camera.frame import Camera
from firmware.faults import CameraUnavailable, MalformedPhoto
from firmware.match.compare import Comparison
from firmware.match.looking import Looking
from firmware.match.ocr import PrintedNumberReading, TextReader
from firmware.match.requests import FacesCompared, PrintedNumber, VisionMessage
from firmware.words import MatchDecision, PadDecision

READ_PRINT_FRAMES: Final = 6
"""A card that six frames did not tell is keyed in by the staff sooner than it is read."""


class Errand(Protocol):
    """A request under way."""

    def step(self, now_s: float) -> VisionMessage | None:
        """Walk on a little; the reply when there is one. Raises `Fault`."""

    def break_off(self) -> VisionMessage:
        """The reply of an errand that is wanted no more."""


class TextReaderSource(Protocol):
    """Where the recogniser comes from: it takes its time to load."""

    def begin(self) -> None:
        """Start to load, once."""

    def get(self) -> TextReader | None:
        """The reader, or None while it loads. Raises `ModelRejected`."""


class Comparing:
    """`CompareFaces`: decided as soon as the looks allow, or at its deadline."""

    def __init__(self, looking: Looking, deadline_s: float, model: str, point: str) -> None:
        self._looking, self._deadline_s = looking, deadline_s
        self._model, self._point = model, point

    def step(self, now_s: float) -> VisionMessage | None:
        """The decision, or `TRY_AGAIN` at the deadline; a bad photo is a fault at once."""
        if self._looking.photo_fault is not None:
            raise MalformedPhoto(str(self._looking.photo_fault))
        comparison = self._looking.compare(now_s)
        if comparison is not None:
            return self._told(comparison)
        return self.break_off() if now_s >= self._deadline_s else None

    def break_off(self) -> VisionMessage:
        """Nothing was decided; what was seen stays with the visit."""
        self._looking.end_comparison()
        return FacesCompared(
            decision=MatchDecision.TRY_AGAIN,
            pad=PadDecision.NOT_DONE,
            model=self._model,
            operating_point=self._point,
            frames=self._looking.looks,
        )

    def _told(self, comparison: Comparison) -> FacesCompared:
        return FacesCompared(
            decision=comparison.decision,
            pad=comparison.pad,
            model=comparison.model_id,
            operating_point=comparison.operating_point_id,
            frames=comparison.frames,
        )


class ReadingPrint:
    """`ReadPrintedNumber`: frames of the tray until the readings agree, or doubt."""

    def __init__(
        self, tray: Camera, reader: TextReaderSource, today: date, deadline_s: float
    ) -> None:
        """Raises what the tray camera raises."""
        self._tray, self._reader, self._today = tray, reader, today
        self._deadline_s = deadline_s
        self._reading: PrintedNumberReading | None = None
        self._frames = 0
        self._reader.begin()
        self._tray.start()

    def step(self, now_s: float) -> VisionMessage | None:
        """Read one frame, if there is one and the recogniser is loaded."""
        reader = self._reader.get()
        if reader is not None and (frame := self._tray.latest()) is not None:
            self._reading = self._reading or PrintedNumberReading(reader, self._today)
            self._frames += 1
            number = self._reading.feed(frame)
            if number is not None:
                self._tray.stop()
                return PrintedNumber(number.encode())
        if self._frames >= READ_PRINT_FRAMES or now_s >= self._deadline_s:
            if self._frames == 0 and reader is not None:
                self._tray.stop()
                raise CameraUnavailable("the tray camera gives no frames")
            return self.break_off()
        return None

    def break_off(self) -> VisionMessage:
        """Doubt."""
        self._tray.stop()
        return PrintedNumber(None)
