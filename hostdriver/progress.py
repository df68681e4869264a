"""A visit as it goes on, for a terminal: its stages, the state in words, the time. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rich.console import Group
from rich.spinner import Spinner
from rich.text import Text

from firmware.words import State
from hostdriver.rendering import tries_line

STAGES: Final = ("card", "identity", "consent", "confirmation", "card back")

WORDS: Final[dict[State, tuple[int, str]]] = {
    State.IDLE: (0, "about to begin"),
    State.WAITING_FOR_CARD: (0, "waiting for the card"),
    State.IDENTIFYING_CARD: (0, "looking what kind of card it is"),
    State.CHOOSING_METHOD: (1, "the patient chooses: face, PIN, or staff"),
    State.READING_PRINT: (1, "reading what is printed on the card"),
    State.KEYING_PRINT: (1, "staff key in what is printed on the card"),
    State.READING_CARD_FACE: (1, "reading the photo from the card"),
    State.COMPARING_FACES: (1, "comparing the face with the card's photo"),
    State.ASKING_PIN: (1, "the patient types the PIN"),
    State.WARNING_LAST_TRY: (1, "the patient is warned: the PIN's last try"),
    State.VERIFYING_PIN: (1, "the card checks the PIN"),
    State.WAITING_FOR_STAFF: (1, "staff are asked to come and look"),
    State.CHECKING_STAFF: (1, "checking the staff's passcode"),
    State.IDENTITY_PROVEN: (1, "identity is proven; asking about the registration"),
    State.OFFERING_REGISTRATION: (2, "the patient may register the card"),
    State.REGISTERING: (2, "registering the card"),
    State.ASKING_CONSENT: (2, "the patient answers about consent"),
    State.ASKING_QUESTIONS: (2, "the patient answers the other questions"),
    State.SIGNING: (3, "signing what was answered"),
    State.CONFIRMING: (3, "asking the insurer"),
    State.TAKE_CARD: (4, "waiting until the card is taken back"),
    State.FORGETTING: (4, "forgetting the patient"),
}
"""State → number of its stage, and what is going on."""


class VisitProgress:
    """What a live display shows; it is drawn again and again, and changed by events."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds; only differences count."""
        self._clock, self._began_s = clock, clock()
        self._stage, self._words = WORDS[State.IDLE]
        self._facts: list[str] = []
        self._spinner = Spinner("dots")
        self._over = False

    def hear(self, event: dict[str, Any]) -> None:
        """The next event of the visit; a state that this program does not know shows as it is."""
        if event["event"] == "finished":
            self._over, self._words, self._facts = True, f"finished: {event['outcome']}", []
            return
        state = event["state"]
        known = state in set(State)
        self._stage, self._words = WORDS[State(state)] if known else (self._stage, state)
        tries_left = event.get("tries_left")
        self._facts = [] if tries_left is None else [tries_line(tries_left)]

    def __rich__(self) -> Group:
        stages = Text("  ").join(
            Text(stage, style=_style(place, self._stage)) for place, stage in enumerate(STAGES)
        )
        seconds = f"{self._clock() - self._began_s:.0f} s"
        line = Text(", ".join([self._words, *self._facts, seconds]))
        self._spinner.update(text=line)
        return Group(stages, line if self._over else self._spinner)


def _style(place: int, current: int) -> str:
    if place < current:
        return "green"
    return "bold reverse" if place == current else "dim"
