"""How the page is shown to this person: large type, contrast, sound, motion. Never of the visit.

It belongs to whoever stands there, and is back to the site's own when the panel is idle again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Volume(StrEnum):
    """How loud the panel speaks."""

    LOUD = "loud"
    SOFT = "soft"
    OFF = "off"


class Comfort(msgspec.Struct, frozen=True):
    """What a person, or a site, has set."""

    large: bool = False
    contrast: bool = False
    still: bool = False
    """No motion, even if the browser does not ask for less."""
    volume: Volume = Volume.LOUD


SITE_DEFAULT = Comfort()


def _next_volume(comfort: Comfort) -> Comfort:
    levels = tuple(Volume)
    following = levels[(levels.index(comfort.volume) + 1) % len(levels)]
    return msgspec.structs.replace(comfort, volume=following)


@dataclass(frozen=True, slots=True)
class Switch:
    """A button that changes how things are shown."""

    id: str
    turn: Callable[[Comfort], Comfort]
    text: Callable[[Comfort], str]
    """Key of its label in the page's words."""
    is_on: Callable[[Comfort], bool]


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "comfort.large",
        lambda c: msgspec.structs.replace(c, large=not c.large),
        lambda _: "large",
        lambda c: c.large,
    ),
    Switch(
        "comfort.contrast",
        lambda c: msgspec.structs.replace(c, contrast=not c.contrast),
        lambda _: "contrast",
        lambda c: c.contrast,
    ),
    Switch(
        "comfort.volume",
        _next_volume,
        lambda c: f"sound_{c.volume}",
        lambda c: c.volume is not Volume.OFF,
    ),
    Switch(
        "comfort.still",
        lambda c: msgspec.structs.replace(c, still=not c.still),
        lambda _: "still",
        lambda c: c.still,
    ),
)


def turned(comfort: Comfort, button_id: str) -> Comfort | None:
    """The comfort after one switch; None where there is no such switch."""
    return next((s.turn(comfort) for s in SWITCHES if s.id == button_id), None)
