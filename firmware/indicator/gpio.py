"""The lamp and the buzzer on the header's pins, by gpiozero. [shell]

Without pins there are no lights, said once in the log; a visit never depends on them.
"""

from __future__ import annotations

import logging
import math
import warnings
from typing import ClassVar

from gpiozero import RGBLED, Device, TonalBuzzer
from gpiozero.exc import GPIOZeroError
from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory, MockPWMPin
from gpiozero.tones import Tone

from firmware.indicator.patterns import DARK, Colour, Pattern, Sound, pattern_for
from firmware.settings import PinSettings
from firmware.transaction.visit import Visit

log = logging.getLogger(__name__)

MIDDLE_HZ, OCTAVES = 440.0, 2
NOTE_S = 0.14
LIGHT: dict[Colour, tuple[float, float, float]] = {
    Colour.NONE: (0.0, 0.0, 0.0),
    Colour.WHITE: (0.8, 0.8, 0.8),
    Colour.BLUE: (0.0, 0.2, 1.0),
    Colour.GREEN: (0.0, 1.0, 0.2),
    Colour.AMBER: (1.0, 0.45, 0.0),
}

# Notes in Hz, in order; 0 is a rest. Each differs in its melody, not only in pitch.
NOTES: dict[Sound, tuple[float, ...]] = {
    Sound.CARD_SEEN: (880.0,),
    Sound.NEEDS_YOU: (660.0, 880.0),
    Sound.DONE: (660.0, 880.0, 990.0),
    Sound.SEE_THE_SCREEN: (440.0, 0.0, 440.0),
    Sound.CARD_LEFT: (880.0, 0.0, 880.0, 0.0, 880.0),
}


class Lights:
    """Shows the pattern of a visit. Blinking and notes run in gpiozero's own threads."""

    there: ClassVar[bool] = True
    """Somebody can see and hear them."""

    def __init__(self, pins: PinSettings, factory: Factory) -> None:
        """Raises `GPIOZeroError` or `OSError` where the pins cannot be had."""
        self._lamp = RGBLED(pins.red, pins.green, pins.blue, pin_factory=factory)
        try:
            self._buzzer = TonalBuzzer(
                pins.buzzer, mid_tone=Tone(MIDDLE_HZ), octaves=OCTAVES, pin_factory=factory
            )
        except (GPIOZeroError, OSError):
            self._lamp.close()
            raise
        self._buzzer.source_delay = NOTE_S
        self._lit = DARK
        self._turn: tuple[int, int] | None = None

    def show(self, visit: Visit) -> None:
        """Call it after every step: light changes with the pattern, sound comes once a turn."""
        pattern = pattern_for(visit)
        turn = visit.entry, visit.insistence
        if (pattern.colour, pattern.rhythm) != (self._lit.colour, self._lit.rhythm):
            self._light(pattern)
        self._lit = pattern
        if turn != self._turn and pattern.sound is not None:
            self._buzzer.source = notes(pattern.sound)
        self._turn = turn

    def close(self) -> None:
        """Dark and silent; the pins are free again."""
        self._buzzer.close()
        self._lamp.close()

    def _light(self, pattern: Pattern) -> None:
        colour, rhythm = LIGHT[pattern.colour], pattern.rhythm
        if rhythm.steady:
            self._lamp.color = colour
        else:
            self._lamp.blink(
                rhythm.on_s, rhythm.off_s, rhythm.fade_s, rhythm.fade_s, on_color=colour
            )


class NoLights(Lights):
    """Pins that lead nowhere."""

    there = False


def header() -> Factory:
    """This machine's pins. Raises `GPIOZeroError` or `OSError` where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one line a library that gpiozero did not find
        Device.ensure_pin_factory()
        return Device.pin_factory


def open_lights(pins: PinSettings) -> Lights:
    """The lamp and the buzzer of this machine; pins that lead nowhere where it has none."""
    try:
        return Lights(pins, header())
    except (GPIOZeroError, OSError) as cause:
        log.warning("no lights: %s", cause)
        return NoLights(pins, MockFactory(pin_class=MockPWMPin))


def notes(sound: Sound) -> list[float | None]:
    """The buzzer's values, -1 to 1 around the middle tone, None for silence; it ends silent."""
    return [
        *(math.log2(hertz / MIDDLE_HZ) / OCTAVES if hertz else None for hertz in NOTES[sound]),
        None,
    ]
