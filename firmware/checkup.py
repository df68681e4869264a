"""The running firmware's own examination: for the control socket, and for a host over the link.

It adds what only the firmware knows, because it holds the part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from firmware.device import Device
from firmware.doctor.examination import examine
from firmware.doctor.facts import Facts, Known
from firmware.doctor.report import report_of
from firmware.link.messages import DoctorReported
from firmware.match.requests import CameraSeen
from firmware.settings import Settings


class Checkup:
    """Of one device. One examination at a time: whoever else asks meanwhile waits for theirs."""

    def __init__(
        self, settings: Settings, device: Device, is_idle: Callable[[], bool], *, lights: bool
    ) -> None:
        """`lights`: the lamp and the buzzer are on real pins."""
        self._settings, self._device = settings, device
        self._is_idle, self._lights = is_idle, lights
        self._camera: CameraSeen | None = None
        self._one_at_a_time = asyncio.Lock()
        self._visit_began = asyncio.Event()

    def note_camera(self, seen: CameraSeen) -> None:
        """The face camera works, or not."""
        self._camera = seen

    def give_way(self) -> None:
        """A visit begins: what it needs is let go of."""
        self._visit_began.set()

    async def facts(self) -> Facts:
        """Measure everything that the firmware can."""
        async with self._one_at_a_time:
            self._visit_began.clear()
            known = Known(
                idle=self._is_idle(),
                clock_trust=self._device.clock_trust,
                camera_told=self._camera is not None,
                camera_code=self._camera.code if self._camera else None,
                lights=self._lights,
            )
            return await examine(self._settings, known=known, visit=self._visit_began)

    async def answer(self) -> AsyncGenerator[Facts, None]:
        """The verb of the control socket."""
        yield await self.facts()

    async def report(self) -> DoctorReported:
        """What a host is told."""
        report = report_of(await self.facts())
        return DoctorReported(report.checks, report.findings)
