"""The table of a visit, walked breadth first: what no path may do, what every state must have."""

from __future__ import annotations

from collections import deque

import pytest
from walking import REQUEST, alike, walk

from firmware.transaction import events as e
from firmware.transaction.effects import Do, Ignored
from firmware.transaction.machine import BEFORE_NO_RETURN, ON_ENTER, ROWS
from firmware.transaction.timeouts import LIMITS
from firmware.transaction.visit import NOTHING_COMPARED, Ending, Visit
from firmware.words import (
    Cause,
    ConsentAnswer,
    MatchDecision,
    Method,
    Outcome,
    PhotoAuthenticity,
    State,
)


def test_every_state_is_reached() -> None:
    assert {after.state for _, _, after, _ in walk()} == set(State)


def test_verified_needs_one_proof_and_the_checked_signature() -> None:
    verified = [v for _, _, v, _ in walk() if v.ending == Ending(Outcome.VERIFIED)]
    assert verified
    for visit in verified:
        assert visit.proofs == 1
        assert visit.method is not None
        assert visit.signed


def test_only_the_gateways_yes_makes_verified() -> None:
    for before, event, after, _ in walk():
        if after.ending == Ending(Outcome.VERIFIED) and before.ending is None:
            assert before.state is State.CONFIRMING
            assert event == e.Confirmed(True, None)


def test_a_face_that_failed_before_the_pin_is_a_visit_by_pin() -> None:
    methods = {
        v.method
        for _, _, v, _ in walk()
        if v.ending == Ending(Outcome.VERIFIED)
        and v.comparison.decision is not MatchDecision.SAME_PERSON
    }
    assert methods == {Method.PIN, Method.STAFF, Method.PHONE}


def test_without_consent_nothing_ends_verified_unless_the_staff_typed_their_passcode() -> None:
    verified = [
        v for _, _, v, _ in walk() if v.without_consent and v.ending == Ending(Outcome.VERIFIED)
    ]
    assert verified
    for visit in verified:
        assert (visit.method, visit.staff_id, visit.proofs) == (Method.STAFF, "s1", 1)
    for before, event, after, effects in walk():
        if after.without_consent and after.proofs > before.proofs:
            assert before.state is State.CHECKING_STAFF
            assert event == e.StaffAccepted("s1")
        if after.without_consent and Do.SIGN_STATEMENT in effects:
            assert after.staff_id == "s1"


def test_without_consent_the_patient_is_asked_nothing() -> None:
    visits = [after for _, _, after, _ in walk() if after.without_consent]
    asking = {
        *(State.CHOOSING_METHOD, State.COMPARING_FACES, State.ASKING_PIN, State.KEYING_PRINT),
        *(State.OFFERING_REGISTRATION, State.ASKING_CONSENT, State.ASKING_QUESTIONS),
    }
    assert not asking & {visit.state for visit in visits}
    answers = {record.answer for visit in visits for record in visit.consents}
    assert answers == {ConsentAnswer.UNOBTAINABLE}
    others = [after for _, _, after, _ in walk() if not after.without_consent]
    assert ConsentAnswer.UNOBTAINABLE not in {r.answer for v in others for r in v.consents}


def test_nothing_is_signed_before_the_last_answer() -> None:
    for _, _, after, effects in walk():
        if Do.SIGN_STATEMENT in effects:
            assert not after.items_open
            assert not after.questions_open


def test_the_certificate_goes_out_only_after_the_proof() -> None:
    for _, _, after, effects in walk():
        if Do.ASK_REGISTRATION in effects:
            assert after.proofs == 1


@pytest.mark.parametrize("state", BEFORE_NO_RETURN)
def test_a_card_removed_before_the_point_of_no_return_fails_the_visit(state: State) -> None:
    ends = {
        (after.state, after.ending)
        for before, event, after, _ in walk()
        if before.state is state and event == e.CardRemoved()
    }
    assert ends == {(State.FORGETTING, Ending(Outcome.FAILED, Cause.CARD_REMOVED))}


@pytest.mark.parametrize("state", [State.WAITING_FOR_CARD, *BEFORE_NO_RETURN])
def test_an_opened_enclosure_ends_a_visit_before_the_point_of_no_return(state: State) -> None:
    ends = {
        (after.state, after.ending)
        for before, event, after, _ in walk()
        if before.state is state and event == e.TamperOpened()
    }
    assert {ending for _, ending in ends} == {Ending(Outcome.FAILED, Cause.TAMPERED)}
    assert {state for state, _ in ends} <= {State.TAKE_CARD, State.FORGETTING}


@pytest.mark.parametrize(
    "state",
    [
        *(State.CHOOSING_METHOD, State.READING_PRINT, State.KEYING_PRINT),
        *(State.READING_CARD_FACE, State.COMPARING_FACES),
        *(State.ASKING_PIN, State.WARNING_LAST_TRY),
    ],
)
def test_the_staff_can_come_whenever_they_may_still_look(state: State) -> None:
    for before, event, after, _ in walk():
        if before.state is state and event == e.MethodChosen(Method.STAFF):
            allowed = Method.STAFF in before.methods_left
            assert after.state is (State.WAITING_FOR_STAFF if allowed else state)


@pytest.mark.parametrize(
    "event",
    [e.CardRemoved(), e.HostLost(), e.TamperOpened(), e.Cancelled(Cause.CANCELLED_BY_PATIENT)],
)
def test_after_the_point_of_no_return_nothing_changes_what_was_found(event: e.Event) -> None:
    for before, happened, after, _ in walk():
        if before.ending is not None and happened == event:
            assert after.ending in {before.ending, None}
            assert after.ending is not None or after.state is State.IDLE


