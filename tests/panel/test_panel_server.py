"""The panel's server: whom it answers, what it takes, and where the digits go."""

from __future__ import annotations

import asyncio
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
from firmware.panel.pin_pad import PinPad
from firmware.panel.server import FILES, MAX_PAGES, MAX_TOUCH_BYTES, PanelServer
from firmware.panel.view import PanelView
from firmware.transaction import events as e
from firmware.words import Method, State


class Panel:
    """A panel on its own, and what it posted."""

    def __init__(self, folder: Path) -> None:
        self.posted: asyncio.Queue[e.Event] = asyncio.Queue()
        self.server = PanelServer(folder, self.posted.put_nowait)
        self.address = ""

    @property
    def origin(self) -> str:
        return self.address.rsplit("/", 2)[0]

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


@asynccontextmanager
async def page(
    browser: aiohttp.ClientSession, panel: Panel, **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with browser.ws_connect(
        f"{panel.address}panel", headers={"Origin": panel.origin} | headers
    ) as socket:
        yield socket


async def seen(socket: aiohttp.ClientWebSocketResponse) -> PanelView:
    return msgspec.json.decode(await socket.receive_str(timeout=10), type=PanelView)


# --- who is answered
async def test_the_address_is_for_this_user_only(panel: Panel, tmp_path: Path) -> None:
    file = tmp_path / "panel.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert msgspec.json.decode(file.read_bytes()) == {"address": panel.address}
    await panel.server.stop()
    assert not file.exists()


async def test_every_answer_is_sealed_off(panel: Panel, browser: aiohttp.ClientSession) -> None:
    for name in FILES:
        async with browser.get(panel.address + name) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 404),
        ("/panel.js", {}, 404),
        ("/guess/", {}, 404),
        ("/guess/panel", {}, 404),
        ("TOKEN/settings.toml", {}, 404),
        ("TOKEN/%2e%2e/server.py", {}, 404),
        ("TOKEN/pad.svg", {}, 404),  # no pad on this screen
        ("TOKEN/", {"Host": "evil.example"}, 403),
        ("TOKEN/", {"Host": "127.0.0.1"}, 403),
        ("TOKEN/", {"Origin": "http://evil.example"}, 403),
        ("TOKEN/panel", {"Origin": "null"}, 403),
        ("TOKEN/panel", {}, 403),  # a browser always names its origin
    ],
)
async def test_strangers_are_refused(
    panel: Panel,
    browser: aiohttp.ClientSession,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    token = panel.address.removesuffix("/").removeprefix(panel.origin)
    async with browser.get(panel.origin + path.replace("TOKEN", token), headers=headers) as answer:
        assert answer.status == status
        assert "default-src 'none'" in answer.headers.get("Content-Security-Policy", "")


async def test_a_page_of_another_site_gets_no_socket(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with page(browser, panel, Origin="http://evil.example"):
            pass
    assert refused.value.status == 403


async def test_pages_are_bounded(panel: Panel, browser: aiohttp.ClientSession) -> None:
    sockets = [
        await browser.ws_connect(f"{panel.address}panel", origin=panel.origin)
        for _ in range(MAX_PAGES)
    ]
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect(f"{panel.address}panel", origin=panel.origin)
    for socket in sockets:
        await socket.close()


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
        '{"key": 10, "entry": 0}',
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
    async with page(browser, panel) as socket:
        await seen(socket)
        await socket.send_str(said)
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    assert panel.posted.empty()


async def test_bytes_and_floods_end_it_too(panel: Panel, browser: aiohttp.ClientSession) -> None:
    async with page(browser, panel) as socket:
        await socket.send_bytes(b'{"tap": "cancel", "entry": 0}')
        await seen(socket)
        await socket.receive(timeout=10)
        assert socket.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    async with page(browser, panel) as socket:
        await seen(socket)
        await socket.send_str(" " * (MAX_TOUCH_BYTES + 1))
        await socket.receive(timeout=10)
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def touch(socket: aiohttp.ClientWebSocketResponse, **said: Any) -> None:
    await socket.send_json(said)


async def test_a_tap_is_an_event_and_a_late_one_is_nothing(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    panel.server.show(at(State.CHOOSING_METHOD, entry=5))
    async with page(browser, panel) as socket:
        assert (await seen(socket)).state is State.CHOOSING_METHOD
        await touch(socket, tap="method.pin", entry=4)  # the screen before
        await touch(socket, tap="consent.all", entry=5)  # no such button here
        await touch(socket, key=3, entry=5)  # no pad here
        await touch(socket, delete=True, entry=5)
        await touch(socket, tap="method.staff", entry=5)
        assert await panel.next_event() == e.MethodChosen(Method.STAFF)
    assert panel.posted.empty()


async def test_the_same_view_is_sent_once(panel: Panel, browser: aiohttp.ClientSession) -> None:
    async with page(browser, panel) as socket:
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
        origin = address.rsplit("/", 2)[0]
        async with browser.ws_connect(f"{address}panel", origin=origin) as socket:
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
        pad = house.panel._pad
        assert pad is not None
        assert bytes(pad._buffer) == b"777\0"
        await hand.tap("back")
        await hand.until(State.CHOOSING_METHOD)
        assert bytes(pad._buffer) == bytes(4)
        assert house.panel._pad is None


async def test_confirmed_digits_are_wiped_when_nobody_takes_them(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with asked_for_pin(tmp_path, browser, World(card_answers=False)) as (house, hand):
        await hand.press(6, 6, 6, 6)
        await hand.tap("enter")
        await hand.tap("enter")  # a shaking hand
        await hand.until(State.VERIFYING_PIN)
        assert house.panel._entered is not None
        digits = house.panel._entered[1]
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


async def test_the_picture_of_a_pad_is_there_while_the_pad_is(
    tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with opened(tmp_path) as (house, address):
        house.panel.show(at(State.WAITING_FOR_STAFF, entry=3))
        async with browser.get(f"{address}pad.svg?entry=3") as answer:
            assert answer.content_type == "image/svg+xml"
            assert answer.headers["Cache-Control"] == "no-store"
        house.panel.show(at(State.CHECKING_STAFF, entry=4))
        async with browser.get(f"{address}pad.svg?entry=3") as answer:
            assert answer.status == 404


async def test_shuffled_keys_lie_elsewhere_each_time(tmp_path: Path) -> None:
    server = PanelServer(tmp_path, lambda _: None, shuffle_keys=True)
    layouts = set()
    for entry in range(8):
        server.show(at(State.ASKING_PIN, entry=entry + 1))
        assert isinstance(server._pad, PinPad)
        layouts.add(server._pad.drawn())
    assert len(layouts) > 1
