"""The facts of `facts.toml`, checked when they are read, with those that the code itself holds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from firmware.match.outline import CARD_HEIGHT_MM, CARD_WIDTH_MM
from firmware.settings import PinSettings
from firmware.simulator.presentations import Panel
from firmware.simulator.tray_views import LADDER, TRAY_SIZE

FACTS_FILE: Final = Path(__file__).with_name("facts.toml")
PINS: Final = 40
Mm = Annotated[float, msgspec.Meta(gt=0)]
Place = Annotated[int, msgspec.Meta(ge=1, le=PINS)]


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class Header(Fact, frozen=True):
    gpio: Annotated[tuple[str, ...], msgspec.Meta(min_length=PINS, max_length=PINS)]
    """By the header's pin, from 1: the chip's number of it, or what else it is."""


class Wire(Fact, frozen=True):
    """A part on a pin of the firmware's settings."""

    pin: str
    part: str
    how: str
    gpio: int | None = None
    """Advised where the settings name none by themselves."""


class Rail(Fact, frozen=True):
    """Pins that no setting names."""

    at: tuple[Place, ...]
    part: str
    how: str


class Enclosure(Fact, frozen=True):
    chin: Mm
    bezel: Mm
    width: Mm
    base_height: Mm
    base_depth: Mm
    tray_inset: Mm


class Camera(Fact, frozen=True):
    name: str
    sensor_mm: tuple[Mm, Mm]
    focal_mm: Mm


class Patient(Fact, frozen=True):
    nearest: Mm
    farthest: Mm
    head_height: Mm
    eyes_seated: Mm
    eyes_standing: Mm
    counters: tuple[Mm, ...]


class ListedReader(Fact, frozen=True):
    """A card reader that libccid's list names."""

    usb: Annotated[str, msgspec.Meta(pattern="^[0-9A-F]{4}:[0-9A-F]{4}$")]
    name: str
    kind: Literal["contactless", "contact", "both"]
    known: str


class Facts(Fact, frozen=True):
    header: Header
    wire: tuple[Wire, ...]
    rail: tuple[Rail, ...]
    enclosure: Enclosure
    camera: Camera
    patient: Patient
    reader: tuple[ListedReader, ...]

    def wired(self) -> list[tuple[int, int, Wire]]:
        """(pin of the header, GPIO, part), for each name of the firmware's pins.

        Raises `ValueError` where a part hangs on no pin, or the file disagrees with the settings.
        """
        defaults = msgspec.structs.asdict(PinSettings())
        rows = []
        for wire in self.wire:
            ours = defaults[wire.pin]
            gpio = wire.gpio if ours is None else ours
            if gpio is None or (ours is not None and wire.gpio is not None):
                raise ValueError(f"{wire.pin}: the settings say {ours}, facts.toml {wire.gpio}")
            rows.append((self.header.gpio.index(str(gpio)) + 1, gpio, wire))
        return rows

    def field_of_view_deg(self) -> tuple[float, float]:
        """Across and down, of a picture of 4 to 3 that takes the sensor's whole height."""
        _, height = self.camera.sensor_mm
        return angle_deg(height * 4 / 3, self.camera.focal_mm), angle_deg(
            height, self.camera.focal_mm
        )

    def tray_lens_mm(self) -> float:
        """How high above a card that lens sees it as large as a tray is built for."""
        across, _ = self.field_of_view_deg()
        return tray_width_mm() / 2 / math.tan(math.radians(across / 2))

    def reach_mm(self) -> float:
        """From the hinge at the foot of the screen up to the lens."""
        return self.enclosure.bezel + SCREEN.size_mm[1] + SCREEN.below_mm

    def lens_mm(self) -> float:
        """The lens above the counter, with the screen upright."""
        return self.enclosure.chin + self.reach_mm()

    def best_mm(self) -> float:
        """The middle of the distances at which the simulated people stood."""
        return (self.patient.nearest + self.patient.farthest) / 2

    def lean_deg(self, counter: float, eyes: float) -> float | None:
        """How far the screen leans back to look into eyes so high above the floor, if it can."""
        # Over the hinge: eyes = reach · cos(lean) + best · sin(lean).
        over_hinge = eyes - counter - self.enclosure.chin
        reach, best = self.reach_mm(), self.best_mm()
        sine = over_hinge / math.hypot(reach, best)
        if abs(sine) > 1:
            return None
        return math.degrees(math.asin(sine) - math.atan2(reach, best))


SCREEN: Final = Panel()
CARD_MM: Final = (CARD_WIDTH_MM, CARD_HEIGHT_MM)


def angle_deg(width: float, focal: float) -> float:
    """Under which a lens of that focal length sees something so wide on its sensor."""
    return math.degrees(2 * math.atan(width / 2 / focal))


def tray_width_mm() -> float:
    """How much of the tray a frame shows, where the tray is built as it is meant."""
    small, large = LADDER[0].size
    return CARD_WIDTH_MM / ((small + large) / 2)


def tray_height_mm() -> float:
    return tray_width_mm() * TRAY_SIZE[1] / TRAY_SIZE[0]


def read_facts(path: Path = FACTS_FILE) -> Facts:
    """The checked facts. Raises `msgspec.ValidationError`."""
    return msgspec.toml.decode(path.read_bytes(), type=Facts)
