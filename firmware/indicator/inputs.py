"""The staff's button and the switch at the enclosure, on the header's pins, by gpiozero. [shell]

Both close a circuit to ground against the chip's own pull-up: a button that is pressed and an
enclosure that is shut both read low. So a cable that is cut reads as an open enclosure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from gpiozero import Button
from gpiozero.exc import GPIOZeroError
from gpiozero.pins import Factory

from firmware.indicator.gpio import header
from firmware.settings import PinSettings

log = logging.getLogger(__name__)

BOUNCE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told; always in the event loop."""

    staff_called: Callable[[], None]
    opened: Callable[[], None]
    """The enclosure is open: now, or since before the device woke."""
    shut: Callable[[], None]


def wired(pins: PinSettings, ears: Ears, factory: Factory) -> ExitStack:
    """Listen at what is wired, from now until the stack is closed. Call it in the running loop.

    Raises `GPIOZeroError` or `OSError` where the pins cannot be had.
    """
    loop = asyncio.get_running_loop()

    def in_the_loop(hear: Callable[[], None]) -> Callable[[], None]:
        def called_by_gpiozero() -> None:  # in a thread of its own
            loop.call_soon_threadsafe(hear)

        return called_by_gpiozero

    with ExitStack() as opening:

        def button_at(pin: int) -> Button:
            return opening.enter_context(Button(pin, bounce_time=BOUNCE_S, pin_factory=factory))

        if pins.staff_button is not None:
            button_at(pins.staff_button).when_pressed = in_the_loop(ears.staff_called)
        if pins.tamper_switch is not None:
            switch = button_at(pins.tamper_switch)
            switch.when_released = in_the_loop(ears.opened)
            switch.when_pressed = in_the_loop(ears.shut)
            if not switch.is_pressed:  # told at once, so before any change that comes later
                ears.opened()
        return opening.pop_all()


def open_inputs(pins: PinSettings, ears: Ears) -> ExitStack:
    """As `wired`, on this machine. Where pins cannot be had there is no button, and an enclosure
    that should be watched counts as open."""
    if pins.staff_button is None and pins.tamper_switch is None:
        return ExitStack()
    try:
        return wired(pins, ears, header())
    except (GPIOZeroError, OSError) as cause:
        log.error("no inputs: %s", cause)
        if pins.tamper_switch is not None:
            ears.opened()
        return ExitStack()
