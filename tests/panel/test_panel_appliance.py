"""Whole visits before the real page of the real appliance: nothing is small here, nothing is left
out. The scripted patient looks at what Chromium is sent and moves a finger, or presses keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browser_house import chromium, page_of
from playwright.async_api import Locator, Page

from firmware.camera.preview import WIDTH as PREVIEW_WIDTH
from firmware.panel.pin_pad import ORDERED
from firmware.panel.readings import plain
from firmware.panel.texts import read_texts
from firmware.panel.touch import Touch
from firmware.panel.view import InUse, PanelView
from firmware.settings import Settings
from firmware.simulator.appliance import Appliance
from firmware.simulator.expectations import EXPECTED, WAYS
from firmware.simulator.patient import Panel
from firmware.simulator.patients import find
from firmware.simulator.slot import PowerLoss
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Cause, Language, Method, Outcome, State

pytestmark = pytest.mark.stack

Json = dict[str, Any]
Hand = Callable[[Page, Touch], Awaitable[None]]
HOTLINE = Settings(state_dir="", runtime_dir="").hotline
MENU, MENU_OF = "language.", "#open-languages"
WITNESS = """window.witness = { pointers: [], mirror: 0, reasons: [] };
for (const kind of ["pointerdown", "mousedown", "mousemove", "touchstart"])
  addEventListener(kind, () => { witness.pointers.push(kind); }, true);
