"""What the face camera sees, for the panel's page: pictures on loopback, kept nowhere. [shell]

The address holds a token of this start: `http://127.0.0.1:PORT/TOKEN`. Nothing is answered without
it, nor under another host name (a rebound DNS name), nor to a page of another site. One picture at
a time is held, and none once the looking is over; a stream that was open then gets a blank one
last, because a browser goes on showing what it got.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Generator
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Condition, Thread
from typing import Any, Final

import cv2
import numpy as np

from firmware.camera.frame import Pixels

WIDTH: Final = 320
"""Pixels; the height follows. Half of a camera's 640: a frame is halved eight times as fast as it
is brought to 400, and an oval guide needs no more."""
JPEG_QUALITY: Final = 70
MAX_CONNECTIONS: Final = 4
"""One page, its reload, and two strangers; a further connection is closed unheard."""
SEND_WITHIN_S: Final = 2.0
PICTURE_WITHIN_S: Final = 3.0
"""A stream without a picture for so long ends; the page may ask again."""
BOUNDARY: Final = "picture"
BLANK_GREY: Final = 230
OWN_SITE: Final = frozenset({"same-origin", "same-site", "none"})
"""What `Sec-Fetch-Site` says of a page on this machine, whatever its port."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # The panel's page has another port, and Chromium lets `same-site` not reach across ports of an
    # address of digits. `Sec-Fetch-Site` and the token keep others out.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Picture:
    """One encoded picture of a person; it prints as its size."""

    __slots__ = ("__weakref__", "jpeg")

    def __init__(self, jpeg: bytes) -> None:
        self.jpeg = jpeg

    def __repr__(self) -> str:
        return f"Picture({len(self.jpeg)} bytes)"


def encoded(pixels: Pixels) -> Picture:
    """A frame (height × width × 3, BGR) as a small JPEG, mirrored: people know themselves so."""
    height, width = pixels.shape[:2]
    small = cv2.resize(
        pixels, (WIDTH, max(1, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA
    )
    _, jpeg = cv2.imencode(".jpg", cv2.flip(small, 1), (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return Picture(jpeg.tobytes())


BLANK: Final = encoded(np.full((3, 4, 3), BLANK_GREY, np.uint8))


class Preview:
    """Room for one picture between the loop that looks and the pages that show it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._picture: Picture | None = None
        self._shown = 0
        self._lookings = 0
        self._watchers = 0

    @property
    def watched(self) -> bool:
        """Whether a page asks for pictures: for nobody, nothing is encoded."""
        return self._watchers > 0

    def show(self, pixels: Pixels) -> None:
        """Let every page see this frame, in place of the one before it."""
        picture = encoded(pixels)
        with self._changed:
            self._picture = picture
            self._shown += 1
            self._changed.notify_all()

    def forget(self) -> None:
        """The looking is over: drop the picture, and end every stream."""
        with self._changed:
            self._picture = None
            self._lookings += 1
            self._changed.notify_all()

    def follow(self) -> Generator[Picture, None, None]:
        """Each newest picture, once, until the looking ends or no more come. It blocks."""
        with self._changed:
            self._watchers += 1
            looking, seen = self._lookings, 0
        try:
            while (found := self._newer_than(seen, looking)) is not None:
                seen, picture = found
                del found
                yield picture
                del picture  # nothing is held while waiting
        finally:
            with self._changed:
                self._watchers -= 1

    def _newer_than(self, seen: int, looking: int) -> tuple[int, Picture] | None:
        def settled() -> bool:
            news = self._picture is not None and self._shown > seen
            return news or self._lookings != looking

        with self._changed:
            if not self._changed.wait_for(settled, PICTURE_WITHIN_S):
                return None
            if self._lookings != looking or self._picture is None:
                return None
            return self._shown, self._picture


class PreviewServer:
    """Streams a `Preview` to pages on this machine, in threads of its own."""

    def __init__(self, preview: Preview, door: socket.socket) -> None:
        """`door` listens on loopback, and is closed with this server."""
        self._preview = preview
        token = secrets.token_urlsafe(24)
        self._server = _Server(preview, door, token)
        self.address = f"http://127.0.0.1:{self._server.server_port}/{token}"

    def start(self) -> None:
        """Answer until stopped."""
        Thread(target=self._server.serve_forever, name="preview server", daemon=True).start()

    def stop(self) -> None:
        """Serve nobody any more; streams end."""
        self._preview.forget()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """One thread per connection, and not many connections."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, preview: Preview, door: socket.socket, token: str) -> None:
        super().__init__(door.getsockname(), _Stream, bind_and_activate=False)
        self.socket.close()
        self.socket, self.server_port = door, door.getsockname()[1]
        self.preview, self.token = preview, token
        self.hosts = {f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"}
        self._seats = BoundedSemaphore(MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._seats.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._seats.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that went away in the middle of a picture is no news."""


class _Stream(BaseHTTPRequestHandler):
    """One request: the address says all that may be asked."""

    server: _Server
    server_version = sys_version = ""
    timeout = SEND_WITHIN_S

    def do_GET(self) -> None:
        """The stream, or a refusal that says nothing."""
        headers = self.headers
        asked = self.path.partition("?")[0].encode()
        if (
            headers.get_all("Host", []) not in ([host] for host in self.server.hosts)
            or headers.get("Sec-Fetch-Site", "none") not in OWN_SITE
            or not secrets.compare_digest(asked, f"/{self.server.token}".encode())
        ):
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        begun = False
        with closing(self.server.preview.follow()) as pictures:
            for picture in pictures:
                if not begun:
                    self._begin()
                    begun = True
                self._send(picture)
                del picture
        if begun:
            self._send(BLANK, end=b"--")
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _begin(self) -> None:
        self.send_response(HTTPStatus.OK)
        self._send_headers(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.wfile.write(f"--{BOUNDARY}\r\n".encode())

    def _send(self, picture: Picture, end: bytes = b"") -> None:
        """A browser draws a part when its closing boundary is there: it goes out with the part."""
        size = len(picture.jpeg)
        head = f"Content-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n".encode()
        self.wfile.write(head + picture.jpeg + f"\r\n--{BOUNDARY}".encode() + end + b"\r\n")

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self._send_headers("text/plain")

    def _send_headers(self, content_type: str) -> None:
        for name, value in (HEADERS | {"Content-Type": content_type}).items():
            self.send_header(name, value)
        self.end_headers()

    def version_string(self) -> str:
        return "kazashi"

    def log_message(self, format: str, *args: Any) -> None:
        """No log: the token is a part of every path."""
