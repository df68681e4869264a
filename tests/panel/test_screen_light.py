"""The light of the page on a face: it ends with the looking, changes slowly, hides no word."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from accessibility import violations
from browser_house import page_of
from panel_house import at, opened
from panel_line import Panel, closed_with, line, seen
from playwright.async_api import Browser, Page

from firmware.app import App
from firmware.faults import WorkerLost
from firmware.match.requests import LightWanted
from firmware.panel.lamp import Lamp
from firmware.panel.light import LIT, contrast, light_view
from firmware.settings import Settings, VisionSettings
from firmware.simulator.panel_line import watch
from firmware.transaction.effects import Do
from firmware.transaction.machine import ON_ENTER, ROWS
from firmware.words import LIGHT_RGB, LIGHT_STAYS_S, PanelLight, State

LIGHTS = [light for light in PanelLight if light is not PanelLight.OFF]


def test_every_light_has_a_colour_and_none_is_a_saturated_red() -> None:
    assert LIGHT_RGB.keys() == set(PanelLight)
    assert all(red < 0.8 * (red + green + blue) for red, green, blue in LIGHT_RGB.values())


def test_six_changes_a_second_are_never_reached() -> None:
    assert 1 / LIGHT_STAYS_S < 3


@pytest.mark.parametrize("light", LIGHTS)
def test_words_keep_their_contrast(light: PanelLight) -> None:
    shown = light_view(light)
    assert shown is not None
    paper, ink = (
        (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:], 16))
        for colour in (shown.paper, shown.ink)
    )
    assert paper == LIGHT_RGB[light]
    assert contrast(ink, paper) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21.0)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def test_who_leaves_the_lit_states_for_another_lets_the_camera_rest() -> None:
    """And nobody else's state is lit: the camera wakes with the first of them."""
    left = {
        row.to
        for (state, _), rows in ROWS.items()
        for row in rows
        if state in LIT and row.to is not None and row.to not in LIT
    }
    assert left
    assert all({Do.STOP_LOOKING, Do.FORGET_PATIENT} & set(ON_ENTER[state]) for state in left)
    assert {state for state, doing in ON_ENTER.items() if Do.WAKE_CAMERA in doing} <= LIT


# --- how fast
async def test_a_light_stands_before_another_comes_and_the_last_one_wanted_comes() -> None:
    shown: list[tuple[PanelLight, float]] = []
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def paint(light: PanelLight) -> None:
        shown.append((light, loop.time()))
        if light is PanelLight.YELLOW:
            done.set()

    lamp = Lamp(paint, stays_s=0.05)
    for light in (PanelLight.BLUE, PanelLight.GREEN, PanelLight.YELLOW):
        lamp.want(light)
    await asyncio.wait_for(done.wait(), 30)
    assert [light for light, _ in shown] == [PanelLight.BLUE, PanelLight.YELLOW]
    assert shown[1][1] - shown[0][1] >= 0.049  # a timer of asyncio may be early by its clock's tick


async def test_switched_off_it_is_off_at_once_and_stays_so() -> None:
    shown: list[PanelLight] = []
    lamp = Lamp(shown.append, stays_s=30)
    lamp.want(PanelLight.BLUE)
    lamp.want(PanelLight.GREEN)
    lamp.switch_off()
    lamp.switch_off()
    assert shown == [PanelLight.BLUE, PanelLight.OFF]
    lamp.want(PanelLight.BLUE)  # comes when its time has come: nothing waits from before
    assert shown == [PanelLight.BLUE, PanelLight.OFF]


# --- where
async def test_the_light_ends_with_the_looking(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).light is None
        panel.server.show(at(State.COMPARING_FACES, entry=1))
        assert (await seen(socket)).light is None
        panel.server.show_light(PanelLight.GREEN)
        assert (await seen(socket)).light == light_view(PanelLight.GREEN)
        panel.server.show(at(State.IDENTITY_PROVEN, entry=2))
        lights = [(await seen(socket)).light for _ in range(2)]
        assert lights[-1] is None
        panel.server.show_light(PanelLight.BLUE)  # too late: nobody is looked at
        panel.server.show(at(State.ASKING_CONSENT, entry=3))
        assert (await seen(socket)).light is None


