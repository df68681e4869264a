"""Every screen fits its display, every button can be hit, and axe finds nothing to mend.

A run takes a share of the screens in each language and mode, another share in each, so that every
screen is looked at several times; `KAZASHI_EVERY_SCREEN=1` looks at all of them in all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from accessibility import violations
from browser_house import SMALL, WIDE, Example, Gallery, examples, page_of, screenshots
from playwright.async_api import Browser, Page

from firmware.panel.comfort import Comfort
from firmware.panel.server import PanelServer
from firmware.panel.standing import Told
from firmware.panel.texts import LANGUAGES
from firmware.words import Language, Layout, Standing

pytestmark = pytest.mark.asyncio(loop_scope="module")
FINGER_PX = 44
READABLE_PX = 13
EVERY_SCREEN = "KAZASHI_EVERY_SCREEN" in os.environ


def share(nth: int, of: int) -> Iterator[tuple[Language, Example]]:
    """Each language with its part of the examples, one in `of`."""
    shown, step = examples(), 1 if EVERY_SCREEN else of
    for place, language in enumerate(LANGUAGES):
        for example in shown[(place + nth) % step :: step]:
            yield language, example


CODES = {Standing.PAIRING: "481502"}
DIGITS = """(code) => {
  const shown = document.getElementById("code"), box = shown.getBoundingClientRect();
  const faults = [];
  if (shown.textContent !== code) faults.push(`${shown.textContent} in place of ${code}`);
  if (parseFloat(getComputedStyle(shown).fontSize) < innerHeight / 6)
    faults.push("the digits cannot be read from a metre away");
  if (box.right > innerWidth || box.bottom > innerHeight) faults.push("digits leave the display");
  return faults;
}"""
MISFITS = """([finger, readable, low]) => {
  const texts = "h1, #reason, #lines p, #notice, #points li, #warning span, #heading, .now span";
  const seen = [...document.querySelectorAll(`button, section, .menu, #head, #foot, ${texts}`)]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().width > 0);
  const faults = [];
  const boxes = seen.map((e) => [e, e.getBoundingClientRect()]);
  for (const [e, box] of boxes) {
    const name = e.dataset.id || e.textContent || e.className;
    if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight)
      faults.push(`${name} leaves the display`);
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
      faults.push(`${name} is wider than its box`);
    if (e.scrollHeight > e.clientHeight + 1 && e.matches("button, section"))
      faults.push(`${name} is higher than its box`);
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (size < readable && !e.matches("section, .menu, #head, #foot"))
      faults.push(`${name} is written in ${size} px`);
    if (!e.matches("button")) continue;
    if (Math.min(box.width, box.height) < finger)
      faults.push(`${name} is ${Math.round(box.width)} by ${Math.round(box.height)}`);
    if (low && box.top < innerHeight / 2 - 1) faults.push(`${name} lies too high`);
    for (const [other, theirs] of boxes) {
      if (e === other || e.contains(other) || other.contains(e)) continue;
      if (box.left >= theirs.right - 1 || theirs.left >= box.right - 1) continue;
      if (box.top >= theirs.bottom - 1 || theirs.top >= box.bottom - 1) continue;
      faults.push(`${name} lies over ${other.dataset.id ?? other.textContent}`);
    }
  }
  return [...new Set(faults)];
}"""


@asynccontextmanager
async def gallery(folder: Path, chrome: Browser, size: tuple[int, int], **site: object):
    panel = PanelServer(folder, lambda _: None, hotline="0120-95-0178", **site)
    address = await panel.start()
    async with screenshots.drawn_head() as camera:
        panel.show_camera_at(camera)
        async with page_of(chrome, address, size) as page:
            yield Gallery(panel, page), page
    await panel.stop()


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("large", [False, True], ids=["normal", "large"])
@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["small", "wide"])
async def test_screens_fit_and_buttons_can_be_hit(
    tmp_path: Path, chrome: Browser, size: tuple[int, int], large: bool, layout: Layout
) -> None:
    faults = []
    site = {"comfort": Comfort(large=large), "layout": layout}
    measure = [FINGER_PX, READABLE_PX, layout is Layout.LOW]
    async with gallery(tmp_path, chrome, size, **site) as (shown, page):
        for language, example in share(2 * large + (size is SMALL), of=8):
            name = await shown.show(example, language)
            faults += [f"{name}: {fault}" for fault in await page.evaluate(MISFITS, measure)]
    assert faults == []


@pytest.mark.parametrize("large", [False, True], ids=["normal", "large"])
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["small", "wide"])
async def test_what_is_told_of_the_device_fits(
    tmp_path: Path, chrome: Browser, size: tuple[int, int], layout: Layout, large: bool
) -> None:
    faults = []
    site = {"comfort": Comfort(large=large), "layout": layout}
    measure = [FINGER_PX, READABLE_PX, layout is Layout.LOW]
    shown, told = screenshots.IDLE, [Told(one, CODES.get(one)) for one in Standing]
    async with gallery(tmp_path, chrome, size, **site) as (idle, page):
        for place, language in enumerate(LANGUAGES):
            for one in told if EVERY_SCREEN else told[(place + 3 * large) % 6 :: 6]:
                idle.tell(one)
                name = await idle.show((f"idle {one.standing}", shown, None), language)
                faults += [f"{name}: {fault}" for fault in await page.evaluate(MISFITS, measure)]
                if one.code is not None:
                    faults += [
                        f"{name}: {fault}" for fault in await page.evaluate(DIGITS, one.code)
                    ]
    assert faults == []


@pytest.mark.parametrize("mode", screenshots.MODES)
async def test_axe_finds_nothing_to_mend(tmp_path: Path, chrome: Browser, mode: str) -> None:
    faults = []
    async with gallery(tmp_path, chrome, SMALL, comfort=screenshots.MODES[mode]) as (shown, page):
        for language, example in share(7 * list(screenshots.MODES).index(mode), of=20):
            name = await shown.show(example, language)
            faults += [f"{name}: {fault}" for fault in await violations(page)]
        for standing in Standing:
            shown.tell(Told(standing, CODES.get(standing)))
            name = await shown.show((standing, screenshots.IDLE, None), Language.JA)
            faults += [f"{name}: {fault}" for fault in await violations(page)]
        await open_menus(page)
        faults += [f"menu: {fault}" for fault in await violations(page)]
    assert faults == []


async def open_menus(page: Page) -> None:
    for opener in ("languages", "comfort"):
        await page.locator(f"#open-{opener}").dispatch_event("click")
