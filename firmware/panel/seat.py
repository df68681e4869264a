"""The one page that shows the panel, and what is waiting to be sent to it. [shell]"""

from __future__ import annotations

import asyncio
from enum import IntEnum

import msgspec
from aiohttp import web

from firmware.panel.view import PanelView

VIEWS_WAITING = 64
"""A page that lags further behind is closed; it comes back and gets the present view."""


class Closing(IntEnum):
    """Why a page's connection is closed: the code that the page gets (RFC 6455, 7.4)."""

    STOPPED = 1001
    TOO_SLOW = 1013
    IN_USE = 4001
    REPLACED = 4002
    LOAD_AGAIN = 4003


class Page:
    """One connection of one tab."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._waiting: asyncio.Queue[msgspec.Struct | Closing] = asyncio.Queue(VIEWS_WAITING)

    def show(self, view: msgspec.Struct) -> None:
        if self._waiting.full():
            self.close(Closing.TOO_SLOW)
        else:
            self._waiting.put_nowait(view)

    def close(self, why: Closing) -> None:
        """Drop what waits, and hang up."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(why)

    async def send_to(self, socket: web.WebSocketResponse) -> None:
        """Send every view in turn until the page is to be closed, or is gone."""
        while not isinstance(next_one := await self._waiting.get(), Closing):
            try:
                await socket.send_str(msgspec.json.encode(next_one).decode())
            except ConnectionError:
                return  # the reader's side notices, and the seat is free
        await socket.close(code=next_one)


class Seat:
    """Held by one page at a time."""

    def __init__(self) -> None:
        self._page: Page | None = None

    def take(self, session: str) -> Page | None:
        """A page for this tab; its older self must go. None: another tab sits there."""
        if self._page is not None:
            if self._page.session != session:
                return None
            self._page.close(Closing.REPLACED)
        self._page = Page(session)
        return self._page

    def leave(self, page: Page) -> None:
        if self._page is page:
            self._page = None

    def show(self, view: PanelView) -> None:
        if self._page is not None:
            self._page.show(view)

    def vacate(self, why: Closing) -> None:
        if self._page is not None:
            self._page.close(why)
