"""The bench in a real browser, on the real stack: what a tester does is done, or said why not."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from accessibility import violations
from bench_house import WITHIN_MS, Operator, line, operator_at
from browser_house import chromium
from playwright.async_api import Browser, Page, expect

from firmware.simulator.appliance import STAFF_PASSCODE, Appliance
from firmware.simulator.bench_server import FILES, Served, served_bench
from firmware.simulator.patients import PATIENTS, STRANGERS, find
from firmware.simulator.people import card_facts
from firmware.simulator.world import World
from firmware.words import State

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def appliance(build_dir: Path) -> Iterator[Appliance]:
    """Its limits are stretched: what is looked at here is the bench, on however busy a machine."""
    with Appliance(World(build_dir / "simulation"), time_scale=4.0) as appliance:
        yield appliance


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(appliance: Appliance) -> AsyncIterator[Served]:
    async with served_bench(appliance) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chrome: Browser, served: Served, appliance: Appliance) -> AsyncIterator[Operator]:
    async with operator_at(chrome, served, appliance) as desk:
        yield desk


async def opened_panel(desk: Operator) -> Page:
    """The patient's page, as the button opens it."""
    async with desk.page.expect_popup() as opening:
        await desk.page.get_by_role("link", name="Open the patient’s panel").click()
    return await opening.value


async def test_a_whole_visit_by_hand(desk: Operator) -> None:
    panel = await opened_panel(desk)
    await desk.press("Start a visit")
    await desk.stands_in(State.WAITING_FOR_CARD)
    await desk.place("valid")
    for button in (
        "consent.all",
        "answer.prescription_form.electronic",
        "answer.subsidy.use",
    ):
        await panel.locator(f'body:not(.settling) [data-id="{button}"]').click()
    result = await desk.came_to("verified")
    await desk.remove()
    for told in ("face", "本人確認が済みました", "架空健康保険組合", "by device and card", "total"):
        assert told in result
    lines = await desk.lines()
    states = ["waiting_for_card", "comparing_faces", "asking_consent", "take_card", "finished"]
    places = [next(n for n, text in enumerate(lines) if state in text) for state in states]
    assert places == sorted(places)
    await desk.until_free()


async def test_a_card_taken_away_ends_the_visit(desk: Operator) -> None:
    await desk.place("valid")
    await desk.press("Start a visit")
    await desk.stands_in(State.ASKING_CONSENT)
    await desk.remove()
    result = await desk.came_to("failed")
    assert "card_removed" in result
    assert "カードを置き直して" in result, "the ways out are named"
    await desk.page.locator("#folded summary").click()
    whole = json.loads(await desk.page.locator("#json").inner_text())
    assert (whole["outcome"], whole["cause"]) == ("failed", "card_removed")
    await desk.until_free()


async def test_one_visit_at_a_time_and_a_cancel(desk: Operator) -> None:
    await desk.press("Cancel it")
    assert "no visit" in await desk.is_told("bench_refused")
    await desk.press("Start a visit")
    await desk.stands_in(State.WAITING_FOR_CARD)
    await desk.press("Start a visit")
    assert "別の方の受付中です" in await desk.is_told("reader_busy")
    await desk.stands_in(State.WAITING_FOR_CARD)
    await desk.press("Cancel it")
    assert "cancelled_by_reception" in await desk.came_to("cancelled")
    assert await desk.page.locator("#problem").is_hidden()
    await desk.until_free()


async def test_another_face_is_not_the_holders(desk: Operator) -> None:
    stranger = next(iter(STRANGERS))
    await desk.page.get_by_label("Face before the camera").select_option(stranger)
    await desk.page.get_by_label("face", exact=True).check()
    await desk.place("valid")
    await desk.press("Start a visit")
    assert "verified" not in await desk.came_to("refused")
    await desk.remove()
    await desk.page.get_by_label("Face before the camera").select_option("own")
    await desk.until_free()


async def test_a_likeness_is_held_before_the_camera(desk: Operator) -> None:
    scene = desk.appliance.addresses.folder / "scene" / "scene.json"
    for likeness, material in (("print", b'"paper"'), ("phone_video", b'"display"')):
        await desk.page.get_by_label("Shown as").select_option(likeness)
        held = re.compile(rf"^before the camera: \w+ by {likeness}:\d+$")
        await expect(desk.page.locator("#lines span").last).to_have_text(held, timeout=WITHIN_MS)
        assert material in scene.read_bytes()
    await desk.page.get_by_label("Shown as").select_option("")
    alive = re.compile(r"^before the camera: \w+$")
    await expect(desk.page.locator("#lines span").last).to_have_text(alive, timeout=WITHIN_MS)
    assert b'"skin"' in scene.read_bytes()


