"""What one visit's looking knows, with templates made by hand and a clock that is a number."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from points import point_at

from firmware.faults import MalformedPhoto
from firmware.match.compare import Comparer, Look
from firmware.match.looking import HINT_EVERY_S, LOOKS_LAST_S, MOMENT_S, Looking
from firmware.match.networks import DetectorOutputs, Grey, Layout, Reals
from firmware.match.quality import Quality
from firmware.match.template import FaceTemplate
from firmware.words import Hint, MatchDecision

VISIT = UUID(int=7)
POINT = point_at(0.5)


class NoNetworks:
    """A decision on templates needs no network; asking one fails the test."""

    layout = Layout.YUNET

    def detect(self, canvas: Grey) -> DetectorOutputs:
        raise AssertionError

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        raise AssertionError

    def embed(self, face: Grey) -> Reals:
        raise AssertionError


def looking() -> Looking:
    return Looking(VISIT, Comparer(NoNetworks(), "vectors", POINT))


def person(number: int) -> FaceTemplate:
    values = np.zeros(128, np.float32)
    values[number] = 1.0
    return FaceTemplate(values)


def fit(who: int) -> Look:
    return Look(Quality(None), person(who))


def unfit(hint: Hint) -> Look:
    return Look(Quality(hint), None)


def see_some(visit: Looking, who: int, moments: int, from_s: float = 0.0) -> None:
    for moment in range(moments):
        visit.see(fit(who), from_s + moment * MOMENT_S * 1.01)


def test_an_old_look_is_no_look_at_whoever_stands_there_now() -> None:
    visit = looking()
    see_some(visit, 1, 5)
    visit.learn_photo(person(1))
    assert visit.compare(LOOKS_LAST_S + 1.0) is None  # they went away before the photo came
    assert visit.looks == 0


def test_looks_last_longer_where_the_machine_is_slower() -> None:
    visit = Looking(VISIT, Comparer(NoNetworks(), "vectors", POINT), looks_last_s=2 * LOOKS_LAST_S)
    see_some(visit, 1, 5)
    visit.learn_photo(person(1))
    decided = visit.compare(LOOKS_LAST_S + 1.0)
    assert decided is not None
    assert decided.decision is MatchDecision.SAME_PERSON


def test_nothing_is_decided_without_a_photo() -> None:
    visit = looking()
    see_some(visit, 1, 5)
    assert visit.compare(1.0) is None
    visit.learn_photo(person(1))
    decided = visit.compare(1.0)
    assert decided is not None
    assert decided.decision is MatchDecision.SAME_PERSON


def test_three_looks_accept_and_only_five_refuse() -> None:
    visit = looking()
    visit.learn_photo(person(1))
    see_some(visit, 2, 4)
    assert visit.compare(1.0) is None
    see_some(visit, 2, 1, from_s=2.0)
    decided = visit.compare(2.0)
    assert decided is not None
    assert (decided.decision, decided.frames) == (MatchDecision.NOT_SAME_PERSON, 5)


def test_looks_of_one_moment_count_once() -> None:
    visit = looking()
    for burst in range(30):
        visit.see(fit(1), burst * MOMENT_S / 100)
    assert visit.looks == 1


def test_a_frame_of_the_last_looks_moment_is_not_worth_a_look() -> None:
    visit = looking()
    assert visit.is_new_moment(0.0)
    visit.see(unfit(Hint.CLOSER), 0.0)
    assert visit.is_new_moment(0.01)  # nothing was kept of that moment
    visit.see(fit(1), 0.02)
    assert not visit.is_new_moment(0.02 + MOMENT_S * 0.99)
    assert visit.is_new_moment(0.02 + MOMENT_S * 1.01)


def test_before_the_comparison_the_newest_looks_are_kept() -> None:
    visit = looking()
    see_some(visit, 2, 5)  # somebody walked by
    see_some(visit, 1, 5, from_s=6.0)
    visit.learn_photo(person(1))
    decided = visit.compare(7.0)
    assert decided is not None
    assert decided.decision is MatchDecision.SAME_PERSON


def test_in_a_comparison_no_look_is_exchanged_for_another() -> None:
    visit = looking()
    assert visit.compare(1.0) is None  # wanted, and the photo is still on its way
    see_some(visit, 2, 5)
    see_some(visit, 1, 5, from_s=6.0)
    visit.learn_photo(person(1))
    decided = visit.compare(7.0)
    assert decided is not None
    assert decided.decision is MatchDecision.NOT_SAME_PERSON


def test_a_decision_uses_its_looks_up() -> None:
    visit = looking()
    visit.learn_photo(person(1))
    see_some(visit, 2, 5)
    assert visit.compare(1.0) is not None
    assert visit.looks == 0
    assert visit.compare(1.0) is None


def test_looks_stay_when_a_comparison_is_broken_off() -> None:
    visit = looking()
    see_some(visit, 1, 4)
    assert visit.compare(1.0) is None
    visit.end_comparison()
    visit.learn_photo(person(1))
    decided = visit.compare(1.0)
    assert decided is not None
    assert decided.decision is MatchDecision.SAME_PERSON


def test_the_last_photo_counts() -> None:
    visit = looking()
    see_some(visit, 1, 5)
    visit.learn_photo(person(1))
    visit.learn_photo(MalformedPhoto("no face"))
    assert visit.photo_fault is not None
    assert visit.compare(1.0) is None


def test_a_good_photo_makes_up_for_a_broken_one() -> None:
    visit = looking()
    see_some(visit, 1, 5)
    visit.learn_photo(MalformedPhoto("no face"))
    visit.learn_photo(person(1))
    assert visit.photo_fault is None
    assert visit.compare(1.0) is not None


def test_a_hint_is_said_on_change_and_not_too_often() -> None:
    visit = looking()
    visit.see(unfit(Hint.CLOSER), 0.0)
    assert visit.take_hint(0.0) is Hint.CLOSER
    assert visit.take_hint(10.0) is None  # nothing new
    visit.see(unfit(Hint.MORE_LIGHT), 10.0)
    assert visit.take_hint(10.0) is Hint.MORE_LIGHT
    visit.see(unfit(Hint.CLOSER), 10.1)
    assert visit.take_hint(10.1) is None  # too soon
    assert visit.take_hint(10.0 + HINT_EVERY_S * 1.01) is Hint.CLOSER
    visit.see(fit(1), 11.0)
    assert visit.take_hint(11.0) is None  # all is well: nothing to say
    visit.see(unfit(Hint.CLOSER), 12.0)
    assert visit.take_hint(12.0) is Hint.CLOSER


@pytest.mark.parametrize("hint", list(Hint))
def test_an_unfit_look_is_never_kept(hint: Hint) -> None:
    visit = looking()
    visit.see(unfit(hint), 0.0)
    assert visit.looks == 0


def test_nothing_of_a_face_is_printed() -> None:
    visit = looking()
    see_some(visit, 1, 2)
    assert repr(visit) == "Looking(2 looks, photo False)"
