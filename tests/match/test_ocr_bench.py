"""The bench of printed numbers: what it counts, and that what is scored was not tuned on."""

from __future__ import annotations

from pathlib import Path

import pytest
from ocr_cards import DEVELOPMENT, SCORED
from ocr_report import interval, write_report


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 100, 0.0, 0.0362),
        (100, 100, 0.9638, 1.0),
        (50, 100, 0.3983, 0.6017),
        (1, 10, 0.0025, 0.4450),
        (0, 0, 0.0, 1.0),
    ],
)
def test_intervals_are_those_of_the_tables(hits: int, of: int, low: float, high: float) -> None:
    assert interval(hits, of) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_what_is_scored_shares_no_font_and_no_seed_with_the_development() -> None:
    assert not {font.package for font in SCORED.fonts} & {f.package for f in DEVELOPMENT.fonts}
    assert SCORED.first_seed - DEVELOPMENT.first_seed > 6 * 100_000


def test_a_report_counts_every_end(tmp_path: Path) -> None:
    font = SCORED.fonts[0].file
    card = {"index": 0, "font": font, "level": 1, "cpu_s": [0.1]}
    rows = [
        {**card, "look": 1, "frames": 2, "right": True},
        {**card, "look": 1, "frames": 5, "right": True},
        {**card, "look": 2, "frames": 2, "right": False},
        {**card, "look": None, "frames": 6, "right": None, "level": 5},
    ]
    table = write_report(tmp_path, SCORED, rows)
    lines = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in table.splitlines()[2:]}
    counted = [cell.split()[0] for cell in lines["1-5"][:6]]
    assert counted == ["4", "1", "2", "1", "1", "**1**"]
    assert lines["5 hopeless"][4].strip() == "1"
    assert {path.name for path in tmp_path.iterdir()} == {"ocr.md", "ocr.json", "ocr.png"}
