"""The panel's server: whom it answers, what it takes, and where the digits go."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import aiohttp
import msgspec
import pytest
from panel_house import at
from panel_line import SESSION, Panel, closed_with, line, seen, touch

from firmware.faults import PanelUnavailable
from firmware.panel.door import MAX_STRANGERS
from firmware.panel.seat import Closing
from firmware.panel.server import FILES, WEB, PanelServer
from firmware.panel.touch import Hello
from firmware.panel.view import InUse
from firmware.transaction import events as e
from firmware.words import Method, State


# --- who is answered
async def test_the_address_is_for_this_user_only(panel: Panel, tmp_path: Path) -> None:
    address, launcher = tmp_path / "panel.json", tmp_path / "panel.html"
    for file in (address, launcher):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert msgspec.json.decode(address.read_bytes()) == {"address": panel.address}
    assert f"url={panel.address}" in launcher.read_text()
    await panel.server.stop()
    assert not address.exists()
    assert not launcher.exists()


async def test_every_answer_is_sealed_off(panel: Panel, browser: aiohttp.ClientSession) -> None:
    for name in (*FILES, "nothing.here"):
        async with browser.get(f"{panel.origin}/{name}") as answer:
            assert answer.status == (200 if name in FILES else 404)
            policy = answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert not {"Set-Cookie", "Access-Control-Allow-Origin"} & set(answer.headers)
            assert panel.token not in await answer.text()


HERE = "127.0.0.1:PORT"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/settings.toml", {}, 404),
        ("/words.toml", {}, 404),
        ("/%2e%2e/server.py", {}, 404),
        ("/pad/guess.svg", {}, 404),  # no pad on this screen
        ("/pad/guess.json", {}, 404),
        ("/TOKEN", {}, 404),
        ("/", {"Host": "evil.example"}, 403),
        ("/", {"Host": "evil.example:PORT"}, 403),
        ("/", {"Host": "127.0.0.1"}, 403),
        ("/", {"Host": "127.0.0.1:1"}, 403),
        ("/", {"Host": "127.0.0.2:PORT"}, 403),
        ("/", {"Host": "[::1]:PORT"}, 403),
        ("/", {"Host": "127.0.0.1:PORT.evil.example"}, 403),
        ("/", {"Origin": "http://evil.example"}, 403),
        ("/", {"Origin": "https://127.0.0.1:PORT"}, 403),
        ("/panel", {"Origin": "null"}, 403),
        ("/panel", {"Origin": "http://evil.example"}, 403),
        ("/panel", {"Origin": f"http://{HERE}", "Host": "evil.example"}, 403),
        ("/panel", {}, 403),  # a browser always names its origin
    ],
)
async def test_strangers_are_refused(
    panel: Panel,
    browser: aiohttp.ClientSession,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    port = panel.origin.rpartition(":")[2]
    headers = {name: value.replace("PORT", port) for name, value in headers.items()}
    path = path.replace("TOKEN", panel.token)
    async with browser.get(panel.origin + path, headers=headers) as answer:
        assert answer.status == status
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_page_of_another_site_gets_no_socket(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with line(browser, panel.address, Origin="http://evil.example"):
            pass
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "said",
    [
        '{"token": "", "session": "first-session"}',
        '{"token": "guess", "session": "first-session"}',
        '{"token": "TOKENx", "session": "first-session"}',
        '{"token": "TOKEN"}',
        '{"token": "TOKEN", "session": ""}',
        '{"token": "TOKEN", "session": "a/../../b"}',
        '{"token": "TOKEN", "session": "first-session", "more": 1}',
        '{"tap": "cancel", "entry": 0}',
        "TOKEN",
        "",
    ],
)
async def test_who_does_not_know_the_token_hears_nothing(
    panel: Panel, browser: aiohttp.ClientSession, said: str
) -> None:
    async with browser.ws_connect(f"{panel.origin}/panel", origin=panel.origin) as socket:
        await socket.send_str(said.replace("TOKEN", panel.token))
        assert (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
    assert panel.posted.empty()


async def test_strangers_who_say_nothing_are_bounded(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    sockets = [
        await browser.ws_connect(f"{panel.origin}/panel", origin=panel.origin)
        for _ in range(MAX_STRANGERS)
    ]
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect(f"{panel.origin}/panel", origin=panel.origin)
    for socket in sockets:
        await socket.close()


def test_a_hello_prints_no_token() -> None:
    assert "secret" not in repr(Hello("secret", SESSION))


def test_the_script_knows_no_digit_of_a_pad_and_nothing_elsewhere() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in WEB.iterdir()}
    scripts = {name: text for name, text in pages.items() if name.endswith(".js")}
    for name, text in scripts.items():
        assert not re.search(r"ASKING|asking_|consent\.|method\.|Numpad\d|Digit\d", text), name
        assert len(text.splitlines()) < 250, name
    for name, text in pages.items():
        assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import", text), name
        assert not re.search(r"innerHTML|insertAdjacentHTML|eval\(|localStorage", text), name


# --- one page at a time
async def test_the_same_tab_takes_the_place_of_its_older_self(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    panel.server.show(at(State.CHOOSING_METHOD, entry=5))
    async with line(browser, panel.address) as before, line(browser, panel.address) as after:
        await seen(before)
        assert (await seen(after)).state is State.CHOOSING_METHOD
        assert await closed_with(before) == Closing.REPLACED
        await touch(after, tap="method.pin", entry=5)
        assert await panel.next_event() == e.MethodChosen(Method.PIN)


async def test_a_second_browser_is_told_that_the_panel_is_in_use(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    async with line(browser, panel.address) as first:
        await seen(first)
        async with line(browser, panel.address, "second-session") as second:
            told = msgspec.json.decode(await second.receive_str(timeout=60), type=InUse)
            assert told.title
            assert await closed_with(second) == Closing.IN_USE
        panel.server.show(at(State.SIGNING))
        assert (await seen(first)).state is State.SIGNING
    async with line(browser, panel.address, "second-session") as second:
        assert (await seen(second)).state is State.SIGNING


async def test_a_page_that_lags_behind_is_closed(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    async with line(browser, panel.address) as socket:
        await seen(socket)
        for entry in range(1, 200):  # more than a page may have waiting, in one breath
            panel.server.show(at(State.SIGNING, entry=entry))
        assert await closed_with(socket) == Closing.TOO_SLOW
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).entry == 199


async def test_another_camera_needs_another_policy(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    async with line(browser, panel.address) as socket:
        await seen(socket)
        panel.server.show_camera_at("http://127.0.0.1:9/TOKEN.mjpeg")
        assert await closed_with(socket) == Closing.LOAD_AGAIN
    async with browser.get(panel.origin) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "img-src 'self' data: http://127.0.0.1:9;" in policy
        assert policy.count("http") == 1
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).preview is None, "nobody looks into the camera yet"
        panel.server.show_camera_at("http://127.0.0.1:9/OTHER.mjpeg")
        panel.server.show(at(State.COMPARING_FACES))
        assert (await seen(socket)).preview == "http://127.0.0.1:9/OTHER.mjpeg"
        panel.server.show(at(State.SIGNING, entry=2))
        assert (await seen(socket)).preview is None


async def test_a_taken_port_is_told(panel: Panel, tmp_path: Path) -> None:
    port = int(panel.origin.rpartition(":")[2])
    with pytest.raises(PanelUnavailable):
        await PanelServer(tmp_path, panel.posted.put_nowait, port=port).start()


async def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(PanelUnavailable):
        await PanelServer(tmp_path / "none", lambda _: None).start()
