"""Guards and endings of the table: named pure functions of (visit, event).

A guard sees the visit as it is after the event was learnt.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware.transaction import events as e
from firmware.transaction.visit import Ending, Visit
from firmware.words import (
    CardKind,
    Cause,
    MatchDecision,
    Method,
    Outcome,
    PhotoAuthenticity,
    Registration,
)

Guard = Callable[[Visit, e.Event], bool]
End = Callable[[Visit, e.Event], Ending]


def always(_visit: Visit, _event: e.Event) -> bool:
    return True


def this_entry(visit: Visit, event: e.Event) -> bool:
    """The timer was set for this entry of this state."""
    return getattr(event, "entry", None) == visit.entry


def card_lies_there(visit: Visit, _event: e.Event) -> bool:
    return visit.card_present


def card_is_gone(visit: Visit, _event: e.Event) -> bool:
    return not visit.card_present


def card_not_known(visit: Visit, _event: e.Event) -> bool:
    return visit.card_kind is CardKind.UNKNOWN


def card_not_supported(visit: Visit, _event: e.Event) -> bool:
    """None of the ways to prove the holder of such a card is open in this visit."""
    return visit.card_kind is not CardKind.MY_NUMBER_CARD and not visit.methods_left


def by_phone(visit: Visit, _event: e.Event) -> bool:
    return visit.by_phone


def method_is(method: Method) -> Guard:
    def chosen(visit: Visit, event: e.Event) -> bool:
        return (
            isinstance(event, e.MethodChosen)
            and event.method is method
            and method in visit.methods_left
        )

    chosen.__name__ = f"chose_{method}"
    return chosen


def face_may_start(visit: Visit, event: e.Event) -> bool:
    return visit.face_starts_by_itself and this_entry(visit, event)


def staff_may_try_again(visit: Visit, _event: e.Event) -> bool:
    return Method.STAFF in visit.methods_left


def no_method_left(visit: Visit, _event: e.Event) -> bool:
    return not visit.methods_left


def photo_forged(visit: Visit, _event: e.Event) -> bool:
    return visit.photo_authenticity is PhotoAuthenticity.FORGED


def face_possible(visit: Visit, _event: e.Event) -> bool:
    return visit.face_possible


def same_person(visit: Visit, _event: e.Event) -> bool:
    return visit.comparison.decision is MatchDecision.SAME_PERSON


def may_look_again(visit: Visit, _event: e.Event) -> bool:
    return Method.FACE in visit.methods_left


def pin_blocked(visit: Visit, _event: e.Event) -> bool:
    return visit.pin_tries_left == 0


def last_try(visit: Visit, _event: e.Event) -> bool:
    """One try is left, and the patient has not confirmed to risk it."""
    return visit.pin_tries_left == 1 and not visit.last_try_confirmed


def four_digits(visit: Visit, _event: e.Event) -> bool:
    return visit.pin_digits == 4


def pin_can_be_sent(visit: Visit, _event: e.Event) -> bool:
    return visit.pin_can_be_sent


def without_consent(visit: Visit, _event: e.Event) -> bool:
    return visit.without_consent


def registered(_visit: Visit, event: e.Event) -> bool:
    return (
        isinstance(event, e.RegistrationReported) and event.registration is Registration.REGISTERED
    )


def can_register(_visit: Visit, event: e.Event) -> bool:
    return isinstance(event, e.RegistrationReported) and event.registration in {
        Registration.NOT_REGISTERED,
        Registration.CANCELLED,
    }


def more_items(visit: Visit, _event: e.Event) -> bool:
    return bool(visit.items_open)


def more_questions(visit: Visit, _event: e.Event) -> bool:
    return bool(visit.questions_open)


def accepted(_visit: Visit, event: e.Event) -> bool:
    return isinstance(event, e.Confirmed) and event.accepted


def ends(outcome: Outcome, cause: Cause | None = None) -> End:
    """An ending with a fixed cause."""
    return lambda _visit, _event: Ending(outcome, cause)


def ends_as_told(outcome: Outcome, otherwise: Cause) -> End:
    """An ending whose cause the event brings."""
    return lambda _visit, event: Ending(outcome, getattr(event, "cause", None) or otherwise)


def ends_without_proof(visit: Visit, _event: e.Event) -> Ending:
    """No method is left: what faces compared came to is told before that a PIN is locked."""
    if visit.comparison.decision is not MatchDecision.NOT_DONE:
        return Ending(Outcome.REFUSED, Cause.NOT_THE_HOLDER)
    if visit.pin_tries_left == 0:
        locked = Cause.PHONE_PIN_BLOCKED if visit.by_phone else Cause.PIN_BLOCKED
        return Ending(Outcome.REFUSED, locked)
    return Ending(Outcome.REFUSED, Cause.NO_METHOD_LEFT)
