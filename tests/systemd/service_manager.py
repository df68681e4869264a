"""What stands in systemd's place: the socket that a service tells its state to."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

WITHIN_S = 60.0


class ServiceManager:
    """Hears what one service says, in order."""

    def __init__(self, folder: Path, watchdog_s: float | None = None) -> None:
        self.path = folder / "notify"
        self._watchdog_s = watchdog_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def __enter__(self) -> ServiceManager:
        self._socket.bind(str(self.path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def asked(self) -> Mapping[str, str]:
        """What systemd adds to a service's environment."""
        asked = {"NOTIFY_SOCKET": str(self.path)}
        if self._watchdog_s is not None:
            asked["WATCHDOG_USEC"] = str(round(self._watchdog_s * 1e6))
        return asked

    @property
    def environment(self) -> Mapping[str, str]:
        """A service's whole environment."""
        return {**os.environ, **self.asked}

    async def heard(self) -> list[str]:
        """The lines of the next datagram."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WITHIN_S):
            return (await loop.sock_recv(self._socket, 4096)).decode().split("\n")

    async def hears(self, start: str, content: str = "") -> None:
        """Wait for a line that begins so and has that in it; what comes before is dropped."""
        async with asyncio.timeout(WITHIN_S):
            while not any(
                line.startswith(start) and content in line for line in await self.heard()
            ):
                pass

    def heard_so_far(self) -> list[str]:
        """All lines that have come already."""
        lines: list[str] = []
        while True:
            try:
                lines += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return lines
