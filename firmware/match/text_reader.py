"""PP-OCRv4's recogniser, loaded beside other work. [shell]"""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any, Final

import cv2
import numpy as np

from firmware.camera.frame import Pixels
from firmware.faults import ModelRejected
from firmware.match.lattice import ALIKE, Lattice, lattice_of
from firmware.match.manifest import Signed
from firmware.match.runtime import (
    TEXT_READER,
    checked_session,
    models_folder,
    read_text_reader_card,
)

LINE_HEIGHT: Final = 48
WIDTH_STEP: Final = 8
"""The recogniser halves a line's width three times."""
NARROWEST: Final = 48


class PpOcrReader:
    """Reads crops that hold one line each: 15 ms a date on a PC's core."""

    def __init__(
        self, threads: int = 1, models: Path | None = None, signed: Signed | None = None
    ) -> None:
        """Takes a fifth of a second; `models` is the folder of all networks. Raises
        `ModelRejected`."""
        folder = (models or models_folder()) / TEXT_READER
        card = read_text_reader_card(folder, signed)
        self._session: Any = checked_session(folder / card.file, card.sha256, threads)
        classes = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        number = {letter: place for place, letter in enumerate(classes, start=1)}
        self._columns = [[number[alike] for alike in group] for group in ALIKE.values()]
        self._free = [0, len(classes) + 1]  # the blank comes first, the space last
        self._entry: str = self._session.get_inputs()[0].name

    def read(self, line: Pixels) -> Lattice:
        """What stands in a grey picture of one line; nothing looks for text."""
        height, width = line.shape[:2]
        steps = max(NARROWEST, round(width * LINE_HEIGHT / height)) // WIDTH_STEP
        size = (steps * WIDTH_STEP, LINE_HEIGHT)
        shrinks = height > LINE_HEIGHT
        fitted = cv2.resize(
            line, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )
        grey = fitted.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
        entry = np.broadcast_to(grey, (1, 3, *grey.shape))
        (chances,) = self._session.run(None, {self._entry: np.ascontiguousarray(entry)})
        return lattice_of(chances[0], self._columns, self._free)


class TextReaderInBackground:
    """A `PpOcrReader` that is made once, by a thread, when it is first known to be needed."""

    def __init__(
        self, threads: int, models: Path | None = None, signed: Signed | None = None
    ) -> None:
        self._threads, self._models, self._signed = threads, models, signed
        self._loading: Thread | None = None
        self._reader: PpOcrReader | None = None
        self._fault: ModelRejected | None = None

    def begin(self) -> None:
        """Start to load; a second call changes nothing."""
        if self._loading is None:
            self._loading = Thread(target=self._load, name="text reader", daemon=True)
            self._loading.start()

    def get(self) -> PpOcrReader | None:
        """The reader, or None while it loads. Raises `ModelRejected` when it cannot be had."""
        self.begin()
        if self._fault is not None:
            raise ModelRejected(str(self._fault))
        return self._reader

    def _load(self) -> None:
        try:
            self._reader = PpOcrReader(self._threads, self._models, self._signed)
        except ModelRejected as fault:
            self._fault = fault
