"""A panel on its own and a line to it, without a browser: what a page says and hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from firmware.panel.server import PanelServer
from firmware.panel.view import PanelView
from firmware.transaction import events as e


class Panel:
    """A panel on its own, and what it posted."""

    def __init__(self, folder: Path) -> None:
        self.posted: asyncio.Queue[e.Event] = asyncio.Queue()
        self.server = PanelServer(folder, self.posted.put_nowait)
        self.address = ""

    @property
    def origin(self) -> str:
        return self.address.partition("/#")[0]

    @property
    def token(self) -> str:
        return self.address.partition("#")[2]

    async def next_event(self) -> e.Event:
        return await asyncio.wait_for(self.posted.get(), 60)


SESSION = "first-session"


@asynccontextmanager
async def line(
    browser: aiohttp.ClientSession, address: str, session: str = SESSION, **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection that has said who it is."""
    origin, _, token = address.partition("/#")
    async with browser.ws_connect(
        f"{origin}/panel", headers={"Origin": origin} | headers
    ) as socket:
        await socket.send_json({"token": token, "session": session})
        yield socket


async def seen(socket: aiohttp.ClientWebSocketResponse) -> PanelView:
    return msgspec.json.decode(await socket.receive_str(timeout=60), type=PanelView)


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code that the connection ends with, whatever was said before."""
    while (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.TEXT:
        pass
    return socket.close_code


async def touch(socket: aiohttp.ClientWebSocketResponse, **said: Any) -> None:
    await socket.send_json(said)
