"""What a site may say of its card readers: nothing that no reader could ever fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.faults import BadSettings
from firmware.settings import CardSettings, read_settings


def of_card(folder: Path, line: str) -> CardSettings:
    """The card's settings as a site writes them."""
    path = folder / "firmware.toml"
    path.write_text(f'state_dir = "s"\nruntime_dir = "r"\n[card]\n{line}\n')
    return read_settings(path).card


@pytest.mark.parametrize("block", [256, 65536])
def test_a_block_is_what_a_short_length_can_ask_for_or_more(tmp_path: Path, block: int) -> None:
    assert of_card(tmp_path, f"block_bytes = {block}").block_bytes == block


@pytest.mark.parametrize("block", [0, 62, 255, 65537])
def test_no_other_block_is_taken(tmp_path: Path, block: int) -> None:
    with pytest.raises(BadSettings, match=r"card\.block_bytes"):
        of_card(tmp_path, f"block_bytes = {block}")


@pytest.mark.parametrize(
    "line, patterns",
    [
        ("", ("*",)),
        ('reader = "*ACR*"', ("*ACR*",)),
        ('reader = ["*ACR*", "*Sony*"]', ("*ACR*", "*Sony*")),
    ],
)
def test_one_pattern_or_several(tmp_path: Path, line: str, patterns: tuple[str, ...]) -> None:
    assert of_card(tmp_path, line).readers == patterns


@pytest.mark.parametrize("nothing", ["[]", '""', '["*ACR*", ""]'])
def test_a_pattern_that_fits_nothing_is_refused(tmp_path: Path, nothing: str) -> None:
    with pytest.raises(BadSettings, match=r"card\.reader"):
        of_card(tmp_path, f"reader = {nothing}")
