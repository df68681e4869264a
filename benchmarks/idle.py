"""What the appliance costs while nobody is there, and what visits do to its memory.

    python benchmarks/idle.py [--seconds N] [--visits N] [--cpu-percent P] [--vision-mb MB] [--json]

The simulated appliance as it ships, with the panel's page in headless Chromium. First nobody comes
for N seconds (30: one probe of the camera falls into them). Then patients come, by face and by PIN
in turn, each card's print read; the page is closed for that, as the scripted patient needs its
seat. Browser and simulated card are measured and not counted. Exit code 1 when a budget is not kept
or the memory at rest grows from the visits' first half to their second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright
from processes import Usage, below, cpu_s_between, percent_of_one_core

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method, Outcome

CPU_PERCENT, VISION_MB, FIRMWARE_MB = 5.0, 250.0, 400.0
GROWTH_MB: Final = 5.0
"""Assumed: so much may one rest differ from another without anything being kept."""
SETTLING_S: Final = 3.0
ROOT = Path(__file__).resolve().parents[1]
spec = spec_from_file_location("screenshots", ROOT / "docs" / "screenshots.py")
assert spec is not None
assert spec.loader is not None
screenshots = module_from_spec(spec)
spec.loader.exec_module(screenshots)

VISION: Final = "vision worker"
MODULES: Final = {
    "firmware": "firmware",
    "firmware.card.worker": "card worker",
    "firmware.match.worker": VISION,
    "firmware.match.photo_child": "photo decoder",
    "hostdriver": "host driver",
}
FIRMWARE: Final = ("firmware", "card worker", VISION, "photo decoder")
APPLIANCE: Final = (*FIRMWARE, "host driver", "pcscd")
CARD, BROWSER = "simulated card", "browser"


def role_of(command: tuple[str, ...]) -> str:
    """What a process is to the appliance, by its command line."""
    program = Path(command[0].partition(" ")[0]).name  # Chromium writes its arguments as one
    if program.startswith(("chrom", "node")):
        return BROWSER
    if program == "pcscd":
        return program
    module = command[command.index("-m") + 1] if "-m" in command[:-1] else ""
    return MODULES.get(module, CARD)


@dataclass(frozen=True, slots=True)
class Row:
    """One role: all processes that have it."""

    role: str
    cpu_s: float
    percent: float
    idle_mb: float
    half_mb: float
    """At rest after the first half of the visits; `whole_mb` after all of them."""
    whole_mb: float
    peak_mb: float


def total(usages: Mapping[int, Usage], role: str, field: str) -> float:
    """A sum over the processes of one role."""
    return sum(float(getattr(u, field)) for u in usages.values() if role_of(u.command) == role)


@dataclass(frozen=True, slots=True)
class Idling:
    """Two moments, and the seconds between them."""

    before: Mapping[int, Usage]
    after: Mapping[int, Usage]
    elapsed_s: float

    def cpu_s(self, role: str) -> float:
        """CPU seconds of a role's processes."""
        spent = cpu_s_between(self.before, self.after)
        return sum(spent[pid] for pid, u in self.after.items() if role_of(u.command) == role)


