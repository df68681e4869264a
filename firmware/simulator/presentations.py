"""What stands before the face camera, said as geometry, materials, motion and light alone.

A living head, a print, a display: each is a body made of surfaces, and nothing here says what
somebody means by it. Lengths are in mm and angles in degrees; x points to the right of the picture,
y down, and distances count from the lens.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from firmware.words import PanelLight

Six = tuple[float, float, float, float, float, float]
"""Right, down and away in mm; then nod, turn and roll in degrees."""
Colour = tuple[float, float, float]
"""Red, green, blue, linear."""
PortraitId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$")]
NEUTRAL: Colour = (1.0, 1.0, 1.0)
AT_REST: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value of the scene."""


class Sway(Part, frozen=True):
    """One swing of a motion; several make it irregular."""

    swing: Six
    period_s: float
    phase: float = 0.0
    """In radians."""


class Motion(Part, frozen=True):
    """Where a body is over time: its rest, and what swings about it."""

    rest: Six
    """`away` is the distance of the body's front from the lens."""
    sways: tuple[Sway, ...] = ()
    pivot: Colour = (0.0, 0.0, 0.0)
    """About what it turns: right, down and away of the body's front, in mm."""


# --- what a surface shows
class Picture(Part, frozen=True, tag="picture"):
    """A portrait, as it was printed, or as it is."""

    portrait: PortraitId
    mirrored: bool = False
    eyes_mm: float = 63.0
    """Distance of the pupils on the surface: 63 is life size."""
    centre_mm: tuple[float, float] = (0.0, 0.0)
    """Where on the surface the middle between the eyes lies."""
    brightness: float = 1.0
    contrast: float = 1.0
    """An exponent of the linear values."""
    saturation: float = 1.0
    softness_mm: float = 0.0
    """How far its points are smeared."""


class Recording(Part, frozen=True, tag="recording"):
    """A video: a head as another camera once saw it, in the lights of then."""

    picture: Picture
    motion: Motion
    lights: tuple[tuple[float, PanelLight], ...] = ((0.0, PanelLight.OFF),)
    """From when on in which light; in seconds of the recording."""
    room_lux: float = 300.0
    shine: float = 1.0
    """Of the panel then, as a part of the usual one."""
    begins_at_s: float = 0.0
    """Which moment of it is shown at the time zero."""
    width_mm: float = 150.0
    """Of the whole recorded picture on the surface."""


# --- shapes
class Head(Part, frozen=True, tag="head"):
    """A head on its shoulders, of the picture's proportions."""

    relief: float = 1.0
    """Depth of its features, as a part of an average head's."""


class Hole(Part, frozen=True):
    """An oval that is cut out."""

    centre_mm: tuple[float, float]
    radii_mm: tuple[float, float]


class Sheet(Part, frozen=True, tag="sheet"):
    """A rectangle, flat or bent about an upright axis, or what scissors left of it."""

    size_mm: tuple[float, float]
    radius_mm: float = 0.0
    """Of the bend: positive, its middle comes towards the lens; 0: flat."""
    cut_mm: float | None = None
    """Cut along the outline of the head, so far outside of it; None: whole."""
    holes: tuple[Hole, ...] = ()
    in_front_mm: float = 0.0
    """How far before the body's front it stands."""
    centre_mm: tuple[float, float] = (0.0, 0.0)
    """Where its middle lies on the body."""


# --- materials
class Skin(Part, frozen=True, tag="skin"):
    """Skin, hair and cloth."""

    tone: float = 1.0
    """Of the picture's brightness: below 1 the person is darker."""
    gloss: float = 0.02
    gloss_deg: float = 14.0
    eye_shade: float = 1.0
    """What lenses before the eyes let through."""


class Paper(Part, frozen=True, tag="paper"):
    """A print: what its white and its black send back, and how it shines."""

    white: Colour = (0.82, 0.82, 0.80)
    black: float = 0.03
    gloss: float = 0.0
    gloss_deg: float = 6.0
    """Width of the reflection: mirror-like, some two degrees; matt, far more."""
    dots_per_mm: float = 0.0
    """Of a coarse halftone; 0: finer than any lens sees."""
    dot_contrast: float = 0.0


class Display(Part, frozen=True, tag="display"):
    """A screen that shines itself."""

    white_cd_m2: float = 300.0
    black_cd_m2: float = 0.4
    white_point: Colour = NEUTRAL
    gamma: float = 1.0
    """An exponent of what it is sent."""
    pixels_per_mm: float = 16.0
    grid_contrast: float = 0.02
    """Of its pixels, as much of them as the lens lets through."""
    flicker: float = 0.0
    """Depth of the bands that a rolling shutter makes of its refreshing."""
    flicker_lines: float = 1.0
    """Bands in a picture."""
    flicker_hz: float = 1.0
    """How fast they wander."""
    gloss: float = 0.04
    gloss_deg: float = 1.5


class Plain(Part, frozen=True, tag="plain"):
    """One colour: a frame, a finger, a sleeve."""

    albedo: Colour
    gloss: float = 0.0
    gloss_deg: float = 8.0


Material = Skin | Paper | Display | Plain


class Surface(Part, frozen=True):
    """A shape of a material, with a picture on it."""

    shape: Head | Sheet
    material: Material
    shows: Picture | Recording | None = None


class Body(Part, frozen=True):
    """Surfaces that move as one, the farthest first."""

    surfaces: tuple[Surface, ...]
    motion: Motion


# --- around it
class Room(Part, frozen=True):
    """What the room is, and its light."""

    lux: float = 350.0
    """On a surface that faces the lens."""
    tint: Colour = NEUTRAL
    side: float = 0.0
    """How much more light comes from the right (or, negative, the left), as a part of it."""
    lamp: tuple[float, float] = (0.35, -0.45)
    """Where a lamp or a window mirrors itself: sines of its direction, right and down."""
    lamp_cd_m2: float = 1500.0
    wall_mm: float = 1800.0
    wall: Colour = (0.55, 0.55, 0.52)
    someone_behind: Colour | None = None
    """The clothes of somebody who stands behind the body, and holds it."""


class Lens(Part, frozen=True):
    """The face camera. Exposure and white balance follow what is seen, or stand still."""

    focal_px: float = 620.0
    blur_px: float = 0.0
    noise: float = 2.0
    """Of a grey value of 8 bits, one standard deviation."""
    key: float = 0.22
    """Which linear mean the exposure is set to at the beginning."""
    exposure_follows: float = 0.0
    """From 0, locked, to 1, where every change is levelled out."""
    balance_follows: float = 0.0
    """Likewise for the colours."""
    follows_in_s: float = 0.6


class Panel(Part, frozen=True):
    """The reader's own screen, below the lens: it faces where the lens looks."""

    size_mm: tuple[float, float] = (217.0, 136.0)
    cd_m2: float = 350.0
    lit: float = 0.8
    """The part of it that takes the colour of a light."""
    below_mm: float = 20.0
    """From the lens to its upper edge."""


class Presentation(Part, frozen=True):
    """All that stands before the lens, and the lens."""

    body: Body | None
    """None: nobody is there."""
    room: Room = Room()
    lens: Lens = Lens()
    panel: Panel = Panel()
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of grain and texture alone."""
