"""A patient who follows a script: looks at the panel as a person does, and touches it. [shell]

`Person` is the pure part: shown a view, it says what it touches. It knows the card's PIN and what
it came for; of the visit it knows only what the panel shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

import aiohttp
import msgspec

from firmware.faults import PanelUnavailable
from firmware.panel.pin_pad import ORDERED, PadKind
from firmware.panel.touch import Touch
from firmware.panel.view import InUse, PanelView
from firmware.simulator.panel_line import line_to
from firmware.words import ConsentItem, Language, Method, PanelLight, State

Consent = Literal["all", "none"] | tuple[ConsentItem, ...]
BEFORE_AND_AFTER = frozenset({State.IDLE, State.FORGETTING})


@dataclass(frozen=True, slots=True)
class PatientScript:
    """What a patient wants and knows. The defaults are a willing adult who shows the face."""

    method: Method | None = None
    """None lets the face path start by itself, and types the PIN if it fails."""
    pin: str = field(default="1234", repr=False)
    pin_tries: int = 1
    """Then the patient gives up and cancels."""
    confirms_last_try: bool = False
    consent: Consent = "all"
    answers: tuple[str, ...] = ()
    """Answers the patient prefers (`paper`, `use` …); otherwise the first that is offered."""
    register: bool = True
    staff_passcode: str | None = field(default=None, repr=False)
    """What the staff type when called; without it the patient gives up there."""
    staff_tries: int = 1
    printed_number: str | None = field(default=None, repr=False)
    """照合番号B as it stands on the card, if somebody there can read it."""
    language: Language = Language.JA


class Person:
    """Touches one thing at a time, and never the same thing of the same picture twice."""

    def __init__(self, script: PatientScript) -> None:
        self._script = script
        self._touched: set[tuple[Touch, int]] = set()
        self._entered: dict[PadKind, int] = dict.fromkeys(PadKind, 0)
        self._asked_for_method_in: int | None = None

    def touch(self, view: PanelView) -> Touch | None:
        """What this person touches now; None only watches."""
        touch = self._choose(view)
        if touch is None:
            return None
        typed = view.pad.typed if view.pad else 0
        if (touch, typed) in self._touched:
            return None
        self._touched.add((touch, typed))
        if touch.tap == "enter" and view.pad:
            self._entered[view.pad.kind] += 1
        return touch

    def _choose(self, view: PanelView) -> Touch | None:
        offered = [b.id for b in view.buttons if b.enabled]
        tap = self._language(view) or (
            self._on_the_pad(view) if view.pad else self._first(offered, self._wishes(view))
        )
        if isinstance(tap, Touch) or tap is None:
            return tap
        return Touch(view.entry, tap=tap) if tap in offered else None

    def _language(self, view: PanelView) -> str | None:
        wanted = self._script.language
        button = f"language.{wanted}"
        known = any(b.id == button for b in view.buttons)
        return button if known and view.language is not wanted else None

    def _wishes(self, view: PanelView) -> tuple[str, ...]:
        """Buttons in the order in which this person would press them."""
        script = self._script
        match view.state:
            case State.CHOOSING_METHOD:
                return self._method(view)
            case State.READING_PRINT | State.READING_CARD_FACE | State.COMPARING_FACES:
                face = script.method in {None, Method.FACE}
                return () if face else (f"method.{script.method}",)
            case State.WARNING_LAST_TRY:
                return ("last_try.confirm",) if script.confirms_last_try else ("cancel",)
            case State.OFFERING_REGISTRATION:
                return ("registration.accept" if script.register else "registration.decline",)
            case State.ASKING_CONSENT:
                return self._consent()
            case State.ASKING_QUESTIONS:
                offered = [b.id for b in view.buttons if b.id.startswith("answer.")]
                preferred = [b for b in offered if b.rpartition(".")[2] in script.answers]
                return (*preferred, *offered)
            case _:
                return ()

    def _method(self, view: PanelView) -> tuple[str, ...]:
        script = self._script
        first_time = self._asked_for_method_in in {None, view.entry}
        self._asked_for_method_in = self._asked_for_method_in or view.entry
        face_offered = any(b.id == "method.face" for b in view.buttons)
        if script.method in {None, Method.FACE} and first_time and face_offered:
            return ()  # it starts by itself
        if script.method is Method.STAFF:
            return ("method.staff", "cancel")
        if not any(b.id == "method.pin" for b in view.buttons):
            return ("method.face", "cancel")  # locked: the face is the way that needs nobody else
        if self._entered[PadKind.PIN] < script.pin_tries:
            return ("method.pin", "cancel")
        return ("cancel",)

    def _consent(self) -> tuple[str, ...]:
        consent = self._script.consent
        if isinstance(consent, str):
            return (f"consent.{consent}",)
        single = (
            f"consent.{item}.{'agree' if item in consent else 'decline'}" for item in ConsentItem
        )
        return ("consent.each", *single)

    def _on_the_pad(self, view: PanelView) -> Touch | str | None:
        script, pad = self._script, view.pad
        assert pad is not None
        digits, tries = {
            PadKind.PIN: (script.pin, script.pin_tries),
            PadKind.STAFF: (script.staff_passcode, script.staff_tries),
            PadKind.PRINT: (script.printed_number, 1),
        }[pad.kind]
        if digits is None or (self._entered[pad.kind] >= tries and not self._confirming(view)):
            offered = [b.id for b in view.buttons]
            other = "method.pin" if pad.kind is PadKind.PRINT else "cancel"
            return self._first(offered, (other, "cancel"))
        if pad.typed < len(digits):
            return Touch(view.entry, key=ORDERED.index(digits[pad.typed].encode()))
        return "enter"

    def _confirming(self, view: PanelView) -> bool:
        """The pad just confirmed, shown once more before the next screen."""
        return (Touch(view.entry, tap="enter"), view.pad.typed if view.pad else 0) in self._touched

    @staticmethod
    def _first(offered: list[str], wishes: tuple[str, ...]) -> str | None:
        return next((wish for wish in wishes if wish in offered), None)


class Panel(Protocol):
    """A panel that somebody sits before."""

    def views(self) -> AsyncIterator[PanelView | InUse]:
        """What it shows, one picture after the other, until it goes away."""
        ...

    async def touch(self, touch: Touch) -> None:
        """Touch it once."""


OpenPanel = Callable[[str], AbstractAsyncContextManager[Panel]]
"""Opens the panel at an address, token in the fragment. Raises `PanelUnavailable`."""


class SocketPanel:
    """A panel without its page: views and touches as they go over the line."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def views(self) -> AsyncIterator[PanelView | InUse]:
        """Each view as it comes."""
        async for message in self._socket:
            yield msgspec.json.decode(message.data, type=PanelView | InUse)

    async def touch(self, touch: Touch) -> None:
        """Send the touch."""
        await self._socket.send_str(msgspec.json.encode(touch).decode())


