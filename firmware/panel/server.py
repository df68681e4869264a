"""The panel's server on loopback: pushes views, takes touches, keeps the pad. [shell]

The address holds a token of this start: `http://127.0.0.1:PORT/TOKEN/`. It stands in
`runtime_dir/panel.json`, which only this user may read. Nothing is answered without it, nor under
another host name (a rebound DNS name), nor to a script of another page.

Digits have one way out: `take_digits`, once, in the state that uses them.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from firmware.faults import PanelUnavailable
from firmware.panel.pin_pad import KEYS, ORDERED, SHAPES, PinPad, shuffled, wipe
from firmware.panel.screens import SCREENS, ButtonKind, buttons_now, event_for
from firmware.panel.texts import read_texts
from firmware.panel.view import PanelView, view
from firmware.transaction.events import Event, PinDigitTyped
from firmware.transaction.visit import Visit
from firmware.words import Hint
from firmware.words import State as S

WEB = Path(__file__).parent / "web"
FILES = {
    "": ("index.html", "text/html"),
    "panel.css": ("panel.css", "text/css"),
    "panel.js": ("panel.js", "text/javascript"),
}
MAX_TOUCH_BYTES = 4096
MAX_PAGES = 8
VIEWS_WAITING = 64
"""A page that lags further behind is dropped; it comes back and gets the present view."""
STOP_WITHIN_S = 0.5
USES_DIGITS = frozenset({S.VERIFYING_PIN, S.CHECKING_STAFF, S.READING_CARD_FACE})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the token stands in the address
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Touch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page says: a button, a key's position, or delete. `entry` is the view's it saw."""

    entry: Annotated[int, msgspec.Meta(ge=0)]
    tap: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    key: Annotated[int, msgspec.Meta(ge=0, lt=KEYS)] | None = None
    delete: bool = False

    def __post_init__(self) -> None:
        if (self.tap is not None) + (self.key is not None) + self.delete != 1:
            raise ValueError("a touch is one of tap, key and delete")


class PanelAddress(msgspec.Struct, frozen=True):
    """The content of panel.json."""

    address: str


