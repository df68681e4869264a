"""The host driver's composition root: readers, gateway, ledger, desk, socket. [shell]"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from firmware.watchdog import fed
from hostdriver import entries
from hostdriver.desk import Desk
from hostdriver.eligibility.adapters import open_gateway
from hostdriver.eligibility.face_folder import open_face_folder
from hostdriver.eligibility.gateway import Gateway
from hostdriver.judge import Judge
from hostdriver.ledger import Ledger
from hostdriver.reader import ReaderLink
from hostdriver.session import Audience, Services
from hostdriver.settings import Settings
from hostdriver.socket_server import SocketServer
from hostdriver.tally import Tally


@asynccontextmanager
async def running(
    settings: Settings, gateway: Gateway | None = None, passed: socket.socket | None = None
) -> AsyncIterator[str]:
    """The driver, up while the block runs; its value is the socket's address.

    `gateway` stands in for the one that the settings name, `passed` for the socket. Raises
    `BadSettings`, `SocketNotOpened`, `LedgerUnavailable`.
    """
    state_dir = Path(settings.state_dir)
    gateway = gateway or open_gateway(settings.gateway, state_dir)
    face_folder = None
    if settings.face_folder is not None:
        face_folder = open_face_folder(settings.face_folder, state_dir, gateway.capabilities)
    boot_id, our_version = uuid4(), version("kazashi")
    ledger = await Ledger.open(state_dir)
    try:
        audience = Audience()
        within_s = settings.limits.gateway_answers_within_s * settings.time_scale
        judge = Judge(gateway, ledger, within_s)
        hand_over = face_folder.hand_over if face_folder else None
        desk = Desk(judge, ledger, settings, audience.publish, hand_over)
        readers = {name: ReaderLink(name, settings, desk) for name in settings.readers}
        services = Services(
            settings=settings,
            version=our_version,
            boot_id=boot_id,
            readers=readers,
            desk=desk,
            judge=judge,
            ledger=ledger,
            tally=Tally(state_dir),
            gateway=gateway.capabilities,
            audience=audience,
            face_folder=face_folder,
        )
        server = SocketServer(settings, services, passed)
        address = await server.open()
        links: list[asyncio.Task[None]] = []
        try:
            await ledger.append(entries.driver_started(boot_id, our_version))
            links += [asyncio.create_task(reader.run()) for reader in readers.values()]
            async with fed({"ledger": ledger.answers}):
                yield address
        finally:
            await desk.close()
            if face_folder is not None:
                await face_folder.close()
            await server.close()
            for link in links:
                link.cancel()
            await asyncio.gather(*links, return_exceptions=True)
    finally:
        await ledger.close()
