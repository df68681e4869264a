"""The committed cards: complete, licensed, and quoting the report they name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec
import pytest

from firmware.faults import ModelRejected
from firmware.match.model_card import parse_model_card
from firmware.match.runtime import EMBEDDER, read_model_card

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
FOLDERS = sorted(path.parent.name for path in MODELS.glob("*/card.toml"))
REPORT = ROOT / "benchmarks" / "results" / "accuracy.json"


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_model_has_a_card_a_licence_and_a_line_in_the_table(folder: str) -> None:
    card = read_model_card(MODELS / folder)
    licence = (MODELS / folder / "LICENSE").read_text(encoding="utf-8")
    assert card.origin.licence.removesuffix("-2.0") in licence
    table = (MODELS / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in table.splitlines() if line.startswith(f"| `{folder}/`")]
    assert card.origin.licence in row
    assert f"`{card.origin.package}` {card.origin.version}" in row


def test_the_card_quotes_the_report() -> None:
    card = read_model_card(MODELS / EMBEDDER)
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["operating_point"] == msgspec.to_builtins(card.operating_point)
    assert (report["model_id"], report["model_sha256"]) == (card.model_id, card.sha256)


def test_the_threshold_is_no_looser_than_any_experiment_asks_for() -> None:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    strictest = max(report["threshold_at_wanted_fmr"].values())
    assert report["threshold"] >= strictest + report["margin"] - 0.001
    assert all(rate["fmr"] <= report["wanted_fmr"] for rate in report["rates"])


def test_the_evaluation_speaks_of_this_operating_point() -> None:
    point = read_model_card(MODELS / EMBEDDER).operating_point
    assert point is not None
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
    for name in ("origin", "input", "operating_point"):
        lines += [f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in card[name].items())]
    with pytest.raises(ModelRejected, match=r"the/card\.toml"):
        parse_model_card("\n".join(lines).encode(), "the/card.toml")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"model_id = ", b"[[[["])
def test_bytes_that_are_no_card_are_refused(content: bytes) -> None:
    with pytest.raises(ModelRejected):
        parse_model_card(content, "card.toml")


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRejected, match=r"card\.toml"):
        read_model_card(tmp_path)
