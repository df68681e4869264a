"""The panel's server: whom it answers, what it takes, and where the digits go."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from panel_house import House, World, at, opened

from firmware.faults import PanelUnavailable
from firmware.panel.comfort import Comfort, Volume
from firmware.panel.door import MAX_STRANGERS
from firmware.panel.pin_pad import PinPad
from firmware.panel.seat import Closing
from firmware.panel.server import FILES, WEB, PanelServer
from firmware.panel.touch import MAX_MESSAGE_BYTES, TOUCHES_AT_ONCE, Hello, TouchRate
from firmware.panel.view import InUse, PanelView
from firmware.transaction import events as e
from firmware.transaction.visit import Visit
from firmware.words import Method, State


class Panel:
    """A panel on its own, and what it posted."""

    def __init__(self, folder: Path) -> None:
        self.posted: asyncio.Queue[e.Event] = asyncio.Queue()
        self.server = PanelServer(folder, self.posted.put_nowait)
        self.address = ""

    @property
    def origin(self) -> str:
        return self.address.partition("/#")[0]

    @property
    def token(self) -> str:
        return self.address.partition("#")[2]

    async def next_event(self) -> e.Event:
        return await asyncio.wait_for(self.posted.get(), 10)


@pytest.fixture
async def panel(tmp_path: Path) -> AsyncIterator[Panel]:
    panel = Panel(tmp_path)
    panel.address = await panel.server.start()
    yield panel
    await panel.server.stop()


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


SESSION = "first-session"


@asynccontextmanager
async def line(
    browser: aiohttp.ClientSession, address: str, session: str = SESSION, **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection that has said who it is."""
    origin, _, token = address.partition("/#")
    async with browser.ws_connect(
        f"{origin}/panel", headers={"Origin": origin} | headers
    ) as socket:
        await socket.send_json({"token": token, "session": session})
        yield socket


async def seen(socket: aiohttp.ClientWebSocketResponse) -> PanelView:
    return msgspec.json.decode(await socket.receive_str(timeout=10), type=PanelView)


