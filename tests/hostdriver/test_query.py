"""`eligibility.query`: by insured-card data, from the socket and from the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from front_desk import NAME, NONCE, Site
from test_programs import kazashi

PAPER = {
    "insurer_number": "000001",
    "insured_card_symbol": "0123",
    "insured_identification_number": "0004321",
    "insured_branch_number": "00",
    "birthdate": "19520401",
}
OPTIONS = ("--insurer", "000001", "--number", "0004321", "--birthdate", "19520401")


def ledger_text(site: Site) -> str:
    """All that the ledger holds, as text."""
    (path,) = Path(site.settings.state_dir).glob("*ledger*.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


async def test_an_answer_comes_with_what_was_asked(site: Site) -> None:
    async with site.client() as desk:
        answer = await desk.must("eligibility.query", **PAPER)
    assert answer["eligibility"]["validity"] == "valid"
    assert answer["eligibility"]["QualificationConfirmSearchInfo"] == {
        "InsurerNumber": "  000001",  # eight wide, whoever asks
        "InsuredCardSymbol": "0123",
        "InsuredIdentificationNumber": "0004321",
        "InsuredBranchNumber": "00",
        "Birthdate": "19520401",
    }
    (question,) = site.gateway.asked
    assert (str(question.inquiry_id), question.requester) == (answer["inquiry_id"], "front desk")
    assert "0004321" not in repr(question)


async def test_the_ledger_holds_that_it_was_asked_and_not_what(site: Site) -> None:
    async with site.client() as desk:
        answer = await desk.must("eligibility.query", **PAPER)
        site.gateway.up = False
        assert await desk.refused("eligibility.query", **PAPER) == "upstream_unavailable"
        assert (await desk.must("ledger.verify"))["ok"]
    kept = ledger_text(site)
    assert answer["inquiry_id"] in kept
    assert kept.count("eligibility_queried") == 2
    assert "upstream_unavailable" in kept
    for secret in (*PAPER.values(), NAME):
        assert f'"{secret}"' not in kept


async def test_a_gateway_that_cannot_be_asked_says_so(site: Site) -> None:
    site.gateway.capabilities = replace(site.gateway.capabilities, queries=False)
    async with site.client() as desk:
        assert await desk.refused("eligibility.query", **PAPER) == "upstream_cannot_query"
    assert site.gateway.asked == []


async def test_a_gateway_that_confirms_no_card_begins_no_visit(site: Site) -> None:
    site.gateway.capabilities = replace(site.gateway.capabilities, confirms_cards=False)
    async with site.client() as desk:
        answer = await desk.ask("transaction.start", client_ref="a-1", nonce=NONCE)
        data = answer["error"]["data"]
        assert data["symbol"] == "upstream_cannot_confirm_card"
        assert data["fallback"][0]["id"] == "query_by_insured_card_data"


async def test_a_gateway_that_nobody_set_up_begins_no_visit_and_health_says_so(site: Site) -> None:
    site.gateway.capabilities = replace(site.gateway.capabilities, set_up=False)
    async with site.client() as desk:
        assert await desk.refused("transaction.start", client_ref="a-1", nonce=NONCE) == (
            "gateway_not_set_up"
        )
        health = (await desk.ask("health"))["result"]
        assert "gateway_not_set_up" in health["problems"]
        assert not health["ok"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"birthdate": "19520230"},
        {"birthdate": "1952-04-01"},
        {"birthdate": 19520401},
        {"insurer_number": "1"},
        {"insurer_number": "0000001"},
        {"insurer_number": "00000１"},
        {"insured_branch_number": "0"},
        {"insured_identification_number": ""},
        {"insured_identification_number": "x" * 21},
        {"insured_card_symbol": "a\nb"},
        {"birthdate": None},
    ],
)
async def test_what_stands_on_no_paper_is_refused(site: Site, wrong: dict[str, Any]) -> None:
    async with site.client() as desk:
        assert await desk.refused("eligibility.query", **PAPER | wrong) == "invalid_params"
    assert site.gateway.asked == []


@pytest.mark.parametrize("number", ["123456789012", "1234-5678-9012", "１２３４５６７８９０１２"])
@pytest.mark.parametrize("field", ["insured_identification_number", "insured_card_symbol", "more"])
async def test_a_twelve_digit_number_is_never_taken(site: Site, field: str, number: str) -> None:
    async with site.client() as desk:
        request = {"jsonrpc": "2.0", "id": 1, "method": "eligibility.query"}
        line = json.dumps(request | {"params": PAPER | {field: number}}).encode()
        answer = await desk.exchange(line + b"\n")
    assert answer["error"]["data"]["symbol"] == "personal_number_refused"
    assert site.gateway.asked == []
    assert number not in ledger_text(site)


# --- kazashi query
async def test_the_command_prints_the_insurance(site: Site) -> None:
    code, out, _ = await kazashi(site, "query", *OPTIONS)
    assert code == 0
    assert "valid" in out
    assert NAME in out
    code, out, _ = await kazashi(site, "query", *OPTIONS, "--symbol", "0123", "--json")
    assert code == 0
    asked = json.loads(out)["eligibility"]["QualificationConfirmSearchInfo"]
    assert asked["InsuredCardSymbol"] == "0123"


async def test_the_commands_exit_codes(site: Site) -> None:
    assert (await kazashi(site, "query"))[0] == 2
    code, _, err = await kazashi(site, "query", *OPTIONS, "--branch", "7x7")
    assert (code, "write 2 digits" in err, "7x7" in err) == (2, True, False)
    site.gateway.up = False
    code, _, err = await kazashi(site, "query", *OPTIONS)
    assert (code, "upstream_unavailable" in err) == (1, True)


async def test_the_command_sends_no_twelve_digit_number(site: Site) -> None:
    code, _, err = await kazashi(site, "query", *OPTIONS, "--symbol", "1234 5678 9012")
    assert (code, "12-digit" in err) == (2, True)
    assert site.gateway.asked == []
