"""Which of the readers the visit's card lies on, told from what each shows. Pure.

The card that came first is the visit's, and its reader the one in use; a card that is laid on
another meanwhile is not touched, and counts once the first is gone. Of cards that are found
together the one on the reader that the settings name first is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firmware.card.requests import CardGone, CardMessage, CardSeen, ReaderSeen


@dataclass(frozen=True, slots=True)
class Shown:
    """What one reader shows: whether a card lies there, and how often one came or went."""

    present: bool
    changes: int


class Attendance:
    """Looks at the readers, and says what is new."""

    def __init__(self) -> None:
        self._reader: str | None = None
        self._card: tuple[str, int] | None = None  # its reader, and the changes it came with

    @property
    def reader_of_card(self) -> str | None:
        """Where the visit's card lies."""
        return self._card[0] if self._card else None

    def look(self, readers: Mapping[str, Shown]) -> list[CardMessage]:
        """The news since the last look; `readers` in order of preference, none of them is gone."""
        news: list[CardMessage] = []
        if self._card is not None and not _still_there(self._card, readers):
            self._card = None
            news.append(CardGone())
        if self._card is None:
            lying = ((name, shown.changes) for name, shown in readers.items() if shown.present)
            self._card = next(lying, None)
            came = [CardSeen()] if self._card else []
        else:
            came = []
        return [*news, *self._reader_in_use(readers), *came]

    def _reader_in_use(self, readers: Mapping[str, Shown]) -> list[CardMessage]:
        """That of the card; without one the same as before, as long as it is plugged in."""
        stays = self._reader if self._reader in readers else next(iter(readers), None)
        reader = self.reader_of_card or stays
        if reader == self._reader:
            return []
        self._reader = reader
        return [] if reader is None else [ReaderSeen(reader)]


def _still_there(card: tuple[str, int], readers: Mapping[str, Shown]) -> bool:
    """Not if one went and came again between two looks: it may be another."""
    reader, changes = card
    return readers.get(reader) == Shown(True, changes)
