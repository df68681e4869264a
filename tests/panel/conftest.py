"""One browser for each file of tests that look at the page; each test opens a page of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from browser_house import chromium
from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser
