"""Examines a device: measures every part that was chosen, beside a running firmware or without one.

Nothing is written and no part is taken from a visit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

from firmware.clock import SystemClock
from firmware.doctor import facts as f
from firmware.doctor import machine as here
from firmware.doctor.children import look
from firmware.doctor.facts import CHECKS, CameraState, Facts, Known, NotAsked, Unasked
from firmware.doctor.looking import camera_state
from firmware.doctor.machine import Machine
from firmware.faults import ModelRejected, ModelsNotSigned
from firmware.settings import Settings

OF_DEVICE: tuple[str, ...] = tuple(
    check for check in CHECKS if check not in ("settings", "firmware", "ledger")
)
"""The checks that the running firmware makes itself."""


async def examine(
    settings: Settings,
    chosen: Collection[str] = OF_DEVICE,
    *,
    known: Known | None = None,
    visit: asyncio.Event | None = None,
    machine: Machine | None = None,
) -> Facts:
    """The facts of the chosen checks of `OF_DEVICE`. `known`: what the running firmware knows;
    `visit`: set when one begins, which wants the tray camera."""
    machine = machine or Machine()

    async def clock() -> f.ClockFact:
        if known is not None:
            return f.ClockFact(known.clock_trust)
        own = SystemClock(settings.clock_trust)
        await own.ask()
        return f.ClockFact(own.trust(datetime.now(UTC)))

    checks: dict[str, Callable[[], Awaitable[Any]]] = {
        "reader": lambda: look("reader", settings),
        "face_camera": lambda: _face_camera(settings, known),
        "tray_camera": lambda: _tray_camera(settings, known, visit or asyncio.Event()),
        "lights": lambda: _lights(settings, known),
        "models": lambda: look("models", settings),
        "clock": clock,
        "sound": lambda: asyncio.to_thread(machine.sound, settings),
        "panel": lambda: asyncio.to_thread(here.panel, settings),
        "fonts": lambda: asyncio.to_thread(machine.fonts),
        "pairing": lambda: asyncio.to_thread(here.pairing, settings),
        "disk": lambda: asyncio.to_thread(here.disk, settings),
        "memory": lambda: asyncio.to_thread(machine.memory),
        "power": lambda: asyncio.to_thread(machine.power),
        "heat": lambda: asyncio.to_thread(machine.heat),
    }
    wanted = [check for check in OF_DEVICE if check in chosen]
    facts = await asyncio.gather(*(checks[check]() for check in wanted))
    return Facts(**dict(zip(wanted, facts, strict=True)))


async def _face_camera(settings: Settings, known: Known | None) -> f.CameraFact | NotAsked:
    if known is None:
        fact: f.CameraFact = await look("face_camera", settings)
        return fact
    if not known.camera_told:
        return NotAsked(Unasked.JUST_STARTED)
    if known.camera_code in (
        ModelRejected.code,
        ModelsNotSigned.code,
    ):  # the vision worker does not even try
        return NotAsked(Unasked.CANNOT_TELL)
    state = camera_state(known.camera_code)
    return f.CameraFact(state, "" if state is CameraState.WELL else settings.vision.face_camera)


async def _tray_camera(
    settings: Settings, known: Known | None, visit: asyncio.Event
) -> f.CameraFact | NotAsked:
    if settings.vision.tray_camera is None:
        return NotAsked(Unasked.NOT_FITTED)
    if known is not None and not known.idle:
        return NotAsked(Unasked.VISIT_UNDER_WAY)
    looking: asyncio.Task[f.CameraFact] = asyncio.create_task(look("tray_camera", settings))
    beginning = asyncio.create_task(visit.wait())
    try:
        done, _ = await asyncio.wait((looking, beginning), return_when=asyncio.FIRST_COMPLETED)
        return looking.result() if looking in done else NotAsked(Unasked.VISIT_UNDER_WAY)
    finally:
        looking.cancel()  # which ends its child
        beginning.cancel()
        await asyncio.gather(looking, beginning, return_exceptions=True)


async def _lights(settings: Settings, known: Known | None) -> f.LightsFact:
    if known is not None:
        return f.LightsFact(known.lights)
    fact: f.LightsFact = await look("lights", settings)
    return fact
