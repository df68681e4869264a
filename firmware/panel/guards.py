"""When a look, a button or a notice is shown: named pure functions of the visit.

The visit's own table has guards of its own (`transaction/guards.py`): those decide, these show.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware.transaction.visit import Visit
from firmware.words import CertificateWarning, ConsentItem, Method, Outcome, Question
from firmware.words import State as S

Guard = Callable[[Visit], bool]


def always(_visit: Visit) -> bool:
    return True


def method_left(method: Method) -> Guard:
    return lambda visit: method in visit.methods_left


def pin_can_be_sent(visit: Visit) -> bool:
    return visit.pin_can_be_sent


def typed(digits: int) -> Guard:
    return lambda visit: visit.pin_digits == digits


def all_at_once(visit: Visit) -> bool:
    return not visit.one_by_one


def item_is_next(item: ConsentItem) -> Guard:
    return lambda visit: visit.one_by_one and visit.items_open[:1] == (item,)


def question_is_next(question: Question) -> Guard:
    return lambda visit: visit.questions_open[:1] == (question,)


def warned(visit: Visit) -> bool:
    return visit.warned


def alone(visit: Visit) -> bool:
    return not visit.helper


def helped(visit: Visit) -> bool:
    return visit.helper


def card_lies_there(visit: Visit) -> bool:
    return visit.card_present


def by_phone(visit: Visit) -> bool:
    return visit.by_phone


def by_card(visit: Visit) -> bool:
    return not visit.by_phone


def phones_too(visit: Visit) -> bool:
    return Method.PHONE in visit.methods_left


def looked_before(visit: Visit) -> bool:
    return visit.looks > 0


def face_starts(visit: Visit) -> bool:
    return visit.face_starts_by_itself


def tries_are_known(visit: Visit) -> bool:
    return visit.pin_tries_left in {1, 2}


def pin_is_blocked(visit: Visit) -> bool:
    return visit.pin_tries_left == 0


def staff_is_closed(visit: Visit) -> bool:
    return visit.staff_closed


def staff_was_refused(visit: Visit) -> bool:
    return visit.staff_refusals > 0


def with_consent(visit: Visit) -> bool:
    return not visit.without_consent


def verified(visit: Visit) -> bool:
    return visit.ending is not None and visit.ending.outcome is Outcome.VERIFIED


def certificate_is(warning: CertificateWarning) -> Guard:
    return lambda visit: visit.certificate_warning is warning


def clock_forbids_consent(visit: Visit) -> bool:
    return visit.clock_forbids_consent


def both(one: Guard, other: Guard) -> Guard:
    return lambda visit: one(visit) and other(visit)


def left_behind(visit: Visit) -> bool:
    return visit.warned and visit.state is S.TAKE_CARD
