"""Operating points for tests: thresholds that nobody measured, and that say so."""

from __future__ import annotations

import msgspec

from firmware.match.evaluation.measuring import NOBODY
from firmware.match.model_card import OperatingPoint


def point_at(threshold: float) -> OperatingPoint:
    return msgspec.structs.replace(NOBODY, id="for-tests", threshold=threshold, frames=5)
