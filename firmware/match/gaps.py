"""Whether a letter has gone from a line: a scratch that took a digit leaves a hole in the print.

The recogniser does not see it: 3月17日 without its 1 is a date as well.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from firmware.camera.frame import Pixels
from firmware.match.printed_card import PIXELS_PER_MM

WIDEST_GAP_MM: Final = 1.35
"""Between two letters of a date: 11 in type of even width comes near it, a lost digit is beyond."""
_FAINTEST: Final = 0.35
"""Ink, as a part of what is usual on the line: what is fainter has gone."""
_LETTER_MM: Final = 2.0
_BEGINS_MM: Final = 3.0
"""Where a line begins at the latest; what it can then take at the most:"""
_WIDEST_KANJI_MM: Final = 2.9
_WIDEST_DIGIT_MM: Final = 1.6


def has_gap(line: Pixels, beginning: str) -> bool:
    """Whether a hole wider than print has stands between two letters of a cut-out date, grey.

    Looked at is the `beginning` that was read there, and room for a digit more: a scratch to the
    right of a short date leaves a hole before it that says nothing.
    """
    digits = sum(letter.isdigit() for letter in beginning)
    kanji = len(beginning) - digits
    reach_mm = _BEGINS_MM + kanji * _WIDEST_KANJI_MM + (digits + 1) * _WIDEST_DIGIT_MM
    line = line[:, : round(reach_mm * PIXELS_PER_MM)]
    soft = cv2.GaussianBlur(line, (0, 0), 0.1 * PIXELS_PER_MM)
    wide = round(_LETTER_MM * PIXELS_PER_MM) | 1
    ink = cv2.morphologyEx(soft, cv2.MORPH_BLACKHAT, np.ones((wide, wide), np.uint8))
    rows = cv2.blur(ink, (1, wide)).mean(axis=1)
    middle, half = int(np.argmax(rows)), wide // 2
    band = ink[max(0, middle - half) : middle + half + 1].astype(np.float32)
    columns = np.quantile(band, 0.8, axis=0)  # a dot left of a digit is no digit
    inked = np.flatnonzero(columns > _FAINTEST * np.quantile(columns, 0.8))
    if len(inked) == 0:
        return True
    return bool(np.diff(inked).max(initial=0) > WIDEST_GAP_MM * PIXELS_PER_MM)
