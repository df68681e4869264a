"""How long a change of state takes to be seen: from `PanelServer.show` to pixels of the page.

    python benchmarks/panel_latency.py [--changes N] [--limit-ms MS]

The real server and the real page in headless Chromium on one machine. The clock stops in the first
frame after the one that drew the change, which is when the browser has handed its pixels over; what
the display itself takes is not in it. Exit code 1 when the 95th percentile is above the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from playwright.async_api import Page, async_playwright

from firmware.panel.server import PanelServer
from firmware.panel.texts import LANGUAGES
from firmware.words import Language, State

LIMIT_MS = 100.0
ROOT = Path(__file__).resolve().parents[1]
spec = spec_from_file_location("screenshots", ROOT / "docs" / "screenshots.py")
assert spec is not None
assert spec.loader is not None
screenshots = module_from_spec(spec)
spec.loader.exec_module(screenshots)

# Both sides read the machine's wall clock; a page's own clock starts at `timeOrigin`.
WATCH = """new MutationObserver(() => requestAnimationFrame(() => requestAnimationFrame(() => {
  seen(Number(document.body.dataset.entry), performance.timeOrigin + performance.now());
}))).observe(document.body, { attributes: true, attributeFilter: ["data-entry"] })"""


class Frames:
    """When each entry was seen."""

    def __init__(self) -> None:
        self._seen: dict[int, asyncio.Future[float]] = {}

    def of(self, entry: int) -> asyncio.Future[float]:
        return self._seen.setdefault(entry, asyncio.get_running_loop().create_future())

    def seen(self, entry: int, at_ms: float) -> None:
        future = self.of(entry)
        if not future.done():
            future.set_result(at_ms)


async def measured(page: Page, panel: PanelServer, changes: int) -> dict[Language, list[float]]:
    """Milliseconds of each change, by the language that was shown."""
    frames = Frames()
    await page.expose_function("seen", frames.seen)
    await page.evaluate(WATCH)
    shown = [visit for name, visit, _ in screenshots.examples() if visit.state is not State.IDLE]
    waits: dict[Language, list[float]] = {language: [] for language in LANGUAGES}
    for change in range(1, changes + 1):
        language = LANGUAGES[change % len(LANGUAGES)]
        visit = replace(shown[change % len(shown)], entry=change, language=language)
        begun_ms = time.time() * 1000
        panel.show(visit)
        at_ms = await asyncio.wait_for(frames.of(change), 10)
        waits[language].append(at_ms - begun_ms)
    return waits


async def run(changes: int) -> dict[Language, list[float]]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=screenshots.CHROMIUM, args=screenshots.ARGUMENTS
        )
        with tempfile.TemporaryDirectory() as folder:
            panel = PanelServer(Path(folder), lambda _: None)
            page = await browser.new_page(viewport={"width": 800, "height": 480})
            await page.goto(await panel.start())
            await page.locator("h1:not(:empty)").wait_for()
            waits = await measured(page, panel, changes)
            await panel.stop()
        await browser.close()
    return waits


def line(name: str, waits: list[float]) -> str:
    p95 = statistics.quantiles(waits, n=20)[-1]
    return f"{name:<10}{len(waits):>6}{statistics.median(waits):>9.1f}{p95:>9.1f}{max(waits):>9.1f}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--changes", type=int, default=350)
    arguments.add_argument("--limit-ms", type=float, default=LIMIT_MS)
    chosen = arguments.parse_args()
    waits = asyncio.run(run(chosen.changes))
    every = [wait for own in waits.values() for wait in own]
    print(f"change of state to pixels, ms ({platform.machine()}, headless Chromium, 800x480)")
    print(f"{'':<10}{'n':>6}{'p50':>9}{'p95':>9}{'max':>9}")
    for language, own in waits.items():
        print(line(language, own))
    print(line("all", every))
    return 0 if statistics.quantiles(every, n=20)[-1] <= chosen.limit_ms else 1


if __name__ == "__main__":
    sys.exit(main())
