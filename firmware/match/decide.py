"""From a score to a decision: the one place where a threshold is used."""

from __future__ import annotations

from firmware.match.model_card import OperatingPoint
from firmware.words import MatchDecision, PadDecision


def decide(
    score: float, pad: PadDecision, quality_ok: bool, point: OperatingPoint
) -> MatchDecision:
    """What one fused score means at an operating point.

    `PadDecision.NOT_DONE` lets a face pass: then nothing has told it from a picture of it, and the
    statement says so in its own field.
    """
    if not quality_ok:
        return MatchDecision.TRY_AGAIN
    if pad is PadDecision.NOT_LIVE:
        return MatchDecision.NOT_LIVE
    if score >= point.threshold:
        return MatchDecision.SAME_PERSON
    return MatchDecision.NOT_SAME_PERSON  # also when the score is no number: doubt refuses
