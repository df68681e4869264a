"""A visit on an appliance that asks if the face is alive, on the real stack."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.presentation_species import Species
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method, Outcome, PadDecision

pytestmark = pytest.mark.stack

VISITS_AT_MOST = 3


@pytest.fixture(scope="module")
def watchful(world: World) -> Iterator[Appliance]:
    """Its limits are stretched: a busy machine is slow to draw the light on a face."""
    with Appliance(world, time_scale=4.0, liveness=True) as appliance:
        yield appliance


def stated(result: dict[str, Any]) -> dict[str, Any]:
    payload = result["evidence"]["statement"].split(".")[1]
    statement: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return statement


def test_a_living_face_is_stated_as_alive(watchful: Appliance) -> None:
    """Chance decides the lights, and load how many are seen: whoever was not taken for alive types
    the PIN and comes again. No face counts that was not found alive."""
    methods = []
    for _ in range(VISITS_AT_MOST):
        result = play(watchful, Play(find("valid")), lambda _event: None)
        assert result["outcome"] == Outcome.VERIFIED
        methods.append(result["method"])
        if result["method"] == Method.FACE:
            break
    assert methods[-1] == Method.FACE, methods
    assert stated(result)["pad"] == PadDecision.LIVE


@pytest.mark.parametrize("species", [Species.PRINT, Species.PHONE_PHOTO])
def test_a_picture_of_the_holder_is_never_a_face(watchful: Appliance, species: Species) -> None:
    """Whatever load leaves of the looks: who holds it has to know the PIN."""
    result = play(watchful, Play(find("valid"), presented=(species, 5)), lambda _event: None)
    assert (result["outcome"], result["method"]) == (Outcome.VERIFIED, Method.PIN)
    assert stated(result).get("pad") != PadDecision.LIVE
