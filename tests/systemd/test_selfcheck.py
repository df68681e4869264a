"""What the firmware asks of its own parts; and the whole firmware before a service manager."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bare_board import firmware
from service_manager import WITHIN_S, ServiceManager

from firmware import notify
from firmware.card import requests as card
from firmware.errands import CardWorker, VisionWorker
from firmware.faults import WorkerLost
from firmware.match import requests as vision
from firmware.panel.server import PanelServer
from firmware.selfcheck import checks_of
from firmware.transaction.events import Event
from firmware.watchdog import found_wrong
from firmware.worker import SupervisedWorker

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[1]}"}


class Parts:
    """A device's parts; its workers are processes of `part.py`."""

    def __init__(self, folder: Path, card_is: str, vision_is: str, answer_within_s: float) -> None:
        self.lost: list[WorkerLost] = []
        news: list[object] = []
        events: list[Event] = []
        self.panel = PanelServer(folder, events.append)
        self.card: CardWorker = SupervisedWorker(
            "card worker",
            ("part", "card worker", card_is),
            card.REPLIES,
            card.NEWS,
            answer_within_s=answer_within_s,
            on_news=news.append,
            on_lost=self.lost.append,
            environment=ENVIRONMENT,
        )
        self.vision: VisionWorker = SupervisedWorker(
            "vision worker",
            ("part", "vision worker", vision_is),
            vision.REPLIES,
            vision.NEWS,
            answer_within_s=WITHIN_S,
            on_news=news.append,
            on_lost=self.lost.append,
            environment=ENVIRONMENT,
        )

    async def wrong(self, within_s: float = WITHIN_S, scale: float = 1.0) -> list[str]:
        """What a self check finds; at `scale` 0 its patience is at an end."""
        return await found_wrong(checks_of(self.card, self.vision, self.panel, scale), within_s)


async def spoken(worker: CardWorker | VisionWorker, how: str) -> None:
    """Wait for the first word of one that has any."""
    async with asyncio.timeout(WITHIN_S):
        while how != "mute" and not worker.has_spoken:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def parts(
    folder: Path, card_is: str = "well", vision_is: str = "well", answer_within_s: float = WITHIN_S
) -> AsyncIterator[Parts]:
    made = Parts(folder, card_is, vision_is, answer_within_s)
    try:
        await asyncio.gather(made.panel.start(), made.card.start(), made.vision.start())
        for worker, how in ((made.card, card_is), (made.vision, vision_is)):
            await spoken(worker, how)
        yield made
    finally:
        await asyncio.gather(made.panel.stop(), made.card.stop(), made.vision.stop())


async def test_parts_that_answer_are_well(tmp_path: Path) -> None:
    async with parts(tmp_path) as device:
        assert await device.wrong() == []
        assert await device.wrong() == []


async def test_a_worker_that_does_not_answer_is_named(tmp_path: Path) -> None:
    async with parts(tmp_path, card_is="deaf") as device:
        assert "card worker does not answer" in await device.wrong(within_s=2.0)


async def test_a_worker_that_was_asked_in_vain_is_replaced_at_its_deadline(
    tmp_path: Path,
) -> None:
    """The device helps itself first, and stays ill as long as that does not help."""
    async with parts(tmp_path, card_is="deaf", answer_within_s=0.5) as device:
        for times in (1, 2):
            await spoken(device.card, "deaf")
            (wrong,) = await device.wrong()
            assert wrong.startswith("card worker: card worker was replaced")
            assert len(device.lost) == times


async def test_a_worker_that_starts_is_left_to_it(tmp_path: Path) -> None:
    """To be asked would give it a deadline."""
    async with parts(tmp_path, card_is="mute", answer_within_s=0.0) as device:
        assert await device.wrong() == []
        assert not device.card.owes_answer


async def test_a_worker_that_starts_for_ever_is_an_illness(tmp_path: Path) -> None:
    """Also when it is replaced meanwhile, by one that says as little."""
    never = ["card worker: it has said nothing since it was started"]
    async with parts(tmp_path, card_is="mute") as device:
        assert await device.wrong(scale=0.0) == never
        silent_s = device.card.silent_for_s
        await device.card.replace()
        assert device.card.silent_for_s >= silent_s
        assert await device.wrong(scale=0.0) == never


async def test_a_reader_watch_that_does_not_turn_is_an_illness(tmp_path: Path) -> None:
    async with parts(tmp_path, card_is="late") as device:
        assert await device.wrong() == ["card worker: nobody has watched for 60 s"]


async def test_a_worker_that_owes_an_answer_is_left_to_its_own_deadline(tmp_path: Path) -> None:
    """A long errand is no illness, and a question would break it off."""
    async with parts(tmp_path, vision_is="deaf") as device:
        errand = asyncio.create_task(device.vision.ask(vision.StopLooking()))
        while not device.vision.owes_answer:
            await asyncio.sleep(0)
        assert await device.wrong() == []
        errand.cancel()


async def test_frames_that_nobody_looks_for_are_an_illness(tmp_path: Path) -> None:
    async with parts(tmp_path, vision_is="late") as device:
        assert await device.wrong() == ["vision worker: no frame was looked for, 60 s late"]


async def test_a_panel_that_is_shut_is_an_illness(tmp_path: Path) -> None:
    async with parts(tmp_path) as device:
        await device.panel.stop()
        assert await device.wrong() == ["panel: the panel is shut"]


# --- the firmware itself
async def test_a_device_without_reader_or_camera_is_fed(tmp_path: Path) -> None:
    with ServiceManager(tmp_path, watchdog_s=4.0) as manager:
        async with firmware(tmp_path, manager):
            for _ in range(2):
                await manager.hears(notify.WELL)
        await manager.hears(notify.STOPPING)


async def test_a_process_that_is_frozen_feeds_nobody(tmp_path: Path) -> None:
    """What systemd's timer is for; here the next word comes only after it may go on."""
    with ServiceManager(tmp_path, watchdog_s=1.0) as manager:
        async with firmware(tmp_path, manager) as process:
            await manager.hears(notify.WELL)
            os.kill(process, signal.SIGSTOP)
            while "T (stopped)" not in Path(f"/proc/{process}/status").read_text():
                await asyncio.sleep(0)
            manager.heard_so_far()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3.0):
                    await manager.heard()
            os.kill(process, signal.SIGCONT)
            await manager.hears("STATUS=not well", "the loop was late")


async def test_settings_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    with ServiceManager(tmp_path) as manager:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firmware", "--settings", str(tmp_path / "none.toml")),
            env=dict(manager.environment),
        )
        await manager.hears("STATUS=", "none.toml")
        assert await asyncio.wait_for(process.wait(), WITHIN_S) == 2
