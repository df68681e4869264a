"""The header with what hangs on it, and the two ways of cabling a site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hardware import svg
from hardware.facts import PINS, Facts

ROW: Final = 29
TOP: Final = 74
MIDDLE: Final = 400
COLOURS: Final = {
    "red": "#c62f2f", "green": "#1d7458", "blue": "#1c5fa8", "buzzer": "#7a4a9e",
    "staff_button": "#b35a00", "tamper_switch": "#5c3300",
}  # fmt: skip
RAILS: Final = {"ground": svg.INK, "clock chip": "#00788a", "5 V in": "#a8182f"}


def header(facts: Facts) -> svg.Picture:
    """All forty pins, those that are used in colour with their parts."""
    height = TOP + PINS // 2 * ROW + 46
    title = "The header of a Raspberry Pi and what hangs on it"
    return svg.Picture(2 * MIDDLE, height, title, list(_header(facts)))


def _header(facts: Facts) -> Iterator[str]:
    yield svg.text(
        MIDDLE, 28, "Raspberry Pi 4 / 5: the header", size=17, bold=True, anchor="middle"
    )
    yield svg.text(
        MIDDLE, 48, "seen from above; pin 1 has a square pad, and is far from the USB ports",
        size=12, fill=svg.QUIET, anchor="middle",
    )  # fmt: skip
    yield svg.rect(MIDDLE - 30, TOP - 14, 60, PINS // 2 * ROW + 6, fill="#23303a", radius=5)
    parts = {pin: (wire.part, COLOURS[wire.pin]) for pin, _, wire in facts.wired()}
    for rail in facts.rail:
        parts |= dict.fromkeys(rail.at, (rail.part, RAILS[rail.part]))
    for pin in range(1, PINS + 1):
        yield from _pin(pin, facts.header.gpio[pin - 1], parts.get(pin))
    foot = TOP + PINS // 2 * ROW + 24
    note = (
        "Small numbers are the header's pins, GPIO numbers those of the chip and of the settings."
    )
    yield svg.text(MIDDLE, foot, note, size=12, fill=svg.QUIET, anchor="middle")


def _pin(pin: int, gpio: str, part: tuple[str, str] | None) -> Iterator[str]:
    left = pin % 2 == 1
    side = -1 if left else 1
    anchor = "end" if left else "start"
    x, y = MIDDLE + side * 14, TOP + (pin - 1) // 2 * ROW
    name = f"GPIO {gpio}" if gpio.isdecimal() else gpio
    colour = part[1] if part else "#b9c4cb"
    if part:
        yield svg.path([(x, y), (MIDDLE + side * 142, y)], line=colour, thick=3)
        yield svg.rect(
            MIDDLE + (side * 142 if not left else -142 - 216), y - 12, 216, 24,
            fill=svg.PAPER, line=colour, radius=5, thick=2,
        )  # fmt: skip
        yield svg.text(
            MIDDLE + side * 250, y + 5, part[0], size=13.5, bold=True, anchor="middle", fill=colour
        )
    if pin == 1:
        yield svg.rect(x - 7, y - 7, 14, 14, fill=colour)
    else:
        yield svg.circle(x, y, 7, fill=colour)
    white = "#14232e" if colour == "#b9c4cb" else "#fff"
    yield svg.text(x, y + 3.2, str(pin), size=8.5, fill=white, anchor="middle")
    yield svg.text(
        MIDDLE + side * 38, y - (6 if part else -4), name,
        size=11, fill=svg.INK if part else svg.QUIET, anchor=anchor,
    )  # fmt: skip


# --- cables
def cables(_: Facts) -> svg.Picture:
    """One box, and two: what is plugged where, and where power must not flow."""
    title = "Two ways to connect a reader"
    return svg.Picture(860, 560, title, [*_one_box(), *_two_boxes()])


def _one_box() -> Iterator[str]:
    yield svg.text(24, 32, "1  Everything on the Pi", size=17, bold=True)
    yield _box((24, 52), (200, 84), "USB power supply", ("Pi 5: 5.1 V, 5 A", "Pi 4: 5.1 V, 3 A"))
    yield _cable([(224, 94), (330, 94)], "USB-C", svg.TOLD)
    yield _box(
        (330, 52), (300, 134), "Raspberry Pi",
        ("kazashi-firmware", "kazashi-hostdriver", "kazashi-kiosk", "and the reception software"),
    )  # fmt: skip
    yield _box((676, 52), (160, 84), "NTP, updates", ("by the site's network",))
    yield _cable([(630, 94), (676, 94)], "", svg.QUIET)
    on_both = (
        "On the Pi, both ways: card reader and keypad (USB), cameras, display, loudspeaker, header."
    )
    yield svg.text(24, 212, on_both, size=12.5, fill=svg.QUIET)


def _two_boxes() -> Iterator[str]:
    yield svg.path([(24, 226), (836, 226)], line=svg.LINE, thick=1)
    yield svg.text(24, 262, "2  A reader at a cable", size=17, bold=True)
    yield _box(
        (24, 282), (200, 84), "5 V supply", ("5 A (Pi 5), 3 A (Pi 4)", "with a fuse of its own")
    )
    yield _cable([(224, 324), (330, 324)], "pins 2, 4 and 6", svg.TOLD)
    yield _box(
        (330, 282), (220, 112), "Raspberry Pi",
        ("kazashi-firmware", "kazashi-kiosk", "USB-C as a device"),
    )  # fmt: skip
    yield _box((636, 282), (200, 112), "reception PC", ("kazashi-hostdriver", "reception software"))
    yield svg.path([(440, 394), (440, 470), (736, 470), (736, 394)], line=svg.ACCENT, thick=3)
    yield svg.text(452, 416, "USB-C", size=12, fill=svg.ACCENT)
    yield svg.text(726, 416, "USB", size=12, fill=svg.ACCENT, anchor="end")
    yield svg.rect(500, 446, 176, 48, fill=svg.TOLD_PAPER, line=svg.TOLD, radius=6, thick=2)
    yield svg.text(588, 466, "data, no 5 V", size=13, bold=True, fill=svg.TOLD, anchor="middle")
    yield svg.text(588, 484, "power wire cut or blocked", size=12, fill=svg.TOLD, anchor="middle")
    yield svg.lines(
        24, 524,
        ("The USB-C port is the Pi's power input as well: without the break, PC and 5 V supply",
         "would feed each other. A PC's port alone does not carry a Pi with screen and camera."),
        size=13,
    )  # fmt: skip


def _box(at: svg.Point, size: svg.Point, name: str, says: tuple[str, ...]) -> str:
    (x, y), (width, height) = at, size
    return "\n".join(
        [
            svg.rect(x, y, width, height, fill=svg.SOFT, line=svg.ACCENT, radius=8),
            svg.text(
                x + width / 2, y + 25, name, size=15, bold=True, fill=svg.DEEP, anchor="middle"
            ),
            *(
                svg.text(x + width / 2, y + 48 + 20 * row, word, size=12.5, anchor="middle")
                for row, word in enumerate(says)
            ),
        ]
    )


def _cable(points: list[svg.Point], name: str, colour: str) -> str:
    (x1, y), (x2, _) = points[0], points[-1]
    label = svg.text((x1 + x2) / 2, y - 7, name, size=12, fill=colour, anchor="middle")
    return "\n".join([svg.path(points, line=colour, thick=3), label])
