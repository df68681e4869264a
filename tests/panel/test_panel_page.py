"""The page in a real browser: what it keeps to itself, and what it does when things go wrong."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from browser_house import page_of, screenshots
from panel_house import REQUEST, House, World, at, opened
from playwright.async_api import Browser, Page, expect

from firmware.panel.seat import Closing
from firmware.panel.server import PanelServer
from firmware.transaction import events as e
from firmware.transaction.visit import Ending, Visit
from firmware.words import Cause, NoConsentReason, Outcome, Profile, State

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def shows(page: Page, entry: int) -> None:
    await page.locator(f'body[data-entry="{entry}"]:not(.settling)').wait_for()


# --- typing leaves no trace
NAME = re.compile(r"pad/[\w-]+\.")
"""A pad has a name of its own each time; it says nothing of what is typed."""


async def traces(page: Page) -> tuple[str, bytes, str, str]:
    """All that an onlooker, or a stolen picture, could learn."""
    devtools = await page.context.new_cdp_session(page)
    tree = await devtools.send("Accessibility.getFullAXTree")
    heard = [[node.get("role"), node.get("name"), node.get("value")] for node in tree["nodes"]]
    return (
        NAME.sub("pad/", await page.content()),
        await page.screenshot(),
        NAME.sub("pad/", await page.evaluate("document.activeElement.outerHTML")),
        NAME.sub("pad/", json.dumps(heard)),
    )


async def fresh_pad(house: House, page: Page, entry: int) -> None:
    house.take(e.Forgotten())
    for state, number in ((State.CHOOSING_METHOD, entry - 1), (State.ASKING_PIN, entry)):
        house.visit = at(state, entry=number)
        house.panel.show(house.visit)
        await shows(page, number)
    await page.evaluate("Promise.all([...document.images].filter(i => i.src).map(i => i.decode()))")


async def typed_in(
    house: House, page: Page, positions: tuple[int, ...]
) -> list[tuple[str, bytes, str, str]]:
    """Type on a fresh pad, and what can be seen after each digit."""
    await fresh_pad(house, page, 11)
    seen = []
    for count, position in enumerate(positions):
        await page.locator("#keys .blank").nth(position).tap()
        await page.locator("#typed i.typed").nth(count).wait_for()
        seen.append(await traces(page))
    return seen


async def test_two_pins_look_the_same_and_the_right_one_is_accepted(
    tmp_path: Path, chrome: Browser
) -> None:
    async with (
        opened(tmp_path, World(pin=b"1470")) as (house, address),
        page_of(chrome, address) as page,
    ):
        first = await typed_in(house, page, (5, 8, 2, 1))
        second = await typed_in(house, page, (0, 3, 6, 9))
        for one, other in zip(first, second, strict=True):
            assert [a == b for a, b in zip(one, other, strict=True)] == [True] * 4
        pictures = {picture for _, picture, _, _ in second}
        assert len(pictures) == 4, "each digit is answered by a dot"
        await page.locator("#keys .enter").tap()
        await page.locator('body[data-state="asking_consent"]').wait_for()


async def test_neither_line_nor_page_holds_a_digit_of_a_typed_pin(
    tmp_path: Path, chrome: Browser
) -> None:
    """The same PIN by keypad, twice: its keys have other numbers on the second pad."""
    pin = "2580"
    async with opened(tmp_path, World(pin=pin.encode())) as (house, address):
        house.panel._desk._random = Random(11)
        house.panel._desk._shuffle_keys = True
        async with page_of(chrome, address) as page:
            sent: list[str] = []

            def note(frame: str) -> None:
                sent.append(frame)

            page.on("websocket", lambda socket: socket.on("framesent", note))
            await page.reload()
            spelt = []
            for _ in range(2):
                await fresh_pad(house, page, 21)
                sent.clear()
                for count, digit in enumerate(pin):
                    await page.keyboard.press(f"Numpad{digit}")
                    await page.locator("#typed i.typed").nth(count).wait_for()
                assert all(pin not in str(trace) for trace in await traces(page))
                numbers = [json.loads(frame)["typed"] for frame in sent]
                spelt.append("".join(map(str, numbers)))
                assert pin not in "".join(sent)
            assert spelt[0] != spelt[1]
            assert pin not in spelt
            await page.keyboard.press("NumpadEnter")
            await page.locator('body[data-state="asking_consent"]').wait_for()


# --- the line
async def test_the_token_stands_in_no_address_and_no_request(
    tmp_path: Path, chrome: Browser
) -> None:
    async with opened(tmp_path) as (_, address):
        token = address.partition("#")[2]
        asked: list[str] = []
        async with page_of(chrome, address) as page:
            page.on("request", lambda request: asked.append(request.url))
            page.on("websocket", lambda socket: asked.append(socket.url))
            await page.reload()
            await page.locator('body[data-state="idle"] h1:not(:empty)').wait_for()
            assert token not in page.url
            assert token not in await page.content()
            assert await page.context.cookies() == []
        assert len(asked) > 4
        assert not [url for url in asked if token in url]


async def test_a_launcher_leads_to_the_page(tmp_path: Path, chrome: Browser) -> None:
    async with opened(tmp_path), page_of(chrome, (tmp_path / "panel.html").as_uri()) as page:
        await page.locator('body[data-state="idle"] h1:not(:empty)').wait_for()


async def test_a_page_without_the_token_says_where_to_begin(
    tmp_path: Path, chrome: Browser
) -> None:
    async with (
        opened(tmp_path) as (_, address),
        page_of(chrome, address.partition("#")[0]) as page,
    ):
        await expect(page.locator("#closed")).to_be_visible()
        assert await page.locator("h1").inner_text() == ""


async def test_a_reload_in_the_middle_comes_back_to_the_screen(
    tmp_path: Path, chrome: Browser
) -> None:
    async with opened(tmp_path) as (house, address), page_of(chrome, address) as page:
        house.visit = at(State.ASKING_CONSENT, entry=7)
        house.panel.show(house.visit)
        await shows(page, 7)
        for _ in range(3):
            await page.reload()
            await shows(page, 7)
        await page.locator('[data-id="consent.all"]').tap()
        await page.locator('body[data-state="asking_questions"]').wait_for()


async def test_a_second_browser_waits_until_the_first_is_gone(
    tmp_path: Path, chrome: Browser
) -> None:
    async with opened(tmp_path) as (house, address), page_of(chrome, address) as first:
        await first.locator('body[data-state="idle"] h1:not(:empty)').wait_for()
        async with page_of(chrome, address, clock=True) as second:
            await expect(second.locator("#away")).to_be_visible()
            assert await second.locator("#away p").inner_text() == words_of(house).in_use
            house.panel.show(at(State.SIGNING, entry=3))
            await shows(first, 3)
            await first.close()
            while house.panel._seat._page is not None:
                await asyncio.sleep(0)
            await second.clock.fast_forward("00:04")
            await shows(second, 3)
            await expect(second.locator("#away")).to_be_hidden()


def words_of(house: House) -> object:
    return house.panel._view.words


async def test_a_lost_line_is_told_and_found_again(tmp_path: Path, chrome: Browser) -> None:
    async with opened(tmp_path) as (house, address), page_of(chrome, address) as page:
        await page.locator('body[data-state="idle"] h1:not(:empty)').wait_for()
        await page.evaluate(FREEZE_TIMERS)
        house.panel._seat.vacate(Closing.TOO_SLOW)  # the line breaks
        await expect(page.locator("#away")).to_be_visible()
        assert await page.locator("#away p").inner_text() == words_of(house).away
        house.panel.show(at(State.SIGNING))
        await page.evaluate("thaw()")
        await page.locator('body[data-state="signing"]').wait_for()
        await expect(page.locator("#away")).to_be_hidden()


FREEZE_TIMERS = """(() => {
  const waiting = [], real = window.setTimeout;
  window.setTimeout = (call) => waiting.push(call);
  window.thaw = () => { window.setTimeout = real; waiting.forEach((call) => call()); };
})()"""


async def test_what_ended_a_visit_stays_readable(tmp_path: Path, chrome: Browser) -> None:
    panel = PanelServer(tmp_path, lambda _: None)
    address = await panel.start()
    async with page_of(chrome, address, clock=True) as page:
        await page.locator('body[data-state="idle"]').wait_for()
        ending = Ending(Outcome.FAILED, Cause.CARD_REMOVED)
        panel.show(replace(at(State.FORGETTING, entry=8), ending=ending))
        panel.show(Visit(entry=9))
        panel.show(at(State.WAITING_FOR_CARD, entry=10))  # the next patient does not wait for it
        await page.locator('body[data-entry="10"]').wait_for()
        panel.show(replace(at(State.FORGETTING, entry=11), ending=ending))
        panel.show(Visit(entry=12))
        await page.locator('body[data-entry="11"]').wait_for()
        assert await page.locator("h1").inner_text() != ""
        await page.clock.fast_forward("00:05")
        await page.locator('body[data-entry="12"]').wait_for()  # and then the idle screen comes
        panel.show(replace(at(State.FORGETTING, entry=13), ending=ending))
        await page.locator('body[data-entry="13"]').wait_for()
        await page.clock.pause_at(await page.evaluate("Date.now() + 1000"))
        reason = NoConsentReason.UNCONSCIOUS
        without_consent = replace(REQUEST, profile=Profile.EMERGENCY, reason=reason)
        panel.show(replace(at(State.WAITING_FOR_CARD, entry=14), request=without_consent))
        await page.locator('body[data-entry="14"]').wait_for()  # nor does an emergency
    await panel.stop()


# --- the camera
async def test_the_camera_is_seen_while_the_patient_looks(tmp_path: Path, chrome: Browser) -> None:
    asked: list[str] = []
    async with (
        opened(tmp_path) as (house, address),
        screenshots.drawn_head() as camera,
        page_of(chrome, address) as page,
    ):
        await page.locator('body[data-state="idle"] h1:not(:empty)').wait_for()
        page.on("request", lambda request: asked.append(request.url))
        house.panel.show_camera_at(camera)  # another policy: the page loads itself again
        for entry in (3, 5):  # a second look opens the stream anew
            house.panel.show(at(State.COMPARING_FACES, entry=entry))
            await shows(page, entry)
            await expect(page.locator("#mirror")).to_be_visible()
            await expect(page.locator("#drawing")).to_be_hidden()
            assert await page.locator("#camera").evaluate("i => i.naturalWidth") == 640
            house.panel.show(at(State.SIGNING, entry=entry + 1))
            await shows(page, entry + 1)
            await expect(page.locator("#mirror")).to_be_hidden()
            await expect(page.locator("#drawing")).to_be_visible()
            assert await page.locator("#camera").get_attribute("src") is None, "it is let go"
    assert [url for url in asked if url.startswith(camera)] == [f"{camera}?3", f"{camera}?5"]


async def test_without_a_camera_a_drawing_stands_there(tmp_path: Path, chrome: Browser) -> None:
    async with opened(tmp_path) as (house, address):
        house.panel.show_camera_at("http://127.0.0.1:9/nobody")
        async with page_of(chrome, address) as page:
            failed = page.wait_for_event("requestfailed")
            house.panel.show(at(State.COMPARING_FACES, entry=3))
            assert (await failed).url.startswith("http://127.0.0.1:9/")
            await expect(page.locator("#drawing")).to_be_visible()
            await expect(page.locator("#mirror")).to_be_hidden()


# --- touching
async def test_late_taps_are_counted_and_do_nothing(tmp_path: Path, chrome: Browser) -> None:
    posted: asyncio.Queue[e.Event] = asyncio.Queue()
    panel = PanelServer(tmp_path, posted.put_nowait)
    address = await panel.start()
    async with page_of(chrome, address) as page:
        panel.show(at(State.CHOOSING_METHOD, entry=5))
        await shows(page, 5)
        # The page says it was touched while the next screen is on its way.
        panel._visit = at(State.SIGNING, entry=6)
        await page.locator('[data-id="method.pin"]').tap()
        while panel.stale_taps == 0:
            await asyncio.sleep(0)
        assert posted.empty()
    await panel.stop()


async def test_a_thousand_taps_leave_the_page_alive(tmp_path: Path, chrome: Browser) -> None:
    async with opened(tmp_path) as (house, address), page_of(chrome, address) as page:
        house.visit = at(State.ASKING_CONSENT, entry=7)
        house.panel.show(house.visit)
        await shows(page, 7)
        await page.evaluate(
            """for (let i = 0; i < 1000; i += 1)
                 document.querySelector('[data-id="consent.each"]').click()"""
        )
        await page.locator('[data-id="consent.medication.agree"]').wait_for()
        while house.panel.stale_taps + house.panel.dropped_taps < 900:
            await asyncio.sleep(0)
        assert house.ignored == []
        assert house.visit.consents == ()
        await page.locator('body[data-state="asking_consent"]:not(.settling)').wait_for()
        house.take(e.ConsentAllAnswered(True))
        await page.locator('body[data-state="asking_questions"]').wait_for()


async def test_comfort_and_language_are_switched_on_any_screen(
    tmp_path: Path, chrome: Browser
) -> None:
    async with opened(tmp_path) as (house, address), page_of(chrome, address) as page:
        house.visit = at(State.ASKING_CONSENT, entry=7)
        house.panel.show(house.visit)
        await shows(page, 7)
        before = await page.locator("h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        await page.locator("#open-comfort").tap()
        for switch, shown in (("large", "large"), ("contrast", "contrast"), ("still", "still")):
            await page.locator(f'body:not(.settling) [data-id="comfort.{switch}"]').tap()
            await page.locator(f'body[data-{shown}="true"]').wait_for()
        after = await page.locator("h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert after > 1.15 * before
        await page.locator("#screen").tap(position={"x": 5, "y": 5})
        await expect(page.locator("#comfort")).to_be_hidden()
        await page.locator("#open-languages").tap()
        await page.locator('body:not(.settling) [data-id="language.ja_easy"]').tap()
        await page.locator("h1 ruby rt").first.wait_for()
        assert await page.locator("h1 ruby rt").first.inner_text() != ""
        assert await page.evaluate("document.documentElement.lang") == "ja"


# --- sounds
PLAYED = """window.played = [];
window.ended = 0;  // sounds that were heard to their end
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  const kind = new URL(this.src).pathname.split("/")[1];
  played.push(kind);
  if (kind === "sound") this.addEventListener("ended", () => { ended += 1; }, { once: true });
  return play.call(this);
};"""


async def test_a_turn_begins_with_its_sound_and_the_voice_waits(
    tmp_path: Path, chrome: Browser, build_dir: Path
) -> None:
    panel = PanelServer(tmp_path, lambda _: None, speech=build_dir / "speech")
    async with page_of(chrome, "about:blank") as page:
        await page.add_init_script(PLAYED)
        await page.goto(await panel.start())
        await shows(page, 0)
        await page.evaluate("played.length = 0")

        async def heard(*names: str) -> None:
            await page.wait_for_function("names => played.join() === names.join()", arg=[*names])

        panel.show(at(State.ASKING_PIN, entry=2))
        await heard("sound", "speech")
        panel.show(replace(at(State.ASKING_PIN, entry=2), pin_digits=1))
        await page.locator("#typed i.typed").wait_for()
        panel.show(at(State.SIGNING, entry=3))  # a screen at work begins without one
        await heard("sound", "speech", "speech")
        left = replace(at(State.TAKE_CARD, entry=4), ending=Ending(Outcome.VERIFIED), warned=True)
        panel.show(replace(left, insistence=1))
        await heard("sound", "speech", "speech", "sound", "speech")
        panel.show(replace(left, insistence=2))  # it asks again; what it says has been said
        await page.wait_for_function("() => played.length >= 6")
        await page.wait_for_function("() => ended >= 3")
        await heard("sound", "speech", "speech", "sound", "speech", "sound")
    await panel.stop()
