"""The lamp and the buzzer on gpiozero's simulated pins."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import pytest
from gpiozero import Device
from gpiozero.exc import BadPinFactory
from gpiozero.pins.mock import MockFactory, MockPWMPin
from panel_house import at

from firmware.indicator.gpio import LIGHT, MIDDLE_HZ, NOTES, OCTAVES, Lights, notes, open_lights
from firmware.indicator.patterns import PATTERNS, Colour, Sound
from firmware.settings import PinSettings
from firmware.words import State

PINS = PinSettings()


def lamp(factory: MockFactory) -> tuple[float, float, float]:
    red, green, blue = (factory.pin(n).state for n in (PINS.red, PINS.green, PINS.blue))
    return red, green, blue


def test_the_lamp_follows_the_visit() -> None:
    factory = MockFactory(pin_class=MockPWMPin)
    lights = Lights(PINS, factory)
    lights.show(at(State.CHOOSING_METHOD))
    assert lamp(factory) == pytest.approx(LIGHT[Colour.WHITE])
    lights.show(replace(at(State.IDLE), entry=2))
    assert lamp(factory) == LIGHT[Colour.NONE]
    lights.close()


@pytest.mark.parametrize("sound", Sound)
def test_every_sound_can_be_played_and_ends(sound: Sound) -> None:
    values = notes(sound)
    assert values[-1] is None
    heard = [MIDDLE_HZ * math.exp2(v * OCTAVES) for v in values if v is not None]
    assert heard == pytest.approx([hertz for hertz in NOTES[sound] if hertz])
    assert all(v is None or -1 <= v <= 1 for v in values)


def test_without_pins_there_are_no_lights_and_no_trouble(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-such")
    with pytest.raises(BadPinFactory):
        Device.ensure_pin_factory()
    with caplog.at_level(logging.WARNING):
        lights = open_lights(PINS)
    for entry, state in enumerate(PATTERNS):
        lights.show(replace(at(state), entry=entry))
    lights.close()
    assert [record.message.partition(":")[0] for record in caplog.records] == ["no lights"]
