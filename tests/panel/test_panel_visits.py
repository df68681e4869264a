"""Whole visits through the real page: by finger, by keypad alone, and in every language."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from browser_house import page_of
from panel_house import REQUEST, House, World, opened
from playwright.async_api import Browser, Page

from firmware.transaction import events as e
from firmware.transaction.visit import Ending, Visit
from firmware.words import ConsentItem, Language, Method, Outcome, State

pytestmark = pytest.mark.asyncio(loop_scope="module")
VERIFIED = Ending(Outcome.VERIFIED)
Press = Callable[[Page, str], Awaitable[None]]


async def by_finger(page: Page, button: str) -> None:
    await page.locator(f'body:not(.settling) [data-id="{button}"]').tap()


async def by_keypad(page: Page, button: str) -> None:
    """Move with + until the button is held, then Enter: the keys that a bare keypad has."""
    await page.locator(f'body:not(.settling) [data-id="{button}"]').wait_for()
    held: set[str] = set()
    while (now := await page.evaluate("document.activeElement.dataset.id ?? ''")) != button:
        assert now not in held or now == "", f"{button} cannot be reached; only {held}"
        held.add(now)
        await page.keyboard.press("NumpadAdd")
    assert await page.evaluate("document.activeElement.matches(':focus-visible')")
    await page.keyboard.press("NumpadEnter")


async def stands_in(page: Page, state: State) -> None:
    await page.locator(f'body[data-state="{state}"]').wait_for()


POINTERS = """for (const kind of ["pointerdown", "mousedown", "mousemove", "touchstart"])
  addEventListener(kind, () => { window.pointed = kind; }, true);"""


@asynccontextmanager
async def visit_begun(
    folder: Path, chrome: Browser, world: World | None = None
) -> AsyncIterator[tuple[House, Page]]:
    """A visit whose card has been placed, and the page before the patient."""
    async with opened(folder, world) as (house, address), page_of(chrome, address) as page:
        await page.evaluate(POINTERS)
        await stands_in(page, State.IDLE)
        house.post(e.Started(replace(REQUEST, looks=1)))
        await stands_in(page, State.WAITING_FOR_CARD)
        house.post(e.CardPlaced())
        yield house, page


async def card_taken(house: House, page: Page) -> Visit:
    await stands_in(page, State.TAKE_CARD)
    house.post(e.CardRemoved())
    await stands_in(page, State.FORGETTING)
    assert house.ended is not None
    return house.ended


@pytest.mark.parametrize("language", Language)
async def test_a_visit_by_one_tap_in_each_language(
    tmp_path: Path, chrome: Browser, language: Language
) -> None:
    async with visit_begun(tmp_path, chrome) as (house, page):
        await stands_in(page, State.ASKING_CONSENT)
        if language is not Language.JA:
            await page.locator("#open-languages").tap()
            await by_finger(page, f"language.{language}")
        await by_finger(page, "consent.all")
        await stands_in(page, State.ASKING_QUESTIONS)
        await by_finger(page, "answer.prescription_form.electronic")
        await by_finger(page, "answer.subsidy.do_not_use")
        visit = await card_taken(house, page)
    assert (visit.ending, visit.method, visit.language) == (VERIFIED, Method.FACE, language)


async def test_a_pin_visit_by_finger(tmp_path: Path, chrome: Browser) -> None:
    world = World(pin=b"0907", face_starts=False)
    async with visit_begun(tmp_path, chrome, world) as (house, page):
        await by_finger(page, "method.pin")
        await stands_in(page, State.ASKING_PIN)
        await by_finger(page, "helper")
        for count, position in enumerate((9, 8, 9, 6)):
            await page.locator("body:not(.settling) #keys .blank").nth(position).tap()
            await page.locator("#typed i.typed").nth(count).wait_for()
        await by_finger(page, "enter")
        await stands_in(page, State.ASKING_CONSENT)
        await by_finger(page, "consent.each")
        for item in ConsentItem:
            await by_finger(page, f"consent.{item}.agree")
        await by_finger(page, "answer.prescription_form.paper")
        await by_finger(page, "answer.subsidy.use")
        visit = await card_taken(house, page)
    assert (visit.ending, visit.method, visit.helper) == (VERIFIED, Method.PIN, True)
    assert len(visit.consents) == len(ConsentItem)


async def test_a_pin_visit_by_keypad_alone(tmp_path: Path, chrome: Browser) -> None:
    world = World(pin=b"0907", face_starts=False)
    async with visit_begun(tmp_path, chrome, world) as (house, page):
        await by_keypad(page, "method.pin")
        await stands_in(page, State.ASKING_PIN)
        await page.keyboard.press("Numpad5")
        await page.locator("#typed i.typed").nth(0).wait_for()
        await page.keyboard.press("NumpadDecimal")
        await page.locator("#typed i.typed").nth(0).wait_for(state="detached")
        for count, digit in enumerate("0907"):
            await page.keyboard.press(f"Numpad{digit}")
            await page.locator("#typed i.typed").nth(count).wait_for()
        await page.locator("body:not(.settling) #keys .enter:enabled").wait_for()
        await page.keyboard.press("NumpadEnter")
        await stands_in(page, State.ASKING_CONSENT)
        for button in (
            "consent.none",
            "answer.prescription_form.paper",
            "answer.subsidy.use",
        ):
            await by_keypad(page, button)
        visit = await card_taken(house, page)
        assert await page.evaluate("window.pointed ?? null") is None
    assert (visit.ending, visit.method) == (VERIFIED, Method.PIN)


async def test_menus_and_leaving_by_keys(tmp_path: Path, chrome: Browser) -> None:
    async with visit_begun(tmp_path, chrome) as (house, page):
        await stands_in(page, State.ASKING_CONSENT)
        await by_arrows_to(page, "open-comfort")
        await page.keyboard.press("Enter")
        await by_keypad(page, "comfort.large")
        await page.locator('body[data-large="true"]').wait_for()
        await page.keyboard.press("Escape")
        assert await page.evaluate("document.activeElement.id") == "open-comfort"
        await by_arrows_to(page, "open-languages")
        await page.keyboard.press("Enter")
        await by_keypad(page, "language.ko")
        await page.locator('html[lang="ko"]').wait_for()
        await page.locator("body:not(.settling)").wait_for()
        await page.keyboard.press("Escape")
        assert await page.evaluate("document.activeElement.dataset.id") == "cancel"
        assert house.visit.state is State.ASKING_CONSENT, "Escape alone stops nothing at once"
        await page.keyboard.press("Escape")
        visit = await card_taken(house, page)
        assert await page.evaluate("window.pointed ?? null") is None
    assert visit.ending is not None
    assert visit.ending.outcome is Outcome.CANCELLED


async def by_arrows_to(page: Page, element: str) -> None:
    await page.locator("body:not(.settling)").wait_for()
    for _ in range(30):
        if await page.evaluate("document.activeElement.id") == element:
            return
        await page.keyboard.press("ArrowDown")
    raise AssertionError(f"{element} cannot be reached")


async def test_more_time_is_one_key_away(tmp_path: Path, chrome: Browser) -> None:
    async with visit_begun(tmp_path, chrome) as (house, page):
        await stands_in(page, State.ASKING_CONSENT)
        house.post(e.TimeWarned(house.visit.entry))
        await by_keypad(page, "more_time")
        await page.locator('[data-id="more_time"]').wait_for(state="detached")
        assert not house.visit.warned
        assert house.visit.state is State.ASKING_CONSENT
