"""The table of a visit, and `step`. Pure: events in, effects out.

A row is chosen in the state the event arrives in, by guards that look at the visit as it is after
the event was learnt. The first guard that holds wins; no row means that the event is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware.transaction import events as e
from firmware.transaction.effects import Do, Effect, Ignored
from firmware.transaction.guards import (
    End,
    Guard,
    accepted,
    always,
    by_phone,
    can_register,
    card_is_gone,
    card_lies_there,
    card_not_known,
    card_not_supported,
    ends,
    ends_as_told,
    ends_without_proof,
    face_may_start,
    face_possible,
    four_digits,
    last_try,
    may_look_again,
    method_is,
    more_items,
    more_questions,
    no_method_left,
    photo_forged,
    pin_blocked,
    pin_can_be_sent,
    registered,
    same_person,
    staff_may_try_again,
    this_entry,
    without_consent,
)
from firmware.transaction.learn import learn
from firmware.transaction.visit import Now, Visit
from firmware.words import Cause, Method, Outcome, State
from firmware.words import State as S


@dataclass(frozen=True, slots=True)
class Row:
    """Where an event leads: `to` None stays in the state and its entry. `end` ends the visit."""

    guard: Guard
    to: State | None
    end: End | None = None
    effects: tuple[Do, ...] = ()
    """Only for rows that stay; entering a state has the state's own effects."""


