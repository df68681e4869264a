"""What a page may say: who it is, and what was touched. Everything else ends its connection.

The page names a key by its place, never by its digit: on the screen by its position in the layout
that the server made; on the keypad by a number from the pad's key sheet, which is drawn anew for
each pad (`pin_pad.py`). So neither the page's script nor what goes over the line holds a digit.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from firmware.panel.pin_pad import KEYS

MAX_MESSAGE_BYTES = 4096
TOUCHES_PER_S = 30.0
TOUCHES_AT_ONCE = 60
"""A hand makes some eight touches a second; a flood is dropped beyond this, and counted."""

Key = Annotated[int, msgspec.Meta(ge=0, lt=KEYS)]


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first message of a page. A session is one tab: it lives through reloads."""

    token: Annotated[str, msgspec.Meta(max_length=64)]
    session: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]{8,64}$")]

    def __repr__(self) -> str:
        return f"Hello(session={self.session!r})"


class Touch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of button, key on the screen, key of the keypad, delete; and the entry of its view."""

    entry: Annotated[int, msgspec.Meta(ge=0)]
    tap: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    key: Key | None = None
    typed: Key | None = None
    delete: bool = False

    def __post_init__(self) -> None:
        said = (self.tap is not None, self.key is not None, self.typed is not None, self.delete)
        if sum(said) != 1:
            raise ValueError("a touch is one of tap, key, typed and delete")


class TouchRate:
    """How many touches are taken: a bucket that fills with time."""

    def __init__(self, per_s: float = TOUCHES_PER_S, at_once: int = TOUCHES_AT_ONCE) -> None:
        self._per_s, self._at_once = per_s, at_once
        self._left = float(at_once)
        self._seen_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one out of the bucket. False: it is empty."""
        waited_s = 0.0 if self._seen_s is None else max(0.0, now_s - self._seen_s)
        self._seen_s = now_s
        self._left = min(float(self._at_once), self._left + waited_s * self._per_s)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
