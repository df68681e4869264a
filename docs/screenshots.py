"""Pictures of every screen, in every language and on both displays, into build/screenshots/.

    python docs/screenshots.py [OUT]

The real server and the real page are shown one example visit after the other.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from playwright.async_api import Page, async_playwright

from firmware.panel.server import PanelServer
from firmware.panel.texts import LANGUAGES
from firmware.statement import ConsentRecord
from firmware.transaction.profiles import ASKS
from firmware.transaction.visit import Ending, Request, Visit
from firmware.words import (
    Cause,
    ConsentAnswer,
    ConsentItem,
    Hint,
    Language,
    Method,
    Outcome,
    Profile,
    Purpose,
    Question,
    State,
)

OUT = Path(__file__).resolve().parents[1] / "build" / "screenshots"
DISPLAYS = ((1280, 800), (800, 480))
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REQUEST = Request(
    transaction_id=UUID(int=1),
    purpose=Purpose.VISIT,
    profile=Profile.CLINIC,
    methods=(Method.FACE, Method.PIN, Method.STAFF),
    items=ASKS[Profile.CLINIC].items,
    questions=ASKS[Profile.CLINIC].questions,
    language=Language.JA,
    looks=3,
    unverified_photo_allowed=False,
)
IDLE = Visit()
BEGUN = Visit(request=REQUEST, card_present=True)
ANSWERED = tuple(ConsentRecord(item, ConsentAnswer.REFUSED) for item in ConsentItem)
Example = tuple[str, Visit, Hint | None]


def examples() -> Iterator[Example]:
    """Every state once, and what else its screen can say."""
    for state in State:
        visit = IDLE if state is State.IDLE else BEGUN
        if state is State.ASKING_QUESTIONS:
            visit = replace(visit, consents=ANSWERED)
        if state in {State.TAKE_CARD, State.FORGETTING}:
            visit = replace(visit, ending=Ending(Outcome.VERIFIED))
        yield state, replace(visit, state=state), None
    yield "idle_card", replace(IDLE, card_present=True), None
    at = {state: replace(BEGUN, state=state) for state in State}
    yield "choosing_method_again", replace(at[State.CHOOSING_METHOD], looks=3), None
    yield "comparing_faces_hint", at[State.COMPARING_FACES], Hint.CLOSER
    pin = replace(at[State.ASKING_PIN], pin_digits=2, pin_tries_left=2, warned=True)
    yield "asking_pin_warned", pin, None
    yield "asking_pin_full", replace(at[State.ASKING_PIN], pin_digits=4, helper=True), None
    yield "keying_print_typed", replace(at[State.KEYING_PRINT], pin_digits=8), None
    one_by_one = replace(at[State.ASKING_CONSENT], one_by_one=True)
    for count, item in enumerate(ConsentItem):
        yield f"asking_consent_{item}", replace(one_by_one, consents=ANSWERED[:count]), None
    subsidy = ((Question.PRESCRIPTION_FORM, "paper"),)
    asked = replace(at[State.ASKING_QUESTIONS], consents=ANSWERED, answers=subsidy)
    yield "asking_questions_subsidy", asked, None
    for outcome, cause in (
        (Outcome.REFUSED, Cause.CERTIFICATE_SUSPENDED),
        (Outcome.FAILED, Cause.UPSTREAM_UNAVAILABLE),
        (Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT),
    ):
        yield (
            f"take_card_{outcome}",
            replace(at[State.TAKE_CARD], ending=Ending(outcome, cause)),
            None,
        )
    left = replace(at[State.TAKE_CARD], warned=True, insistence=2)
    yield "take_card_left", replace(left, ending=Ending(Outcome.VERIFIED)), None
    removed = Ending(Outcome.FAILED, Cause.CARD_REMOVED)
    yield "forgetting_removed", replace(at[State.FORGETTING], ending=removed), None


async def photograph(page: Page, panel: PanelServer, out: Path, entry: int) -> int:
    """One picture of each example; entries go on counting from `entry`."""
    for language in LANGUAGES:
        for name, example, hint in examples():
            # A screen that stays readable would hold the next idle one back; so go by another.
            entry += 2
            panel.show(replace(BEGUN, state=State.SIGNING, entry=entry - 1))
            panel.show(replace(example, entry=entry, language=language), hint)
            await page.locator(f'body[data-entry="{entry}"]').wait_for()
            await page.evaluate("Promise.all([...document.images].map(i => i.decode()))")
            await page.screenshot(path=out / f"{name}-{language}.png")
    return entry


async def main(out: Path) -> None:
    with tempfile.TemporaryDirectory() as runtime_dir:
        panel = PanelServer(Path(runtime_dir), lambda _: None, hotline="0120-95-0178")
        address = await panel.start()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            entry = 0
            for width, height in DISPLAYS:
                folder = out / f"{width}x{height}"
                folder.mkdir(parents=True, exist_ok=True)
                context = await browser.new_context(
                    viewport={"width": width, "height": height},
                    has_touch=True,
                    reduced_motion="reduce",
                )
                page = await context.new_page()
                await page.goto(address)
                entry = await photograph(page, panel, folder, entry)
                await context.close()
            await browser.close()
        await panel.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT))
