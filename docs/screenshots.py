"""Pictures of every screen, in every language and mode, and sheets of them for each language.

    python docs/screenshots.py [--pictures DIR] [--sheets DIR] [--language L …]

The real server and the real page are shown one example visit after the other. The pictures go to
build/screenshots/, the sheets to docs/screens/. Whoever stands before the camera is drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import web
from PIL import Image, ImageColor
from playwright.async_api import Page, async_playwright

from firmware.panel.comfort import Comfort
from firmware.panel.server import PanelServer
from firmware.panel.texts import LANGUAGES
from firmware.statement import ConsentRecord
from firmware.transaction.profiles import ASKS
from firmware.transaction.visit import Ending, Request, Visit
from firmware.words import (
    NO_CONSENT_REASONS,
    CardKind,
    Cause,
    CertificateWarning,
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

ROOT = Path(__file__).resolve().parents[1]
PICTURES, SHEETS = ROOT / "build" / "screenshots", ROOT / "docs" / "screens"
SMALL, WIDE = (800, 480), (1280, 800)
DISPLAYS = {"normal": (SMALL, WIDE), "large": (SMALL,), "contrast": (SMALL,)}
MODES = {
    "normal": Comfort(),
    "large": Comfort(large=True),
    "contrast": Comfort(contrast=True),
}
HOTLINE = "0120-95-0178"
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
EMERGENCY, DISASTER = (
    replace(REQUEST, profile=profile, reason=reasons[-1], questions=ASKS[profile].questions)
    for profile, reasons in NO_CONSENT_REASONS.items()
)
ANSWERED = tuple(ConsentRecord(item, ConsentAnswer.REFUSED) for item in ConsentItem)
NO_CONSENT_ASKED: dict[str, dict[str, Any]] = {
    "in_grace": {
        "certificate_warning": CertificateWarning.IN_GRACE,
        "clinical_consent_allowed": False,
    },
    "clock": {"clock_trusted": False, "clinical_consent_allowed": False},
}
"""What a visit knows when no consent is asked, and the patient is told why."""
OUTCOMES = {
    Cause.CANCELLED_BY_PATIENT: Outcome.CANCELLED,
    Cause.CANCELLED_BY_RECEPTION: Outcome.CANCELLED,
    Cause.TIMED_OUT: Outcome.CANCELLED,
    Cause.CARD_NOT_PRESENTED: Outcome.CANCELLED,
    **dict.fromkeys(
        (
            *(Cause.CARD_UNKNOWN, Cause.CARD_NOT_SUPPORTED, Cause.CERTIFICATE_MISSING),
            *(Cause.PHOTO_NOT_AUTHENTIC, Cause.PIN_BLOCKED, Cause.PHONE_PIN_BLOCKED),
            Cause.NOT_THE_HOLDER,
            *(Cause.STAFF_PASSCODE_WRONG, Cause.STAFF_LOOK_CLOSED, Cause.NO_METHOD_LEFT),
            Cause.REGISTRATION_DECLINED,
            *(Cause.REGISTRATION_NOT_EFFECTIVE, Cause.CERTIFICATE_EXPIRED),
            Cause.PHONE_CERTIFICATE_EXPIRED,
            *(Cause.CERTIFICATE_SUSPENDED, Cause.CERTIFICATE_REVOKED),
            *(Cause.CERTIFICATE_UNTRUSTED, Cause.USE_RESTRICTED, Cause.EVIDENCE_REJECTED),
        ),
        Outcome.REFUSED,
    ),
}
"""What a visit comes to for each cause; where none is named, it failed."""
Example = tuple[str, Visit, Hint | None]
PHONE = replace(
    BEGUN, request=replace(REQUEST, methods=tuple(Method)), card_kind=CardKind.PHONE_ANDROID
)


def examples() -> Iterator[Example]:
    """Every state once, what else its screen can say, and the end of a visit for every cause."""
    for state in State:
        visit = IDLE if state is State.IDLE else BEGUN
        if state is State.ASKING_QUESTIONS:
            visit = replace(visit, consents=ANSWERED)
        if state in {State.TAKE_CARD, State.FORGETTING}:
            visit = replace(visit, ending=Ending(Outcome.VERIFIED))
        yield state, replace(visit, state=state), None
        yield from variants(state)
    for cause in Cause:
        ending = Ending(OUTCOMES.get(cause, Outcome.FAILED), cause)
        yield f"ends_{cause}", replace(BEGUN, state=State.TAKE_CARD, ending=ending), None
    yield from with_phone()


def with_phone() -> Iterator[Example]:
    """What is said in other words while a phone lies in the card's place, or may."""
    yield "phone_welcome", replace(PHONE, card_kind=None, state=State.WAITING_FOR_CARD), None
    typing = replace(PHONE, pin_digits=2, pin_tries_left=2)
    yield "phone_asking_pin", replace(typing, state=State.ASKING_PIN), None
    for state in (State.WARNING_LAST_TRY, State.VERIFYING_PIN, State.REGISTERING, State.SIGNING):
        yield f"phone_{state}", replace(PHONE, state=state), None
    done = replace(PHONE, state=State.TAKE_CARD, ending=Ending(Outcome.VERIFIED))
    yield "phone_taken", done, None
    yield "phone_left", replace(done, warned=True, insistence=1), None
    locked = Ending(Outcome.REFUSED, Cause.PHONE_PIN_BLOCKED)
    yield "phone_locked", replace(done, ending=locked), None


def variants(state: State) -> Iterator[Example]:
    """What else a screen can say."""
    at = replace(BEGUN, state=state)
    match state:
        case State.IDLE:
            yield "idle_card", replace(IDLE, card_present=True), None
        case State.CHOOSING_METHOD:
            yield "choosing_method_back", replace(at, method_chosen=True), None
            yield "choosing_method_again", replace(at, looks=3), None
            yield "choosing_method_staff_closed", replace(at, looks=3, staff_closed=True), None
            locked = replace(at, method_chosen=True, pin_tries_left=0)
            yield "choosing_method_pin_blocked", locked, None
        case State.KEYING_PRINT:
            yield "keying_print_typed", replace(at, pin_digits=8), None
        case State.COMPARING_FACES:
            yield "comparing_faces_hint", at, Hint.CLOSER
        case State.ASKING_PIN:
            warned = replace(at, pin_digits=2, pin_tries_left=2, warned=True)
            yield "asking_pin_warned", warned, None
            yield "asking_pin_full", replace(at, pin_digits=4, pin_tries_left=3, helper=True), None
        case State.WAITING_FOR_STAFF:
            yield "waiting_for_staff_again", replace(at, staff_refusals=1, pin_digits=1), None
            yield "waiting_for_staff_emergency", replace(at, request=EMERGENCY), None
            yield "waiting_for_staff_disaster", replace(at, request=DISASTER), None
        case State.ASKING_CONSENT:
            yield "asking_consent_warned", replace(at, warned=True), None
            soon = CertificateWarning.EXPIRES_SOON
            yield "asking_consent_expiring", replace(at, certificate_warning=soon), None
            for count, item in enumerate(ConsentItem):
                asked = replace(at, one_by_one=True, consents=ANSWERED[:count])
                yield f"asking_consent_{item}", asked, None
        case State.ASKING_QUESTIONS:
            answered = ((Question.PRESCRIPTION_FORM, "paper"),)
            asked = replace(at, consents=ANSWERED, answers=answered)
            yield "asking_questions_subsidy", asked, None
            for told, nothing_asked in NO_CONSENT_ASKED.items():
                yield f"asking_questions_{told}", replace(at, **nothing_asked), None
        case State.TAKE_CARD:
            for times in (1, 2, 3):
                ending = Ending(Outcome.VERIFIED)
                left = replace(at, warned=True, insistence=times, ending=ending)
                yield f"take_card_left_{times}", left, None
            done = replace(at, ending=Ending(Outcome.VERIFIED))
            expiring = replace(done, certificate_warning=CertificateWarning.EXPIRES_SOON)
            yield "take_card_expiring", expiring, None
            for told, nothing_asked in NO_CONSENT_ASKED.items():
                yield f"take_card_{told}", replace(done, **nothing_asked), None
        case State.FORGETTING:
            removed = Ending(Outcome.FAILED, Cause.CARD_REMOVED)
            yield "forgetting_removed", replace(at, ending=removed), None


# --- the page
async def wait_until_shown(page: Page, entry: int) -> None:
    """Until the page shows that entry, with all its pictures."""
    await page.locator(f'body[data-entry="{entry}"]').wait_for()
    await page.evaluate(
        "Promise.all([...document.images].filter(i => i.src).map(i => i.decode().catch(() => 0)))"
    )


async def photograph(page: Page, panel: PanelServer, language: Language, out: Path) -> None:
    """One picture of each example, as NAME-LANGUAGE.png."""
    entry = 0
    for name, example, hint in examples():
        # A screen that stays readable would hold the next idle one back; so go by another.
        entry += 2
        panel.show(replace(BEGUN, state=State.SIGNING, entry=entry - 1))
        panel.show(replace(example, entry=entry, language=language), hint)
        await wait_until_shown(page, entry)
        await page.screenshot(path=out / f"{name}-{language}.png")
    panel.show(replace(BEGUN, state=State.SIGNING, entry=entry + 1))


HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480" width="640" height="480">
<rect width="640" height="480" fill="#b9cbd6"/><path d="M0 330h640v150H0z" fill="#a5bac7"/>
<path d="M150 480c8-92 80-128 170-128s162 36 170 128z" fill="#3f6f8f"/>
<path d="M276 300h88v72c-24 26-64 26-88 0z" fill="#e3b595"/>
<ellipse cx="320" cy="218" rx="98" ry="124" fill="#f1c9a9"/>
<path d="M216 212c-18-150 226-154 210 4-12-52-40-74-72-82-40 14-102 12-138 78z" fill="#2d2a2b"/>
<circle cx="284" cy="220" r="9" fill="#2d2a2b"/><circle cx="358" cy="220" r="9" fill="#2d2a2b"/>
<path d="M320 226v34M290 292c18 18 44 18 62 0" stroke="#a8694a" stroke-width="6"
 stroke-linecap="round" fill="none"/></svg>"""


@asynccontextmanager
async def drawn_head() -> AsyncIterator[str]:
    """The address of a camera before which a drawn person stands."""

    async def look(_request: web.Request) -> web.Response:
        return web.Response(text=HEAD, content_type="image/svg+xml")

    app = web.Application()
    app.router.add_get("/head.svg", look)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/head.svg"
    await runner.cleanup()


# --- the sheets
COLUMNS, TILE = 5, (288, 173)
GAP = 6
THEMES = (
    ("#f4f7f7", "#14232e", "#123a57", "#1c4f74", "#455762", "#8fa1ac", "#cfe0ec", "#e2ecf3"),
    ("#f4f7f7", "#1d7458", "#12503c", "#c3e3d5", "#dff0e8"),
    ("#f4f7f7", "#9a5600", "#6d3c00", "#f6ddb0", "#fcefd6", "#fff3dc", "#5c3300", "#c77700"),
    ("#000000", "#ffffff", "#ffd84a", "#ffb454", "#7dffb5", "#262626", "#8c8c8c"),
    ("#9a5600", "#ffffff", "#7c4500"),
    ("#b9cbd6", "#3f6f8f", "#e3b595", "#f1c9a9", "#2d2a2b", "#a5bac7"),
)
"""Ground and colours of the page (panel.css) and of the drawn head; edges blend into the ground."""
BLENDS = (1.0, 0.6, 0.3)


def contact_sheet(pictures: Path, mode: str, language: Language) -> Image.Image:
    """Every screen of a language in a mode, side by side, small, in few colours."""
    folder = pictures / mode / "800x480"
    files = [folder / f"{name}-{language}.png" for name, _, _ in examples()]
    rows = -(-len(files) // COLUMNS)
    width, height = TILE[0] + GAP, TILE[1] + GAP
    whole = Image.new("RGB", (COLUMNS * width + GAP, rows * height + GAP), "#8fa1ac")
    for place, file in enumerate(files):
        row, column = divmod(place, COLUMNS)
        with Image.open(file) as picture:
            small = picture.convert("RGB").resize(TILE, Image.Resampling.LANCZOS)
        whole.paste(small, (column * width + GAP, row * height + GAP))
    return whole.quantize(palette=palette(), dither=Image.Dither.NONE)


def palette() -> Image.Image:
    """The few colours of a sheet: those of the page, and their edges."""
    colours = {
        tuple(round(blend * c + (1 - blend) * g) for c, g in zip(colour, ground, strict=True))
        for first, *others in THEMES
        for ground in [ImageColor.getrgb(first)]
        for colour in [ground, *map(ImageColor.getrgb, others)]
        for blend in BLENDS
    }
    held = Image.new("P", (1, 1))
    held.putpalette([channel for colour in sorted(colours) for channel in colour])
    return held


async def take_pictures(pictures: Path, languages: tuple[Language, ...]) -> None:
    async with async_playwright() as playwright, drawn_head() as camera:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for mode, comfort in MODES.items():
            with tempfile.TemporaryDirectory() as runtime_dir:
                panel = PanelServer(
                    Path(runtime_dir), lambda _: None, hotline=HOTLINE, comfort=comfort
                )
                address = await panel.start()
                panel.show_camera_at(camera)
                for width, height in DISPLAYS[mode]:
                    folder = pictures / mode / f"{width}x{height}"
                    folder.mkdir(parents=True, exist_ok=True)
                    context = await browser.new_context(
                        viewport={"width": width, "height": height},
                        has_touch=True,
                        reduced_motion="reduce",
                    )
                    page = await context.new_page()
                    await page.goto(address)
                    for language in languages:
                        await photograph(page, panel, language, folder)
                    await context.close()
                await panel.stop()
        await browser.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--pictures", type=Path, default=PICTURES)
    arguments.add_argument("--sheets", type=Path, default=SHEETS)
    arguments.add_argument("--language", type=Language, nargs="*", default=LANGUAGES)
    chosen = arguments.parse_args()
    asyncio.run(take_pictures(chosen.pictures, tuple(chosen.language)))
    chosen.sheets.mkdir(parents=True, exist_ok=True)
    for one, in_mode in product(chosen.language, MODES):
        name = f"{one}.webp" if in_mode == "normal" else f"{one}-{in_mode}.webp"
        whole = contact_sheet(chosen.pictures, in_mode, one)
        whole.convert("RGB").save(chosen.sheets / name, lossless=True, method=6)
