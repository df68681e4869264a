"""One browser for every test that looks at the page; each test opens a page of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from browser_house import chromium
from playwright.async_api import Browser


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser
