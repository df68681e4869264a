"""What each kind of site asks the patient: consent items and questions, one row each."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.words import ConsentItem, Profile, Purpose, Question

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
    Profile.EMERGENCY: Asks((), ()),
    Profile.DISASTER: Asks((), ()),
}

ANSWERS: dict[Question, tuple[str, ...]] = {
    Question.PRESCRIPTION_FORM: ("electronic", "paper"),
    Question.SUBSIDY: ("use", "do_not_use"),
}


def asks_for(profile: Profile, purpose: Purpose, items: tuple[ConsentItem, ...] | None) -> Asks:
    """What one visit asks: the profile's row, narrowed by the purpose and by reception's wish."""
    row = ASKS[profile]
    if purpose is Purpose.ELIGIBILITY:
        return Asks((), ())
    if items is None:
        return row
    return Asks(tuple(item for item in row.items if item in items), row.questions)
