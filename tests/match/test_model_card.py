"""The committed cards: complete, licensed, and quoting the report they name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec
import pytest

from firmware.faults import ModelRejected
from firmware.match.evaluation.calibration import WANTED_FMR
from firmware.match.model_card import ModelCard, OperatingPoint, parse_card
from firmware.match.runtime import (
    EMBEDDER,
    TEXT_READER,
    read_model_card,
    read_text_reader_card,
)

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
FOLDERS = sorted(path.parent.name for path in MODELS.glob("*/card.toml"))
RESULTS = ROOT / "benchmarks" / "results"


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_model_has_a_card_a_licence_and_a_line_in_the_table(folder: str) -> None:
    read = read_text_reader_card if folder == TEXT_READER else read_model_card
    card = read(MODELS / folder)
    licence = (MODELS / folder / "LICENSE").read_text(encoding="utf-8")
    assert card.origin.licence.removesuffix("-2.0") in licence
    table = (MODELS / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in table.splitlines() if line.startswith(f"| `{folder}/`")]
    assert card.origin.licence in row
    assert f"`{card.origin.package}` {card.origin.version}" in row


@pytest.fixture(scope="module")
def point() -> OperatingPoint:
    shipped = read_model_card(MODELS / EMBEDDER).operating_point
    assert shipped is not None
    return shipped


def test_the_card_quotes_the_calibration(point: OperatingPoint) -> None:
    calibration = json.loads((RESULTS / "calibration.json").read_text(encoding="utf-8"))
    assert calibration["point"] == msgspec.to_builtins(point)


def test_the_accuracy_was_measured_at_this_operating_point(point: OperatingPoint) -> None:
    card = read_model_card(MODELS / EMBEDDER)
    report = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    assert report["operating_point"] == msgspec.to_builtins(point)
    assert report["model_sha256"] == (card.quantised or card).sha256


def test_a_visits_fmr_is_bounded_on_each_half_by_itself_and_on_the_other(
    point: OperatingPoint,
) -> None:
    calibration = json.loads((RESULTS / "calibration.json").read_text(encoding="utf-8"))
    halves = [half for each in calibration["calibrations"] for half in each["halves"]]
    assert halves
    for half in halves:
        assert half["threshold"] < point.threshold
        assert half["visit_fmr_upper_95"] <= WANTED_FMR
        assert half["other_visit_fmr_upper_95"] <= WANTED_FMR
    assert point.fmr_upper_95 <= WANTED_FMR
    assert all(each["threshold"] < point.threshold for each in calibration["calibrations"])


def test_the_evaluation_speaks_of_this_operating_point(point: OperatingPoint) -> None:
    page = (ROOT / point.report).read_text(encoding="utf-8")
    assert point.id in page
    assert f"threshold {point.threshold}" in page


CARD = tomllib.loads((MODELS / EMBEDDER / "card.toml").read_text(encoding="utf-8"))
WRONG = {
    "no hash": lambda card: card.pop("sha256"),
    "half a hash": lambda card: card.update(sha256="abc"),
    "a path in the file name": lambda card: card.update(file="../other.onnx"),
    "an unknown key": lambda card: card.update(sha265="0" * 64),
    "a threshold of nothing": lambda card: card["operating_point"].update(threshold=0.0),
    "a hope above all scores": lambda card: card["operating_point"].update(hopeless=1.0),
    "a weight of nothing": lambda card: card["joined"].update(weight=0.0),
    "another folder": lambda card: card["joined"].update(folder="../elsewhere"),
    "a threshold in words": lambda card: card["operating_point"].update(threshold="high"),
    "three dimensions": lambda card: card["input"].update(shape=[3, 112, 112]),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG.keys())
def test_a_spoilt_card_is_refused_with_its_name(spoil: object) -> None:
    card = json.loads(json.dumps(CARD))
    spoil(card)  # type: ignore[operator]
    lines = [
        f"{key} = {json.dumps(value)}" for key, value in card.items() if type(value) is not dict
    ]
    for name in ("origin", "input", "embedding", "joined", "operating_point"):
        lines += [f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in card[name].items())]
    with pytest.raises(ModelRejected, match=r"the/card\.toml"):
        parse_card("\n".join(lines).encode(), "the/card.toml", ModelCard)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"model_id = ", b"[[[["])
def test_bytes_that_are_no_card_are_refused(content: bytes) -> None:
    with pytest.raises(ModelRejected):
        parse_card(content, "card.toml", ModelCard)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRejected, match=r"card\.toml"):
        read_model_card(tmp_path)
