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
from firmware.faults import CameraUnavailable, CardServiceUnavailable, WorkerLost
from firmware.match import requests as vision
from firmware.panel.server import PanelServer
from firmware.watchdog import Check
from firmware.worker import SupervisedWorker

FRAME_OVERDUE_S: Final = 10.0
"""A camera that fails is told of within seconds; a frame missing for longer was not looked for."""
TURN_OVERDUE_S: Final = 20.0
"""The reader watch turns twice a second; so much later it hangs in PC/SC, or has died."""
SPEAKS_WITHIN_S: Final = 60.0
"""Even a slow machine has loaded a worker's libraries and networks by then."""


def checks_of(
    card_worker: CardWorker, vision_worker: VisionWorker, panel: PanelServer, scale: float = 1.0
) -> Mapping[str, Check]:
    """Each check by its name; `scale` is the machine's factor for all limits."""
    ask_card = AnsweringWorker(card_worker, card.AreYouWell(), SPEAKS_WITHIN_S * scale)
    ask_vision = AnsweringWorker(vision_worker, vision.AreYouWell(), SPEAKS_WITHIN_S * scale)

    async def card_worker_watches() -> None:
        answer = await ask_card()
        if isinstance(answer, card.Well) and answer.watch_silent_s > TURN_OVERDUE_S * scale:
            raise CardServiceUnavailable(f"nobody has watched for {answer.watch_silent_s:.0f} s")

    async def vision_worker_looks() -> None:
        answer = await ask_vision()
        if isinstance(answer, vision.Well) and answer.frame_overdue_s > FRAME_OVERDUE_S * scale:
            raise CameraUnavailable(f"no frame was looked for, {answer.frame_overdue_s:.0f} s late")

    return {
        "card worker": card_worker_watches,
        "vision worker": vision_worker_looks,
        "panel": panel.answers,
    }


class AnsweringWorker:
    """The question to one worker. It stays asked when a check's time is up: the worker's own
    deadline goes on, at which it is replaced, and the next check waits for the same answer."""

    def __init__(
        self,
        worker: SupervisedWorker[Any, Any, Any],
        question: object,
        speaks_within_s: float,
    ) -> None:
        self._worker, self._question = worker, question
        self._speaks_within_s = speaks_within_s
        self._asked: asyncio.Task[Any] | None = None

    async def __call__(self) -> Any:
        """The answer; None from a worker that is not asked. One that owes another answer has its
        deadline already, and reading a card may take longer than a check; one that is starting
        would get a deadline, and on a slow machine be killed for loading its libraries.

        Raises `WorkerLost`, also of one that has been starting for too long.
        """
        if self._worker.silent_for_s > self._speaks_within_s:
            raise WorkerLost("it has said nothing since it was started")
        if self._asked is None:
            if self._worker.owes_answer or not self._worker.has_spoken:
                return None
            self._asked = asyncio.create_task(self._worker.ask(self._question))
        asked = self._asked
        await asyncio.wait((asked,))  # which a check's end leaves as it is
        self._asked = None
        return asked.result()
