"""One visit's question whether a face is alive: whose looks count, and when it is told."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from lit_faces import HEAD, SHEET, Question, question, seen
from numpy.typing import NDArray
from points import point_at

from firmware.match.compare import Comparer, Comparison, Look
from firmware.match.looking import Looking
from firmware.match.networks import DetectorOutputs, Grey, Layout, Reals
from firmware.match.pad import Sighting
from firmware.match.pad_card import LightWeights, PadCard, PadPoint, Shapes, TextureWeights
from firmware.match.pad_texture import Texture
from firmware.match.pad_watch import APART_S, RESEMBLES, NoWatch, PadWatch, Watch
from firmware.match.pad_zones import BESIDE
from firmware.match.quality import Quality
from firmware.match.runtime import PAD, models_folder, read_pad_card
from firmware.match.template import FaceTemplate
from firmware.settings import Settings
from firmware.words import MatchDecision, PadDecision

BESIDE_A_HEAD = (0.05,) * len(BESIDE)
CARD = PadCard(
    model_id="by-hand",
    texture=TextureWeights((0.0,) * 3, (1.0,) * 3, (1.0, 0.0, 0.0), 0.0, "nobody"),
    shapes=Shapes((*HEAD, *BESIDE_A_HEAD), (*SHEET, *BESIDE_A_HEAD), "nobody"),
    light=LightWeights((20.0, 0.0, 0.0, 1000.0, *(0.0,) * 10), -16.0, "nobody"),
    with_light=PadPoint("lit", looks=7, at_most=11, threshold=0.0, texture=-10.0),
    without_light=PadPoint("unlit", looks=5, at_most=5, threshold=0.0, texture=0.0),
)
LOOKS = 14
MESH = np.random.default_rng(5).uniform(0, 100, (468, 3)).astype(np.float32)


class NoNetworks:
    """A decision on templates needs no network; asking one fails the test."""

    @property
    def layout(self) -> Layout:
        raise AssertionError

    def detect(self, canvas: Grey) -> DetectorOutputs:
        raise AssertionError

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        raise AssertionError

    def embed(self, face: Grey) -> Reals:
        raise AssertionError


def person(number: int) -> FaceTemplate:
    values = np.zeros(128, np.float32)
    values[number] = 1.0
    return FaceTemplate(values)


def alike(likeness: float) -> FaceTemplate:
    """Somebody else who looks so much like person 1."""
    values = likeness * person(1).values + (1 - likeness**2) ** 0.5 * person(2).values
    return FaceTemplate(values.astype(np.float32))


def sightings(
    asked: Question,
    answers: NDArray[np.floating],
    *,
    seed: int = 3,
    beside: float = 0.0,
    detail: float = 1.0,
) -> list[Sighting]:
    """What looks at something that answers so leave behind."""
    looks = seen(asked, answers, seed=seed, beside=beside)
    return [
        Sighting(at_s, MESH, colours, Texture(detail, 0.0, 0.0))
        for at_s, colours in zip(asked.times_s, looks, strict=True)
    ]


def watch_of(asked: Question) -> PadWatch:
    """A watch that asked for the very lights of the question: its random bytes are the same."""
    watch = PadWatch(CARD, np.random.default_rng(3).bytes)
    for at_s, _ in asked.shown:
        assert watch.light_due(at_s) is not None
    return watch


def decision(watch: Watch) -> PadDecision | None:
    verdict = watch.verdict(person(1))
    return None if verdict is None else verdict.decision


def told(answers: NDArray[np.floating], looks: int, who: int = 1) -> PadDecision | None:
    asked = question(3, looks=LOOKS)
    watch = watch_of(asked)
    for look in sightings(asked, answers)[:looks]:
        watch.see(look, person(who))
    return decision(watch)


def test_a_head_that_answers_is_alive_after_seven_looks_and_not_before() -> None:
    assert told(0.1 * HEAD, looks=6) is None
    assert told(0.1 * HEAD, looks=7) is PadDecision.LIVE


def test_a_sheet_that_answers_is_not_after_eleven_looks_and_not_before() -> None:
    assert told(0.1 * SHEET, looks=7) is None
    assert told(0.1 * SHEET, looks=10) is None
    assert told(0.1 * SHEET, looks=11) is PadDecision.NOT_LIVE


@pytest.mark.parametrize("answers", [HEAD, SHEET])
def test_whoever_asks_late_is_told_what_asking_at_each_look_would_have_told(
    answers: NDArray[np.floating],
) -> None:
    asked = question(3, looks=LOOKS)
    at_each, late = watch_of(asked), watch_of(asked)
    verdict = None
    for look in sightings(asked, 0.1 * answers)[:11]:
        at_each.see(look, person(1))
        late.see(look, person(1))
        verdict = verdict or at_each.verdict(person(1))
    at_the_end = late.verdict(person(1))
    assert verdict is not None
    assert at_the_end is not None
    assert (verdict.decision, len(verdict.looks)) == (at_the_end.decision, len(at_the_end.looks))
    assert len(verdict.looks) == (7 if verdict.decision is PadDecision.LIVE else 11)


def test_looks_before_the_first_light_give_no_further_tries() -> None:
    """Yesterday's film answers late if at all: as many looks as were measured, and it is told."""
    asked = question(3, looks=20)
    watch = PadWatch(CARD, np.random.default_rng(3).bytes)
    for at_s, _ in asked.shown:
        watch.light_due(at_s + 1.0)
    verdicts = []
    for look in sightings(asked, 0.1 * SHEET):
        watch.see(look, person(1))
        verdicts.append(watch.verdict(person(1)))
    told = next(verdict for verdict in verdicts if verdict is not None)
    assert (told.decision, len(told.looks)) == (PadDecision.NOT_LIVE, 12)
    assert verdicts.index(told) == 11


