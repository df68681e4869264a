"""Starts that a device refuses, whatever its host lets pass: visits without consent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from firmware.bulletin import Bulletin
from firmware.checkup import Checkup
from firmware.desk import HostDesk
from firmware.device import Device
from firmware.link import messages as m
from firmware.link.transport import Link, open_link, serve_link
from firmware.settings import Settings, StaffMember
from firmware.staff import WRONG_TO_CLOSE, StaffGate, hash_passcode
from firmware.transaction import events as e
from firmware.transaction.visit import Visit
from firmware.words import (
    ClockTrust,
    ConsentItem,
    Language,
    Method,
    NoConsentReason,
    Profile,
    Purpose,
)

WITHIN_S = 60
ADDRESS = "unix:link.sock"
STAFF = (StaffMember("staff-1", hash_passcode(b"2468")),)
HOSPITAL = (Profile.HOSPITAL, Profile.EMERGENCY, Profile.DISASTER)
UNCONSCIOUS = NoConsentReason.UNCONSCIOUS


@dataclass
class Asking:
    """A host's end of the link, and what the desk posted for the visit."""

    link: Link
    posted: asyncio.Queue[e.Event] = field(default_factory=asyncio.Queue)

    async def start(self, **asked: Any) -> str | e.Started:
        """The symbol of the refusal, or how the visit begins."""
        await self.link.send(
            m.StartTransaction(
                transaction_id=uuid4(),
                requester="reception",
                requester_nonce=bytes(16),
                gateway_challenge=None,
                purpose=Purpose.VISIT,
                **asked,
            )
        )
        refused = asyncio.create_task(self._refused())
        begun = asyncio.create_task(self.posted.get())
        async with asyncio.timeout(WITHIN_S):
            await asyncio.wait((refused, begun), return_when=asyncio.FIRST_COMPLETED)
        if refused.done():
            begun.cancel()
            return refused.result()
        refused.cancel()
        event = begun.result()
        assert isinstance(event, e.Started)
        return event

    async def _refused(self) -> str:
        while not isinstance(message := await self.link.receive(), m.Refused):
            pass
        return message.symbol


@asynccontextmanager
async def device(folder: Path, gate: StaffGate | None = None, **site: Any) -> AsyncIterator[Asking]:
    """A device's desk with a reader, and a host that has said hello to it."""
    settings = Settings(str(folder / "state"), str(folder), **site)
    posted: asyncio.Queue[e.Event] = asyncio.Queue()
    its_device = Device("kazashi-1", folder / "state", ClockTrust.NTP)
    desk = HostDesk(
        settings,
        its_device,
        posted.put_nowait,
        Visit,
        tuple(Language),
        staff_gate=gate or StaffGate(),
        examine=Checkup(settings, its_device, lambda: True, lights=True).report,
        bulletin=Bulletin(lambda told: None),
        clock=lambda: 0.0,
    )
    desk.note_reader("Reader 00 00", None)
    server = await serve_link(ADDRESS, folder, desk.serve)
    try:
        link = await open_link(ADDRESS, folder)
        await link.send(m.HostHello(m.PROTOCOL, "test", datetime.now(UTC)))
        yield Asking(link, posted)
    finally:
        desk.forget()
        await server.close()


async def test_the_visit_begins_with_the_staff_look_alone(tmp_path: Path) -> None:
    async with device(tmp_path, profiles=HOSPITAL, staff=STAFF) as asking:
        begun = await asking.start(profile=Profile.EMERGENCY, reason=UNCONSCIOUS)
    assert isinstance(begun, e.Started)
    assert begun.request.methods == (Method.STAFF,)
    assert begun.request.reason is UNCONSCIOUS
    assert begun.request.items == tuple(ConsentItem)
    assert begun.request.questions == ()


@pytest.mark.parametrize(
    ("asked", "symbol"),
    [
        ({"profile": Profile.EMERGENCY}, "reason_required"),
        ({"profile": Profile.DISASTER}, "reason_required"),
        ({"profile": Profile.HOSPITAL, "reason": UNCONSCIOUS}, "reason_not_allowed"),
        (
            {"profile": Profile.EMERGENCY, "reason": NoConsentReason.DISASTER_AREA},
            "reason_not_allowed",
        ),
        ({"profile": Profile.CLINIC}, "profile_not_allowed"),
        (
            {"profile": Profile.EMERGENCY, "reason": UNCONSCIOUS, "methods": (Method.FACE,)},
            "method_not_available",
        ),
    ],
)
async def test_what_does_not_fit_is_refused(
    tmp_path: Path, asked: dict[str, Any], symbol: str
) -> None:
    async with device(tmp_path, profiles=HOSPITAL, staff=STAFF) as asking:
        assert await asking.start(**asked) == symbol


@pytest.mark.parametrize("profile", [Profile.EMERGENCY, Profile.DISASTER])
async def test_settings_that_do_not_name_it_do_not_allow_it(
    tmp_path: Path, profile: Profile
) -> None:
    async with device(tmp_path, staff=STAFF) as asking:
        assert await asking.start(profile=profile, reason=UNCONSCIOUS) == "profile_not_allowed"


@pytest.mark.parametrize("site", [{}, {"staff": STAFF, "methods": (Method.FACE, Method.PIN)}])
async def test_without_staff_there_is_nobody_to_answer(
    tmp_path: Path, site: dict[str, Any]
) -> None:
    async with device(tmp_path, profiles=HOSPITAL, **site) as asking:
        started = await asking.start(profile=Profile.EMERGENCY, reason=UNCONSCIOUS)
    assert started == "method_not_available"


async def test_while_wrong_passcodes_close_the_staff_look_none_begins(tmp_path: Path) -> None:
    closed = StaffGate(wrong_before=WRONG_TO_CLOSE)
    async with device(tmp_path, closed, profiles=HOSPITAL, staff=STAFF) as asking:
        started = await asking.start(profile=Profile.EMERGENCY, reason=UNCONSCIOUS)
    assert started == "staff_look_closed"
