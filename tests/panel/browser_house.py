"""The page in a real browser: how it is opened, shown an example, and waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from panel_house import at
from playwright.async_api import Browser, Page, async_playwright

from firmware.panel.server import PanelServer
from firmware.panel.standing import Told
from firmware.transaction.visit import Visit
from firmware.words import Hint, Language, State

ROOT = Path(__file__).resolve().parents[2]
spec = spec_from_file_location("screenshots", ROOT / "docs" / "screenshots.py")
assert spec is not None
assert spec.loader is not None
screenshots = module_from_spec(spec)
spec.loader.exec_module(screenshots)

SMALL, WIDE = (800, 480), (1280, 800)
Example = tuple[str, Visit, Hint | None]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=screenshots.CHROMIUM, args=screenshots.ARGUMENTS
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def page_of(
    browser: Browser, address: str, size: tuple[int, int] = SMALL, *, clock: bool = False
) -> AsyncIterator[Page]:
    """The page on a display of its own; `clock` lets the test set its time forward."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=True, reduced_motion="reduce"
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    if clock:
        await page.clock.install()
    await page.goto(address)
    try:
        yield page
    finally:
        await context.close()


class Gallery:
    """Shows one example after the other, in one language after the other."""

    def __init__(self, panel: PanelServer, page: Page) -> None:
        self._panel, self._page, self._entry = panel, page, 0

    def tell(self, told: Told) -> None:
        """From now on the idle screen says this of the device."""
        self._panel.tell(told)

    async def show(self, example: Example, language: Language) -> str:
        """Show it and wait until it is drawn. Returns its name for a list of faults."""
        name, visit, hint = example
        # An idle screen would wait for one that stays readable; so go by another.
        self._entry += 2
        self._panel.show(replace(at(State.SIGNING), entry=self._entry - 1))
        self._panel.show(replace(visit, entry=self._entry, language=language), hint)
        await self._page.locator(f'body[data-entry="{self._entry}"]').wait_for()
        return f"{name} {language}"


def examples() -> list[Example]:
    return list(screenshots.examples())
