"""What must answer for this device to be well: both workers and the panel. [shell]

An absent reader or camera is no illness of the device: workers say so, and answer. The loop's own
lateness is `firmware.watchdog`'s to see, which asks these; systemd replaces what is not well for
long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware.card import requests as card
from firmware.errands import CardWorker, VisionWorker
from firmware.faults import CameraUnavailable
from firmware.match import requests as vision
from firmware.panel.server import PanelServer
from firmware.watchdog import Check

FRAME_OVERDUE_S: Final = 10.0
"""A camera that fails is told of within seconds; a frame missing for longer was not looked for."""


def checks_of(
    card_worker: CardWorker, vision_worker: VisionWorker, panel: PanelServer
) -> Mapping[str, Check]:
    """Each check by its name.

    A worker that owes an answer is not asked: its own deadline watches it, at which it is replaced,
    and reading a card may take longer than a check.
    """

    async def card_worker_answers() -> None:
        if not card_worker.owes_answer:
            await card_worker.ask(card.AreYouWell())

    async def vision_worker_answers() -> None:
        if vision_worker.owes_answer:
            return
        answer = await vision_worker.ask(vision.AreYouWell())
        if isinstance(answer, vision.Well) and answer.frame_overdue_s > FRAME_OVERDUE_S:
            raise CameraUnavailable(f"no frame was looked for, {answer.frame_overdue_s:.0f} s late")

    return {
        "card worker": card_worker_answers,
        "vision worker": vision_worker_answers,
        "panel": panel.answers,
    }
