"""What the idle panel says of the device itself: what comes first, and what is left of the rest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from panel_house import AROUND, at
from panel_line import line, seen, touch

from firmware.panel.sayings import every_clip
from firmware.panel.server import PanelServer
from firmware.panel.standing import NEW_CODE, VISITS_GO_ON, Condition, Host, Told, told_of
from firmware.panel.texts import LANGUAGES, read_marked_texts, read_texts
from firmware.panel.view import PanelView, view
from firmware.transaction.visit import Visit
from firmware.words import Cause, ClockTrust, Language, Standing, State

TEXTS = read_texts()
WELL = Condition(host=Host.HERE)
CODE = "481502"
EACH = {
    Standing.TAMPERED: {"opened": True},
    Standing.STORAGE_UNAVAILABLE: {"storage": False},
    Standing.READER_UNAVAILABLE: {"reader": Cause.READER_UNAVAILABLE},
    Standing.CARD_SERVICE_UNAVAILABLE: {"reader": Cause.CARD_SERVICE_UNAVAILABLE},
    Standing.DEVICE_FAULT: {"reader": Cause.DEVICE_FAULT},
    Standing.PAIRING: {"code": CODE},
    Standing.NOT_PAIRED: {"unpaired": True},
    Standing.WRONG_HOST: {"host": Host.STRANGER},
    Standing.HOST_VERSION: {"host": Host.OTHER_VERSION},
    Standing.NO_HOST: {"host": Host.AWAY},
    Standing.CAMERA_UNAVAILABLE: {"camera": False},
    Standing.CLOCK_UNTRUSTED: {"clock": ClockTrust.NONE},
}
"""Each standing, and the one fact that makes it."""


def shown(told: Told | None, visit: Visit | None = None) -> PanelView:
    around = replace(AROUND, told=told, speaks=True)
    return view(visit or Visit(language=Language.EN), read_marked_texts(), around)


def test_a_device_that_is_well_tells_nothing() -> None:
    assert told_of(WELL) is None
    assert shown(None).title == TEXTS[Language.EN].screens["idle"].title


@pytest.mark.parametrize("standing", Standing)
def test_each_is_told_when_it_is_so_and_no_longer(standing: Standing) -> None:
    ill = replace(WELL, **EACH[standing])
    assert told_of(ill) == Told(standing, CODE if standing is Standing.PAIRING else None)
    assert told_of(WELL) is None


def test_of_two_the_first_is_told() -> None:
    order = list(Standing)
    for first, second in ((a, b) for n, a in enumerate(order) for b in order[n + 1 :]):
        if EACH[first].keys() & EACH[second].keys():
            continue  # one fact is one of them
        told = told_of(replace(WELL, **EACH[second], **EACH[first]))
        assert told is not None
        assert told.standing is first


@pytest.mark.parametrize("standing", Standing)
def test_no_visit_is_promised_where_none_can_begin(standing: Standing) -> None:
    page, texts = shown(Told(standing)), TEXTS[Language.EN]
    assert page.notice == texts.standings[standing].replace("{command}", "kazashi pair")
    bids_welcome = page.title == texts.screens["idle"].title
    assert bids_welcome == (standing in VISITS_GO_ON)
    assert (page.speech is not None) == bids_welcome  # nobody needs to hear it all day


@pytest.mark.parametrize("state", [state for state in State if state is not State.IDLE])
def test_a_visit_shows_nothing_of_it(state: State) -> None:
    told = Told(Standing.PAIRING, CODE)
    assert shown(told, at(state)) == shown(None, at(state))


def test_the_digits_are_shown_and_never_spoken() -> None:
    page = shown(Told(Standing.PAIRING, CODE))
    assert (page.code, page.speech) == (CODE, None)
    for texts in TEXTS.values():
        assert not any(CODE in clip for clip in every_clip(texts))
    assert CODE not in repr(Told(Standing.PAIRING, CODE))
    assert CODE not in repr(Condition(code=CODE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_what_is_typed_at_the_host(language: Language) -> None:
    around = replace(AROUND, told=Told(Standing.PAIRING, CODE))
    assert "kazashi pair" in str(view(Visit(language=language), TEXTS, around).notice)


async def test_other_digits_are_asked_for_where_they_are_offered_and_nowhere_else(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    asked = asyncio.Event()
    server = PanelServer(tmp_path, lambda _: None, on_new_code=asked.set)
    async with asyncio.timeout(60), line(browser, await server.start()) as page:
        entry = (await seen(page)).entry
        await touch(page, entry=entry, tap=NEW_CODE)  # nothing of it is shown
        server.tell(Told(Standing.PAIRING, CODE))
        assert not [b for b in (await seen(page)).buttons if b.id == NEW_CODE]
        await touch(page, entry=entry, tap=NEW_CODE)
        while server.stale_taps < 2:
            await asyncio.sleep(0)
        assert not asked.is_set()
        server.tell(Told(Standing.NOT_PAIRED))
        assert [b for b in (await seen(page)).buttons if b.id == NEW_CODE]
        await touch(page, entry=entry, tap=NEW_CODE)
        await asked.wait()
    await server.stop()
