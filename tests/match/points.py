"""Operating points for tests: thresholds that nobody measured, and that say so."""

from __future__ import annotations

from firmware.match.model_card import OperatingPoint


def point_at(threshold: float) -> OperatingPoint:
    return OperatingPoint(
        id="for-tests",
        threshold=threshold,
        frames=5,
        fmr=0.0,
        fmr_upper_95=1.0,
        fnmr=0.0,
        fnmr_upper_95=1.0,
        impostor_pairs=0,
        genuine_pairs=0,
        measured_on="nobody",
        report="none",
    )
