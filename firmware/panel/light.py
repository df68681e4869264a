"""The light by which the page shines on a face: how it is painted, and in which states.

The vision worker chooses the colours; whatever it chooses, the words stay readable.
"""

from __future__ import annotations

import msgspec

from firmware.words import LIGHT_RGB, PanelLight
from firmware.words import State as S

LIT = frozenset(
    {
        S.IDENTIFYING_CARD,
        S.CHOOSING_METHOD,
        S.READING_PRINT,
        S.KEYING_PRINT,
        S.READING_CARD_FACE,
        S.COMPARING_FACES,
    }
)
"""States in which the camera looks, from its waking on."""
_DARK_INK, _LIGHT_INK = (8, 18, 26), (255, 255, 255)


class LightView(msgspec.Struct, frozen=True):
    """A light as the page paints it: colours of CSS."""

    name: PanelLight
    paper: str
    ink: str


class Shining(msgspec.Struct, frozen=True, tag="shining"):
    """Told to an eye before the screen."""

    light: PanelLight


def light_view(light: PanelLight) -> LightView | None:
    """None: the page as it always is."""
    if light is PanelLight.OFF:
        return None
    paper = LIGHT_RGB[light]
    ink = max((_DARK_INK, _LIGHT_INK), key=lambda ink: contrast(ink, paper))
    return LightView(light, _css(paper), _css(ink))


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Contrast ratio of two sRGB colours, 1 to 21 (WCAG 2.2)."""
    darker, brighter = sorted((_luminance(one), _luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _css(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
