"""The bench's page on loopback, behind the same door as the panel's. [shell]

Any number of pages may look; all show the same bench.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import WSMsgType, web

from firmware.faults import BenchRefused, SimulationFault
from firmware.panel.door import Door, files_of
from firmware.panel.launcher import write_launcher
from firmware.panel.seat import Closing, Page
from firmware.panel.server import WEB as PANEL_WEB
from firmware.simulator.appliance import Appliance
from firmware.simulator.bench import Bench
from firmware.simulator.bench_words import Shown, decode_command
from firmware.simulator.panel_line import watch

WEB: Final = Path(__file__).parent / "web"
FILES: Final = {
    **files_of(WEB, "bench.css", "bench.js", "people.js", "visit.js"),
    "colours.css": PANEL_WEB / "colours.css",
}
NAME: Final = "bench"


@dataclass(frozen=True, slots=True)
class Served:
    """Where the bench is: its address with the token in the fragment, and a file that leads there,
    so that the token is on no command line."""

    address: str
    launcher: Path


class BenchServer:
    """Shows one bench to whoever knows its token, and takes their commands."""

    def __init__(self, appliance: Appliance) -> None:
        self._runtime_dir = appliance.addresses.folder / "run"
        self._door = Door(FILES)
        self._pages: set[Page] = set()
        self._bench = Bench(appliance, self._show)

    async def start(self) -> Served:
        """Serve, and write the launcher. Raises `SimulationFault`."""
        try:
            address = await self._door.open((web.get("/bench", self._socket),))
            launcher = write_launcher(self._runtime_dir, address, NAME)
        except OSError as cause:
            await self._door.close()
            raise SimulationFault(f"the bench cannot be served: {cause.strerror}") from cause
        return Served(address, launcher)

    async def stop(self) -> None:
        """Close all pages and stop serving; the appliance must have stopped before."""
        await self._bench.close()
        for page in self._pages:
            page.close(Closing.STOPPED)
        await self._door.close()

    def _show(self, shown: Shown) -> None:
        for page in self._pages:
            page.show(shown)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket, hello = await self._door.greet(request)
        if hello is None:
            return socket
        page = Page(hello.session)
        page.show(self._bench.welcome())
        self._pages.add(page)
        sending = asyncio.create_task(page.send_to(socket))
        try:
            await self._listen(socket)
        finally:
            self._pages.discard(page)
            sending.cancel()
        return socket

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            try:
                if message.type is not WSMsgType.TEXT:
                    raise BenchRefused("a command is text")
                command = decode_command(message.data)
            except BenchRefused as fault:
                self._bench.refuse(fault)
            else:
                await self._bench.perform(command)


@asynccontextmanager
async def served_bench(appliance: Appliance) -> AsyncIterator[Served]:
    """The bench of an appliance that is up. At the end the appliance stops first: a visit under way
    ends with its driver, and nobody waits for it. Raises `SimulationFault`."""
    server = BenchServer(appliance)
    served = await server.start()
    # Whoever shows the panel's page, the simulated person stands before it.
    watching = asyncio.create_task(watch(appliance.addresses.panel, appliance.shine))
    try:
        yield served
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.to_thread(appliance.stop)
        await server.stop()
