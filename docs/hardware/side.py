"""The reader from the side, with a seated patient and the distances that its cameras ask for.

x counts in mm towards the patient from the hinge at the foot of the screen, y up from the floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from hardware import svg
from hardware.facts import CARD_MM, SCREEN, Facts, tray_height_mm

FLOOR: Final = 930.0
HINGE: Final = 640.0
SCALE: Final = 0.58


def side(facts: Facts) -> svg.Picture:
    """Reader, counter and a seated patient; the lens's cone; the nearest and the farthest face."""
    return svg.Picture(940, 960, "The reader from the side", list(_side(facts)))


def at(x_mm: float, up_mm: float) -> svg.Point:
    """Where a point is drawn."""
    return HINGE - x_mm * SCALE, FLOOR - up_mm * SCALE


def along(start: svg.Point, degrees: float, length: float) -> svg.Point:
    """A point so far from another, in a direction above level."""
    turn = math.radians(degrees)
    return start[0] + length * math.cos(turn), start[1] + length * math.sin(turn)


def _side(facts: Facts) -> Iterator[str]:
    box, who = facts.enclosure, facts.patient
    counter = who.counters[0]
    lean = facts.lean_deg(counter, who.eyes_seated)
    assert lean is not None, "the first counter is one to sit at"
    hinge = (0.0, counter + box.chin)
    lens = along(hinge, 90 + lean, facts.reach_mm())
    _, sees = facts.field_of_view_deg()
    yield svg.text(24, 34, "From the side: a low counter, a seated patient", size=17, bold=True)
    yield svg.lines(
        24, 60,
        (f"The screen leans back by {lean:.0f}°. Lens and screen face the same way.",
         f"The lens sees {sees:.0f}° from top to bottom ({facts.camera.name})."),
        size=13, fill=svg.QUIET,
    )  # fmt: skip
    yield svg.path([at(980, 0), at(-390, 0)], thick=2)
    yield from _patient(along(lens, lean, facts.best_mm()), who.head_height)
    yield from _counter(counter)
    for edge in (lean + sees / 2, lean - sees / 2):
        yield svg.path(
            [at(*lens), at(*along(lens, edge, 620))], line=svg.ACCENT, thick=1, dashed=True
        )
    yield svg.path([at(*lens), at(*along(lens, lean, who.farthest))], line=svg.TOLD, thick=2)
    for away in (who.nearest, who.farthest):
        yield _face(along(lens, lean, away), who.head_height, lean, bold=False)
    yield _face(along(lens, lean, facts.best_mm()), who.head_height, lean, bold=True)
    yield from _distances(facts, lens, lean)
    yield from _device(facts, counter, hinge, lean)
    # heights
    yield svg.measure(at(-350, 0), at(-350, counter), f"counter {num(counter)}", size=13)
    yield svg.measure(
        at(-350, counter), at(-350, lens[1]), f"lens {num(lens[1] - counter)}", size=13
    )
    yield svg.measure(at(930, 0), at(930, who.eyes_seated), f"eyes {num(who.eyes_seated)}", size=13)
    eyes = along(lens, lean, facts.best_mm())
    yield svg.path(
        [at(930, who.eyes_seated), at(eyes[0] + 110, eyes[1])], line=svg.LINE, thick=1, dashed=True
    )


def _counter(counter: float) -> Iterator[str]:
    x, y = at(170, counter)
    yield svg.rect(x, y, 460 * SCALE, 26 * SCALE, fill=svg.TINT, line=svg.INK)
    x, y = at(-250 + 30, counter - 26)
    yield svg.rect(x, y, 40 * SCALE, (counter - 26) * SCALE, fill=svg.SOFT, line=svg.LINE)


