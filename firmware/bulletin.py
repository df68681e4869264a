"""What the idle panel says of the device, put together from whoever knows a part of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from firmware.panel.standing import Condition, Told, told_of

Show = Callable[[Told | None], None]


class Bulletin:
    """The device's condition, shown whenever it is another one."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self.condition = Condition()
        show(told_of(self.condition))

    def note(self, **facts: Any) -> None:
        """Something of the condition became known; the names are `Condition`'s."""
        before = told_of(self.condition)
        self.condition = replace(self.condition, **facts)
        if (told := told_of(self.condition)) != before:
            self._show(told)
