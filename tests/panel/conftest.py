"""One browser for each file of tests that look at the page, and a panel on its own for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from browser_house import chromium
from panel_line import Panel
from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def panel(tmp_path: Path) -> AsyncIterator[Panel]:
    panel = Panel(tmp_path)
    panel.address = await panel.server.start()
    yield panel
    await panel.server.stop()


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
