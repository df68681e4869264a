"""Every visit there can be: the states, walked breadth first over every event that may come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from firmware.transaction import events as e
from firmware.transaction.machine import step
from firmware.transaction.visit import NOTHING_COMPARED, Ending, Now, Request, Visit
from firmware.words import (
    CardKind,
    Cause,
    ClockTrust,
    ConsentItem,
    Language,
    MatchDecision,
    Method,
    NoConsentReason,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Question,
    Registration,
)

NOW = Now(datetime(2026, 11, 22, 9, 0, tzinfo=UTC), ClockTrust.NTP)
REQUEST = Request(
    transaction_id=UUID(int=1),
    purpose=Purpose.VISIT,
    profile=Profile.CLINIC,
    methods=tuple(Method),
    items=(ConsentItem.MEDICATION,),
    questions=(Question.SUBSIDY,),
    language=Language.JA,
    looks=1,
    unverified_photo_allowed=False,
)
EMERGENCY = replace(
    REQUEST,
    profile=Profile.EMERGENCY,
    reason=NoConsentReason.UNCONSCIOUS,
    questions=(),
)
"""With every method and every item in it: what is not to happen, the table itself must prevent."""


def events_in(visit: Visit) -> Iterator[e.Event]:
    """One event of every kind, with every value that a guard can tell apart."""
    yield from (e.Started(REQUEST), e.Started(EMERGENCY))
    yield from (e.Cancelled(Cause.CANCELLED_BY_PATIENT), e.HostLost(), e.MoreTime())
    yield e.TamperOpened()
    for entry in (visit.entry, visit.entry - 1):
        yield from (e.TimeUp(entry), e.FaceStartsByItself(entry))
    yield from (e.CardPlaced(), e.CardRemoved(), e.CardFailed(Cause.CARD_RESET))
    yield from (e.CardIdentified(kind) for kind in CardKind)
    yield from (e.PrintRead(), e.PrintDoubtful(), e.CardFaceRefused(), e.CameraFailed())
    yield e.CardFaceOpened(True, PhotoAuthenticity.VERIFIED, True)
    yield e.CardFaceOpened(True, PhotoAuthenticity.UNVERIFIED, True)
    yield e.CardFaceOpened(True, PhotoAuthenticity.FORGED, True)
    yield e.CardFaceOpened(False, PhotoAuthenticity.VERIFIED, True)
    yield e.CardFaceOpened(True, PhotoAuthenticity.VERIFIED, False)
    yield from (e.MethodChosen(method) for method in Method)
    yield e.BackToMethods()
    yield from (e.FacesCompared(d, PadDecision.NOT_DONE, "m", "p") for d in MatchDecision)
    yield from (e.PinTriesReported(n) for n in (0, 1, 3))
    yield from (e.PinRefused(n) for n in (0, 1, 2))
    yield from (e.PinNotTried(n) for n in (0, 1, 2))
    yield from (e.PinDigitTyped(n) for n in (0, 4))
    yield from (e.PinEntered(), e.LastTryConfirmed(), e.PinAccepted())
    yield from (e.StaffPasscodeEntered(), e.StaffAccepted("s1"), e.StaffRefused(), e.StaffClosed())
    for registration in Registration:
        for allowed in (True, False):
            yield e.RegistrationReported(registration, Cause.USE_RESTRICTED, allowed)
    yield from (e.RegistrationAccepted(), e.RegistrationDeclined())
    yield from (e.ConsentAllAnswered(True), e.ConsentAllAnswered(False))
    yield from (
        e.ConsentAnswered(item, True) for item in (ConsentItem.MEDICATION, ConsentItem.CHECKUP)
    )
    yield from (e.QuestionAnswered(question, "use") for question in Question)
    yield from (e.StatementSigned(), e.Forgotten())
    yield from (e.Confirmed(True, None), e.Confirmed(False, Cause.CERTIFICATE_REVOKED))


def alike(visit: Visit) -> Visit:
    """Visits that no guard can tell apart are one: the walk stays finite, and short."""
    if visit.ending is not None:  # only the card decides now
        visit = replace(visit, card_kind=None, consents=(), answers=())
    if visit.proofs or visit.ending is not None:  # no method is chosen any more
        visit = replace(
            visit,
            pin_tries_left=None,
            last_try_confirmed=False,
            staff_refusals=0,
            staff_closed=False,
            staff_id=visit.staff_id if visit.without_consent else None,
            looks=0,
            method_chosen=False,
            face_possible=True,
        )
    forged = visit.photo_authenticity is PhotoAuthenticity.FORGED
    same = visit.comparison.decision is MatchDecision.SAME_PERSON
    return replace(
        visit,
        entry=0,
        insistence=0,
        warned=False,
        helper=False,
        one_by_one=False,
        photo_authenticity=PhotoAuthenticity.FORGED if forged else PhotoAuthenticity.NOT_DONE,
        comparison=visit.comparison if same else NOTHING_COMPARED,
        pin_digits=visit.pin_digits // 4,
        consents=visit.consents[:1],
        ending=None if visit.ending is None else Ending(visit.ending.outcome),
    )


@cache
def walk() -> tuple[tuple[Visit, e.Event, Visit, tuple[object, ...]], ...]:
    """Every step that can be taken from an idle device."""
    seen = {alike(Visit())}
    queue = deque([Visit()])
    steps = []
    while queue:
        visit = queue.popleft()
        for event in events_in(visit):
            after, effects = step(visit, event, NOW)
            steps.append((visit, event, after, effects))
            if alike(after) not in seen:
                seen.add(alike(after))
                queue.append(after)
    return tuple(steps)
