"""KeyRing: every key that VERIFY is aimed at, the tries each has left, and which are open.

Counters outlive everything; what is open ends with power, and as the options say.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from firmware.card import status_word as sw
from firmware.card.files import Key
from firmware.simulator.card_image import Secret
from firmware.simulator.card_options import CardOptions

# What a reader may send; 4 digits for every PIN, 6 to 16 characters for the password.
LENGTHS: Final[Mapping[Key, range]] = {Key.SIGNATURE_PASSWORD: range(6, 17)}


class KeyRing:
    """The keys of one card. Answers are status words."""

    def __init__(self, secrets: Mapping[Key, Secret], options: CardOptions) -> None:
        self._secrets, self._options = secrets, options
        self._tries = {key: secret.tries_left for key, secret in secrets.items()}
        self._open: set[Key] = set()

    @property
    def tries_left(self) -> Mapping[Key, int]:
        """The counters."""
        return self._tries

    def close(self) -> None:
        """No key is open any more."""
        self._open.clear()

    def any_open(self, keys: Iterable[Key]) -> bool:
        """Whether one of these is open."""
        return not self._open.isdisjoint(keys)

    def query(self, key: Key) -> int:
        """The empty VERIFY, which costs nothing."""
        if self._tries[key] == 0:
            return int(self._options.blocked_query, 16)
        if key in self._open and self._options.open_query == "9000":
            return sw.SUCCESS
        return sw.tries_status(self._tries[key])

    def present(self, key: Key, value: bytes) -> int:
        """One try. Whether a wrong length costs one is not known: it does unless it is free."""
        if self._options.wrong_length_is_free and not self._fits(key, value):
            return sw.WRONG_LENGTH
        self._open.discard(key)
        if self._tries[key] == 0:
            return int(self._options.blocked_try, 16)
        if hmac.compare_digest(value, self._secrets[key].value):
            self._tries[key] = key.initial_tries
            self._open.add(key)
            return sw.SUCCESS
        self._tries[key] -= 1
        return sw.tries_status(self._tries[key])

    def _fits(self, key: Key, value: bytes) -> bool:
        own = len(self._secrets[key].value)
        return len(value) in LENGTHS.get(key, range(own, own + 1))
