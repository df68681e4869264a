"""What each kind of site asks the patient, one row each; how the holder of each kind of card is
proven, and who proves identity where nobody can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.words import (
    CardKind,
    ConsentItem,
    Method,
    NoConsentReason,
    Profile,
    Purpose,
    Question,
)

_ALL_ITEMS = tuple(ConsentItem)
_PRESCRIBER = (Question.PRESCRIPTION_FORM, Question.SUBSIDY)


@dataclass(frozen=True, slots=True)
class Asks:
    """The consent items and questions of a profile, in the order of asking."""

    items: tuple[ConsentItem, ...]
    questions: tuple[Question, ...]


ASKS: dict[Profile, Asks] = {
    Profile.HOSPITAL: Asks(_ALL_ITEMS, _PRESCRIBER),
    Profile.CLINIC: Asks(_ALL_ITEMS, _PRESCRIBER),
    Profile.DENTAL: Asks(_ALL_ITEMS, _PRESCRIBER),
    Profile.PHARMACY: Asks(_ALL_ITEMS, (Question.SUBSIDY,)),
    Profile.TREATMENT_PARLOUR: Asks((), ()),
    # Nobody is asked: these items are recorded as unobtainable.
    Profile.EMERGENCY: Asks(_ALL_ITEMS, ()),
    Profile.DISASTER: Asks(_ALL_ITEMS, ()),
}

ANSWERS: dict[Question, tuple[str, ...]] = {
    Question.PRESCRIPTION_FORM: ("electronic", "paper"),
    Question.SUBSIDY: ("use", "do_not_use"),
}

PROOFS: dict[CardKind | None, frozenset[Method]] = {
    None: frozenset(Method),  # not known yet
    CardKind.MY_NUMBER_CARD: frozenset({Method.FACE, Method.PIN, Method.STAFF}),
    # It has no photo, neither on the chip nor in print. An iPhone has no row: its holder is proven
    # on the phone itself, by a dialogue that is not public.
    CardKind.PHONE_ANDROID: frozenset({Method.PHONE}),
}
"""By which methods the holder of a card can be proven; what has no row is not taken."""


def asks_for(profile: Profile, purpose: Purpose, items: tuple[ConsentItem, ...] | None) -> Asks:
    """What one visit asks: the profile's row, narrowed by the purpose and by reception's wish."""
    row = ASKS[profile]
    if purpose is Purpose.ELIGIBILITY:
        return Asks((), ())
    if items is None:
        return row
    return Asks(tuple(item for item in row.items if item in items), row.questions)


def methods_for(reason: NoConsentReason | None, methods: tuple[Method, ...]) -> tuple[Method, ...]:
    """`methods`, or the staff look alone where no consent can be obtained (ADR 0007).

    Its passcode is the word of a member of staff, by name, for what nobody else can answer.
    """
    return methods if reason is None else tuple(m for m in methods if m is Method.STAFF)
