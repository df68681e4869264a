"""A small sample of the generator's presentations, as the report plays them by the hundred."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from pad_presentations import (
    DEVELOPMENT_SEEDS,
    HELD_OUT_SEEDS,
    SCORED_SEEDS,
    Presented,
    looker,
    present,
)

from firmware.match.compare import Comparer
from firmware.match.pad import decide, most_looks, tries_in_light
from firmware.match.pad_card import PadCard
from firmware.match.pad_light import Lights
from firmware.match.runtime import PAD, OnnxNetworks, models_folder, read_pad_card
from firmware.simulator.portraits import PortraitOf, portraits_of
from firmware.simulator.presentation_species import ATTACKS, LIVING, Species
from firmware.simulator.world import World
from firmware.words import PadDecision

pytestmark = pytest.mark.stack
SEEDS = (3, 4)


@pytest.fixture(scope="module")
def card() -> PadCard:
    return read_pad_card(models_folder() / PAD)


@pytest.fixture(scope="module")
def comparer() -> Comparer:
    networks = OnnxNetworks(models_folder())
    return looker(networks, networks.operating_point)


@pytest.fixture(scope="module")
def portrait_of(build_dir: Path) -> PortraitOf:
    return cache(portraits_of(World(build_dir / "simulation")))


def alive(each: Presented, shown: Lights, card: PadCard) -> bool:
    """Whether it is told to be alive, if these are the lights that were asked for."""
    told = decide(tries_in_light(each.sightings, shown, card), card.with_light)
    return told is not None and told[0] is PadDecision.LIVE


def test_most_living_people_are_alive_and_most_attacks_are_not(
    card: PadCard, comparer: Comparer, portrait_of: PortraitOf
) -> None:
    looks = most_looks(card.with_light)
    told: dict[Species, int] = {}
    for species in Species:
        shows = [present(species, seed, portrait_of, comparer, looks=looks) for seed in SEEDS]
        told[species] = sum(alive(each, each.shown, card) for each in shows)
    living = sum(told[species] for species in LIVING)
    attacks = sum(told[species] for species in ATTACKS)
    # Of so few, three in four: of 150 in the report 95 % are.
    assert living >= 0.75 * len(SEEDS) * len(LIVING), told
    assert attacks <= 0.15 * len(SEEDS) * len(ATTACKS), told


def test_in_the_light_of_another_visit_nobody_is_alive(
    card: PadCard, comparer: Comparer, portrait_of: PortraitOf
) -> None:
    looks = most_looks(card.with_light)
    one, other = (
        present(Species.LIVE_STILL, seed, portrait_of, comparer, looks=looks) for seed in SEEDS
    )
    assert alive(one, one.shown, card)
    assert not alive(one, other.shown, card)


def test_no_seed_of_a_report_was_used_in_development() -> None:
    assert not set(DEVELOPMENT_SEEDS) & {*HELD_OUT_SEEDS, *SCORED_SEEDS}