async def closed_with(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code that the connection ends with, whatever was said before."""
    while (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
        pass
    return socket.close_code


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
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
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
            told = msgspec.json.decode(await second.receive_str(timeout=10), type=InUse)
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


# --- what is taken
@pytest.mark.parametrize(
    "said",
    [
        "",
        "no json",
        "[]",
        '{"entry": 0}',
        '{"tap": "cancel"}',
        '{"tap": "cancel", "key": 1, "entry": 0}',
        '{"tap": "cancel", "typed": 1, "entry": 0}',
        '{"key": 10, "entry": 0}',
        '{"typed": 10, "entry": 0}',
        '{"typed": "Numpad5", "entry": 0}',
        '{"key": -1, "entry": 0}',
        '{"digit": 7, "entry": 0}',
        '{"delete": false, "entry": 0}',
        '{"tap": "cancel", "entry": -1}',
        '{"tap": "' + "x" * 65 + '", "entry": 0}',
    ],
)
async def test_nonsense_ends_the_connection(
    panel: Panel, browser: aiohttp.ClientSession, said: str
) -> None:
    async with line(browser, panel.address) as socket:
        await seen(socket)
        await socket.send_str(said)
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    assert panel.posted.empty()


async def test_bytes_and_floods_end_it_too(panel: Panel, browser: aiohttp.ClientSession) -> None:
    async with line(browser, panel.address) as socket:
        await socket.send_bytes(b'{"tap": "cancel", "entry": 0}')
        assert await closed_with(socket) == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    async with line(browser, panel.address) as socket:
        await seen(socket)
        await socket.send_str(" " * (MAX_MESSAGE_BYTES + 1))
        await socket.receive(timeout=10)
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def touch(socket: aiohttp.ClientWebSocketResponse, **said: Any) -> None:
    await socket.send_json(said)


async def test_a_tap_is_an_event_and_a_late_one_is_nothing(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    panel.server.show(at(State.CHOOSING_METHOD, entry=5))
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).state is State.CHOOSING_METHOD
        await touch(socket, tap="method.pin", entry=4)  # the screen before
        await touch(socket, tap="consent.all", entry=5)  # no such button here
        await touch(socket, key=3, entry=5)  # no pad here
        await touch(socket, delete=True, entry=5)
        await touch(socket, tap="method.staff", entry=5)
        assert await panel.next_event() == e.MethodChosen(Method.STAFF)
    assert panel.posted.empty()
    assert (panel.server.stale_taps, panel.server.dropped_taps) == (4, 0)


async def test_a_thousand_touches_are_dropped_and_counted(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    panel.server.show(at(State.CHOOSING_METHOD, entry=5))
    async with line(browser, panel.address) as socket:
        await seen(socket)
        for _ in range(1000):
            await touch(socket, tap="method.staff", entry=4)
        # Taken up again as time goes by: whoever floods is neither heard nor shut out.
        while panel.posted.empty():
            await touch(socket, tap="method.staff", entry=5)
            await asyncio.sleep(0)
        panel.server.show(at(State.SIGNING, entry=6))
        assert (await seen(socket)).state is State.SIGNING
    assert panel.server.dropped_taps > 0
    assert panel.server.stale_taps >= TOUCHES_AT_ONCE


def test_the_bucket_of_touches_fills_with_time() -> None:
    rate = TouchRate(per_s=10, at_once=3)
    assert [rate.allows(0.0) for _ in range(5)] == [True, True, True, False, False]
    assert [rate.allows(0.2) for _ in range(3)] == [True, True, False]
    assert [rate.allows(900.0) for _ in range(4)] == [True, True, True, False]
    assert not rate.allows(0.0), "a clock that goes back fills nothing"


# --- comfort
async def test_comfort_is_a_persons_own(panel: Panel, browser: aiohttp.ClientSession) -> None:
    panel.server.show(at(State.CHOOSING_METHOD, entry=5))
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).comfort == Comfort()
        for button in ("comfort.large", "comfort.contrast", "comfort.still", "comfort.volume"):
            await touch(socket, tap=button, entry=5)
            shown = await seen(socket)
        assert shown.comfort == Comfort(True, True, True, Volume.SOFT)
        assert panel.posted.empty(), "it is not of the visit"
        panel.server.show(at(State.FORGETTING, entry=6))
        assert (await seen(socket)).comfort.large, "the last words are read as well"
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).comfort.large, "a reload changes nothing"
        panel.server.show(Visit(entry=7))
        assert (await seen(socket)).comfort == Comfort()


async def test_the_same_view_is_sent_once(panel: Panel, browser: aiohttp.ClientSession) -> None:
    async with line(browser, panel.address) as socket:
        await seen(socket)
        for _ in range(3):
            panel.server.show(at(State.SIGNING))
        panel.server.show(at(State.CONFIRMING, entry=2))
        assert [(await seen(socket)).state for _ in range(2)] == [State.SIGNING, State.CONFIRMING]


# --- the digits
@asynccontextmanager
async def asked_for_pin(
    tmp_path: Path, browser: aiohttp.ClientSession, world: World | None = None
) -> AsyncIterator[tuple[House, Hand]]:
    """A visit that waits for its PIN, and a hand on its panel."""
    async with opened(tmp_path, world) as (house, address):
        house.visit = at(State.ASKING_PIN, entry=7)
        house.panel.show(house.visit)
        async with line(browser, address) as socket:
            hand = Hand(socket)
            await hand.until(State.ASKING_PIN)
            yield house, hand


class Hand:
    """Types with its eyes on the panel: every key after the one before is shown."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.view: PanelView

    @property
    def typed(self) -> int:
        assert self.view.pad is not None
        return self.view.pad.typed

    async def until(self, state: State) -> None:
        self.view = await seen(self.socket)
        while self.view.state is not state:
            self.view = await seen(self.socket)

    async def press(self, *positions: int) -> None:
        for position in positions:
            await touch(self.socket, key=position, entry=self.view.entry)
            self.view = await seen(self.socket)

    async def delete(self) -> None:
        await touch(self.socket, delete=True, entry=self.view.entry)
        self.view = await seen(self.socket)

    async def tap(self, button: str) -> None:
        await touch(self.socket, tap=button, entry=self.view.entry)


async def test_a_pin_goes_one_way_once(tmp_path: Path, browser: aiohttp.ClientSession) -> None:
    async with asked_for_pin(tmp_path, browser, World(pin=b"4660")) as (house, hand):
        await hand.press(3, 5, 0)
        assert hand.typed == 3
        await hand.delete()
        assert hand.typed == 2
        await hand.press(5, 9)
        await hand.tap("enter")
        await hand.until(State.IDENTITY_PROVEN)
        assert house.visit.method is Method.PIN
        assert house.panel.take_digits() is None


async def test_digits_do_not_outlive_their_screen(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with asked_for_pin(tmp_path, browser) as (house, hand):
        await hand.press(6, 6, 6)
        pad = house.panel._desk.pad
        assert pad is not None
        assert bytes(pad._buffer) == b"777\0"
        await hand.tap("back")
        await hand.until(State.CHOOSING_METHOD)
        assert bytes(pad._buffer) == bytes(4)
        assert house.panel._desk.pad is None


async def test_confirmed_digits_are_wiped_when_nobody_takes_them(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with asked_for_pin(tmp_path, browser, World(card_answers=False)) as (house, hand):
        await hand.press(6, 6, 6, 6)
        await hand.tap("enter")
        await hand.tap("enter")  # a shaking hand
        await hand.until(State.VERIFYING_PIN)
        assert house.panel._desk._entered is not None
        digits = house.panel._desk._entered[1]
        assert digits == b"7777"
        house.post(e.CardRemoved())
        await hand.until(State.FORGETTING)
        assert digits == bytes(4)
        assert house.panel.take_digits() is None
        assert house.ignored == []


async def test_a_new_entry_of_the_same_screen_begins_empty(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with asked_for_pin(tmp_path, browser) as (house, hand):
        await hand.press(0, 0, 0, 0)
        await hand.tap("enter")
        await hand.until(State.VERIFYING_PIN)
        await hand.until(State.ASKING_PIN)
        assert hand.typed == 0
        assert house.world.pin_tries == 2
        assert hand.view.notice is not None


async def test_a_keypad_types_by_the_numbers_of_its_sheet(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with asked_for_pin(tmp_path, browser, World(pin=b"4660")) as (house, hand):
        origin = address_of(house).partition("/#")[0]
        assert hand.view.pad is not None
        async with browser.get(f"{origin}/{hand.view.pad.sheet}") as answer:
            sheet = await answer.json()
        assert len(sheet) == 20
        for digit in "4660":
            await touch(hand.socket, typed=sheet[f"Numpad{digit}"], entry=hand.view.entry)
            hand.view = await seen(hand.socket)
        await hand.tap("enter")
        await hand.until(State.IDENTITY_PROVEN)
        assert house.visit.method is Method.PIN


def address_of(house: House) -> str:
    folder = house.panel._runtime_dir
    return str(msgspec.json.decode((folder / "panel.json").read_bytes())["address"])


async def test_a_pad_is_served_while_it_is_there(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with opened(tmp_path) as (house, address):
        origin = address.partition("/#")[0]
        house.panel.show(at(State.WAITING_FOR_STAFF, entry=3))
        shown = house.panel._view.pad
        assert shown is not None
        for part, kind in ((shown.picture, "image/svg+xml"), (shown.sheet, "application/json")):
            async with browser.get(f"{origin}/{part}") as answer:
                assert answer.content_type == kind
                assert answer.headers["Cache-Control"] == "no-store"
        async with browser.get(f"{origin}/pad/guess.svg") as answer:
            assert answer.status == 404
        house.panel.show(at(State.CHECKING_STAFF, entry=4))
        async with browser.get(f"{origin}/{shown.picture}") as answer:
            assert answer.status == 404


async def test_shuffled_keys_lie_elsewhere_each_time(tmp_path: Path) -> None:
    server = PanelServer(tmp_path, lambda _: None, shuffle_keys=True)
    layouts = set()
    for entry in range(8):
        server.show(at(State.ASKING_PIN, entry=entry + 1))
        assert isinstance(server._desk.pad, PinPad)
        layouts.add(server._desk.pad.drawn())
    assert len(layouts) > 1
