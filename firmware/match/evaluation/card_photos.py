"""A picture as a chip would give it back, and with the room around it that a camera leaves."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image

from firmware.match.jpeg2000 import LEAST_SIDE, photo_size
from firmware.match.networks import Grey
from firmware.match.photo_child import decode

BORDER_GREY: Final = 127
MOST_HEIGHTS: Final = 3  # a picture longer than this is no portrait, and gets bars


@dataclass(frozen=True, slots=True)
class CardPhoto:
    """How a chip stores a photo: grey JPEG 2000. Without a height the picture keeps its shape."""

    file_bytes: int = 5000
    width: int = 240
    height: int | None = None

    def store(self, crop: Grey) -> bytes:
        """The JPEG 2000 file of about so many bytes; a shape that does not fit gets grey bars."""
        small = self._scaled(crop)
        file = io.BytesIO()
        Image.fromarray(small).save(
            file,
            "JPEG2000",
            quality_mode="rates",
            quality_layers=[max(1.0, small.size / self.file_bytes)],
            irreversible=True,
        )
        return file.getvalue()

    def _scaled(self, crop: Grey) -> Grey:
        rows, columns = crop.shape
        shaped = round(rows * self.width / columns)
        height = self.height or min(max(shaped, LEAST_SIDE), MOST_HEIGHTS * self.width)
        ratio = min(self.width / columns, height / rows)
        inner = (max(1, round(columns * ratio)), max(1, round(rows * ratio)))
        way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
        photo = np.full((height, self.width), BORDER_GREY, np.uint8)
        top, left = (height - inner[1]) // 2, (self.width - inner[0]) // 2
        photo[top : top + inner[1], left : left + inner[0]] = cv2.resize(
            crop, inner, interpolation=way
        )
        return photo


def read_back(jp2: bytes) -> Grey:
    """The pixels of such a file, by the decoder that a chip's photo goes through."""
    size = photo_size(jp2)
    return np.frombuffer(decode(jp2), np.uint8).reshape(size.height, size.width)


def with_border(crop: Grey, share: float) -> Grey:
    """The crop with grey around it on all sides, in parts of its height."""
    width = round(share * crop.shape[0])
    sides = (width, width, width, width)
    bordered = cv2.copyMakeBorder(crop, *sides, cv2.BORDER_CONSTANT, value=(BORDER_GREY,))
    return np.asarray(bordered, np.uint8)
