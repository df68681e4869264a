"""The panel's server on loopback: pushes views, takes touches. [shell]

`door.py` says who may come in. One page is shown at a time: the same tab, loaded anew, takes the
place of its older self; any other browser is told politely that the panel is in use.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSCloseCode, web

from firmware.faults import PanelUnavailable
from firmware.indicator.patterns import Sound
from firmware.panel.comfort import SITE_DEFAULT, Comfort, turned
from firmware.panel.door import Door, decoded, files_of, policy
from firmware.panel.lamp import Lamp
from firmware.panel.launcher import remove_launcher, write_launcher
from firmware.panel.light import LIT, Shining
from firmware.panel.page_words import read_page_words
from firmware.panel.pin_desk import PinDesk
from firmware.panel.sayings import speech_files
from firmware.panel.screens import SCREENS, ButtonKind, buttons_now, event_for
from firmware.panel.seat import Closing, Page, Seat
from firmware.panel.sounds import joined, melody
from firmware.panel.speech import read_manifest
from firmware.panel.standing import NEW_CODE, Told
from firmware.panel.texts import read_marked_texts
from firmware.panel.touch import Touch, TouchRate
from firmware.panel.view import Around, InUse, view
from firmware.transaction.events import Event, PinDigitTyped
from firmware.transaction.visit import Visit
from firmware.words import Hint, Language, Layout, PanelLight, Standing
from firmware.words import State as S

WEB = Path(__file__).parent / "web"
FILES = files_of(WEB, "colours.css", "panel.css", "panel.js", "draw.js", "keyboard.js", "sound.js")


class PanelServer:
    """Shows one visit to one page, and posts what is touched as events."""

    def __init__(
        self,
        runtime_dir: Path,
        on_event: Callable[[Event], None],
        *,
        port: int = 0,
        hotline: str = "",
        shuffle_keys: bool = False,
        layout: Layout = Layout.FULL,
        comfort: Comfort = SITE_DEFAULT,
        random: Random | None = None,
        speech: Path | None = None,
        readers_group: int | None = None,
        on_new_code: Callable[[], None] = lambda: None,
    ) -> None:
        """`port` 0 takes a free one. `comfort` is the site's own; `random` lays out the pads.
        `speech` is the folder that set-up rendered; without it the panel is silent.
        `on_new_code`: somebody at the device asks for other digits of a pairing.
        `readers_group` may read where the page is, besides this user.
        Raises `BadSettings` for unfit texts."""
        self._runtime_dir, self._on_event, self._port = runtime_dir, on_event, port
        self._readers_group = readers_group
        self._on_new_code = on_new_code
        self._texts, self._comfort = read_marked_texts(), comfort
        self._spoken = None if speech is None else (speech, read_manifest(speech))
        self._around = Around(
            read_page_words(), hotline, layout, comfort, speaks=speech is not None
        )
        self._door = Door(FILES, lambda: policy(_origin(self._around.preview)))
        self._desk = PinDesk(random or SystemRandom(), shuffle_keys=shuffle_keys)
        self._seat = Seat()
        self._lamp, self._eyes = Lamp(self._light), set[Page]()
        self._visit = Visit()
        self._hint: Hint | None = None
        self._view = view(self._visit, self._texts, self._around)
        self.stale_taps = 0
        """Touches that came for a screen that was gone, or a button that was not there."""
        self.dropped_taps = 0
        """Touches beyond what a hand can make."""

    async def start(self) -> str:
        """Serve, write the launcher, and return the page's address with the token in its fragment.
        Raises `PanelUnavailable`."""
        routes = (
            web.get("/panel", self._socket),
            web.get("/light", self._eye),
            web.get("/pad/{pad:[A-Za-z0-9_-]+}.{form:svg|json}", self._pad),
            web.get("/sound/{name:[a-z_]+}.wav", self._sound),
            web.get("/speech/{language}/{name:[0-9a-f-]+}.wav", self._speech),
        )
        try:
            address = await self._door.open(routes, self._port)
            write_launcher(self._runtime_dir, address, group=self._readers_group)
        except OSError as cause:
            await self._door.close()
            where = f"port {self._port}, {self._runtime_dir}"
            raise PanelUnavailable(f"{where}: {cause.strerror}") from cause
        return address

    async def answers(self) -> None:
        """Whether a browser would get the page now. Raises `PanelUnavailable`."""
        await self._door.answers()

    async def stop(self) -> None:
        """Close the page and stop serving; whatever was typed is wiped."""
        self.forget()
        self._lamp.switch_off()
        self._seat.vacate(Closing.STOPPED)
        for eye in self._eyes:
            eye.close(Closing.STOPPED)
        if self._door.is_open:
            await self._door.close()
            remove_launcher(self._runtime_dir)

    def show(self, visit: Visit, hint: Hint | None = None) -> None:
        """Show the visit as it is now. Call it after every step; no view is sent twice."""
        self._desk.follow(visit)
        if visit.state not in LIT:
            self._lamp.switch_off()
        if visit.state is S.IDLE and self._visit.state is not S.IDLE:
            self._change(comfort=self._comfort)  # the next person is another one
        self._change(pad_name=self._desk.name)
        # A hint that comes late is for a screen that has gone: it must hide nothing of this one.
        self._visit, self._hint = visit, hint if SCREENS[visit.state].camera else None
        self._refresh()

    def show_light(self, light: PanelLight) -> None:
        """Let the page shine on the face in this light, as long as the camera looks."""
        if self._visit.state in LIT:
            self._lamp.want(light)

    def show_camera_at(self, preview: str | None) -> None:
        """The camera's live picture is served there, or nowhere. May change at any time.

        A page may only load pictures from the one origin that its policy named when it was loaded;
        so a page with another policy is told to load itself again.
        """
        if _origin(preview) != _origin(self._around.preview):
            self._seat.vacate(Closing.LOAD_AGAIN)
        self._change(preview=preview)
        self._refresh()

    def tell(self, told: Told | None) -> None:
        """What the idle screen says of the device itself, from now on."""
        self._change(told=told)
        self._refresh()

    def take_digits(self) -> bytearray | None:
        """The digits that were confirmed, once; they belong to the caller, who wipes them."""
        return self._desk.take()

    def forget(self) -> None:
        """Wipe whatever was typed."""
        self._desk.forget()

    def _light(self, light: PanelLight) -> None:
        self._change(light=light)
        self._refresh()
        for eye in self._eyes:
            eye.show(Shining(light))

    def _change(self, **changed: Any) -> None:
        self._around = replace(self._around, **changed)

    def _refresh(self) -> None:
        shown = view(self._visit, self._texts, self._around, hint=self._hint)
        if shown != self._view:
            self._view = shown
            self._seat.show(shown)

    # --- touches
    def _touched(self, touch: Touch) -> None:
        for_a_pad = touch.tap is None
        if touch.entry != self._visit.entry or (for_a_pad and self._desk.pad is None):
            self.stale_taps += 1
        elif touch.tap is not None:
            self._tapped(touch.tap)
        elif (count := self._desk.type(touch)) is not None:
            self._on_event(PinDigitTyped(count))

    def _tapped(self, button_id: str) -> None:
        comfort = turned(self._around.comfort, button_id)
        if comfort is not None:
            self._change(comfort=comfort)
            self._refresh()
            return
        if button_id == NEW_CODE and self._may_ask_for_code:
            self._on_new_code()
            return
        event = event_for(self._visit, button_id)
        confirms = _is_enter(self._visit, button_id)
        if event is None or (confirms and not self._desk.confirm()):
            self.stale_taps += 1
            return
        self._on_event(event)

    @property
    def _may_ask_for_code(self) -> bool:
        told = self._around.told
        idle = self._visit.state is S.IDLE
        return idle and told is not None and told.standing is Standing.NOT_PAIRED

    # --- HTTP
    async def _pad(self, request: web.Request) -> web.StreamResponse:
        pad, name = self._desk.pad, request.match_info["pad"]
        if pad is None or not secrets.compare_digest(name, self._desk.name):
            raise web.HTTPNotFound
        if request.match_info["form"] == "json":
            return web.json_response(pad.key_sheet())
        return web.Response(text=pad.drawn(), content_type="image/svg+xml")

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in set(Sound):
            raise web.HTTPNotFound
        return web.Response(body=melody(Sound(name)), content_type="audio/wav")

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        asked = request.match_info
        if self._spoken is None or asked["language"] not in set(Language):
            raise web.HTTPNotFound
        files = speech_files(*self._spoken, Language(asked["language"]), asked["name"])
        if not files:
            raise web.HTTPNotFound
        content = await asyncio.to_thread(joined, files)
        return web.Response(body=content, content_type="audio/wav")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket, hello = await self._door.greet(request)
        if hello is None:
            return socket
        if (page := self._seat.take(hello.session)) is None:
            await self._decline(socket)
        else:
            await self._attend(socket, page)
        return socket

    async def _eye(self, request: web.Request) -> web.StreamResponse:
        """Sees the light of the screen and nothing else; it takes no seat. Simulated cameras do."""
        socket, hello = await self._door.greet(request)
        if hello is None:
            return socket
        eye = Page(hello.session)
        eye.show(Shining(self._around.light))
        self._eyes.add(eye)
        sending = asyncio.create_task(eye.send_to(socket))
        try:
            await socket.receive()  # an eye says nothing: whatever comes is its end
        finally:
            self._eyes.discard(eye)
            sending.cancel()
        return socket

    async def _decline(self, socket: web.WebSocketResponse) -> None:
        language = self._visit.language
        words = InUse(self._texts[language].tag, self._around.page_words[language].in_use)
        await socket.send_str(msgspec.json.encode(words).decode())
        await socket.close(code=Closing.IN_USE)

    async def _attend(self, socket: web.WebSocketResponse, page: Page) -> None:
        page.show(self._view)
        sending = asyncio.create_task(page.send_to(socket))
        try:
            await self._listen(socket)
        finally:
            self._seat.leave(page)
            sending.cancel()

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        rate = TouchRate()
        async for message in socket:
            if not rate.allows(time.monotonic()):
                self.dropped_taps += 1
                continue
            touch = decoded(message, Touch)
            if touch is None:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                return
            self._touched(touch)


def _origin(address: str | None) -> str | None:
    if address is None:
        return None
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _is_enter(visit: Visit, button_id: str) -> bool:
    return any(b.id == button_id and b.kind is ButtonKind.ENTER for b in buttons_now(visit))