def when(condition: Guard, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The same rows, under one more condition."""

    def both(guard: Guard) -> Guard:
        def hold(visit: Visit, event: e.Event) -> bool:
            return condition(visit, event) and guard(visit, event)

        # Named as the rows read: `always` says nothing beside another guard.
        named = [one.__name__ for one in (condition, guard) if one is not always]
        hold.__name__ = " and ".join(named) or always.__name__
        return hold

    return tuple(replace(row, guard=both(row.guard)) for row in rows)


def to_the_end(guard: Guard, end: End) -> tuple[Row, ...]:
    """The visit ends: the patient takes the card, or has done so already."""
    return when(guard, (Row(card_is_gone, S.FORGETTING, end), Row(always, S.TAKE_CARD, end)))


CANCELLED = ends_as_told(Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT)
BROKEN = ends_as_told(Outcome.FAILED, Cause.CARD_UNREADABLE)
REMOVED = ends(Outcome.FAILED, Cause.CARD_REMOVED)
HOST_IS_LOST = ends(Outcome.FAILED, Cause.HOST_LOST)
TAMPERED = ends(Outcome.FAILED, Cause.TAMPERED)
TIMED_OUT = ends(Outcome.CANCELLED, Cause.TIMED_OUT)
NOBODY_CAME = ends(Outcome.CANCELLED, Cause.CARD_NOT_PRESENTED)
TOO_SLOW = ends(Outcome.FAILED, Cause.DEVICE_FAULT)
UPSTREAM_LOST = ends(Outcome.FAILED, Cause.UPSTREAM_UNAVAILABLE)
NOT_REGISTERED = ends_as_told(Outcome.REFUSED, Cause.REGISTRATION_NOT_EFFECTIVE)
REJECTED = ends_as_told(Outcome.REFUSED, Cause.EVIDENCE_REJECTED)

NOT_TAKEN = ends(Outcome.REFUSED, Cause.REGISTRATION_DECLINED)

STAYS = (Row(always, None),)
TO_METHODS = (
    Row(no_method_left, S.TAKE_CARD, ends_without_proof),
    Row(always, S.CHOOSING_METHOD),
)
# A locked PIN closes that way alone: 顔認証マイナンバーカード is made so, for face and staff look.
PIN_IS_BLOCKED = when(pin_blocked, TO_METHODS)
NO_OTHER_WAY = Row(by_phone, None)
STAFF_ALONE = when(without_consent, (Row(staff_may_try_again, S.WAITING_FOR_STAFF),))
STAFF_COME = Row(method_is(Method.STAFF), S.WAITING_FOR_STAFF)
METHOD_BUTTONS = (Row(method_is(Method.PIN), S.ASKING_PIN), STAFF_COME)
TO_ANSWERS = (
    Row(more_items, S.ASKING_CONSENT),
    Row(more_questions, S.ASKING_QUESTIONS),
    Row(always, S.SIGNING),
)
# Registration is the patient's own choice: nobody takes it for them.
OFFERED = (
    Row(without_consent, S.TAKE_CARD, NOT_TAKEN),
    Row(always, S.OFFERING_REGISTRATION),
)
PHOTO_IS_FORGED = Row(photo_forged, S.TAKE_CARD, ends(Outcome.REFUSED, Cause.PHOTO_NOT_AUTHENTIC))
AFTER_READING = (
    S.CHOOSING_METHOD,
    S.ASKING_PIN,
    S.WARNING_LAST_TRY,
    S.VERIFYING_PIN,
    S.WAITING_FOR_STAFF,
    S.CHECKING_STAFF,
)
"""Where a patient may be who chose another method while the card face was being read."""
PIN_TRIES = (
    *PIN_IS_BLOCKED,
    Row(last_try, S.WARNING_LAST_TRY),
    Row(always, S.ASKING_PIN),
)

Table = dict[tuple[State, type[e.Event]], tuple[Row, ...]]

STEPS: Table = {
    (S.IDLE, e.Started): (
        Row(card_lies_there, S.IDENTIFYING_CARD),
        Row(always, S.WAITING_FOR_CARD),
    ),
    (S.WAITING_FOR_CARD, e.CardPlaced): (Row(always, S.IDENTIFYING_CARD),),
    (S.IDENTIFYING_CARD, e.CardIdentified): (
        Row(card_not_known, S.TAKE_CARD, ends(Outcome.REFUSED, Cause.CARD_UNKNOWN)),
        Row(card_not_supported, S.TAKE_CARD, ends(Outcome.REFUSED, Cause.CARD_NOT_SUPPORTED)),
        *STAFF_ALONE,
        Row(by_phone, S.ASKING_PIN),
        *TO_METHODS,
    ),
    # --- face
    (S.CHOOSING_METHOD, e.FaceStartsByItself): (Row(face_may_start, S.READING_PRINT),),
    (S.CHOOSING_METHOD, e.MethodChosen): (
        Row(method_is(Method.FACE), S.READING_PRINT),
        *METHOD_BUTTONS,
    ),
    (S.READING_PRINT, e.PrintRead): (Row(always, S.READING_CARD_FACE),),
    (S.READING_PRINT, e.PrintDoubtful): (Row(always, S.KEYING_PRINT),),
    (S.READING_PRINT, e.MethodChosen): METHOD_BUTTONS,
    (S.KEYING_PRINT, e.PinDigitTyped): STAYS,
    (S.KEYING_PRINT, e.PrintRead): (Row(always, S.READING_CARD_FACE),),
    (S.KEYING_PRINT, e.BackToMethods): TO_METHODS,
    (S.KEYING_PRINT, e.MethodChosen): METHOD_BUTTONS,
    (S.READING_CARD_FACE, e.CardFaceOpened): (
        PHOTO_IS_FORGED,
        Row(face_possible, S.COMPARING_FACES),
        *TO_METHODS,
    ),
    (S.READING_CARD_FACE, e.CardFaceRefused): TO_METHODS,
    (S.READING_CARD_FACE, e.MethodChosen): METHOD_BUTTONS,
    (S.COMPARING_FACES, e.FacesCompared): (
        Row(same_person, S.IDENTITY_PROVEN),
        Row(may_look_again, S.COMPARING_FACES),
        *TO_METHODS,
    ),
    (S.COMPARING_FACES, e.CameraFailed): TO_METHODS,
    (S.COMPARING_FACES, e.MethodChosen): METHOD_BUTTONS,
    # --- PIN, asked for while the card face was being read
    **{(state, e.CardFaceOpened): (PHOTO_IS_FORGED, Row(always, None)) for state in AFTER_READING},
    **{(state, e.CardFaceRefused): STAYS for state in AFTER_READING},
    (S.ASKING_PIN, e.PinTriesReported): (*PIN_TRIES[:-1], Row(always, None)),
    (S.ASKING_PIN, e.PinDigitTyped): STAYS,
    (S.ASKING_PIN, e.PinEntered): (
        *PIN_TRIES[:-1],
        Row(pin_can_be_sent, S.VERIFYING_PIN),
    ),
    (S.ASKING_PIN, e.BackToMethods): (NO_OTHER_WAY, *TO_METHODS),
    (S.ASKING_PIN, e.MethodChosen): (STAFF_COME,),
    (S.WARNING_LAST_TRY, e.LastTryConfirmed): (Row(always, S.ASKING_PIN),),
    (S.WARNING_LAST_TRY, e.BackToMethods): (NO_OTHER_WAY, *TO_METHODS),
    (S.WARNING_LAST_TRY, e.MethodChosen): (STAFF_COME,),
    (S.VERIFYING_PIN, e.PinAccepted): (Row(always, S.IDENTITY_PROVEN),),
    (S.VERIFYING_PIN, e.PinRefused): PIN_TRIES,
    (S.VERIFYING_PIN, e.PinNotTried): PIN_TRIES,
    # --- staff look
    (S.WAITING_FOR_STAFF, e.PinDigitTyped): STAYS,
    (S.WAITING_FOR_STAFF, e.StaffPasscodeEntered): (Row(four_digits, S.CHECKING_STAFF),),
    (S.WAITING_FOR_STAFF, e.BackToMethods): (*STAFF_ALONE, *TO_METHODS),
    (S.CHECKING_STAFF, e.StaffAccepted): (Row(always, S.IDENTITY_PROVEN),),
    (S.CHECKING_STAFF, e.StaffRefused): (
        Row(staff_may_try_again, S.WAITING_FOR_STAFF),
        Row(no_method_left, S.TAKE_CARD, ends(Outcome.REFUSED, Cause.STAFF_PASSCODE_WRONG)),
        Row(always, S.CHOOSING_METHOD),
    ),
    (S.CHECKING_STAFF, e.StaffClosed): (
        Row(no_method_left, S.TAKE_CARD, ends(Outcome.REFUSED, Cause.STAFF_LOOK_CLOSED)),
        Row(always, S.CHOOSING_METHOD),
    ),
    # --- registration
    (S.IDENTITY_PROVEN, e.RegistrationReported): (
        *when(registered, TO_ANSWERS),
        *when(can_register, OFFERED),
        Row(always, S.TAKE_CARD, NOT_REGISTERED),
    ),
    (S.OFFERING_REGISTRATION, e.RegistrationAccepted): (Row(always, S.REGISTERING),),
    (S.OFFERING_REGISTRATION, e.RegistrationDeclined): (Row(always, S.TAKE_CARD, NOT_TAKEN),),
    (S.REGISTERING, e.RegistrationReported): (
        *when(registered, TO_ANSWERS),
        Row(always, S.TAKE_CARD, NOT_REGISTERED),
    ),
    # --- answers
    (S.ASKING_CONSENT, e.ConsentOneByOne): STAYS,
    (S.ASKING_CONSENT, e.ConsentAllAnswered): TO_ANSWERS,
    (S.ASKING_CONSENT, e.ConsentAnswered): TO_ANSWERS,
    (S.ASKING_QUESTIONS, e.QuestionAnswered): TO_ANSWERS,
    # --- signature; the point of no return lies between SIGNING and CONFIRMING
    (S.SIGNING, e.StatementSigned): (Row(always, S.CONFIRMING),),
    (S.CONFIRMING, e.Confirmed): (
        *to_the_end(accepted, ends(Outcome.VERIFIED)),
        *to_the_end(always, REJECTED),
    ),
    (S.CONFIRMING, e.TimeUp): to_the_end(this_entry, UPSTREAM_LOST),
    (S.CONFIRMING, e.HostLost): to_the_end(always, UPSTREAM_LOST),
    # --- the end
    (S.TAKE_CARD, e.CardRemoved): (Row(always, S.FORGETTING),),
    (S.TAKE_CARD, e.TimeWarned): (Row(this_entry, None, effects=(Do.SET_TIMERS,)),),
    (S.FORGETTING, e.Forgotten): (Row(always, S.IDLE),),
    (S.FORGETTING, e.TimeUp): (Row(this_entry, S.FORGETTING),),
}

_ORDER = tuple(State)
BEFORE_NO_RETURN = _ORDER[_ORDER.index(S.IDENTIFYING_CARD) : _ORDER.index(S.CONFIRMING)]
AT_WORK = (S.WAITING_FOR_CARD, *BEFORE_NO_RETURN)
"""States in which everybody may still stop the visit."""
MACHINE_STATES = frozenset(
    {
        S.IDENTIFYING_CARD,
        S.READING_PRINT,
        S.READING_CARD_FACE,
        S.COMPARING_FACES,
        S.VERIFYING_PIN,
        S.CHECKING_STAFF,
        S.IDENTITY_PROVEN,
        S.REGISTERING,
        S.SIGNING,
    }
)
"""Nobody is asked anything here: running out of time is the device's fault."""
ANSWERED_UPSTREAM = frozenset({S.IDENTITY_PROVEN, S.REGISTERING})


def end_by_time(state: State) -> End:
    """How a visit ends that stays too long in a state."""
    if state is S.WAITING_FOR_CARD:
        return NOBODY_CAME
    if state in ANSWERED_UPSTREAM:
        return UPSTREAM_LOST
    return TOO_SLOW if state in MACHINE_STATES else TIMED_OUT


ALWAYS_POSSIBLE: Table = {
    **{(state, e.CardRemoved): (Row(always, S.FORGETTING, REMOVED),) for state in BEFORE_NO_RETURN},
    **{(state, e.CardFailed): to_the_end(always, BROKEN) for state in AT_WORK},
    **{(state, e.Cancelled): to_the_end(always, CANCELLED) for state in AT_WORK},
    **{(state, e.HostLost): to_the_end(always, HOST_IS_LOST) for state in AT_WORK},
    **{(state, e.TamperOpened): to_the_end(always, TAMPERED) for state in AT_WORK},
    **{(state, e.TimeUp): to_the_end(this_entry, end_by_time(state)) for state in AT_WORK},
    **{(state, e.TimeWarned): (Row(this_entry, None),) for state in AT_WORK},
    **{(state, e.MoreTime): (Row(always, None, effects=(Do.SET_TIMERS,)),) for state in AT_WORK},
    **{(state, e.HelperDeclared): STAYS for state in AT_WORK},
    **{(state, e.LanguageChosen): STAYS for state in State if state is not S.FORGETTING},
    **{(state, e.CardPlaced): STAYS for state in (S.IDLE, S.CONFIRMING, S.TAKE_CARD, S.FORGETTING)},
    **{(state, e.CardRemoved): STAYS for state in (S.IDLE, S.CONFIRMING, S.FORGETTING)},
}

ROWS: Table = ALWAYS_POSSIBLE | STEPS

ON_ENTER: dict[State, tuple[Do, ...]] = dict.fromkeys(State, ()) | {
    S.IDENTIFYING_CARD: (Do.WAKE_CAMERA, Do.IDENTIFY_CARD),
    S.CHOOSING_METHOD: (Do.OFFER_FACE,),
    S.READING_PRINT: (Do.READ_PRINT,),
    S.READING_CARD_FACE: (Do.READ_CARD_FACE,),
    S.COMPARING_FACES: (Do.COMPARE_FACES,),
    S.ASKING_PIN: (Do.STOP_LOOKING, Do.QUERY_PIN_TRIES),
    S.VERIFYING_PIN: (Do.VERIFY_PIN,),
    S.WAITING_FOR_STAFF: (Do.STOP_LOOKING,),
    S.CHECKING_STAFF: (Do.CHECK_STAFF_PASSCODE,),
    S.IDENTITY_PROVEN: (Do.STOP_LOOKING, Do.ASK_REGISTRATION),
    S.REGISTERING: (Do.REGISTER,),
    S.SIGNING: (Do.SIGN_STATEMENT,),
    S.CONFIRMING: (Do.SEND_EVIDENCE,),
    S.TAKE_CARD: (Do.STOP_LOOKING, Do.TELL_RESULT, Do.RELEASE_CARD),
    S.FORGETTING: (Do.TELL_RESULT, Do.FORGET_PATIENT),
}
"""Every entry also sets the state's timers, first."""


def step(visit: Visit, event: e.Event, now: Now) -> tuple[Visit, tuple[Effect, ...]]:
    """The visit after one event, and what to set going. Pure and total."""
    learnt = learn(visit, event, now)
    rows = ROWS.get((visit.state, type(event)), ())
    row = next((row for row in rows if row.guard(learnt, event)), None)
    if row is None:
        return visit, (Ignored(event),)
    if row.end is not None:
        learnt = replace(learnt, ending=row.end(learnt, event))
    if row.to is None:
        return learnt, row.effects
    if row.to is S.IDLE:
        learnt = learnt.forgotten()
    return learnt.enter(row.to), (Do.SET_TIMERS, *ON_ENTER[row.to])