@asynccontextmanager
async def over_socket(address: str) -> AsyncIterator[Panel]:
    """The panel at an address, as its page would be connected. Raises `PanelUnavailable`."""
    async with line_to(address, "panel") as socket:
        yield SocketPanel(socket)


class ScriptedPatient:
    """A person before one panel, for one visit."""

    def __init__(
        self,
        panel: AbstractAsyncContextManager[Panel],
        script: PatientScript,
        on_state: Callable[[State], Awaitable[bool]],
        shone_on: Callable[[PanelLight], None] = lambda light: None,
    ) -> None:
        """`on_state` hears of every state when it is first shown, before anything is touched; when
        it says False, the patient touches nothing more. `shone_on` hears of the page's light on the
        face, whenever it is another one."""
        self._panel, self._on_state = panel, on_state
        self._shone_on, self._light = shone_on, PanelLight.OFF
        self._takes_part = True
        self._person = Person(script)
        self.seated = asyncio.Event()
        """Set once the panel is seen: start the visit then, or the patient misses its beginning."""
        self.saw: list[State] = []
        """The states in the order they were shown."""
        self.language: Language | None = None
        """The language of the last picture."""

    async def run(self) -> None:
        """From the first picture of a visit until it is over. Raises `PanelUnavailable`."""
        async with self._panel as panel:
            async for view in panel.views():
                if isinstance(view, InUse):
                    raise PanelUnavailable("another page shows the panel")
                self.seated.set()
                self._stand_in_the_light(view)
                if not self.saw and view.state in BEFORE_AND_AFTER:
                    continue  # the visit has not begun, or the one before is just over
                if view.state is State.IDLE:
                    return
                await self._look_at(view, panel)
        raise PanelUnavailable("the panel went away in the middle of a visit")

    def _stand_in_the_light(self, view: PanelView) -> None:
        light = PanelLight.OFF if view.light is None else view.light.name
        if light is not self._light:
            self._light = light
            self._shone_on(light)

    async def _look_at(self, view: PanelView, panel: Panel) -> None:
        arrived = not self.saw or self.saw[-1] is not view.state
        if arrived:
            self.saw.append(view.state)
        self.language = view.language
        if arrived and not await self._on_state(view.state):
            self._takes_part = False
        touch = self._person.touch(view) if self._takes_part else None
        if touch is not None:
            await panel.touch(touch)
