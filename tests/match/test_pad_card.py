"""The card of presentation-attack detection: what it quotes, and what it must not be."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from firmware.faults import ModelRejected
from firmware.match.model_card import parse_card
from firmware.match.pad_card import PadCard, PadEvidence, PadPoint
from firmware.match.pad_zones import BESIDE, FACE_ZONES
from firmware.match.runtime import PAD, models_folder, read_pad_card

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "benchmarks" / "results" / "pad.json"
CARD = models_folder() / PAD / "pad.toml"
ONLY_A_FACE = ", ".join(["1.0"] * 13)
NO_NUMBERS = ("inf", "-inf", "nan")
NO_SHAPE = ("0.0", "-1.0", *NO_NUMBERS)


@pytest.fixture(scope="module")
def card() -> PadCard:
    return read_pad_card(CARD.parent)


@pytest.mark.parametrize("name", ["with_light", "without_light"])
def test_the_card_quotes_the_report(card: PadCard, name: str) -> None:
    measured = json.loads(REPORT.read_text(encoding="utf-8"))[name]
    point: PadPoint = getattr(card, name)
    evidence = card.evidence if name == "with_light" else card.evidence_without_light
    assert isinstance(evidence, PadEvidence)
    assert (point.id, point.threshold, point.looks, point.at_most, point.texture) == tuple(
        measured[field] for field in ("id", "threshold", "looks", "at_most", "texture")
    )
    worst, every, living = measured["apcer"], measured["apcer_all"], measured["bpcer"]
    assert (evidence.apcer, evidence.apcer_upper_95) == (worst["rate"], worst["high"])
    assert evidence.apcer_species == worst["species"]
    assert (evidence.apcer_all, evidence.attacks) == (every["rate"], every["of"])
    assert (evidence.bpcer, evidence.bpcer_upper_95) == (living["rate"], living["high"])
    assert evidence.live == living["of"]
    assert (ROOT / evidence.report).is_file()


def test_the_worst_species_is_the_worst() -> None:
    for name in ("with_light", "without_light"):
        measured = json.loads(REPORT.read_text(encoding="utf-8"))[name]
        attacks = [
            row["rate"] for name, row in measured["species"].items() if not name.startswith("live")
        ]
        assert measured["apcer"]["rate"] == max(attacks)


def test_shapes_are_of_all_zones(card: PadCard) -> None:
    zones = len(FACE_ZONES) + len(BESIDE)
    assert len(card.shapes.head) == len(card.shapes.sheet) == zones
    assert min(*card.shapes.head, *card.shapes.sheet) > 0


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("looks = 7", "looks = 0"),
        ("looks = 7", 'looks = "many"'),
        ("at_most = 11", "at_most = 6"),
        ("[light]", "[lights]"),
        ("model_id", "unknown_key = 1\nmodel_id"),
        ("head = [", "head = [1.0,"),
    ],
)
def test_a_card_with_something_wrong_is_refused(was: str, becomes: str) -> None:
    content = CARD.read_text(encoding="utf-8")
    assert was in content
    with pytest.raises(ModelRejected, match=r"the/pad\.toml"):
        parse_card(content.replace(was, becomes).encode(), "the/pad.toml", PadCard)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in ("threshold", "texture", "constant") for value in NO_NUMBERS),
        *(
            (key, f"[{value}]")
            for key in ("head", "sheet")
            for value in (", ".join(["1.0"] * 13), "")
        ),
        *((key, f"[{', '.join([value] * 23)}]") for key in ("head", "sheet") for value in NO_SHAPE),
        ("spread", "[0.0, 1.0, 1.0]"),
        ("mean", "[nan, 0.0, 0.0]"),
        ("weight", "[inf, 0.0, 0.0]"),
    ],
)
def test_values_that_nothing_can_be_judged_by_are_refused(key: str, value: str) -> None:
    content = CARD.read_text(encoding="utf-8")
    given = re.compile(rf"^{key} = (\[[^]]*\]|.*)$", re.MULTILINE)
    assert given.search(content)
    with pytest.raises(ModelRejected, match=rf"the/pad\.toml.*{key}"):
        parse_card(
            given.sub(f"{key} = {value}", content, count=1).encode(), "the/pad.toml", PadCard
        )


def test_no_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRejected):
        read_pad_card(tmp_path)
