"""A bench before a real appliance, and somebody who looks at its page and clicks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from playwright.async_api import Browser, Page

from firmware.simulator.appliance import Appliance
from firmware.simulator.bench_server import Served
from firmware.words import State
from hostdriver.client import Client

WITHIN_MS = 60_000
SESSION = "an-operator"
RESULTS = '#lines [data-kind="result"]'


@dataclass(frozen=True)
class Operator:
    """Somebody before one page of the bench."""

    page: Page
    appliance: Appliance
    results_before: int
    """Results that the page already showed when it was opened."""

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name).click()

    async def sees(self, selector: str) -> None:
        await self.page.locator(selector).first.wait_for()

    async def place(self, patient: str) -> None:
        await self.page.get_by_role("radio", name=patient, exact=False).first.check()
        await self.press(f"Place the card of {patient}")
        await self.sees(f'#reader[data-card="{patient}"]')

    async def remove(self) -> None:
        await self.press("Remove it")
        await self.sees('#reader[data-card="none"]')

    async def stands_in(self, state: State) -> None:
        await self.sees(f'#stands[data-state="{state}"]')

    async def is_told(self, code: str) -> str:
        """An error of that symbol is the one that the page shows now."""
        await self.sees(f'#problem[data-code="{code}"]:not([hidden])')
        return await self.page.locator("#problem").inner_text()

    async def came_to(self, outcome: str) -> str:
        """The first visit since the page was opened is over, with that outcome."""
        await self.page.locator(RESULTS).nth(self.results_before).wait_for()
        assert await self.page.locator("#result").get_attribute("data-outcome") == outcome
        return await self.page.locator("#result").inner_text()

    async def lines(self) -> list[str]:
        return await self.page.locator("#lines span").all_inner_texts()

    async def until_free(self) -> None:
        """The patient took the card, and the reader is free for the next one."""
        with Client(str(self.appliance.addresses.socket), "a test") as client:
            async with asyncio.timeout(WITHIN_MS / 1000):
                while (await asyncio.to_thread(client.call, "reader.status"))["state"] != "idle":
                    await asyncio.sleep(0.05)  # what it waits for needs the machine


@asynccontextmanager
async def operator_at(
    browser: Browser, served: Served, appliance: Appliance
) -> AsyncIterator[Operator]:
    """Somebody who opens the bench anew, on a desk's screen."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(WITHIN_MS)
    page = await context.new_page()
    await page.goto(served.address)
    await page.locator('body[data-line="up"]').wait_for()
    try:
        yield Operator(page, appliance, await page.locator(RESULTS).count())
    finally:
        await context.close()


@asynccontextmanager
async def line(
    address: str, token: str | None = None
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A program's connection to the bench, that said the token, or another one."""
    origin, _, right = address.partition("/#")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{origin}/bench", origin=origin) as socket,
    ):
        await socket.send_json({"token": right if token is None else token, "session": SESSION})
        yield socket
