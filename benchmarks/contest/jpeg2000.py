"""A card's JPEG 2000 photo in one decoder, from the file in memory to pixels. Runs in a child."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Decoder:
    """What the contest calls by name: `run` is timed, `pixels` are compared."""

    def __init__(self, decoder: str, file: str) -> None:
        self._decode = DECODERS[decoder]()
        self._content = Path(file).read_bytes()

    def run(self) -> None:
        """Decode once."""
        self._decode(self._content)

    def pixels(self, into: str) -> None:
        """What came of it, in RGB or grey."""
        np.save(into, self._decode(self._content))


class Pillow:
    """Pillow, whose wheel holds OpenJPEG."""

    def __init__(self) -> None:
        from PIL import Image

        self._image: Any = Image

    def __call__(self, content: bytes) -> Pixels:
        with self._image.open(io.BytesIO(content), formats=["JPEG2000"]) as picture:
            return np.asarray(picture)


class OpenCv:
    """OpenCV's imdecode."""

    def __init__(self) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._cv2: Any = cv2

    def __call__(self, content: bytes) -> Pixels:
        buffer = np.frombuffer(content, np.uint8)
        pixels = np.asarray(self._cv2.imdecode(buffer, self._cv2.IMREAD_UNCHANGED), np.uint8)
        return pixels if pixels.ndim == 2 else pixels[:, :, ::-1]


class Imagecodecs:
    """imagecodecs, OpenJPEG on one thread."""

    def __init__(self) -> None:
        import imagecodecs

        self._decode: Any = imagecodecs.jpeg2k_decode

    def __call__(self, content: bytes) -> Pixels:
        return np.asarray(self._decode(content, numthreads=1))


class Pylibjpeg:
    """pylibjpeg-openjpeg."""

    def __init__(self) -> None:
        from openjpeg import decode

        self._decode: Any = decode

    def __call__(self, content: bytes) -> Pixels:
        return np.asarray(self._decode(content))


class Glymur:
    """glymur on the system's OpenJPEG; it only reads files, so each content lies in one."""

    def __init__(self) -> None:
        import glymur

        if glymur.version.openjpeg_version_tuple < (2, 0, 0):
            raise ImportError("glymur finds no OpenJPEG on this system (libopenjp2-7)")
        self._open: Any = glymur.Jp2k
        self._folder = tempfile.TemporaryDirectory()

    def __call__(self, content: bytes) -> Pixels:
        path = Path(self._folder.name) / "photo.jp2"
        path.write_bytes(content)
        return np.asarray(self._open(path)[:])


class Sandboxed:
    """Ours: the size checked, then a child of its own that may die of it, there and back."""

    def __init__(self) -> None:
        from firmware.match.photo import PhotoDecoder

        self._decoder = PhotoDecoder()

    def __call__(self, content: bytes) -> Pixels:
        return self._decoder.decode(content)


DECODERS: dict[str, Any] = {
    "pillow": Pillow,
    "opencv": OpenCv,
    "imagecodecs": Imagecodecs,
    "pylibjpeg": Pylibjpeg,
    "glymur": Glymur,
    "ours": Sandboxed,
}
