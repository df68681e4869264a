"""The door of a page on loopback: whom it lets in, and what every answer says. [shell]

A page's files are no secret; what it shows is. So a page says the token of this start as its first
message (`launcher.py`), and only then hears anything. Every request must name this server by its
literal address, so that a name rebound to loopback reaches nothing, and a socket must come from a
page of this server.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from aiohttp import ClientError, ClientSession, WSCloseCode, WSMessage, WSMsgType, web

from firmware.faults import PanelUnavailable
from firmware.panel.touch import MAX_MESSAGE_BYTES, Hello

MAX_STRANGERS = 8
"""Connections that have not yet said who they are."""
HELLO_WITHIN_S = 5.0
STOP_WITHIN_S = 0.5

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Said = TypeVar("Said")
Files = Mapping[str, Path]
"""Name in the address → file; the empty name is the page itself."""
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def policy(pictures_from: str | None = None) -> str:
    """The page's Content-Security-Policy: itself alone, and pictures of at most one more origin."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; "
        f"img-src 'self' data:{' ' + pictures_from if pictures_from else ''}; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Door:
    """One page, served to whoever names it rightly, and heard from whoever knows its token."""

    def __init__(self, files: Files, policy_now: Callable[[], str] = policy) -> None:
        """`policy_now` is asked for every answer: a page's policy may change while it is served."""
        self._files, self._policy_now = files, policy_now
        self._token = secrets.token_urlsafe(24)
        self._hosts: frozenset[str] = frozenset()
        self._runner: web.AppRunner | None = None
        self._strangers = 0

    @property
    def is_open(self) -> bool:
        """Whether it serves."""
        return self._runner is not None

    async def open(self, routes: Iterable[web.RouteDef], port: int = 0) -> str:
        """Serve the files and `routes`; `port` 0 takes a free one. Returns the page's address with
        the token in its fragment. Raises `OSError`."""
        app = web.Application(middlewares=[self._guarded])
        app.add_routes([*routes, web.get("/{name:[a-z.]*}", self._file)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WITHIN_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError:
            await self.close()
            raise
        taken = self._runner.addresses[0][1]
        self._hosts = frozenset({f"127.0.0.1:{taken}", f"localhost:{taken}"})
        return f"http://127.0.0.1:{taken}/#{self._token}"

    async def answers(self) -> None:
        """Ask for the page as a browser would. Raises `PanelUnavailable`."""
        if self._runner is None:
            raise PanelUnavailable("the panel is shut")
        host, port = self._runner.addresses[0]
        try:
            async with ClientSession() as browser, browser.get(f"http://{host}:{port}/") as page:
                status = page.status
        except ClientError as cause:
            raise PanelUnavailable(f"the page cannot be had: {cause}") from cause
        if status != web.HTTPOk.status_code:
            raise PanelUnavailable(f"the page is answered by {status}")

    async def close(self) -> None:
        """Stop serving; may be called again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def greet(
        self, request: web.Request, max_bytes: int = MAX_MESSAGE_BYTES
    ) -> tuple[web.WebSocketResponse, Hello | None]:
        """A socket, and who introduced itself there in time and with the token.

        None: nobody did; the socket is closed. `max_bytes` is the longest message it takes.
        """
        if "Origin" not in request.headers:
            raise web.HTTPForbidden  # a browser always names it
        if self._strangers >= MAX_STRANGERS:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(max_msg_size=max_bytes, heartbeat=20.0)
        self._strangers += 1
        try:
            await socket.prepare(request)
            hello = await _introduced(socket)
        finally:
            self._strangers -= 1
        if hello is None or not secrets.compare_digest(hello.token.encode(), self._token.encode()):
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return socket, None
        return socket, hello

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = HEADERS | {"Content-Security-Policy": self._policy_now()}
        try:
            self._admit(request)
            response = await handler(request)
        except web.HTTPException as refusal:
            refusal.headers.update(headers)
            raise
        if not response.prepared:
            response.headers.update(headers)
        return response

    def _admit(self, request: web.Request) -> None:
        """By literal name and, where one is told, by literal origin."""
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin.removeprefix("http://") not in self._hosts
        if foreign or request.headers.get("Host") not in self._hosts:
            raise web.HTTPForbidden

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["name"] not in self._files:
            raise web.HTTPNotFound
        path = self._files[request.match_info["name"]]
        text = path.read_text(encoding="utf-8")
        return web.Response(text=text, content_type=CONTENT_TYPES[path.suffix])


def files_of(folder: Path, *names: str) -> Files:
    """A page, index.html, and the files of those names beside it."""
    return {"": folder / "index.html"} | {name: folder / name for name in names}


async def _introduced(socket: web.WebSocketResponse) -> Hello | None:
    """The first message, if it comes in time and says who is there."""
    try:
        return decoded(await socket.receive(timeout=HELLO_WITHIN_S), Hello)
    except TimeoutError:
        return None


def decoded(message: WSMessage, kind: type[Said]) -> Said | None:
    """What a page said, or None when it is not of that kind."""
    if message.type is not WSMsgType.TEXT:
        return None
    try:
        return msgspec.json.decode(message.data, type=kind)
    except msgspec.MsgspecError:
        return None
