"""A drawing as a list of shapes, and the few shapes that these pages' pictures are made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, NamedTuple

INK: Final = "#14232e"
QUIET: Final = "#455762"
LINE: Final = "#8fa1ac"
SOFT: Final = "#e2ecf3"
TINT: Final = "#cfe0ec"
ACCENT: Final = "#1c4f74"
DEEP: Final = "#123a57"
TOLD: Final = "#b35a00"
TOLD_PAPER: Final = "#fff3dc"
GREEN: Final = "#1d7458"
PAPER: Final = "#ffffff"
FONT: Final = "'Noto Sans CJK JP','Noto Sans JP','Hiragino Sans','Yu Gothic',sans-serif"
Point = tuple[float, float]


class Picture(NamedTuple):
    """What a file of it needs."""

    width: float
    height: float
    title: str
    shapes: Iterable[str]
    unit: str = ""
    """`mm` where it is to be printed at its size."""

    def text(self) -> str:
        """The whole file."""
        size = f'width="{num(self.width)}{self.unit}" height="{num(self.height)}{self.unit}"'
        view = f'viewBox="0 0 {num(self.width)} {num(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} font-family="{FONT}">'
        ground = rect(0, 0, self.width, self.height, fill=PAPER)
        title = f"<title>{escape(self.title)}</title>"
        return "\n".join([head, title, ground, *self.shapes, "</svg>", ""])


def num(value: float) -> str:
    """A length to a tenth, without zeros that say nothing."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0" if abs(value) < 0.05 else "-0")


def rect(
    x: float, y: float, width: float, height: float, *, fill: str = "none", line: str = "none",
    radius: float = 0, thick: float = 1.5,
) -> str:  # fmt: skip
    """A box; `x` and `y` are its upper left corner."""
    place = f'x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(height)}"'
    stroke = f' stroke="{line}" stroke-width="{num(thick)}"' if line != "none" else ""
    return f'<rect {place} rx="{num(radius)}" fill="{fill}"{stroke}/>'


def circle(
    x: float, y: float, radius: float, *, fill: str = "none", line: str = "none", thick: float = 1.5
) -> str:
    """A circle about a point."""
    return ellipse(x, y, radius, radius, fill=fill, line=line, thick=thick)


def ellipse(
    x: float, y: float, right: float, down: float, *, fill: str = "none", line: str = "none",
    thick: float = 1.5,
) -> str:  # fmt: skip
    """An upright ellipse, by its half axes."""
    stroke = f' stroke="{line}" stroke-width="{num(thick)}"' if line != "none" else ""
    radii = f'rx="{num(right)}" ry="{num(down)}"'
    return f'<ellipse cx="{num(x)}" cy="{num(y)}" {radii} fill="{fill}"{stroke}/>'


def path(
    points: Iterable[Point], *, line: str = INK, fill: str = "none", thick: float = 1.5,
    dashed: bool = False, closed: bool = False,
) -> str:  # fmt: skip
    """Straight lines from point to point."""
    drawn = "L".join(f"{num(x)} {num(y)}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    look = f'fill="{fill}" stroke="{line}" stroke-width="{num(thick)}" stroke-linejoin="round"'
    return f'<path d="M{drawn}{"Z" if closed else ""}" {look}{dash}/>'


def curve(drawn: str, *, line: str = INK, fill: str = "none", thick: float = 1.5) -> str:
    """A path in SVG's own words."""
    look = f'stroke-width="{num(thick)}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{drawn}" fill="{fill}" stroke="{line}" {look}/>'


def text(
    x: float, y: float, words: str, *, size: float = 13, fill: str = INK, anchor: str = "start",
    bold: bool = False,
) -> str:  # fmt: skip
    """One line; `y` is its baseline, `anchor` one of start, middle, end."""
    weight = ' font-weight="700"' if bold else ""
    look = f'font-size="{num(size)}" fill="{fill}" text-anchor="{anchor}"{weight}'
    return f'<text x="{num(x)}" y="{num(y)}" {look}>{escape(words)}</text>'


def lines(x: float, y: float, words: Iterable[str], *, size: float = 13, fill: str = INK) -> str:
    """Several lines, one below the other."""
    return "\n".join(
        text(x, y + number * size * 1.45, line, size=size, fill=fill)
        for number, line in enumerate(words)
    )


def measure(start: Point, end: Point, words: str, *, away: float = 0, size: float = 12) -> str:
    """A length between two points of one row or column, with its number in the middle."""
    (x1, y1), (x2, y2) = start, end
    level = abs(y1 - y2) < abs(x1 - x2)
    tick = [
        ((x, y - 4), (x, y + 4)) if level else ((x - 4, y), (x + 4, y)) for x, y in (start, end)
    ]
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    at = (middle[0], middle[1] - 5 + away) if level else (middle[0] + 7 + away, middle[1] + 4)
    parts = [path((start, end), line=QUIET, thick=1), *(path(t, line=QUIET, thick=1) for t in tick)]
    anchor = "middle" if level else "start"
    return "\n".join([*parts, text(*at, words, size=size, fill=QUIET, anchor=anchor)])


def turned(shapes: Iterable[str], degrees: float, about: Point) -> str:
    """Shapes turned clockwise about a point."""
    at = f"{num(about[0])} {num(about[1])}"
    return f'<g transform="rotate({num(degrees)} {at})">' + "\n".join(shapes) + "</g>"


def placed(shapes: Iterable[str], x: float, y: float, scale: float = 1.0) -> str:
    """Shapes moved, and made larger."""
    move = f"translate({num(x)} {num(y)})"
    return f'<g transform="{move} scale({scale:.3f})">' + "\n".join(shapes) + "</g>"
