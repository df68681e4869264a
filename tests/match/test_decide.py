"""The table of decisions."""

from __future__ import annotations

import math

import pytest
from points import point_at

from firmware.match.decide import decide
from firmware.words import MatchDecision as D
from firmware.words import PadDecision as P

ROWS = [
    # score, pad, quality, decision
    (0.99, P.LIVE, False, D.TRY_AGAIN),
    (0.10, P.NOT_LIVE, False, D.TRY_AGAIN),
    (0.99, P.NOT_LIVE, True, D.NOT_LIVE),
    (0.10, P.NOT_LIVE, True, D.NOT_LIVE),
    (0.50, P.LIVE, True, D.SAME_PERSON),
    (0.50, P.NOT_DONE, True, D.SAME_PERSON),
    (0.4999, P.LIVE, True, D.NOT_SAME_PERSON),
    (-1.0, P.NOT_DONE, True, D.NOT_SAME_PERSON),
    (math.nan, P.LIVE, True, D.NOT_SAME_PERSON),
]


@pytest.mark.parametrize(("score", "pad", "quality_ok", "decision"), ROWS)
def test_each_row(score: float, pad: P, quality_ok: bool, decision: D) -> None:
    assert decide(score, pad, quality_ok, point_at(0.5)) is decision
