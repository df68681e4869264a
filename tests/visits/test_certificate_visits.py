"""Whole visits that the holder is told something of: the certificate's expiry, the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import dropwhile
from typing import Any

import pytest

from firmware.panel.texts import read_texts
from firmware.panel.touch import Touch
from firmware.panel.view import InUse, PanelView
from firmware.simulator.appliance import Appliance
from firmware.simulator.cable import GOOD
from firmware.simulator.patient import BEFORE_AND_AFTER, Panel, over_socket
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import ClockTrust, Language, Method, Profile, State

pytestmark = pytest.mark.stack

Json = dict[str, Any]
NOTICES = read_texts()[Language.EN].notices
UNCONCERNED = {None, NOTICES["phone_too"]}
"""What may stand there for a holder of whom nothing is to be said."""


class Watched:
    """The panel, with somebody who looks over the patient's shoulder and touches nothing."""

    def __init__(self, panel: Panel, pictures: list[PanelView]) -> None:
        self._panel, self._pictures = panel, pictures

    async def views(self) -> AsyncIterator[PanelView | InUse]:
        async for view in self._panel.views():
            if isinstance(view, PanelView):
                self._pictures.append(view)
            yield view

    async def touch(self, touch: Touch) -> None:
        await self._panel.touch(touch)


def seen(appliance: Appliance, patient: str, **choices: Any) -> tuple[Json, list[PanelView]]:
    """The result, and every picture of the visit as the patient saw it."""
    pictures: list[PanelView] = []
    scene = Play(find(patient), method=Method.PIN, language=Language.EN, **choices)

    @asynccontextmanager
    async def watched(address: str) -> AsyncIterator[Panel]:
        async with over_socket(address) as panel:
            yield Watched(panel, pictures)

    result = play(appliance, scene, lambda _event: None, watched)
    in_visit = dropwhile(lambda picture: picture.state in BEFORE_AND_AFTER, pictures)
    return result, [picture for picture in in_visit if picture.state is not State.IDLE]


def noticed(pictures: list[PanelView], key: str) -> set[State]:
    """Where a notice stood."""
    return {picture.state for picture in pictures if picture.notice == NOTICES[key]}


def answers(result: Json) -> set[str]:
    return {consent["answer"] for consent in result["consents"]}


def test_who_must_renew_soon_is_told_and_asked_everything(shared: Appliance) -> None:
    result, pictures = seen(shared, "certificate_expiring")
    assert (result["outcome"], result["certificate_warning"]) == ("verified", "expires_soon")
    assert answers(result) == {"granted"}
    told = noticed(pictures, "certificate_expires_soon")
    assert told >= {State.ASKING_CONSENT, State.ASKING_QUESTIONS, pictures[-1].state}
    assert result["eligibility"]["ProcessingResultMessage"]


def test_in_grace_there_is_eligibility_and_no_consent_is_asked(shared: Appliance) -> None:
    result, pictures = seen(shared, "certificate_in_grace")
    assert (result["outcome"], result["certificate_warning"]) == ("verified", "in_grace")
    assert result["eligibility"]["validity"] == "valid"
    assert answers(result) == {"not_asked"}
    assert State.ASKING_CONSENT not in {picture.state for picture in pictures}
    assert noticed(pictures, "certificate_in_grace") >= {
        State.ASKING_QUESTIONS,
        pictures[-1].state,
    }


@pytest.mark.parametrize(
    ("patient", "key"),
    [
        ("certificate_expiring", "certificate_expires_soon"),
        ("certificate_in_grace", "certificate_in_grace"),
    ],
)
def test_where_nothing_is_asked_the_holder_is_told_at_the_end(
    shared: Appliance, patient: str, key: str
) -> None:
    result, pictures = seen(shared, patient, profile=Profile.TREATMENT_PARLOUR)
    assert result["outcome"] == "verified"
    assert pictures[-1].state in noticed(pictures, key) <= {State.TAKE_CARD, State.FORGETTING}


def test_after_grace_the_card_is_refused(shared: Appliance) -> None:
    result, pictures = seen(shared, "certificate_expired")
    assert (result["outcome"], result["cause"]) == ("refused", "certificate_expired")
    assert result["eligibility"] is None
    assert result["certificate_warning"] is None
    assert {picture.notice for picture in pictures} <= UNCONCERNED


def test_a_good_certificate_is_not_spoken_of(shared: Appliance) -> None:
    result, pictures = seen(shared, "valid")
    assert (result["certificate_warning"], result["clock_trust"]) == (None, "ntp")
    assert {picture.notice for picture in pictures} <= UNCONCERNED


def test_without_a_clock_nothing_is_asked_and_everybody_learns_why(world: World) -> None:
    with Appliance(world, clock_trust=ClockTrust.NONE) as appliance:
        result, pictures = seen(appliance, "valid")
    assert (result["outcome"], result["clock_trust"]) == ("verified", "none")
    assert answers(result) == {"not_asked"}
    assert State.ASKING_CONSENT not in {picture.state for picture in pictures}
    assert noticed(pictures, "clock_forbids_consent") >= {
        State.ASKING_QUESTIONS,
        pictures[-1].state,
    }
    assert "時計" in result["staff_text"]


def test_over_a_cable_the_hosts_time_takes_the_missing_clocks_place(world: World) -> None:
    with Appliance(world, clock_trust=ClockTrust.NONE, cable=GOOD, time_scale=3.0) as appliance:
        result, pictures = seen(appliance, "valid")
    assert (result["outcome"], result["clock_trust"]) == ("verified", "host")
    assert State.ASKING_CONSENT in {picture.state for picture in pictures}
