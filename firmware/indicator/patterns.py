"""Light and sound of each state, as a table. A colour never speaks alone: it has its own rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from firmware.transaction.visit import Visit
from firmware.words import Outcome
from firmware.words import State as S


class Colour(StrEnum):
    """What the lamp shows."""

    NONE = "none"
    WHITE = "white"  # the patient's turn
    BLUE = "blue"  # the device is at work
    GREEN = "green"  # all is well
    AMBER = "amber"  # please look here


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds of light and of dark, again and again; `fade_s` makes it breathe."""

    on_s: float
    off_s: float = 0.0
    fade_s: float = 0.0

    @property
    def steady(self) -> bool:
        return self.off_s == 0.0 and self.fade_s == 0.0


class Sound(StrEnum):
    """What a sound means; buzzer and loudspeaker each have their melodies for it."""

    CARD_SEEN = "card_seen"
    NEEDS_YOU = "needs_you"
    DONE = "done"
    SEE_THE_SCREEN = "see_the_screen"
    CARD_LEFT = "card_left"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the patient sees and hears on entering a state."""

    colour: Colour
    rhythm: Rhythm
    sound: Sound | None = None


STEADY = Rhythm(on_s=1.0)
BREATHING = Rhythm(on_s=0.2, off_s=0.2, fade_s=0.9)
SLOW = Rhythm(on_s=0.6, off_s=0.6)
QUICK = Rhythm(on_s=0.25, off_s=0.25)
INSISTENT = Rhythm(on_s=0.12, off_s=0.12)

DARK = Pattern(Colour.NONE, STEADY)
YOUR_TURN = Pattern(Colour.WHITE, STEADY)
WORKING = Pattern(Colour.BLUE, SLOW)
WELL = Pattern(Colour.GREEN, BREATHING)
LOOK_HERE = Pattern(Colour.AMBER, QUICK, Sound.SEE_THE_SCREEN)

PATTERNS: dict[S, Pattern] = {
    S.IDLE: DARK,
    S.WAITING_FOR_CARD: Pattern(Colour.WHITE, STEADY, Sound.NEEDS_YOU),
    S.IDENTIFYING_CARD: Pattern(Colour.BLUE, SLOW, Sound.CARD_SEEN),
    S.CHOOSING_METHOD: YOUR_TURN,
    S.READING_PRINT: WORKING,
    S.KEYING_PRINT: YOUR_TURN,
    S.READING_CARD_FACE: WORKING,
    S.COMPARING_FACES: YOUR_TURN,
    S.ASKING_PIN: Pattern(Colour.WHITE, STEADY, Sound.NEEDS_YOU),
    S.WARNING_LAST_TRY: LOOK_HERE,
    S.VERIFYING_PIN: WORKING,
    S.WAITING_FOR_STAFF: Pattern(Colour.WHITE, STEADY, Sound.NEEDS_YOU),
    S.CHECKING_STAFF: WORKING,
    S.IDENTITY_PROVEN: WELL,
    S.OFFERING_REGISTRATION: Pattern(Colour.WHITE, STEADY, Sound.NEEDS_YOU),
    S.REGISTERING: WORKING,
    S.ASKING_CONSENT: Pattern(Colour.WHITE, STEADY, Sound.NEEDS_YOU),
    S.ASKING_QUESTIONS: YOUR_TURN,
    S.SIGNING: WORKING,
    S.CONFIRMING: WORKING,
    S.TAKE_CARD: LOOK_HERE,
    S.FORGETTING: DARK,
}

TAKE_CARD_VERIFIED = Pattern(Colour.GREEN, BREATHING, Sound.DONE)
CARD_LEFT = Pattern(Colour.AMBER, INSISTENT, Sound.CARD_LEFT)


def pattern_for(visit: Visit) -> Pattern:
    """The pattern of the visit's state; while a card is to be taken, it follows the outcome."""
    if visit.state is S.TAKE_CARD and visit.warned:
        return CARD_LEFT
    if visit.state is S.TAKE_CARD and visit.ending and visit.ending.outcome is Outcome.VERIFIED:
        return TAKE_CARD_VERIFIED
    return PATTERNS[visit.state]
