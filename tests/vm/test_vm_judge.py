"""The judge of `make test-vm`: what was not said did not happen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks import CHECKS, heard, table, verdict


def said(check: str, ok: object = True) -> str:
    return json.dumps({"check": check, "ok": ok, "saw": "this", "took_s": 1.5})


def judged(*lines: str) -> list[str]:
    told = dict(one for line in lines if (one := heard(line)) is not None)
    return verdict(told, ("install", "ledger"))


def test_all_seen_is_well() -> None:
    assert judged(said("install"), said("ledger")) == []


def test_what_nobody_spoke_of_has_failed() -> None:
    assert judged(said("install")) == ["ledger"]


def test_what_was_not_seen_has_failed() -> None:
    assert judged(said("install", ok=False), said("ledger")) == ["install"]


def test_only_true_is_true() -> None:
    assert judged(said("install", ok="yes"), said("ledger", ok=1)) == ["install", "ledger"]


@pytest.mark.parametrize("line", ["", "{", "[1]", "null", '{"check": "install"}', '"install"'])
def test_noise_says_nothing(line: str) -> None:
    assert heard(line) is None


def test_the_table_has_a_row_for_each_check() -> None:
    rows = table({}, CHECKS).splitlines()
    assert len(rows) == 2 + len(CHECKS)
    assert all("never reached" in row for row in rows[2:])


def test_the_machine_plays_every_check() -> None:
    """And each by its name: a scenario under another name would never be seen."""
    played = (Path(__file__).parent / "inside/__main__.py").read_text(encoding="utf-8")
    assert [name for name in CHECKS if f'"{name}": ' not in played] == []