def _device(facts: Facts, counter: float, hinge: svg.Point, lean: float) -> Iterator[str]:
    """Base with tray and tray camera, pillar, and the head that leans."""
    box, depth = facts.enclosure, 34.0
    front, floor = 130.0, counter + box.base_height
    x, y = at(front, floor)
    yield svg.rect(
        x, y, box.base_depth * SCALE, box.base_height * SCALE, fill=svg.SOFT, line=svg.INK, radius=3
    )
    back = front - box.base_depth
    pillar = [
        (back + 20, floor),
        (back + 70, floor),
        (-depth, hinge[1] + 40),
        (-depth - 34, hinge[1] + 40),
    ]
    yield svg.path([at(*point) for point in pillar], fill=svg.TINT, line=svg.LINE, closed=True)
    # the card in its tray, and the cone that looks down on it
    card, tray = CARD_MM[1], tray_height_mm()
    middle = 45.0
    eye = (middle, floor + facts.tray_lens_mm())
    for edge in (-tray / 2, tray / 2):
        yield svg.path([at(*eye), at(middle + edge, floor)], line=svg.ACCENT, thick=1, dashed=True)
    x, y = at(middle + card / 2, floor + 3)
    yield svg.rect(x, y, card * SCALE, 3 * SCALE, fill=svg.GREEN)
    arm = [
        (-60, eye[1] + 4),
        (middle + 9, eye[1] + 4),
        (middle + 9, eye[1] + 13),
        (-60, eye[1] + 13),
    ]
    yield svg.path([at(*point) for point in arm], fill=svg.SOFT, line=svg.INK, closed=True)
    yield svg.circle(*at(*eye), 4, fill="#23303a")
    # head: lower edge at the hinge, screen towards the patient
    top = facts.reach_mm() + 30
    corners = ((0.0, 0.0), (0.0, top), (-depth, top), (-depth, 0.0))
    yield svg.path(
        [at(*_leaned(hinge, lean, c)) for c in corners], fill=svg.SOFT, line=svg.INK, closed=True
    )
    screen = [(1.0, box.bezel), (1.0, box.bezel + SCREEN.size_mm[1])]
    yield svg.path([at(*_leaned(hinge, lean, c)) for c in screen], line=svg.ACCENT, thick=5)
    yield svg.circle(
        *at(*_leaned(hinge, lean, (0.0, facts.reach_mm()))), 5, fill="#23303a", line=svg.INK
    )
    x, y = at(-120, eye[1])
    yield svg.text(x, y - 6, "tray camera", size=13)
    yield svg.text(x, y + 11, f"{num(facts.tray_lens_mm())} mm over the card", size=13)
    yield svg.path([(x - 4, y - 2), at(middle - 12, eye[1] + 8)], line=svg.LINE, thick=1)


def _leaned(hinge: svg.Point, lean: float, point: svg.Point) -> svg.Point:
    """A point of the head: towards the patient, and up along the screen."""
    towards, up = point
    return along(along(hinge, 90 + lean, up), lean, towards)


def _distances(facts: Facts, lens: svg.Point, lean: float) -> Iterator[str]:
    who = facts.patient
    for away, words in (
        (who.nearest, "nearest"),
        (facts.best_mm(), "best"),
        (who.farthest, "farthest"),
    ):
        x, y = at(*along(lens, lean, away))
        best = words == "best"
        above = (who.head_height * 0.62 + (30 if best else 8)) * SCALE
        yield svg.text(
            x - 24,
            y - above,
            f"{words} {num(away)}",
            size=13,
            anchor="middle",
            fill=svg.TOLD,
            bold=best,
        )


def _face(eye: svg.Point, height: float, turn: float, *, bold: bool) -> str:
    """A head that looks at the lens; its eye stands at the point."""
    x, y = at(*eye)
    tall, deep = height / 2 * SCALE, height * 0.38 * SCALE
    line, fill = (svg.INK, "#f6e3d3") if bold else (svg.LINE, "none")
    return svg.turned(
        [
            svg.ellipse(x - deep * 0.8, y + tall * 0.06, deep, tall, fill=fill, line=line),
            svg.path(
                [
                    (x + deep * 0.16, y + tall * 0.12),
                    (x + deep * 0.42, y + tall * 0.34),
                    (x + deep * 0.14, y + tall * 0.36),
                ],
                line=line,
            ),
            svg.circle(x, y, 3.5, fill=line),
        ],
        -turn,
        (x, y),
    )


def _patient(eye: svg.Point, head: float) -> Iterator[str]:
    """Body and chair of whoever sits before it."""
    x = eye[0] + head * 0.32
    shoulder, hip = (x + 20, eye[1] - 250), (x + 60, 470)
    knee, foot = (x - 330, 500), (x - 300, 60)
    skin = "#dfe6ea"
    yield svg.path([at(x, eye[1] - 60), at(*shoulder)], line=skin, thick=38)
    yield svg.path([at(*shoulder), at(*hip), at(*knee), at(*foot)], line=skin, thick=64)
    yield svg.path([at(x + 150, 880), at(x + 130, 410), at(x - 200, 410)], line=svg.LINE, thick=5)
    yield svg.circle(*at(x + 60, 230), 230 * SCALE, line=svg.LINE)


def num(value: float) -> str:
    return f"{value:.0f}"