const camera = document.getElementById("camera"), reason = document.getElementById("reason");
camera.addEventListener("load", () => { witness.mirror = camera.naturalWidth; });
new MutationObserver(() => {
  if (reason.textContent) witness.reasons.push(reason.textContent);
}).observe(reason, { childList: true, subtree: true });"""


def on_its_screen(page: Page, touch: Touch, wanted: str) -> Locator:
    """What is touched, while the screen that the touch is meant for stands and has settled."""
    return page.locator(f'body[data-entry="{touch.entry}"]:not(.settling) {wanted}')


async def a_finger(page: Page, touch: Touch) -> None:
    if touch.key is not None:
        await on_its_screen(page, touch, "#keys .blank").nth(touch.key).tap()
        return
    if str(touch.tap).startswith(MENU):
        await on_its_screen(page, touch, MENU_OF).tap()
    await on_its_screen(page, touch, f'[data-id="{touch.tap}"]').tap()


async def a_keypad(page: Page, touch: Touch) -> None:
    """Digits are typed; buttons are reached by + and pressed by Enter."""
    await on_its_screen(page, touch, "#title").wait_for()
    if touch.key is not None:
        await page.keyboard.press(f"Numpad{ORDERED[touch.key : touch.key + 1].decode()}")
        return
    if touch.tap == "enter":
        await on_its_screen(page, touch, "#keys .enter:enabled").wait_for()
        await page.keyboard.press("NumpadEnter")
        return
    if str(touch.tap).startswith(MENU):
        await reach(page, MENU_OF)
        await page.keyboard.press("NumpadEnter")
    await reach(page, f'[data-id="{touch.tap}"]')
    await page.keyboard.press("NumpadEnter")


async def reach(page: Page, wanted: str) -> None:
    for _ in range(40):
        if await page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
        await page.keyboard.press("NumpadAdd")
    raise AssertionError(f"{wanted} cannot be reached by keys")


class PagePanel:
    """The panel as its page shows it in a browser."""

    def __init__(self, page: Page, hand: Hand) -> None:
        self._page, self._hand = page, hand
        self._views: asyncio.Queue[PanelView | InUse] = asyncio.Queue()
        page.on("websocket", lambda line: line.on("framereceived", self._hear))

    def _hear(self, frame: str | bytes) -> None:
        self._views.put_nowait(msgspec.json.decode(frame, type=PanelView | InUse))

    async def views(self) -> AsyncIterator[PanelView | InUse]:
        while True:
            yield await self._views.get()

    async def touch(self, touch: Touch) -> None:
        """As soon as it can be pressed; a screen that goes first is left alone."""
        pressing = asyncio.create_task(self._hand(self._page, touch))
        gone = asyncio.create_task(
            self._page.locator(f'body:not([data-entry="{touch.entry}"])').wait_for(timeout=0)
        )
        done, late = await asyncio.wait({pressing, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if gone not in done:
            pressing.result()


class Visited(msgspec.Struct):
    """What came of a visit, and what the page can witness."""

    result: Json = {}
    pointers: list[str] = []
    mirror: int = 0
    reasons: list[str] = []


def visited(appliance: Appliance, hand: Hand, patient: str = "valid", **choices: Any) -> Visited:
    """One visit in a browser of its own."""
    witnessed: Json = {}

    @asynccontextmanager
    async def in_browser(address: str) -> AsyncIterator[Panel]:
        async with chromium() as browser, page_of(browser, "about:blank") as page:
            panel = PagePanel(page, hand)
            await page.goto(address)
            await page.evaluate(WITNESS)
            yield panel
            witnessed.update(await page.evaluate("witness"))

    scene = Play(find(patient), **choices)
    result = play(appliance, scene, lambda _event: None, in_browser)
    return Visited(result, **witnessed)


@pytest.fixture(scope="module")
def appliance(build_dir: Path) -> Iterator[Appliance]:
    with Appliance(World(build_dir / "simulation"), time_scale=4.0) as started:
        yield started


def came_to(visit: Visited) -> tuple[str, str | None, str | None]:
    return visit.result["outcome"], visit.result["cause"], visit.result["method"]


def test_a_face_visit_by_finger(appliance: Appliance) -> None:
    visit = visited(appliance, a_finger)
    assert came_to(visit) == ("verified", None, "face")
    assert "touchstart" in visit.pointers


def test_a_stranger_sees_the_living_mirror_until_the_pin_is_asked(appliance: Appliance) -> None:
    visit = visited(appliance, a_finger, live_face="impostor")
    assert came_to(visit) == ("verified", None, "pin")
    assert visit.mirror == PREVIEW_WIDTH


def test_a_face_visit_by_keypad_in_another_language(appliance: Appliance) -> None:
    visit = visited(appliance, a_keypad, language=Language.EN, consent="none")
    assert came_to(visit) == ("verified", None, "face")
    assert visit.pointers == []


@pytest.mark.parametrize("hand", [a_finger, a_keypad])
def test_a_pin_visit(appliance: Appliance, hand: Hand) -> None:
    visit = visited(appliance, hand, method=Method.PIN, nobody=True)
    assert came_to(visit) == ("verified", None, "pin")
    assert bool(visit.pointers) is (hand is a_finger)


FAILURES = [
    (patient, way, EXPECTED[patient][way].cause)
    for patient, way in WAYS
    if EXPECTED[patient][way].outcome is not Outcome.VERIFIED
]


@pytest.mark.parametrize(("patient", "method", "cause"), FAILURES)
def test_each_failure_is_told_by_its_own_screen(
    appliance: Appliance, patient: str, method: Method, cause: Cause
) -> None:
    visit = visited(appliance, a_finger, patient, method=method, nobody=method is not Method.FACE)
    assert came_to(visit)[1] == cause
    assert set(visit.reasons) == {told(cause)}


@pytest.mark.parametrize(
    ("choices", "cause"),
    [
        ({"pin": "9999", "method": Method.PIN, "nobody": True}, Cause.CANCELLED_BY_PATIENT),
        ({"remove_card_at": State.ASKING_CONSENT}, Cause.CARD_REMOVED),
        (
            {"mishap": PowerLoss(ins=0x2A), "method": Method.PIN, "nobody": True},
            Cause.CARD_UNREADABLE,
        ),
    ],
    ids=["wrong_pin", "card_removed", "card_unreadable"],
)
def test_so_is_each_mishap(build_dir: Path, choices: Json, cause: Cause) -> None:
    with Appliance(World(build_dir / "simulation"), time_scale=4.0) as fresh:
        visit = visited(fresh, a_finger, **choices)
    assert came_to(visit)[1] == cause
    assert set(visit.reasons) == {told(cause)}


def told(cause: Cause) -> str:
    """As the page says it in Japanese."""
    return plain(read_texts()[Language.JA].causes[cause]).replace("{hotline}", HOTLINE)
