"""How long a visit may stay in each state, in seconds; settings scale them all by one factor."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.words import State as S

FACE_STARTS_AFTER_S = 0.4
"""Long enough to see that there is a choice, short enough not to wait for it. Assumed."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When the patient is warned, and when the state is left; None never."""

    warn_s: float | None
    end_s: float | None


_PEOPLE = Limit(warn_s=30.0, end_s=45.0)
_MACHINE = Limit(warn_s=None, end_s=15.0)

LIMITS: dict[S, Limit] = {
    S.IDLE: Limit(None, None),
    S.WAITING_FOR_CARD: Limit(warn_s=45.0, end_s=60.0),
    S.IDENTIFYING_CARD: _MACHINE,
    S.CHOOSING_METHOD: _PEOPLE,
    S.READING_PRINT: _MACHINE,
    S.KEYING_PRINT: Limit(warn_s=60.0, end_s=90.0),
    S.READING_CARD_FACE: _MACHINE,
    S.COMPARING_FACES: Limit(warn_s=None, end_s=30.0),
    S.ASKING_PIN: _PEOPLE,
    S.WARNING_LAST_TRY: _PEOPLE,
    S.VERIFYING_PIN: _MACHINE,
    S.WAITING_FOR_STAFF: Limit(warn_s=90.0, end_s=120.0),
    S.CHECKING_STAFF: _MACHINE,
    S.IDENTITY_PROVEN: Limit(warn_s=None, end_s=20.0),
    S.OFFERING_REGISTRATION: Limit(warn_s=60.0, end_s=90.0),
    S.REGISTERING: Limit(warn_s=None, end_s=20.0),
    S.ASKING_CONSENT: Limit(warn_s=60.0, end_s=90.0),
    S.ASKING_QUESTIONS: _PEOPLE,
    S.SIGNING: _MACHINE,
    S.CONFIRMING: Limit(warn_s=None, end_s=20.0),
    S.TAKE_CARD: Limit(warn_s=5.0, end_s=None),  # asks again and again, and never gives up
    S.FORGETTING: Limit(warn_s=None, end_s=10.0),
}
