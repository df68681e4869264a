"""What `kazashi` shows to people: a visit as it goes on, its end, what is wrong and what to do."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from front_desk import MoodyGateway, settings
from joserfc.jwk import OKPKey
from rich.console import Console
from signing_device import WITHIN_S

from firmware.words import Cause, Outcome, State
from hostdriver import cli, translate
from hostdriver.advice import ADVICE, health_lines
from hostdriver.driver import running
from hostdriver.progress import STAGES, WORDS, VisitProgress
from hostdriver.rendering import result_table
from hostdriver.translate import Ending

OF_THE_DEVICE = list(Cause)[: list(Cause).index(Cause.CARD_NOT_PRESENTED)]
TROUBLES = [
    *(cause.value for cause in OF_THE_DEVICE),
    *("device_not_trusted", "reader_version", "reader_taken"),
    *("ledger_unavailable", "face_folder_unusable", "gateway_not_set_up"),
]
"""All that `health` can name: of the reader, of the link to it, of the driver itself."""


def drawn(progress: VisitProgress) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(progress)
    return console.export_text()


def test_every_state_has_a_stage_and_words_of_its_own() -> None:
    assert WORDS.keys() == set(State)
    assert {stage for stage, _ in WORDS.values()} == set(range(len(STAGES)))
    assert len({words for _, words in WORDS.values()}) == len(State)
    places = [WORDS[state][0] for state in State]
    assert places == sorted(places)  # a visit goes on, it does not go back


def test_the_display_says_what_is_going_on_and_for_how_long() -> None:
    clock = iter((100.0, 103.4, 109.0, 110.0))
    progress = VisitProgress(lambda: next(clock))
    progress.hear({"event": "progress", "state": "asking_pin", "tries_left": 2})
    assert "the patient types the PIN, 2 tries left, 3 s" in drawn(progress)
    progress.hear({"event": "progress", "state": "a_state_of_tomorrow"})
    assert "a_state_of_tomorrow, 9 s" in drawn(progress)
    progress.hear({"event": "finished", "outcome": "verified", "state": "take_card"})
    assert "finished: verified, 10 s" in drawn(progress)


def test_the_end_of_a_failed_visit_says_what_to_do_next() -> None:
    ended = Ending(Outcome.FAILED, Cause.CARD_UNREADABLE)
    key = OKPKey.generate_key("Ed25519")
    result = translate.visit_result(ended, None, key, date(2026, 1, 5))
    told = result_table(msgspec.to_builtins(result)).splitlines()
    assert result.fallback
    assert told[-len(result.fallback) - 1 :] == [
        result.staff_text,
        *(f"  {number}. {way.text}" for number, way in enumerate(result.fallback, start=1)),
    ]


# --- health
@pytest.mark.parametrize("symbol", TROUBLES)
def test_whatever_may_be_wrong_has_an_advice(symbol: str) -> None:
    what, step = ADVICE[symbol]
    trouble = translate.trouble(symbol, "kazashi-1", None)
    told = list(
        health_lines(
            {
                "ok": False,
                "troubles": [
                    {
                        "symbol": trouble.symbol,
                        "reader": trouble.reader,
                        "since": "2026-01-05T00:30:00Z",
                        "staff_text": trouble.staff_text,
                    }
                ],
                "readers": [],
            }
        )
    )
    assert told[0] == f"kazashi-1: {what} ({symbol}), since 2026-01-05 09:30:00"
    assert told[1] == f"  → {step}"
    assert told[2].strip() == trouble.staff_text


async def test_health_names_the_trouble_since_when_and_the_next_step(tmp_path: Path) -> None:
    """No device was ever there."""
    async with running(settings(tmp_path), MoodyGateway()) as address:

        def run() -> Any:
            return CliRunner().invoke(cli.main, ["--socket", address, "health", *as_json])

        as_json = ["--json"]
        first = await asyncio.wait_for(asyncio.to_thread(run), WITHIN_S)
        again = await asyncio.wait_for(asyncio.to_thread(run), WITHIN_S)
        as_json = []
        done = await asyncio.wait_for(asyncio.to_thread(run), WITHIN_S)
    (trouble,) = json.loads(first.stdout)["troubles"]
    assert (trouble["symbol"], trouble["reader"]) == ("reader_unavailable", "kazashi-1")
    assert json.loads(again.stdout)["troubles"] == [trouble]  # asking makes it no younger
    assert done.exit_code == 1
    assert "the reader does not answer (reader_unavailable), since 20" in done.stdout
    assert "→ check its power and cable" in done.stdout