def test_a_last_try_is_never_spent_unconfirmed() -> None:
    for before, _, after, effects in walk():
        if Do.VERIFY_PIN in effects and before.pin_tries_left == 1:
            assert after.last_try_confirmed


def test_a_pin_is_sent_only_when_its_tries_are_known() -> None:
    for before, _, _, effects in walk():
        assert not (Do.VERIFY_PIN in effects and before.pin_tries_left is None)


def test_a_late_report_of_tries_never_ends_a_verification() -> None:
    for before, event, after, _ in walk():
        if before.state is State.VERIFYING_PIN and isinstance(event, e.PinTriesReported):
            assert after == before


def test_a_blocked_pin_is_never_verified() -> None:
    for before, _, _, effects in walk():
        assert not (Do.VERIFY_PIN in effects and before.pin_tries_left == 0)


def test_a_blocked_pin_ends_the_visit_only_where_no_other_way_is_left() -> None:
    told = (e.PinTriesReported, e.PinRefused, e.PinNotTried)
    met = set()
    for before, event, after, _ in walk():
        if isinstance(event, told) and event.tries_left == 0 and after != before:
            others = bool(after.methods_left)
            cause = Cause.PHONE_PIN_BLOCKED if after.by_phone else Cause.PIN_BLOCKED
            if after.comparison != NOTHING_COMPARED:
                cause = Cause.NOT_THE_HOLDER
            blocked = Ending(Outcome.REFUSED, cause)
            assert after.state is (State.CHOOSING_METHOD if others else State.TAKE_CARD)
            assert after.ending == (None if others else blocked)
            met.add((before.state, after.methods_left))
    for state in (State.ASKING_PIN, State.VERIFYING_PIN):
        ways = {left for asked, left in met if asked is state}
        assert ways == {(), (Method.FACE,), (Method.STAFF,), (Method.FACE, Method.STAFF)}


def test_a_visit_whose_pin_is_blocked_can_still_be_verified() -> None:
    proven = {
        after.method
        for before, _, after, _ in walk()
        if after.proofs > before.proofs and before.pin_tries_left == 0
    }
    assert proven == {Method.FACE, Method.STAFF}


def test_a_locked_pin_hides_no_face_that_was_not_the_holders() -> None:
    endings = {
        after.ending.cause
        for before, event, after, _ in walk()
        if isinstance(event, e.FacesCompared)
        and event.decision is MatchDecision.NOT_SAME_PERSON
        and before.pin_tries_left == 0
        and after.ending is not None
    }
    assert endings == {Cause.NOT_THE_HOLDER}


def test_no_passcode_is_looked_at_once_the_staff_look_is_closed() -> None:
    closed = [step for step in walk() if step[0].staff_closed]
    assert closed
    for _, _, after, effects in closed:
        assert Do.CHECK_STAFF_PASSCODE not in effects
        assert after.state is not State.WAITING_FOR_STAFF


def test_faces_are_compared_at_most_as_often_as_asked() -> None:
    assert max(v.looks for _, _, v, _ in walk()) <= REQUEST.looks


def test_a_timer_of_another_entry_is_ignored() -> None:
    for before, event, after, effects in walk():
        if isinstance(event, e.TimeUp | e.FaceStartsByItself) and event.entry != before.entry:
            assert after == before
            assert effects == (Ignored(event),)


def test_every_abnormal_end_names_its_cause() -> None:
    for _, _, visit, _ in walk():
        if visit.ending is not None:
            assert (visit.ending.cause is None) == (visit.ending.outcome is Outcome.VERIFIED)


def test_every_way_out_leads_to_idle() -> None:
    """From every state that can be reached, there is a path back to an idle, empty visit."""
    back: dict[Visit, set[Visit]] = {}
    for before, _, after, _ in walk():
        back.setdefault(alike(after), set()).add(alike(before))
    empty = [v for v in back if v.state is State.IDLE]
    found, queue = set(empty), deque(empty)
    while queue:
        for before in back.get(queue.popleft(), set()) - found:
            found.add(before)
            queue.append(before)
    assert {alike(v) for _, _, v, _ in walk()} <= found


def test_an_idle_visit_knows_nobody() -> None:
    for _, _, visit, _ in walk():
        if visit.state is State.IDLE:
            assert alike(visit) == Visit(card_present=visit.card_present, language=visit.language)


def test_whoever_ends_tells_the_result() -> None:
    for before, _, after, effects in walk():
        if before.ending is None and after.ending is not None:
            assert Do.TELL_RESULT in effects


@pytest.mark.parametrize("state", State)
def test_every_state_has_limits_and_a_way_out_by_time(state: State) -> None:
    limit = LIMITS[state]
    if limit.end_s is not None:
        assert (state, e.TimeUp) in ROWS
    else:
        assert state in {State.IDLE, State.TAKE_CARD}
    if limit.warn_s is not None:
        assert (state, e.TimeWarned) in ROWS


@pytest.mark.parametrize("state", State)
def test_entering_a_state_sets_its_timers_first(state: State) -> None:
    assert state in ON_ENTER
    for before, _, after, effects in walk():
        if after.entry != before.entry:
            assert effects[0] is Do.SET_TIMERS


def test_a_forged_photo_is_never_forgotten() -> None:
    """Also when it is found while the patient has gone on to another method."""
    for before, event, after, _ in walk():
        forged = isinstance(event, e.CardFaceOpened) and (
            event.authenticity is PhotoAuthenticity.FORGED
        )
        if forged and after != before:
            assert after.ending == Ending(Outcome.REFUSED, Cause.PHOTO_NOT_AUTHENTIC)


def test_a_comparison_that_is_left_early_was_a_look() -> None:
    for before, _, after, effects in walk():
        if Do.COMPARE_FACES in effects:
            assert after.looks == before.looks + 1
