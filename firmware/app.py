"""The composition root: one loop, one queue, one visit. [shell]

The only file that knows every room. Events come from panel, link, workers and timers; `step`
decides; effects start work whose result comes back as an event. Nothing here blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from firmware.bulletin import Bulletin
from firmware.card import requests as card
from firmware.checkup import Checkup
from firmware.chores import Chores
from firmware.control import ControlServer
from firmware.desk import HostDesk
from firmware.device import Device
from firmware.errands import CardWorker, Errands, VisionWorker
from firmware.faults import Fault, WorkerLost
from firmware.indicator.gpio import open_lights
from firmware.indicator.inputs import Ears, open_inputs
from firmware.match import requests as vision
from firmware.pairing import HostLine
from firmware.panel.texts import LANGUAGES
from firmware.replies import cause_of
from firmware.selfcheck import checks_of
from firmware.settings import Settings
from firmware.site import panel_of
from firmware.staff import StaffGate
from firmware.transaction import events as e
from firmware.transaction.effects import Do, Ignored
from firmware.transaction.machine import step
from firmware.transaction.timeouts import FACE_STARTS_AFTER_S, LIMITS
from firmware.transaction.timings import Stopwatch
from firmware.transaction.visit import Visit
from firmware.watchdog import fed
from firmware.words import Cause, Hint, Method, PanelLight, State
from firmware.worker import START_WITHIN_S, photo_passage, preview_door

log = logging.getLogger(__name__)

READER_TOLD_WITHIN_S = 3.0
"""Ready means that the reader has been looked for; whether one was found, the host is told."""


class App:
    """One device."""

    def __init__(self, settings: Settings) -> None:
        """Raises `BadSettings`."""
        self._settings = settings
        self._runtime_dir = Path(settings.runtime_dir)
        self._events: asyncio.Queue[e.Event] = asyncio.Queue()
        self._visit = Visit(language=settings.language)
        self._hint: Hint | None = None
        self._stopwatch = Stopwatch(State.IDLE, time.monotonic())
        self._timers: list[asyncio.TimerHandle] = []
        self._chores = Chores("an errand", self._post)
        self._reader_told = asyncio.Event()
        self.ignored: Counter[str] = Counter()
        self._device = Device(settings.device_id, Path(settings.state_dir), settings.clock_trust)
        gate = StaffGate(
            settings.time_scale,
            wrong_before=self._device.wrong_passcodes,
            now_s=time.monotonic(),
        )
        self._panel = panel_of(settings, self._post, self._ask_for_code)
        bulletin = Bulletin(self._panel.tell)
        self._lights = open_lights(settings.pins)
        cards_end, visions_end = photo_passage()
        self._preview_door = preview_door()
        self._inherited_by_workers = (cards_end, visions_end, self._preview_door)
        self._card: CardWorker = CardWorker(
            "card worker",
            _command("firmware.card.worker", settings.card, cards_end.fileno()),
            card.REPLIES,
            card.NEWS,
            answer_within_s=settings.card.answer_within_s * settings.machine_scale,
            start_within_s=START_WITHIN_S * settings.machine_scale,
            on_news=self._hear_of_card,
            on_lost=self._lose_card_worker,
            inherited=(cards_end.fileno(),),
            environment=_environment(settings),
        )
        self._vision: VisionWorker = VisionWorker(
            "vision worker",
            _command(
                "firmware.match.worker",
                settings.vision,
                settings.machine_scale,
                visions_end.fileno(),
                self._preview_door.fileno(),
            ),
            vision.REPLIES,
            vision.NEWS,
            answer_within_s=settings.vision.answer_within_s * settings.machine_scale,
            start_within_s=START_WITHIN_S * settings.machine_scale,
            on_news=self._hear_of_vision,
            on_lost=self._lose_vision_worker,
            inherited=(visions_end.fileno(), self._preview_door.fileno()),
        )
        self._errands = Errands(
            settings,
            self._device,
            self._card,
            self._vision,
            self._panel.take_digits,
            staff_gate=gate,
        )
        self._checkup = Checkup(
            settings,
            self._device,
            self._is_idle,
            lights=self._lights.there,
        )
        self._host = HostDesk(
            settings,
            self._device,
            self._post,
            lambda: self._visit,
            tuple(LANGUAGES),
            staff_gate=gate,
            examine=self._checkup.report,
            bulletin=bulletin,
        )
        self._line = HostLine(settings, self._device, self._host, bulletin, self._is_idle)
        verbs = {"doctor": self._checkup.answer, "pair": self._line.pair_for_caller}
        self._control = ControlServer(self._runtime_dir, verbs)

    async def run(self, on_ready: Awaitable[None] | None = None) -> None:
        """Serve visits until cancelled; whatever was started is stopped."""
        ears = Ears(self._hear_staff_button, self._hear_opened, self._hear_shut)
        inputs = open_inputs(self._settings.pins, ears)
        try:
            await self._panel.start()
            # Its origin is known before the worker that answers there: no page has to load again.
            self._panel.show_camera_at(f"http://127.0.0.1:{self._preview_door.getsockname()[1]}/")
            await asyncio.gather(self._card.start(), self._vision.start())
            await self._line.open()
            looking = asyncio.create_task(self._host.look_after_device())
            try:
                await self._control.start()
                self._panel.show(self._visit)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._reader_told.wait(), READER_TOLD_WITHIN_S)
                if on_ready is not None:
                    await on_ready
                scale = self._settings.machine_scale
                async with fed(checks_of(self._card, self._vision, self._panel, scale)):
                    while True:
                        self._take(await self._events.get())
            finally:
                await self._control.stop()
                looking.cancel()
                await self._line.close()
        finally:
            self._cancel_timers()
            self._chores.cancel()
            await asyncio.gather(self._panel.stop(), self._card.stop(), self._vision.stop())
            inputs.close()
            self._lights.close()
            for end in self._inherited_by_workers:
                end.close()

    def _ask_for_code(self) -> None:
        self._line.pair_again()

    def _is_idle(self) -> bool:
        return self._visit.state is State.IDLE and self._host.started is None

    def _post(self, event: e.Event) -> None:
        self._events.put_nowait(event)

    def _take(self, event: e.Event) -> None:
        before = self._visit
        self._visit, effects = step(before, event, self._device.now())
        if self._visit.entry != before.entry:
            self._enter(before)
        for effect in effects:
            self._perform(effect)
        self._panel.show(self._visit, self._hint)
        self._lights.show(self._visit)

    def _enter(self, before: Visit) -> None:
        """The visit is in another state, or anew in the same one."""
        now_s = time.monotonic()
        if before.state is State.IDLE:
            self._checkup.give_way()
            self._stopwatch = Stopwatch(self._visit.state, now_s)
        self._stopwatch.enter(self._visit.state, now_s)
        self._hint = None
        self._host.tell_progress(self._visit, now_s)

    def _perform(self, effect: Do | Ignored) -> None:
        visit, errands = self._visit, self._errands
        request = visit.request
        match effect:
            case Ignored(event):
                self.ignored[f"{visit.state}/{type(event).__name__}"] += 1
            case Do.SET_TIMERS:
                self._set_timers()
            case Do.OFFER_FACE:
                self._later(FACE_STARTS_AFTER_S, e.FaceStartsByItself(visit.entry))
            case Do.TELL_RESULT:
                report = self._stopwatch.report_ms()
                self._host.tell_result(visit, errands.evidence, report)
            case Do.SEND_EVIDENCE if errands.evidence is not None:
                self._host.ask_confirmation(errands.evidence)
            case Do.REGISTER if errands.certificate is not None:
                self._host.ask_to_register(errands.certificate)
            case Do.ASK_REGISTRATION:
                self._begin(self._ask_registration(visit))
            case Do.RELEASE_CARD:
                self._begin(errands.release_card())
            case Do.STOP_LOOKING:
                self._begin(errands.stop_looking())
            case Do.FORGET_PATIENT:
                self._chores.cancel()  # or one would store what is being forgotten
                self._panel.forget()
                self._host.forget()
                self._begin(errands.forget())
            case Do.IDENTIFY_CARD:
                self._begin(errands.identify_card())
            case Do.QUERY_PIN_TRIES:
                self._begin(errands.query_pin_tries())
            case Do.VERIFY_PIN:
                self._begin(errands.verify_pin(visit))
            case Do.CHECK_STAFF_PASSCODE:
                self._begin(errands.check_staff_passcode())
            case Do.WAKE_CAMERA if request is not None:
                self._begin(errands.wake_camera(request.transaction_id))
            case Do.READ_PRINT if request is not None:
                self._begin(errands.read_print(request.transaction_id))
            case Do.READ_CARD_FACE if request is not None:
                self._begin(errands.read_card_face(request.transaction_id))
            case Do.COMPARE_FACES if request is not None:
                self._begin(errands.compare_faces(request.transaction_id))
            case Do.SIGN_STATEMENT if self._host.started is not None:
                self._begin(errands.sign_statement(visit, self._host.started))
            case _:
                self._post(e.CardFailed(Cause.DEVICE_FAULT))

    async def _ask_registration(self, visit: Visit) -> e.Event | None:
        event = await self._errands.read_certificate()
        certificate = self._errands.certificate
        if event is None and certificate is not None and visit.method is not None:
            self._host.ask_registration(certificate, visit.method)
        return event

    def _begin(self, errand: Coroutine[Any, Any, e.Event | None]) -> None:
        """Start an errand; its event counts only while the same visit goes on."""
        self._chores.begin(self._finish(errand, self._visit.request))

    async def _finish(self, errand: Awaitable[e.Event | None], request: object) -> None:
        try:
            event = await errand
        except Fault as fault:
            log.warning("%s: %s", fault.code, fault)
            event = Errands.event_of_fault(fault)
        if event is not None and self._visit.request is request:
            self._post(event)

    # --- timers
    def _set_timers(self) -> None:
        self._cancel_timers()
        limit, entry = LIMITS[self._visit.state], self._visit.entry
        if limit.warn_s is not None:
            self._later(limit.warn_s, e.TimeWarned(entry))
        if limit.end_s is not None:
            self._later(limit.end_s, e.TimeUp(entry))

    def _later(self, after_s: float, event: e.Event) -> None:
        loop = asyncio.get_running_loop()
        after_s *= self._settings.time_scale
        self._timers.append(loop.call_later(after_s, self._post, event))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # --- news from the workers
    def _hear_of_card(self, news: card.CardMessage) -> None:
        match news:
            case card.CardSeen():
                self._post(e.CardPlaced())
            case card.CardGone():
                self._post(e.CardRemoved())
            case card.ReaderLearnt():
                self._errands.note_reader(news)
            case card.ReaderSeen(name, code):
                self._reader_told.set()
                self._host.note_reader(name, cause_of(code) if code else None)
                if code is not None:
                    log.warning("card reader: %s", code)
                    self._post(e.CardFailed(cause_of(code)))

    def _hear_of_vision(self, news: vision.VisionMessage) -> None:
        match news:
            case vision.Hinted(hint):
                self._hint = hint
                self._panel.show(self._visit, hint)
            case vision.LightWanted(light) if self._settings.vision.screen_light:
                self._panel.show_light(light)
            case vision.PreviewAt(address):
                self._panel.show_camera_at(address)
            case vision.CameraSeen(ready, code):
                self._checkup.note_camera(news)
                self._host.note_camera(ready=ready)
                if code is not None:
                    log.warning("camera: %s", code)

    def _lose_card_worker(self, fault: WorkerLost) -> None:
        """Whatever state the card had is gone with its process; the new one looks for itself."""
        log.warning("%s", fault)
        self._host.note_reader_lost()
        if self._visit.state is not State.FORGETTING:
            self._post(e.CardFailed(Cause.DEVICE_FAULT))
        self._post(e.CardRemoved())

    def _lose_vision_worker(self, fault: WorkerLost) -> None:
        log.warning("%s", fault)
        self._panel.show_light(PanelLight.OFF)

    # --- news from the header
    def _hear_staff_button(self) -> None:
        """As if the patient had touched it; where no staff look is possible it is ignored."""
        self._post(e.MethodChosen(Method.STAFF))

    def _hear_opened(self) -> None:
        log.warning("the enclosure is open")
        self._host.note_enclosure(opened=True)
        self._post(e.TamperOpened())

    def _hear_shut(self) -> None:
        log.info("the enclosure is shut")
        self._host.note_enclosure(opened=False)


def _command(module: str, settings: msgspec.Struct, *further: float) -> tuple[str, ...]:
    """`further`: numbers that the module takes; descriptors stand last."""
    return (module, msgspec.json.encode(settings).decode(), *map(str, further))


def _environment(settings: Settings) -> dict[str, str] | None:
    if settings.card.pcsc_socket is None:
        return None
    return {**os.environ, "PCSCLITE_CSOCK_NAME": settings.card.pcsc_socket}


def log_to_stderr() -> None:
    """Warnings and what the device does, one line each; never what a person typed or showed."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