@pytest.mark.parametrize(
    ("screen_light", "seen_lights"),
    [(True, [PanelLight.BLUE, PanelLight.OFF]), (False, [])],
)
async def test_the_workers_light_reaches_the_page_where_the_site_wants_it(
    tmp_path: Path, screen_light: bool, seen_lights: list[PanelLight]
) -> None:
    vision = VisionSettings(screen_light=screen_light)
    folder = str(tmp_path)
    app = App(Settings(state_dir=folder, runtime_dir=folder, panel_port=0, vision=vision))
    lights: asyncio.Queue[PanelLight] = asyncio.Queue()
    watching = asyncio.create_task(watch(await app._panel.start(), lights.put_nowait))
    assert await asyncio.wait_for(lights.get(), 30) is PanelLight.OFF
    app._panel.show(at(State.COMPARING_FACES))
    app._hear_of_vision(LightWanted(PanelLight.BLUE))
    app._lose_vision_worker(WorkerLost("it was killed"))
    assert [await asyncio.wait_for(lights.get(), 30) for _ in seen_lights] == seen_lights
    await app._panel.stop()
    await asyncio.wait_for(watching, 30)
    assert lights.empty()


async def test_an_eye_sees_the_light_alone_and_takes_no_seat(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    lights: asyncio.Queue[PanelLight] = asyncio.Queue()
    watching = asyncio.create_task(watch(panel.address, lights.put_nowait))
    assert await asyncio.wait_for(lights.get(), 30) is PanelLight.OFF
    async with line(browser, panel.address) as socket:
        assert (await seen(socket)).light is None
        panel.server.show(at(State.COMPARING_FACES, entry=1))
        panel.server.show_light(PanelLight.BLUE)
        assert await asyncio.wait_for(lights.get(), 30) is PanelLight.BLUE
        panel.server.show(at(State.ASKING_PIN, entry=2))
        assert await asyncio.wait_for(lights.get(), 30) is PanelLight.OFF
    assert lights.empty()
    await panel.server.stop()
    await asyncio.wait_for(watching, 30)


async def test_an_eye_without_the_token_sees_nothing(
    panel: Panel, browser: aiohttp.ClientSession
) -> None:
    headers = {"Origin": panel.origin}
    async with browser.ws_connect(f"{panel.origin}/light", headers=headers) as socket:
        await socket.send_json({"token": "guessed", "session": "a-stranger"})
        assert await closed_with(socket) == aiohttp.WSCloseCode.POLICY_VIOLATION
        assert [message async for message in socket] == []


# --- the page
async def painted(page: Page, selector: str, colour: str) -> None:
    """Wait until an element stands there in that colour: a fade has ended."""
    await page.wait_for_function(
        """([selector, colour]) => {
            const box = document.createElement("i");
            box.style.color = colour;
            document.body.append(box);
            const wanted = getComputedStyle(box).color;
            box.remove();
            return getComputedStyle(document.querySelector(selector)).backgroundColor === wanted;
        }""",
        arg=[selector, colour],
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_is_painted_and_every_word_can_be_read(
    tmp_path: Path, chrome: Browser
) -> None:
    async with opened(tmp_path) as (house, address), page_of(chrome, address) as page:
        house.panel.show(at(State.COMPARING_FACES, entry=1))
        for light in (*LIGHTS, PanelLight.OFF):
            house.panel.show_light(light)
            await page.locator(f'body[data-light="{light}"]').wait_for()
            shown = light_view(light)
            if shown is None:
                await painted(page, "body", "#f4f7f7")
                continue
            for part in ("body", "header", "#tools", ".plain"):
                await painted(page, part, shown.paper)
            assert await violations(page) == []