@asynccontextmanager
async def panel_page(address: str) -> AsyncIterator[None]:
    """A display that shows the panel."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=screenshots.CHROMIUM, args=screenshots.ARGUMENTS
        )
        page = await browser.new_page(viewport={"width": 800, "height": 480})
        await page.goto(address)
        await page.locator("h1:not(:empty)").wait_for()
        yield
        await browser.close()


async def idle(appliance: Appliance, seconds: float) -> Idling:
    """Nobody comes."""
    async with panel_page(appliance.addresses.panel):
        await asyncio.sleep(SETTLING_S)
        before, began_s = below(os.getpid()), time.monotonic()
        await asyncio.sleep(seconds)
        return Idling(before, below(os.getpid()), time.monotonic() - began_s)


def visits(appliance: Appliance, count: int) -> dict[int, Usage]:
    """`count` patients one after the other; what is used when all have left."""
    for number in range(count):
        method = (Method.FACE, Method.PIN)[number % 2]
        result = play(appliance, Play(find("valid"), method=method), lambda _event: None)
        if result["outcome"] != Outcome.VERIFIED:
            raise SystemExit(f"visit {number + 1} by {method} ended {result['outcome']}")
    time.sleep(SETTLING_S)
    return below(os.getpid())


def measured(seconds: float, count: int) -> list[Row]:
    """One row for each role."""
    with Appliance(World()) as appliance:
        idling = asyncio.run(idle(appliance, seconds))
        half = visits(appliance, count // 2)
        whole = visits(appliance, count - count // 2)
    return [
        Row(
            role,
            cpu_s := idling.cpu_s(role),
            percent_of_one_core(cpu_s, idling.elapsed_s),
            total(idling.after, role, "rss_mb"),
            total(half, role, "rss_mb"),
            total(whole, role, "rss_mb"),
            total(whole or idling.after, role, "peak_mb"),
        )
        for role in (*APPLIANCE, CARD, BROWSER)
    ]


def sum_of(rows: list[Row], roles: tuple[str, ...], name: str) -> Row:
    """A row that adds up; peaks need not have been at one time, so theirs is an upper bound."""
    chosen = [list(asdict(row).values())[1:] for row in rows if row.role in roles]
    return Row(name, *(sum(column) for column in zip(*chosen, strict=True)))


@dataclass(frozen=True, slots=True)
class Budget:
    """A promise about the appliance, and what was seen of it."""

    what: str
    unit: str
    limit: float
    seen: float

    @property
    def kept(self) -> bool:
        return self.seen <= self.limit


def budgets(rows: list[Row], cpu_percent: float, vision_mb: float) -> list[Budget]:
    """Those of idling and of memory, the latter at its peak."""
    every, firmware = sum_of(rows, APPLIANCE, ""), sum_of(rows, FIRMWARE, "")
    (vision,) = (row for row in rows if row.role == VISION)
    return [
        Budget("idle CPU", "% of one core", cpu_percent, every.percent),
        Budget(VISION, "MB", vision_mb, vision.peak_mb),
        Budget("firmware", "MB", FIRMWARE_MB, firmware.peak_mb),
    ]


def faults(rows: list[Row], cpu_percent: float, vision_mb: float) -> list[str]:
    """Which budgets are not kept."""
    grown = {r.role: r.whole_mb - r.half_mb for r in rows if r.role in APPLIANCE}
    return [
        *(
            f"the {budget.what} is above {budget.limit} {budget.unit}"
            for budget in budgets(rows, cpu_percent, vision_mb)
            if not budget.kept
        ),
        *(f"the {role} grew by {mb:.1f} MB" for role, mb in grown.items() if mb > GROWTH_MB),
    ]


def table(rows: list[Row], seconds: float, count: int) -> str:
    """What is printed."""
    half, whole = count // 2, count
    load = os.getloadavg()[0]
    lines = [
        f"nobody there for {seconds:.0f} s, then {count} visits by face and by PIN in turn "
        f"({platform.machine()}, {os.cpu_count()} cores, load {load:.1f}); memory is RSS, in MB",
        f"{'':<15}{'CPU s':>7}{'% of core':>11}{'idle':>8}{f'after {half}':>10}"
        f"{f'after {whole}':>10}{'peak':>8}",
    ]
    for row in rows:
        lines.append(
            f"{row.role:<15}{row.cpu_s:>7.2f}{row.percent:>11.2f}{row.idle_mb:>8.1f}"
            f"{row.half_mb:>10.1f}{row.whole_mb:>10.1f}{row.peak_mb:>8.1f}"
        )
    return "\n".join(lines)


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--visits", type=int, default=10)
    arguments.add_argument("--cpu-percent", type=float, default=CPU_PERCENT)
    arguments.add_argument("--vision-mb", type=float, default=VISION_MB)
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    rows = measured(chosen.seconds, chosen.visits)
    broken = faults(rows, chosen.cpu_percent, chosen.vision_mb)
    shown = [
        *(row for row in rows if row.role in APPLIANCE),
        sum_of(rows, FIRMWARE, "all firmware"),
        sum_of(rows, APPLIANCE, "appliance"),
        *(row for row in rows if row.role not in APPLIANCE),
    ]
    if chosen.json:
        promised = [
            {**asdict(budget), "kept": budget.kept}
            for budget in budgets(rows, chosen.cpu_percent, chosen.vision_mb)
        ]
        found = {"rows": [asdict(row) for row in shown], "budgets": promised, "faults": broken}
        print(json.dumps(found, indent=2))
    else:
        print(table(shown, chosen.seconds, chosen.visits))
        for budget in budgets(rows, chosen.cpu_percent, chosen.vision_mb):
            verdict = "kept" if budget.kept else "MISSED"
            print(
                f"{budget.what}: {budget.seen:.1f} of {budget.limit:.0f} {budget.unit}, {verdict}"
            )
    for fault in broken:
        print(fault, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
