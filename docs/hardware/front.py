"""The reader as a patient sees it: lens over screen, tray below it. A millimetre is a unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from hardware import svg
from hardware.facts import CARD_MM, SCREEN, Facts, tray_width_mm

LEFT: Final = 60.0
COUNTER: Final = 420.0
LABEL: Final = 10.5
DARK: Final = "#23303a"


class Places(NamedTuple):
    """Where the parts lie on the page."""

    middle: float
    right: float
    lens: float
    screen: float
    chin: float
    tray: float
    tray_lens: float

    @property
    def top(self) -> float:
        return self.lens - 34

    @property
    def screen_side(self) -> float:
        """How far the screen reaches to either side."""
        return SCREEN.size_mm[0] / 2


def front(facts: Facts) -> svg.Picture:
    """Everything that a patient touches or looks at, with its name."""
    box = facts.enclosure
    lens = COUNTER - facts.lens_mm()
    places = Places(
        middle=LEFT + box.width / 2,
        right=LEFT + box.width,
        lens=lens,
        screen=lens + SCREEN.below_mm,
        chin=COUNTER - box.chin,
        tray=COUNTER - box.base_height,
        tray_lens=COUNTER - box.base_height - facts.tray_lens_mm(),
    )
    shapes = [*_body(places), *_screen(places), *_tray(places), *_labels(places)]
    return svg.Picture(560, 470, "The reader from the front", [*shapes, *_lengths(facts, places)])


def _body(at: Places) -> Iterator[str]:
    width = at.right - LEFT
    yield svg.text(LEFT, 30, "From the front", size=16, bold=True)
    yield svg.path([(20, COUNTER), (540, COUNTER)], thick=2)
    yield svg.rect(LEFT, at.tray, width, COUNTER - at.tray, fill=svg.TINT, line=svg.INK, radius=4)
    yield svg.rect(at.middle - 50, at.chin, 100, at.tray - at.chin, fill=svg.SOFT, line=svg.LINE)
    yield svg.rect(LEFT, at.top, width, at.chin - at.top, fill=svg.SOFT, line=svg.INK, radius=12)
    yield svg.rect(at.middle - 60, at.top + 7, 120, 7, fill="#cdeedd", line=svg.GREEN, radius=3)
    yield svg.rect(at.right - 66, at.tray - 12, 58, 12, fill="#fff", line=svg.INK, radius=2)


def _screen(at: Places) -> Iterator[str]:
    width, height = SCREEN.size_mm
    left, size = at.middle - at.screen_side, f"{width:.0f} × {height:.0f} mm"
    yield svg.rect(left, at.screen, width, height, fill="#fff", line=svg.ACCENT, radius=3, thick=2)
    yield svg.text(
        at.middle, at.screen + 60, "マイナ受付", size=22, bold=True, fill=svg.DEEP, anchor="middle"
    )
    yield svg.text(at.middle, at.screen + 86, size, size=LABEL, fill=svg.QUIET, anchor="middle")
    yield svg.circle(at.middle, at.lens, 8, fill=DARK, line=svg.INK)
    yield svg.circle(at.middle, at.lens, 3, fill="#7fa3bd")


def _tray(at: Places) -> Iterator[str]:
    tray, card = tray_width_mm(), CARD_MM[0]
    yield svg.rect(at.middle - tray / 2, at.tray - 5, tray, 5, fill=DARK)
    yield svg.rect(at.middle - card / 2, at.tray - 7, card, 2.5, fill=svg.GREEN)
    yield svg.rect(at.middle - 14, at.tray_lens - 10, 28, 8, fill=svg.SOFT, line=svg.INK, radius=2)
    yield svg.circle(at.middle, at.tray_lens, 5, fill=DARK)


def _labels(at: Places) -> Iterator[str]:
    parts = (
        ("lamp: seen by patient and staff", at.top + 10, (at.middle + 60, at.top + 10)),
        ("face camera", at.lens + 4, (at.middle + 8, at.lens)),
        ("touch display, 7 to 10 inches", at.screen + 70,
         (at.middle + at.screen_side, at.screen + 66)),
        ("tray camera, looks down", at.tray_lens + 4, (at.middle + 5, at.tray_lens)),
        ("keypad with a raised 5 (USB)", COUNTER - 42, (at.right - 8, at.tray - 8)),
        ("card, photo side up, on the NFC reader", COUNTER - 12,
         (at.middle + CARD_MM[0] / 2, at.tray - 2)),
    )  # fmt: skip
    for words, y, part in parts:
        yield svg.path([part, (at.right + 18, y - 3)], line=svg.LINE, thick=1)
        yield svg.text(at.right + 22, y, words, size=LABEL)


def _lengths(facts: Facts, at: Places) -> Iterator[str]:
    yield svg.measure((LEFT - 14, at.lens), (LEFT - 14, COUNTER), "")
    half = (at.lens + COUNTER) / 2
    height = f"{facts.lens_mm():.0f}"
    yield svg.text(LEFT - 18, half, height, size=LABEL, fill=svg.QUIET, anchor="end")
    beside = at.middle - at.screen_side - 8
    yield svg.measure((beside, at.lens), (beside, at.screen), "")
    below = f"{SCREEN.below_mm:.0f}"
    yield svg.text(beside + 6, at.lens + 13, below, size=9, fill=svg.QUIET)
    notes = (
        "At the back: staff button, headphone jack, cables. Inside: tamper switch at the lid.",
        "Lengths in mm. The screen is the one that the simulation lights faces with.",
    )
    yield svg.lines(LEFT, COUNTER + 22, notes, size=LABEL, fill=svg.QUIET)
