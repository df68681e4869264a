"""The bench: all that happens around the patient's screen, done by a tester's hand. [shell]

Which card lies ready, which lies on the reader, whose face is before the camera, what befalls the
card, and reception's visit. It acts on an appliance that is up, and tells what came of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from firmware.faults import BenchRefused, Fault
from firmware.simulator.appliance import STAFF_PASSCODE, Appliance
from firmware.simulator.bench_words import (
    NOBODY,
    OWN,
    AnyCommand,
    Arrange,
    Cancel,
    Choices,
    Choose,
    Face,
    Line,
    LineKind,
    Place,
    Remove,
    Reset,
    Shown,
    Standing,
    Start,
    Welcome,
)
from firmware.simulator.card_command import row_of
from firmware.simulator.card_control import Status
from firmware.simulator.patients import PATIENTS, find, live_portrait
from firmware.simulator.presentation_species import Species, presentation
from firmware.simulator.reception import Json, cancel_visit, hold_visit
from firmware.simulator.slot import AnyMishap
from hostdriver.faults import Answered
from hostdriver.rendering import error_lines, progress_line

LINES_KEPT: Final = 300


class Bench:
    """One bench before one appliance. Everything runs on one loop; what waits, waits elsewhere."""

    def __init__(self, appliance: Appliance, show: Callable[[Shown], None]) -> None:
        """`show` is told every line and every change."""
        self._appliance, self._show = appliance, show
        self._standing = Standing(ready=PATIENTS[0].id, face=OWN)
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._for_next_card: list[AnyMishap] = []
        self._transaction_id: str | None = None
        self._held_up = 0
        """Each likeness that is held up is another one."""
        self._looking = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    def welcome(self) -> Welcome:
        """What a page that comes now should know."""
        addresses = self._appliance.addresses
        return Welcome(
            panel=addresses.panel,
            socket=addresses.socket,
            staff_passcode=STAFF_PASSCODE,
            patients=tuple(row_of(patient) for patient in PATIENTS),
            choices=Choices(),
            lines=tuple(self._lines),
            standing=self._standing,
        )

    async def perform(self, command: AnyCommand) -> None:
        """Do what a tester asks; what came of it is a line, also when it could not be done."""
        try:
            done = await self._do(command)
        except Fault as fault:
            self.refuse(fault)
        else:
            self._tell(LineKind.DONE, done)

    def refuse(self, fault: Fault) -> None:
        """Say that something could not be done, and why."""
        if isinstance(fault, Answered):
            data: Json = msgspec.convert(fault.error.get("data", {}), Json)
            text, detail = error_lines(fault.error), fault.error
            self._tell(LineKind.ERROR, text, code=data.get("symbol", fault.code), detail=detail)
        else:
            self._tell(LineKind.ERROR, str(fault), code=fault.code)

    async def close(self) -> None:
        """Wait for the visits that were started here; the appliance must have stopped before."""
        await asyncio.gather(*self._under_way)

    # --- one command each
    async def _do(self, command: AnyCommand) -> str:
        reader = self._appliance.card_reader
        match command:
            case Choose(patient=patient):
                return await self._choose(patient)
            case Face(who=who, likeness=likeness):
                return await self._face(who, likeness)
            case Place():
                return await self._place()
            case Remove():
                await self._look(reader.remove)
                return "the reader is empty"
            case Arrange(mishap=mishap):
                return await self._arrange(mishap)
            case Reset():
                await self._look(reader.reset)
                return "another program reset the card"
            case Start():
                return self._start(command)
            case Cancel():
                return await self._cancel()

    async def _choose(self, patient: str) -> str:
        find(patient)
        await self._set(ready=patient)
        return f"the card of {patient} lies ready"

    async def _face(self, who: str, likeness: Species | None) -> str:
        if who not in (OWN, NOBODY):
            live_portrait(who)  # raises where there is no such person
        self._held_up += 1
        await self._set(face=who, likeness=likeness)
        shown = f" by {likeness}:{self._held_up}" if likeness is not None else ""
        return f"before the camera: {self._live() or NOBODY}{shown}"

    async def _place(self) -> str:
        patient, reader = self._standing.ready, self._appliance.card_reader

        def place() -> Status:
            self._show_cameras(patient)  # the tray's camera sees the card before its chip is found
            status = reader.insert(patient)
            while self._for_next_card:
                status = reader.arrange(self._for_next_card.pop(0))
            return status

        await self._look(place)
        return f"the card of {patient} lies on the reader"

    async def _arrange(self, mishap: AnyMishap) -> str:
        told = msgspec.json.encode(mishap).decode()
        if self._standing.on_reader is None:
            self._for_next_card.append(mishap)
            self._change(mishaps_waiting=len(self._for_next_card))
            return f"arranged for the next card: {told}"
        await self._look(lambda: self._appliance.card_reader.arrange(mishap))
        return f"arranged for the card on the reader: {told}"

    def _start(self, command: Start) -> str:
        asked: Json = msgspec.to_builtins(command)
        options = {name: value for name, value in asked.items() if value is not None}
        del options["do"]
        self._spawn(self._visit(options))
        return "reception asks for a visit"

    async def _cancel(self) -> str:
        if self._transaction_id is None:
            raise BenchRefused("no visit that was started here is under way")
        socket = self._appliance.addresses.socket
        cancelling = await asyncio.to_thread(cancel_visit, socket, self._transaction_id)
        return "reception cancels" if cancelling else "too late: the visit ends as it will"

    # --- the visit
    async def _visit(self, options: Json) -> None:
        loop = asyncio.get_running_loop()
        own: set[str] = set()

        def hear(event: Json) -> None:
            own.add(event["transaction_id"])
            loop.call_soon_threadsafe(self._hear, event)

        socket = self._appliance.addresses.socket
        try:
            result = await asyncio.to_thread(hold_visit, socket, options, hear)
        except Fault as fault:
            self.refuse(fault)
        else:
            self._tell(LineKind.RESULT, f"the visit came to: {result['outcome']}", detail=result)
        if self._transaction_id in own:
            self._transaction_id = None
            self._change(state=None)

    def _hear(self, event: Json) -> None:
        self._transaction_id = event["transaction_id"]
        self._change(state=event["state"])
        self._tell(LineKind.EVENT, progress_line(event).strip(), detail=event)
        self._spawn(self._look_again())

    # --- how things stand
    async def _look_again(self) -> None:
        try:
            await self._look(self._appliance.card_reader.status)
        except FileNotFoundError:
            return  # the appliance has stopped, and its folder went with it
        except Fault as fault:
            self.refuse(fault)

    async def _look(self, ask: Callable[[], Status]) -> None:
        """Let the reader do something, and show how it stands then. Raises `ControlRefused`."""
        async with self._looking:
            status = await asyncio.to_thread(ask)
            self._change(
                on_reader=status.inserted,
                tries_left=status.tries_left,
                verifies_sent=status.verifies_sent,
                mishaps_waiting=len(self._for_next_card),
            )
            self._show_cameras(status.inserted)

    async def _set(self, **changed: str | None) -> None:
        async with self._looking:
            self._change(**changed)
            self._show_cameras(self._standing.on_reader)

    def _live(self) -> str | None:
        """Whose face is before the camera."""
        face = self._standing.face
        if face == OWN:
            return self._standing.ready
        return None if face == NOBODY else face

    def _show_cameras(self, on_reader: str | None) -> None:
        seen = on_reader is not None and find(on_reader).card is not None
        tray, live, likeness = on_reader if seen else None, self._live(), self._standing.likeness
        if live is None or likeness is None:
            self._appliance.show(live=live, tray=tray)
        else:
            held = presentation(likeness, self._held_up, live_portrait(live))
            self._appliance.present(held, tray=tray)

    def _change(self, **changed: Any) -> None:
        standing = msgspec.structs.replace(self._standing, **changed)
        if standing != self._standing:
            self._standing = standing
            self._show(standing)

    def _tell(self, kind: LineKind, text: str, **more: Any) -> None:
        line = Line(datetime.now(UTC), kind, text, **more)
        self._lines.append(line)
        self._show(line)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
