"""Whole visits with a phone in the card's place, on the real stack."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method, NoConsentReason, Profile, State
from hostdriver.client import Client

pytestmark = pytest.mark.stack

Json = dict[str, Any]
BY_CARD_ALONE = (Method.FACE, Method.PIN, Method.STAFF)
COURSE = (
    *(State.WAITING_FOR_CARD, State.IDENTIFYING_CARD, State.ASKING_PIN, State.VERIFYING_PIN),
    *(State.IDENTITY_PROVEN, State.ASKING_CONSENT, State.ASKING_QUESTIONS, State.SIGNING),
    State.CONFIRMING,
)
AT_THE_END = {State.TAKE_CARD, State.FORGETTING, State.IDLE}
"""Reception has its result then, and need not wait for these to be told."""


def on(appliance: Appliance, patient: str = "phone", **choices: Any) -> tuple[Json, list[str]]:
    """The result, and the states up to it that reception was told of, each once."""
    states: dict[str, None] = {}

    def tell(event: Json) -> None:
        if event["event"] == "progress" and event["state"] not in AT_THE_END:
            states.setdefault(event["state"])

    return play(appliance, Play(find(patient), **choices), tell), list(states)


def verifies_sent(appliance: Appliance, patient: str) -> int:
    appliance.card_reader.insert(patient)
    try:
        return appliance.card_reader.status().verifies_sent
    finally:
        appliance.card_reader.remove()


def test_the_pin_comes_first_and_nobody_looks_at_a_face(shared: Appliance) -> None:
    result, states = on(shared)
    assert (result["outcome"], result["method"]) == ("verified", "phone")
    assert tuple(states) == COURSE
    payload = result["evidence"]["statement"].split(".")[1]
    stated = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert (stated["method"], stated["card_kind"]) == ("phone", "phone_android")
    assert (stated["card_signing"], stated["comparison"]["decision"]) == ("pin", "not_done")
    assert stated["photo_authenticity"] == "not_done"


def test_no_consent_is_asked_of_a_phone_that_has_ended(shared: Appliance) -> None:
    """What a card in its months of grace may still do, a phone may not."""
    result, states = on(shared, "phone_expired")
    assert (result["outcome"], result["cause"]) == ("refused", "phone_certificate_expired")
    assert states[-1] == State.IDENTITY_PROVEN
    assert result["evidence"] is None


def test_wrong_pins_lock_the_phone_after_a_warning_and_it_is_not_asked_again(
    fresh: Appliance,
) -> None:
    courses = [on(fresh, pin="9999") for _visit in range(4)]
    causes = [result["cause"] for result, _ in courses]
    assert causes == ["cancelled_by_patient", "cancelled_by_patient", *["phone_pin_blocked"] * 2]
    warned = [State.WARNING_LAST_TRY in states for _, states in courses]
    assert warned == [False, True, True, False]
    assert courses[-1][0]["fallback"][0]["id"] == "use_card"
    assert verifies_sent(fresh, "phone") == 3


def test_a_phone_is_refused_where_the_settings_take_none(world: World) -> None:
    """Where none is taken, it is refused by its label, and no secret is spent on it."""
    with Appliance(world, methods=BY_CARD_ALONE) as appliance:
        with Client(appliance.addresses.socket, "reception") as client:
            (reader,) = client.call("reader.list")["readers"]
        assert reader["device"]["methods"] == list(BY_CARD_ALONE)
        result, states = on(appliance)
        assert (result["outcome"], result["cause"]) == ("refused", "card_not_supported")
        assert (result["card_kind"], result["fallback"][0]["id"]) == ("phone_android", "use_card")
        assert State.ASKING_PIN not in states
        assert verifies_sent(appliance, "phone") == 0


def test_nobody_answers_for_the_holder_of_a_phone(shared: Appliance) -> None:
    """Without a photo there is nothing for the staff to look at."""
    emergency = {"profile": Profile.EMERGENCY, "reason": NoConsentReason.UNCONSCIOUS}
    result, _ = on(shared, **emergency)
    assert (result["outcome"], result["cause"]) == ("refused", "card_not_supported")


def test_an_iphone_is_refused_whatever_the_settings(shared: Appliance) -> None:
    result, _ = on(shared, "iphone")
    assert (result["cause"], result["card_kind"]) == ("card_not_supported", "phone_ios")
    assert verifies_sent(shared, "iphone") == 0
