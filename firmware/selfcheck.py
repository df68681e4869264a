"""What must answer for this device to be well: both workers and the panel. [shell]

An absent reader or camera is no illness of the device: workers say so, and answer. The loop's own
lateness is `firmware.watchdog`'s to see, which asks these; systemd replaces what is not well for
long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from firmware.card import requests as card
from firmware.errands import CardWorker, VisionWorker
from firmware.faults import CameraUnavailable
from firmware.match import requests as vision
from firmware.panel.server import PanelServer
from firmware.watchdog import Check
from firmware.worker import SupervisedWorker

FRAME_OVERDUE_S: Final = 10.0
"""A camera that fails is told of within seconds; a frame missing for longer was not looked for."""


def checks_of(
    card_worker: CardWorker, vision_worker: VisionWorker, panel: PanelServer
) -> Mapping[str, Check]:
    """Each check by its name."""
    ask_card = AnsweringWorker(card_worker, card.AreYouWell())
    ask_vision = AnsweringWorker(vision_worker, vision.AreYouWell())

    async def vision_worker_looks() -> None:
        answer = await ask_vision()
        if isinstance(answer, vision.Well) and answer.frame_overdue_s > FRAME_OVERDUE_S:
            raise CameraUnavailable(f"no frame was looked for, {answer.frame_overdue_s:.0f} s late")

    return {
        "card worker": ask_card,
        "vision worker": vision_worker_looks,
        "panel": panel.answers,
    }


class AnsweringWorker:
    """The question to one worker. It stays asked when a check's time is up: the worker's own
    deadline goes on, at which it is replaced, and the next check waits for the same answer."""

    def __init__(self, worker: SupervisedWorker[Any, Any, Any], question: object) -> None:
        self._worker, self._question = worker, question
        self._asked: asyncio.Task[Any] | None = None

    async def __call__(self) -> Any:
        """The answer; None from a worker that is not asked. One that owes another answer has its
        deadline already, and reading a card may take longer than a check; one that is starting
        would get a deadline, and on a slow machine be killed for loading its libraries.

        Raises `WorkerLost`.
        """
        if self._asked is None:
            if self._worker.owes_answer or not self._worker.has_spoken:
                return None
            self._asked = asyncio.create_task(self._worker.ask(self._question))
        asked = self._asked
        await asyncio.wait((asked,))  # which a check's end leaves as it is
        self._asked = None
        return asked.result()
