"""The page in a real browser: it fits its displays, and typing leaves no trace on it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from panel_house import House, World, at, opened
from playwright.async_api import Browser, Page, async_playwright

from firmware.panel.server import WEB, PanelServer
from firmware.panel.texts import LANGUAGES
from firmware.transaction import events as e
from firmware.transaction.visit import Ending, Visit
from firmware.words import Cause, Outcome, State

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "screenshots.py"
spec = spec_from_file_location("screenshots", SCRIPT)
assert spec is not None
assert spec.loader is not None
screenshots = module_from_spec(spec)
spec.loader.exec_module(screenshots)

FINGER_PX = 44


@asynccontextmanager
async def page_of(browser: Browser, address: str, size: tuple[int, int]) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=True, reduced_motion="reduce"
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    await page.clock.install()
    await page.goto(address)
    try:
        yield page
    finally:
        await context.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=screenshots.CHROMIUM, args=screenshots.ARGUMENTS
        )
        yield browser
        await browser.close()


async def typed(page: Page, *positions: int) -> None:
    for count, position in enumerate(positions, 1):
        await page.locator("#keys .blank").nth(position).tap()
        await page.locator("#typed i.typed").nth(count - 1).wait_for()


async def traces(page: Page) -> tuple[str, bytes, str]:
    """All that an onlooker, or a stolen picture, could learn."""
    focus = await page.evaluate("document.activeElement.outerHTML")
    return await page.content(), await page.screenshot(), focus


async def test_two_pins_look_the_same_and_the_right_one_is_accepted(
    tmp_path: Path, browser: Browser
) -> None:
    async with (
        opened(tmp_path, World(pin=b"1470")) as (house, address),
        page_of(browser, address, (800, 480)) as page,
    ):
        first = await typed_in(house, page, 11, (5, 8, 2, 1))
        second = await typed_in(house, page, 11, (0, 3, 6, 9))
        assert [part == other for part, other in zip(first, second, strict=True)] == [True] * 3
        await page.locator("#keys .enter").tap()
        await page.locator('body[data-state="asking_consent"]').wait_for()


async def typed_in(
    house: House, page: Page, entry: int, positions: tuple[int, ...]
) -> tuple[str, bytes, str]:
    """Type on a fresh pad and say what can be seen."""
    house.take(e.Forgotten())
    for state, number in ((State.CHOOSING_METHOD, entry - 1), (State.ASKING_PIN, entry)):
        house.visit = at(state, entry=number)
        house.panel.show(house.visit)
        await page.locator(f'body[data-entry="{number}"]:not(.settling)').wait_for()
    await typed(page, *positions)
    await page.evaluate("Promise.all([...document.images].map(i => i.decode()))")
    return await traces(page)


def test_the_script_knows_no_digit_of_a_pad_and_nothing_elsewhere() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in WEB.iterdir()}
    assert not re.search(r"ASKING|asking_|consent\.|method\.", pages["panel.js"])
    for name, text in pages.items():
        assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import", text), name
        assert not re.search(r"innerHTML|insertAdjacentHTML|eval\(|localStorage", text), name
    assert len(pages["panel.js"].splitlines()) < 250


async def test_every_screen_fits_and_every_button_can_be_hit(
    tmp_path: Path, browser: Browser
) -> None:
    panel = PanelServer(tmp_path, lambda _: None, hotline="0120-95-0178")
    address = await panel.start()
    faults = []
    async with page_of(browser, address, (800, 480)) as page:
        entry = 0
        for language in LANGUAGES:
            for name, visit, hint in endless(screenshots.examples()):
                entry += 2
                # An idle screen would wait for one that stays readable; so go by another.
                panel.show(replace(at(State.SIGNING), entry=entry - 1))
                panel.show(replace(visit, entry=entry, language=language), hint)
                await page.locator(f'body[data-entry="{entry}"]').wait_for()
                faults += [f"{name} {language}: {f}" for f in await page.evaluate(MISFITS)]
    await panel.stop()
    assert faults == []


def endless(examples: list[tuple[str, Visit, object]]) -> list[tuple[str, Visit, object]]:
    """The examples, and the end of a visit for every cause."""
    ends = [
        (f"ends {cause}", replace(at(State.TAKE_CARD), ending=Ending(Outcome.FAILED, cause)), None)
        for cause in Cause
    ]
    return [*examples, *ends]


MISFITS = f"""(() => {{
  const seen = [...document.querySelectorAll("button, h1, #lines p, #notice, #points li, #warning")]
    .filter((e) => e.offsetParent !== null && e.getBoundingClientRect().width > 0);
  const faults = [];
  const boxes = seen.map((e) => [e, e.getBoundingClientRect()]);
  for (const [e, box] of boxes) {{
    const name = e.dataset.id ?? e.textContent;
    if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight)
      faults.push(`${{name}} leaves the display`);
    if (e.scrollWidth > e.clientWidth + 1) faults.push(`${{name}} is wider than its box`);
    if (e.matches("button") && Math.min(box.width, box.height) < {FINGER_PX})
      faults.push(`${{name}} is ${{Math.round(box.width)}} by ${{Math.round(box.height)}}`);
    for (const [other, theirs] of boxes) {{
      if (e === other || e.contains(other) || other.contains(e)) continue;
      if (!e.matches("button")) continue;
      if (box.left >= theirs.right - 1 || theirs.left >= box.right - 1) continue;
      if (box.top >= theirs.bottom - 1 || theirs.top >= box.bottom - 1) continue;
      faults.push(`${{name}} lies over ${{other.dataset.id ?? other.textContent}}`);
    }}
  }}
  return faults;
}})()"""


async def test_the_page_comes_back_by_itself(tmp_path: Path, browser: Browser) -> None:
    panel = PanelServer(tmp_path, lambda _: None)
    address = await panel.start()
    async with page_of(browser, address, (800, 480)) as page:
        await page.locator('body[data-state="idle"]').wait_for()
        for queue in panel._pages:
            queue.put_nowait(None)  # the line breaks
        await page.locator("#away").wait_for()
        panel.show(at(State.SIGNING))
        await page.locator('body[data-state="signing"]').wait_for()
        await page.locator("#away").wait_for(state="hidden")
    await panel.stop()


async def test_what_ended_a_visit_stays_readable(tmp_path: Path, browser: Browser) -> None:
    posted: asyncio.Queue[e.Event] = asyncio.Queue()
    panel = PanelServer(tmp_path, posted.put_nowait)
    address = await panel.start()
    async with page_of(browser, address, (800, 480)) as page:
        await page.locator('body[data-state="idle"]').wait_for()
        ending = Ending(Outcome.FAILED, Cause.CARD_REMOVED)
        panel.show(replace(at(State.FORGETTING, entry=8), ending=ending))
        panel.show(Visit(entry=9))
        panel.show(at(State.WAITING_FOR_CARD, entry=10))  # the next patient does not wait for it
        await page.locator('body[data-entry="10"]:not(.settling)').wait_for()
        panel.show(replace(at(State.FORGETTING, entry=11), ending=ending))
        panel.show(Visit(entry=12))
        await page.locator('body[data-entry="11"]').wait_for()
        assert await page.locator("h1").inner_text() != ""
        await page.clock.fast_forward("00:05")
        await page.locator('body[data-entry="12"]').wait_for()  # and then the idle screen comes
    await panel.stop()