def test_looks_at_others_do_not_push_out_looks_that_were_tried() -> None:
    asked = question(3, looks=40, every_s=0.21)
    watch = watch_of(asked)
    for number, look in enumerate(sightings(asked, 0.0 * HEAD)):
        watch.see(look, person(1 if number < 10 or number == 39 else 2))
        if number < 39:
            assert decision(watch) is None
    assert decision(watch) is PadDecision.NOT_LIVE


def test_once_tried_later_looks_are_only_added_to_the_first() -> None:
    asked = question(3, looks=19)
    watch = watch_of(asked)
    looks = [(look, person(1)) for look in sightings(asked, 0.1 * SHEET)]
    for number, look in enumerate(looks, 1):
        watch.see(*look)
        if number == 9:
            assert decision(watch) is None
    verdict = watch.verdict(person(1))
    assert verdict is not None
    assert all(one is look for one, (_, look) in zip(verdict.looks, looks[:11], strict=True))


def test_looks_are_not_tried_again_without_the_first_of_them() -> None:
    asked = question(3, looks=LOOKS)
    watch, untried = watch_of(asked), watch_of(asked)
    looks = sightings(asked, 0.1 * SHEET)[:10]
    for look in looks:
        watch.see(look, person(1))
        untried.see(look, person(1))
    assert decision(watch) is None
    for each in (watch, untried):
        each.forget_before(looks[1].at_s)
    assert repr(watch) == "PadWatch(0 looks)"
    assert repr(untried) == "PadWatch(9 looks)"


def test_no_answer_at_all_is_never_life() -> None:
    assert told(0.0 * HEAD, looks=14) is PadDecision.NOT_LIVE


def test_the_shipped_card_takes_no_answer_for_no_life() -> None:
    shipped = read_pad_card(models_folder() / PAD)
    asked = question(3, looks=LOOKS)
    for noise in range(20):
        watch = PadWatch(shipped, np.random.default_rng(3).bytes)
        for at_s, _ in asked.shown:
            watch.light_due(at_s)
        for look in sightings(asked, 0.0 * HEAD, seed=noise):
            watch.see(look, person(1))
        assert decision(watch) is PadDecision.NOT_LIVE


def test_looks_of_one_moment_are_one_look() -> None:
    asked = question(3, looks=LOOKS)
    watch = watch_of(asked)
    for look in sightings(asked, 0.1 * HEAD)[:2]:
        for _ in range(10):
            watch.see(look, person(1))
    assert repr(watch) == "PadWatch(2 looks)"
    assert decision(watch) is None


def test_what_would_be_dropped_is_not_wanted() -> None:
    asked = question(3, looks=LOOKS)
    watch = watch_of(asked)
    look = sightings(asked, 0.1 * HEAD)[0]
    assert watch.wants(look.at_s)
    watch.see(look, person(1))
    assert not watch.wants(look.at_s + APART_S * 0.99)
    assert watch.wants(look.at_s + APART_S * 1.01)
    assert not NoWatch().wants(look.at_s)


def test_looks_at_somebody_else_do_not_count() -> None:
    assert told(0.1 * HEAD, looks=14, who=2) is None


def test_nobody_answers_for_the_picture_that_is_compared() -> None:
    asked = question(3, looks=LOOKS)
    watch = watch_of(asked)
    living, picture = sightings(asked, 0.1 * HEAD), sightings(asked, 0.1 * SHEET)
    for number, (one, other) in enumerate(zip(living, picture, strict=True)):
        helper = number % 4 == 0
        watch.see(one if helper else other, person(2 if helper else 1))
    assert decision(watch) is not PadDecision.LIVE


