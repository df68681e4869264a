"""A reception in miniature: the real table, a card and a gateway that keep state, one panel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from firmware.panel.page_words import read_page_words
from firmware.panel.server import PanelServer
from firmware.panel.view import Around
from firmware.transaction import events as e
from firmware.transaction.effects import Do, Ignored
from firmware.transaction.machine import step
from firmware.transaction.profiles import ASKS
from firmware.transaction.visit import Now, Request, Visit
from firmware.words import (
    CardKind,
    ClockTrust,
    Language,
    MatchDecision,
    Method,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Registration,
    State,
)

NOW = Now(datetime(2026, 1, 5, 9, 30, tzinfo=UTC), ClockTrust.NTP)
REQUEST = Request(
    transaction_id=UUID(int=1),
    purpose=Purpose.VISIT,
    profile=Profile.CLINIC,
    methods=(Method.FACE, Method.PIN, Method.STAFF),
    items=ASKS[Profile.CLINIC].items,
    questions=ASKS[Profile.CLINIC].questions,
    language=Language.JA,
    looks=1,
    unverified_photo_allowed=False,
)
AROUND = Around(read_page_words())
BEGUN = Visit(request=REQUEST, card_present=True)


@dataclass
class World:
    """What lies on the reader, who stands before it, and what the gateway knows."""

    same_person: bool = True
    print_readable: bool = True
    pin: bytes = b"1234"
    pin_tries: int = 3
    passcode: bytes = b"9876"
    registered: bool = True
    card_answers: bool = True
    face_starts: bool = True


class House:
    """Performs effects at once: each result comes back as an event, as in the real loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.visit = Visit()
        self.ended: Visit | None = None
        """The visit as it was when it was forgotten."""
        self.ignored: list[e.Event] = []
        self.shown: list[Visit] = []
        self._events: asyncio.Queue[e.Event] = asyncio.Queue()
        self.panel: PanelServer

    def post(self, event: e.Event) -> None:
        self._events.put_nowait(event)

    async def run(self) -> None:
        while True:
            self.take(await self._events.get())

    def take(self, event: e.Event) -> None:
        self.visit, effects = step(self.visit, event, NOW)
        self.panel.show(self.visit)
        self.shown.append(self.visit)
        for effect in effects:
            if isinstance(effect, Ignored):
                self.ignored.append(effect.event)
            elif (result := self.result_of(effect)) is not None:
                self.post(result)

    def result_of(self, effect: Do) -> e.Event | None:
        world = self.world
        match effect:
            case Do.IDENTIFY_CARD:
                return e.CardIdentified(CardKind.MY_NUMBER_CARD)
            case Do.OFFER_FACE:
                return e.FaceStartsByItself(self.visit.entry) if world.face_starts else None
            case Do.READ_PRINT:
                return e.PrintRead() if world.print_readable else e.PrintDoubtful()
            case Do.READ_CARD_FACE:
                return e.CardFaceOpened(True, PhotoAuthenticity.VERIFIED, True)
            case Do.COMPARE_FACES:
                same = MatchDecision.SAME_PERSON, PadDecision.LIVE
                other = MatchDecision.NOT_SAME_PERSON, PadDecision.LIVE
                return e.FacesCompared(*(same if world.same_person else other), "m", "p")
            case Do.QUERY_PIN_TRIES:
                return e.PinTriesReported(world.pin_tries)
            case Do.VERIFY_PIN:
                return self.verify_pin()
            case Do.CHECK_STAFF_PASSCODE:
                right = self.panel.take_digits() == world.passcode
                return e.StaffAccepted("s1") if right else e.StaffRefused()
            case Do.ASK_REGISTRATION:
                known = Registration.REGISTERED if world.registered else Registration.NOT_REGISTERED
                return e.RegistrationReported(known, None, True)
            case Do.REGISTER:
                return e.RegistrationReported(Registration.REGISTERED, None, True)
            case Do.SIGN_STATEMENT:
                return e.StatementSigned()
            case Do.SEND_EVIDENCE:
                return e.Confirmed(True, None)
            case Do.FORGET_PATIENT:
                self.ended = self.visit
                self.panel.forget()
                return e.Forgotten()
            case _:
                return None

    def verify_pin(self) -> e.Event | None:
        if not self.world.card_answers:
            return None
        if self.panel.take_digits() == self.world.pin:
            return e.PinAccepted()
        self.world.pin_tries -= 1
        return e.PinRefused(self.world.pin_tries)


@asynccontextmanager
async def opened(folder: Path, world: World | None = None) -> AsyncIterator[tuple[House, str]]:
    """A house with its panel served, and the page's address."""
    house = House(world or World())
    house.panel = PanelServer(folder, house.post)
    address = await house.panel.start()
    running = asyncio.create_task(house.run())
    try:
        yield house, address
    finally:
        running.cancel()
        await house.panel.stop()


def at(state: State, entry: int = 1) -> Visit:
    """A visit that stands in a state, with a card whose tries are known."""
    return replace(BEGUN, state=state, entry=entry, pin_tries_left=3)
