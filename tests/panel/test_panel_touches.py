"""What the panel takes from a page: touches, comforts, and digits that go one way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from panel_house import House, World, at, opened
from panel_line import Panel, closed_with, line, seen, touch

from firmware.panel.comfort import Comfort, Volume
from firmware.panel.pin_pad import PinPad
from firmware.panel.server import PanelServer
from firmware.panel.touch import MAX_MESSAGE_BYTES, TOUCHES_AT_ONCE, TouchRate
from firmware.panel.view import PanelView
from firmware.transaction import events as e
from firmware.transaction.visit import Visit
from firmware.words import Method, State


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
        assert (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    assert panel.posted.empty()


async def test_bytes_and_floods_end_it_too(panel: Panel, browser: aiohttp.ClientSession) -> None:
    async with line(browser, panel.address) as socket:
        await socket.send_bytes(b'{"tap": "cancel", "entry": 0}')
        assert await closed_with(socket) == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    async with line(browser, panel.address) as socket:
        await seen(socket)
        await socket.send_str(" " * (MAX_MESSAGE_BYTES + 1))
        await socket.receive(timeout=60)
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


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