def test_each_comparison_is_told_from_looks_of_its_own() -> None:
    asked = question(3, looks=LOOKS)
    watch = watch_of(asked)
    for look in sightings(asked, 0.1 * HEAD):
        watch.see(look, person(1))
    watch.begin_anew()
    assert decision(watch) is None


def test_without_the_light_no_light_is_asked_for_and_the_rest_decides() -> None:
    watch = PadWatch(CARD, None)
    assert watch.light_due(0.0) is None
    asked = question(3, looks=LOOKS)
    for look in sightings(asked, HEAD, detail=1.0)[:5]:
        watch.see(look, person(1))
    assert decision(watch) is PadDecision.LIVE
    for look in sightings(asked, HEAD, detail=-9.0)[5:]:
        watch.see(look, person(1))
    assert decision(watch) is PadDecision.NOT_LIVE


def test_where_nobody_looks_for_it_it_was_not_done() -> None:
    watch = NoWatch()
    assert watch.light_due(0.0) is None
    assert decision(watch) is PadDecision.NOT_DONE


def test_nothing_of_a_face_is_printed() -> None:
    look = sightings(question(3), HEAD)[0]
    watch = PadWatch(CARD, None)
    watch.see(look, person(1))
    assert repr(watch) == "PadWatch(1 looks)"
    assert "array" not in repr(look)


# --- together with the comparison
def compared(
    answers: NDArray[np.floating], looks: int, who: int = 1, every_s: float = 0.3
) -> Comparison | None:
    """What a looking comes to after so many looks at `who`, whose photo is person 1's."""
    asked = question(3, looks=LOOKS, every_s=every_s)
    comparer = Comparer(NoNetworks(), "vectors", point_at(0.5))
    looking = Looking(UUID(int=7), comparer, watch_of(asked))
    looking.learn_photo(person(1))
    for look in sightings(asked, answers)[:looks]:
        looking.see(Look(Quality(None), person(who)), look.at_s, look)
        decided = looking.compare(look.at_s)
        if decided is not None:
            return decided
    return None


def test_the_right_person_is_told_only_when_known_to_be_alive() -> None:
    assert compared(0.1 * HEAD, looks=6) is None
    decided = compared(0.1 * HEAD, looks=LOOKS)
    assert decided is not None
    assert (decided.decision, decided.pad) == (MatchDecision.SAME_PERSON, PadDecision.LIVE)


def test_a_picture_of_the_right_person_is_not_live() -> None:
    decided = compared(0.1 * SHEET, looks=LOOKS)
    assert decided is not None
    assert (decided.decision, decided.pad) == (MatchDecision.NOT_LIVE, PadDecision.NOT_LIVE)


@pytest.mark.parametrize("answers", [HEAD, SHEET])
@pytest.mark.parametrize("every_s", [0.3, 0.45, 0.6])
def test_a_comparison_has_time_for_the_looks_of_a_slow_board(
    answers: NDArray[np.floating], every_s: float
) -> None:
    in_time = int(Settings(state_dir="", runtime_dir="").look_s / every_s)
    assert compared(0.1 * answers, looks=min(in_time, LOOKS), every_s=every_s) is not None


def test_a_stranger_is_told_without_asking_for_life() -> None:
    decided = compared(0.1 * HEAD, looks=5, who=2)
    assert decided is not None
    assert decided.decision is MatchDecision.NOT_SAME_PERSON
    assert decided.pad is PadDecision.NOT_DONE


@pytest.mark.parametrize("likeness", [RESEMBLES - 0.1, RESEMBLES + 0.05])
@pytest.mark.parametrize("pause_s", [0.0, 3.0, 30.0])
def test_a_living_face_does_not_make_a_picture_alive(likeness: float, pause_s: float) -> None:
    """A picture first, and then somebody who answers the lights: who is compared must be alive."""
    asked = question(3, looks=LOOKS)
    looking = Looking(
        UUID(int=7), Comparer(NoNetworks(), "vectors", point_at(0.5)), watch_of(asked)
    )
    looking.learn_photo(person(1))
    living = sightings(asked, 0.1 * HEAD)
    started_s = living[0].at_s - pause_s - 2.0
    for number in range(5):
        looking.see(Look(Quality(None), person(1)), started_s + number * 0.3)
        assert looking.compare(started_s + number * 0.3) is None
    for look in living:
        looking.see(Look(Quality(None), alike(likeness)), look.at_s, look)
        decided = looking.compare(look.at_s)
        assert decided is None or decided.decision is not MatchDecision.SAME_PERSON
