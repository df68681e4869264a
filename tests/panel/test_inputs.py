"""The staff's button and the enclosure's switch on gpiozero's simulated pins."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.exc import GPIOPinInUse
from gpiozero.pins.mock import MockFactory

from firmware.faults import BadSettings
from firmware.indicator.inputs import Ears, open_inputs, wired
from firmware.settings import PinSettings, read_settings

BUTTON, SWITCH = 23, 24
BOTH = PinSettings(staff_button=BUTTON, tamper_switch=SWITCH)


class Heard:
    """What was told, and whether it was told in the loop's own thread."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.ears = Ears(
            staff_called=lambda: self._hear("staff"),
            opened=lambda: self._hear("opened"),
            shut=lambda: self._hear("shut"),
        )
        self._thread = threading.get_ident()

    def _hear(self, word: str) -> None:
        assert threading.get_ident() == self._thread
        self.words.put_nowait(word)

    async def next(self) -> str:
        return await asyncio.wait_for(self.words.get(), 60)


async def shut_it(heard: Heard, factory: MockFactory) -> None:
    """As on a device that was open when it woke, and was shut then."""
    assert await heard.next() == "opened"
    await asyncio.to_thread(factory.pin(SWITCH).drive_low)
    assert await heard.next() == "shut"


async def test_presses_come_into_the_loop_from_another_thread() -> None:
    factory, heard = MockFactory(), Heard()
    with wired(BOTH, heard.ears, factory):
        await shut_it(heard, factory)
        button, switch = factory.pin(BUTTON), factory.pin(SWITCH)
        for _ in range(2):
            await asyncio.to_thread(button.drive_low)
            assert await heard.next() == "staff"
            await asyncio.to_thread(button.drive_high)  # letting go says nothing
        await asyncio.to_thread(switch.drive_high)
        assert await heard.next() == "opened"
        await asyncio.to_thread(switch.drive_low)
        assert await heard.next() == "shut"
        assert heard.words.empty()


async def test_a_device_that_wakes_open_says_so_at_once() -> None:
    heard = Heard()
    with wired(PinSettings(tamper_switch=SWITCH), heard.ears, MockFactory()):
        assert heard.words.get_nowait() == "opened"


async def test_nothing_is_heard_once_it_is_closed() -> None:
    factory, heard = MockFactory(), Heard()
    inputs = wired(BOTH, heard.ears, factory)
    await shut_it(heard, factory)
    inputs.close()
    for pin in (BUTTON, SWITCH):
        await asyncio.to_thread(factory.pin(pin).drive_high)
        await asyncio.to_thread(factory.pin(pin).drive_low)
    assert heard.words.empty()
    wired(BOTH, heard.ears, factory).close()  # the pins are free again


async def test_a_pin_that_is_taken_leaves_the_others_free() -> None:
    factory, heard = MockFactory(), Heard()
    with (
        wired(PinSettings(tamper_switch=SWITCH), heard.ears, factory),
        pytest.raises(GPIOPinInUse),
    ):
        wired(BOTH, heard.ears, factory)
    wired(BOTH, heard.ears, factory).close()


@pytest.mark.parametrize(
    ("wanted", "heard_at_once"),
    [(PinSettings(), []), (PinSettings(staff_button=BUTTON), []), (BOTH, ["opened"])],
)
async def test_without_a_header_an_enclosure_to_be_watched_counts_as_open(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    wanted: PinSettings,
    heard_at_once: list[str],
) -> None:
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-such")
    heard = Heard()
    with caplog.at_level(logging.WARNING), open_inputs(wanted, heard.ears):
        told = [heard.words.get_nowait() for _ in range(heard.words.qsize())]
    assert told == heard_at_once
    said = [record.message.partition(":")[0] for record in caplog.records]
    assert said == ([] if wanted == PinSettings() else ["no inputs"])


# --- settings
def test_no_input_is_wired_unless_a_site_says_so() -> None:
    assert (PinSettings().staff_button, PinSettings().tamper_switch) == (None, None)


@pytest.mark.parametrize("nonsense", ["tamper_switch = 28", "staff_button = 17", "bell = 5"])
def test_pins_that_cannot_be_are_refused(tmp_path: Path, nonsense: str) -> None:
    path = tmp_path / "firmware.toml"
    path.write_text(f'state_dir = "s"\nruntime_dir = "r"\n[pins]\n{nonsense}\n')
    with pytest.raises(BadSettings):
        read_settings(path)