class PanelServer:
    """Shows one visit to every page that is open, and posts what is touched as events."""

    def __init__(
        self,
        runtime_dir: Path,
        on_event: Callable[[Event], None],
        *,
        port: int = 0,
        hotline: str = "",
        shuffle_keys: bool = False,
    ) -> None:
        """`port` 0 takes a free one. Raises `BadSettings` for unfit texts."""
        self._runtime_dir, self._on_event = runtime_dir, on_event
        self._port, self._hotline, self._shuffle_keys = port, hotline, shuffle_keys
        self._texts = read_texts()
        self._token = secrets.token_urlsafe(24)
        self._hosts: frozenset[str] = frozenset()
        self._runner: web.AppRunner | None = None
        self._pages: set[asyncio.Queue[PanelView | None]] = set()
        self._visit = Visit()
        self._view = view(self._visit, self._texts)
        self._pad: PinPad | None = None
        self._entered: tuple[int, bytearray] | None = None
        """The entry that digits were confirmed in, and the digits until they are taken."""

    async def start(self) -> str:
        """Serve, write panel.json, and return the page's address. Raises `PanelUnavailable`."""
        app = web.Application(middlewares=[self._guarded])
        app.router.add_get("/{token}/panel", self._socket)
        app.router.add_get("/{token}/pad.svg", self._pad_picture)
        app.router.add_get("/{token}/{name:[a-z.]*}", self._file)
        # No access log: the token is a part of every path.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WITHIN_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
            port = self._runner.addresses[0][1]
            self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
            address = f"http://127.0.0.1:{port}/{self._token}/"
            _write_private(self._runtime_dir / "panel.json", PanelAddress(address))
        except OSError as cause:
            await self._runner.cleanup()
            where = f"port {self._port}, {self._runtime_dir}"
            raise PanelUnavailable(f"{where}: {cause.strerror}") from cause
        return address

    async def stop(self) -> None:
        """Close every page and stop serving; whatever was typed is wiped."""
        self.forget()
        for page in tuple(self._pages):
            _hang_up(page)
        if self._runner is not None:
            await self._runner.cleanup()
            (self._runtime_dir / "panel.json").unlink(missing_ok=True)
            self._runner = None

    def show(self, visit: Visit, hint: Hint | None = None) -> None:
        """Show the visit as it is now. Call it after every step; no view is sent twice."""
        self._follow_with_pad(visit)
        self._visit = visit
        shown = view(visit, self._texts, hint=hint, hotline=self._hotline)
        if shown == self._view:
            return
        self._view = shown
        for page in tuple(self._pages):
            if page.full():
                self._pages.discard(page)
                _hang_up(page)
            else:
                page.put_nowait(shown)

    def take_digits(self) -> bytearray | None:
        """The digits that were confirmed, once; they belong to the caller, who wipes them."""
        entered, self._entered = self._entered, None
        return entered[1] if entered else None

    def forget(self) -> None:
        """Wipe whatever was typed."""
        if self._pad is not None:
            self._pad.wipe()
        self._wipe_entered()

    # --- the pad
    def _follow_with_pad(self, visit: Visit) -> None:
        """A pad lives for one entry of one state, and confirmed digits for the next one only."""
        if self._entered is not None:
            keyed_in = self._entered[0]
            used_now = visit.entry == keyed_in + 1 and visit.state in USES_DIGITS
            if visit.entry != keyed_in and not used_now:
                self._wipe_entered()
        if visit.entry == self._visit.entry:
            return
        if self._pad is not None:
            self._pad.wipe()
            self._pad = None
        kind = SCREENS[visit.state].pad
        if kind is not None:
            keys = shuffled(SystemRandom()) if self._shuffle_keys else ORDERED
            self._pad = PinPad(SHAPES[kind].length, keys)

    def _wipe_entered(self) -> None:
        if self._entered is not None:
            wipe(self._entered[1])
            self._entered = None

    def _touched(self, touch: Touch) -> None:
        if touch.entry != self._visit.entry:
            return  # meant for a screen that is gone
        if touch.tap is not None:
            self._tapped(touch.tap)
        elif self._pad is not None:
            changed = self._pad.delete() if touch.key is None else self._pad.press(touch.key)
            if changed:
                self._on_event(PinDigitTyped(self._pad.count))

    def _tapped(self, button_id: str) -> None:
        event = event_for(self._visit, button_id)
        if event is None:
            return
        if _is_enter(self._visit, button_id):
            if self._pad is None or not self._pad.full:
                return  # confirmed a moment ago
            self._wipe_entered()
            self._entered = self._visit.entry, self._pad.take()
        self._on_event(event)

    # --- HTTP
    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # The token first: without it a stranger learns nothing, not even which paths there are.
        token = request.match_info.get("token", "")
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            raise web.HTTPNotFound(headers=HEADERS)
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin.removeprefix("http://") not in self._hosts
        if request.headers.get("Host") not in self._hosts or foreign:
            raise web.HTTPForbidden(headers=HEADERS)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["name"] not in FILES:
            raise web.HTTPNotFound(headers=HEADERS)
        name, content_type = FILES[request.match_info["name"]]
        content = (WEB / name).read_text(encoding="utf-8")
        return web.Response(text=content, content_type=content_type)

    async def _pad_picture(self, _request: web.Request) -> web.StreamResponse:
        if self._pad is None:
            raise web.HTTPNotFound(headers=HEADERS)
        return web.Response(text=self._pad.drawn(), content_type="image/svg+xml")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if "Origin" not in request.headers:
            raise web.HTTPForbidden(headers=HEADERS)
        if len(self._pages) >= MAX_PAGES:
            raise web.HTTPServiceUnavailable(headers=HEADERS)
        socket = web.WebSocketResponse(max_msg_size=MAX_TOUCH_BYTES, heartbeat=20.0)
        page: asyncio.Queue[PanelView | None] = asyncio.Queue(VIEWS_WAITING)
        self._pages.add(page)
        page.put_nowait(self._view)
        sending: asyncio.Task[None] | None = None
        try:
            await socket.prepare(request)
            sending = asyncio.create_task(_send_views(socket, page))
            await self._listen(socket)
        finally:
            self._pages.discard(page)
            if sending is not None:
                sending.cancel()
        return socket

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                return
            try:
                touch = msgspec.json.decode(message.data, type=Touch)
            except msgspec.MsgspecError:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                return
            self._touched(touch)


async def _send_views(socket: web.WebSocketResponse, page: asyncio.Queue[PanelView | None]) -> None:
    while (shown := await page.get()) is not None:
        try:
            await socket.send_str(msgspec.json.encode(shown).decode())
        except ConnectionError:
            return  # the reader's side notices, and takes the page off the list
    await socket.close(code=WSCloseCode.GOING_AWAY)


def _hang_up(page: asyncio.Queue[PanelView | None]) -> None:
    """Drop what waits, and close."""
    while not page.empty():
        page.get_nowait()
    page.put_nowait(None)


def _is_enter(visit: Visit, button_id: str) -> bool:
    return any(b.id == button_id and b.kind is ButtonKind.ENTER for b in buttons_now(visit))


def _write_private(path: Path, content: PanelAddress) -> None:
    """Replace a file that only this user may read; it is never half-written."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(content))
    fresh.rename(path)
