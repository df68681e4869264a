"""The preview on loopback: who gets it, what they get, and that nothing is left of it."""

from __future__ import annotations

import gc
import http.client
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from firmware.camera import preview as preview_module
from firmware.camera.frame import Pixels
from firmware.camera.preview import (
    BLANK,
    MAX_CONNECTIONS,
    WIDTH,
    Picture,
    Preview,
    PreviewServer,
    encoded,
)
from firmware.worker import preview_door

WITHIN_S = 60.0
Headers = dict[str, str]


def frame(left: int = 0, right: int = 255) -> Pixels:
    """Two halves of one grey each."""
    pixels = np.full((480, 640, 3), left, np.uint8)
    pixels[:, 320:] = right
    return pixels


@pytest.fixture
def preview() -> Preview:
    return Preview()


@pytest.fixture
def address(preview: Preview) -> Iterator[str]:
    server = PreviewServer(preview, preview_door())
    server.start()
    yield server.address
    server.stop()


def get(address: str, path: str | None = None, **headers: str) -> http.client.HTTPResponse:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=WITHIN_S)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", parts.path if path is None else path, headers=sent)
    return connection.getresponse()


def test_a_picture_is_small_and_mirrored() -> None:
    drawn = cv2.imdecode(np.frombuffer(encoded(frame()).jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (240, WIDTH, 3)
    assert drawn[:, :150].min() > 200
    assert drawn[:, 170:].max() < 50
    assert str(encoded(frame())).startswith("Picture(")


def test_a_stream_ends_with_a_blank_picture(preview: Preview, address: str) -> None:
    preview.show(frame())
    answer = get(address)
    assert preview.watched
    preview.forget()
    *_, last, end = answer.read().split(b"--picture")
    assert BLANK.jpeg in last
    assert end == b"--\r\n"


def test_headers_forbid_keeping_and_other_sites(preview: Preview, address: str) -> None:
    preview.show(frame())
    answer = get(address)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] is None
    assert answer.headers["Set-Cookie"] is None


def test_without_pictures_a_stream_says_so(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(preview_module, "PICTURE_WITHIN_S", 0.0)
    assert get(address).status == 503


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "kazashi.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Sec_Fetch_Site": "cross-site"},
    ],
    ids=str,
)
def test_strangers_get_nothing(address: str, headers: Headers) -> None:
    answer = get(address, **headers)
    assert (answer.status, answer.read()) == (403, b"")


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/%00", "//", "/" + "A" * 32])
def test_without_the_token_there_is_nothing(address: str, path: str) -> None:
    assert get(address, path).status == 403


def test_a_path_of_odd_bytes_is_none(address: str) -> None:
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), WITHIN_S) as line:
        line.sendall(b"GET /\xe9\xff HTTP/1.1\r\nHost: " + parts.netloc.encode() + b"\r\n\r\n")
        assert b" 403 " in line.recv(100)


def test_two_hosts_are_no_host(address: str) -> None:
    parts = urlsplit(address)
    host = f"Host: {parts.netloc}\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), WITHIN_S) as line:
        line.sendall(f"GET {parts.path} HTTP/1.1\r\n{host}{host}\r\n".encode())
        assert b" 403 " in line.recv(100)


def test_connections_are_few(address: str) -> None:
    parts = urlsplit(address)
    where = parts.hostname or "", parts.port or 0
    lines = [socket.create_connection(where, WITHIN_S) for _ in range(MAX_CONNECTIONS)]
    try:
        with socket.create_connection(where, WITHIN_S) as one_more:
            assert one_more.recv(1) == b""
    finally:
        for line in lines:
            line.close()


def test_for_nobody_nothing_is_watched_and_forgetting_leaves_no_picture(preview: Preview) -> None:
    assert not preview.watched
    stream = preview.follow()
    assert not preview.watched
    preview.show(frame())
    assert next(stream) is not None
    assert preview.watched
    preview.forget()
    assert list(stream) == []
    assert not preview.watched
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, Picture)] == [BLANK]
