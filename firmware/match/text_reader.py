"""PP-OCRv4's recogniser out of rapidocr, loaded beside the work that does not need it. [shell]"""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any, Final

from firmware.camera.frame import Pixels
from firmware.faults import ModelRejected

WEIGHTS: Final = "models/ch_PP-OCRv4_rec_infer.onnx"


class PpOcrReader:
    """Reads crops that hold one line each; nothing looks for text. 20 ms a line on a PC's core."""

    def __init__(self, threads: int = 1) -> None:
        """Takes a third of a second, most of it imports. Raises `ModelRejected`."""
        try:
            import rapidocr_onnxruntime
            from rapidocr_onnxruntime.ch_ppocr_rec import TextRecognizer
        except ImportError as cause:
            raise ModelRejected(f"rapidocr-onnxruntime: {cause}") from cause
        weights = Path(rapidocr_onnxruntime.__file__).parent / WEIGHTS
        if not weights.is_file():
            raise ModelRejected(f"{weights} is missing")
        self._recogniser: Any = TextRecognizer(
            {
                "model_path": str(weights),
                "intra_op_num_threads": threads,
                "inter_op_num_threads": 1,
                "rec_img_shape": [3, 48, 320],
                "rec_batch_num": 1,  # a batch is padded to its widest line, which costs more
            }
        )

    def read(self, lines: list[Pixels]) -> list[tuple[str, float]]:
        """Text and mean confidence of each line."""
        readings, _ = self._recogniser(lines)
        return [(text, float(confidence)) for text, confidence in readings]


class TextReaderInBackground:
    """A `PpOcrReader` that is made once, by a thread, when it is first known to be needed."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
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
            self._reader = PpOcrReader(self._threads)
        except ModelRejected as fault:
            self._fault = fault
