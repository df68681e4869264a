"""What a visit learns from an event, whatever comes next. Pure; the table in `machine` decides."""

from __future__ import annotations

from dataclasses import replace

from firmware.statement import Comparison
from firmware.transaction import events as e
from firmware.transaction.consent import recorded, unobtainable
from firmware.transaction.visit import Now, Visit
from firmware.words import ClockTrust, MatchDecision, Method, PhotoAuthenticity


def learn(visit: Visit, event: e.Event, now: Now) -> Visit:
    """The visit with the event's facts in it, in the same state."""
    match event:
        case e.Started(request):
            return replace(visit, request=request, language=request.language, started_at=now.wall)
        case e.CardPlaced():
            return replace(visit, card_present=True)
        case e.CardRemoved():
            return replace(visit, card_present=False)
        case e.CardIdentified(kind):
            return replace(visit, card_kind=kind)
        case e.TimeWarned():
            insistence = visit.insistence + 1
            return replace(visit, warned=True, insistence=insistence)
        case e.MoreTime():
            return replace(visit, warned=False)
        case e.LanguageChosen(language):
            return replace(visit, language=language)
        case e.HelperDeclared():
            return replace(visit, helper=True)
        case _:
            return _learn_of_answers(_learn_of_identity(visit, event, now), event, now)


def _learn_of_identity(visit: Visit, event: e.Event, now: Now) -> Visit:
    match event:
        case e.MethodChosen() | e.BackToMethods():
            return replace(visit, method_chosen=True)
        case e.CardFaceOpened(has_photo, authenticity, agrees):
            allowed = visit.request is not None and visit.request.unverified_photo_allowed
            usable = authenticity is PhotoAuthenticity.VERIFIED or (
                authenticity is PhotoAuthenticity.UNVERIFIED and allowed
            )
            return replace(
                visit,
                photo_authenticity=authenticity,
                face_possible=has_photo and agrees and usable,
            )
        case e.CardFaceRefused() | e.CameraFailed():
            return replace(visit, face_possible=False)
        case e.FacesCompared(decision, pad, model, operating_point):
            learnt = replace(
                visit,
                comparison=Comparison(decision, model, operating_point),
                pad=pad,
            )
            return _proven(learnt, Method.FACE, now) if _same(decision) else learnt
        case e.PinTriesReported(n) | e.PinRefused(n) | e.PinNotTried(n):
            return replace(visit, pin_tries_left=n)
        case e.PinDigitTyped(count):
            return replace(visit, pin_digits=count)
        case e.LastTryConfirmed():
            return replace(visit, last_try_confirmed=True)
        case e.PinAccepted():
            return _proven(visit, Method.PHONE if visit.by_phone else Method.PIN, now)
        case e.StaffAccepted(staff_id):
            return _proven(replace(visit, staff_id=staff_id), Method.STAFF, now)
        case e.StaffRefused():
            return replace(visit, staff_refusals=visit.staff_refusals + 1)
        case e.StaffClosed():
            return replace(visit, staff_closed=True)
        case _:
            return visit


def _learn_of_answers(visit: Visit, event: e.Event, now: Now) -> Visit:
    match event:
        case e.RegistrationReported(_, _, allowed, warning):
            # Without a trusted clock a consent has no time, so none is asked for.
            clock_trusted = now.trust is not ClockTrust.NONE
            told = replace(
                visit,
                clinical_consent_allowed=allowed and clock_trusted,
                clock_trusted=clock_trusted,
                certificate_warning=warning,
            )
            return _answered_for(told, now) if told.without_consent else told
        case e.ConsentOneByOne():
            return replace(visit, one_by_one=True)
        case e.ConsentAllAnswered(agreed):
            records = tuple(recorded(item, agreed, now.wall) for item in visit.items_open)
            return replace(visit, consents=visit.consents + records)
        case e.ConsentAnswered(item, agreed) if item in visit.items_open:
            record = recorded(item, agreed, now.wall)
            return replace(visit, consents=(*visit.consents, record))
        case e.QuestionAnswered(question, answer) if question in visit.questions_open:
            return replace(visit, answers=(*visit.answers, (question, answer)))
        case e.StatementSigned():
            return replace(visit, signed=True)
        case _:
            return visit


def _answered_for(visit: Visit, now: Now) -> Visit:
    """Nobody can be asked: what would have been is recorded as unobtainable."""
    records = tuple(unobtainable(item, now.wall) for item in visit.items_open)
    return replace(visit, consents=visit.consents + records)


def _proven(visit: Visit, method: Method, now: Now) -> Visit:
    return replace(visit, method=method, proven_at=now.wall, proofs=visit.proofs + 1)


def _same(decision: MatchDecision) -> bool:
    return decision is MatchDecision.SAME_PERSON