async def test_a_mishap_waits_for_the_next_card(desk: Operator) -> None:
    await desk.page.get_by_text("Arrange a mishap").click()
    await desk.page.get_by_label("What befalls the card").select_option("remove")
    await desk.page.get_by_label("At the command").select_option(label="READ BINARY")
    await desk.press("Arrange it")
    await desk.page.get_by_text("wait for the next card: 1").wait_for()
    await desk.press("Start a visit")
    await desk.stands_in(State.WAITING_FOR_CARD)
    await desk.press("Place the card of valid")
    assert "card_removed" in await desk.came_to("failed")
    await desk.sees('#reader[data-card="none"]')
    assert await desk.page.get_by_text("wait for the next card").count() == 0
    await desk.until_free()


async def test_everybody_is_shown_with_what_they_type(desk: Operator) -> None:
    for patient in PATIENTS:
        await desk.page.get_by_role("radio", name=re.compile(f"^{patient.id} ")).check()
        await desk.page.get_by_role("button", name=f"Place the card of {patient.id}").wait_for()
        shown = await desk.page.locator("#secrets").inner_text()
        assert patient.person.name.replace("\u3000", " ") in shown.replace("\u3000", " ")
        assert STAFF_PASSCODE in shown
        if patient.card is not None:
            assert patient.card.pin in shown
    await desk.page.get_by_role("radio", name="valid ", exact=False).check()


async def test_a_bad_command_is_refused_and_the_bench_lives_on(
    desk: Operator, served: Served
) -> None:
    async with line(served.address) as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        for said in (
            "",
            "no json",
            '{"do": "nothing"}',
            '{"do": "start", "purpose": "holiday"}',
            '{"do": "place", "more": 1}',
            '{"do": "arrange", "mishap": {"mishap": "status_word", "status_word": 1}}',
        ):
            await socket.send_str(said)
            assert await next_error(socket) == "bench_refused", said
        await socket.send_bytes(b'{"do": "place"}')
        assert await next_error(socket) == "bench_refused"
        for said, code in (
            ('{"do": "choose", "patient": "nobody_of_that_name"}', "unknown_patient"),
            ('{"do": "face", "who": "../faces"}', "unknown_patient"),
            ('{"do": "reset"}', "control_refused"),
            ('{"do": "start", "methods": []}', "invalid_params"),
        ):
            await socket.send_str(said)
            assert await next_error(socket) == code, said
    await desk.is_told("invalid_params")
    await desk.place("valid")
    assert await desk.page.locator("#problem").is_hidden()
    await desk.remove()


async def next_error(socket: aiohttp.ClientWebSocketResponse) -> str:
    while (said := await socket.receive_json(timeout=WITHIN_MS / 1000)).get("kind") != "error":
        pass
    return str(said["code"])


async def test_a_page_loaded_anew_finds_the_bench_as_it_was(
    desk: Operator, chrome: Browser, served: Served
) -> None:
    await desk.place("pin_blocked")
    before = await desk.lines()
    await desk.page.reload()
    await desk.sees('#reader[data-card="pin_blocked"]')
    assert await desk.lines() == before
    assert "PIN 0" in await desk.page.locator("#reader").inner_text()
    async with operator_at(chrome, served, desk.appliance) as other:
        await other.remove()
        await desk.sees('#reader[data-card="none"]')
        await other.page.get_by_role("radio", name="valid ", exact=False).check()
        await desk.page.get_by_role("button", name="Place the card of valid").wait_for()


async def test_it_fits_a_desks_screen_and_axe_finds_nothing(desk: Operator) -> None:
    await desk.page.get_by_text("Arrange a mishap").click()
    width, height = await desk.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert (width, height) == (1280, 800)
    assert await violations(desk.page) == []


# --- who is answered
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"Host": "evil.example:PORT"}, 403),
        ("/", {"Host": "127.0.0.1"}, 403),
        ("/", {"Origin": "http://evil.example"}, 403),
        ("/bench", {"Origin": "null"}, 403),
        ("/bench", {"Origin": "http://evil.example"}, 403),
        ("/bench", {}, 403),  # a browser always names its origin
        ("/panel.css", {}, 404),
        ("/%2e%2e/bench.py", {}, 404),
        *((f"/{name}", {}, 200) for name in FILES),
    ],
)
async def test_strangers_are_refused_and_files_are_sealed_off(
    served: Served, path: str, headers: dict[str, str], status: int
) -> None:
    origin, _, token = served.address.partition("/#")
    port = origin.rpartition(":")[2]
    sent = {name: value.replace("PORT", port) for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.get(origin + path, headers=sent) as answer,
    ):
        assert answer.status == status
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        said = await answer.text()
        assert not {token, STAFF_PASSCODE, card_facts(find("unregistered")).pin} & set(said.split())
        assert token not in said


@pytest.mark.parametrize("token", ["", "guess", "x" * 32])
async def test_who_does_not_know_the_token_hears_nothing(served: Served, token: str) -> None:
    async with line(served.address, token) as socket:
        assert (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
