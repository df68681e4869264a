"""What a site sets for its panel reaches the page."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import msgspec
import pytest
from panel_house import at

from firmware.app import panel_of
from firmware.faults import BadSettings
from firmware.panel.comfort import Comfort
from firmware.panel.pin_pad import KEYS
from firmware.panel.view import PanelView
from firmware.settings import PanelSettings, Settings, read_settings
from firmware.words import Layout, State


def site(folder: Path, panel: str = "") -> Settings:
    """Settings as a site writes them."""
    path = folder / "firmware.toml"
    path.write_text(f'state_dir = "{folder}"\nruntime_dir = "{folder}"\npanel_port = 0\n{panel}')
    return read_settings(path)


async def pages(settings: Settings, visits: int) -> list[tuple[PanelView, str]]:
    """What a page is shown when a PIN is asked for, time and again; and the pad's picture."""
    server = panel_of(settings, lambda _: None)
    address = await server.start()
    origin, _, token = address.partition("/#")
    shown = []
    try:
        async with (
            aiohttp.ClientSession() as browser,
            browser.ws_connect(f"{origin}/panel", headers={"Origin": origin}) as socket,
        ):
            await socket.send_json({"token": token, "session": "a-single-tab"})
            await socket.receive_str(timeout=60)  # idle
            for entry in range(1, visits + 1):
                server.show(at(State.ASKING_PIN, entry=entry))
                seen = msgspec.json.decode(await socket.receive_str(timeout=60), type=PanelView)
                assert seen.pad is not None
                async with browser.get(f"{origin}/{seen.pad.picture}") as answer:
                    shown.append((seen, await answer.text()))
    finally:
        await server.stop()
    return shown


async def test_without_a_word_the_panel_is_as_it_ships(tmp_path: Path) -> None:
    assert site(tmp_path).panel == PanelSettings()
    shown = await pages(site(tmp_path), visits=2)
    assert {view.layout for view, _ in shown} == {Layout.FULL}
    assert {view.comfort for view, _ in shown} == {Comfort()}
    assert len({picture for _, picture in shown}) == 1


async def test_layout_comfort_and_order_of_keys_reach_the_page(tmp_path: Path) -> None:
    wishes = '[panel]\nlayout = "low"\nlarge = true\ncontrast = true\nshuffle_keys = true\n'
    shown = await pages(site(tmp_path, wishes), visits=8)
    assert {view.layout for view, _ in shown} == {Layout.LOW}
    assert {view.comfort for view, _ in shown} == {Comfort(large=True, contrast=True)}
    pictures = {picture for _, picture in shown}
    assert len(pictures) > 1
    assert all(picture.count("<rect") == KEYS for picture in pictures)


@pytest.mark.parametrize("nonsense", ['layout = "upper"', "large = 1", "huge = true"])
def test_nonsense_is_refused_by_name(tmp_path: Path, nonsense: str) -> None:
    with pytest.raises(BadSettings):
        site(tmp_path, f"[panel]\n{nonsense}\n")
