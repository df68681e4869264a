"""Lines to the panel's server that are no browser's: a patient's, and an eye's before the screen.
[shell]"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import msgspec

from firmware.faults import PanelUnavailable
from firmware.panel.light import Shining
from firmware.panel.touch import Hello
from firmware.words import PanelLight


@asynccontextmanager
async def line_to(address: str, route: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A line that has said its token. Raises `PanelUnavailable`."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    try:
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.ws_connect(f"{origin}/{route}", origin=origin) as socket,
        ):
            hello = Hello(token=parts.fragment, session=str(uuid4()))
            await socket.send_str(msgspec.json.encode(hello).decode())
            yield socket
    except aiohttp.ClientError as cause:
        raise PanelUnavailable(f"the panel does not answer: {cause}") from cause


async def watch(address: str, shone_on: Callable[[PanelLight], None]) -> None:
    """Tell the screen's light, now and whenever it changes, until the panel is gone.

    Raises `PanelUnavailable`.
    """
    async with line_to(address, "light") as socket:
        async for message in socket:
            shone_on(msgspec.json.decode(message.data, type=Shining).light)
