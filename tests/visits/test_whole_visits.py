"""Whole visits on the real stack: who comes, what they do, what it comes to."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import STRANGERS, find
from firmware.simulator.reception import Tell, hold_visit
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import ConsentItem, Method, Profile, State

pytestmark = pytest.mark.stack

Json = dict[str, Any]
FACE_STATES = (
    State.IDENTIFYING_CARD,
    State.CHOOSING_METHOD,
    State.READING_PRINT,
    State.READING_CARD_FACE,
    State.COMPARING_FACES,
    State.IDENTITY_PROVEN,
    State.ASKING_CONSENT,
    State.ASKING_QUESTIONS,
    State.SIGNING,
)
OTHER_STATES = {
    State.ASKING_PIN: {"method": Method.PIN},
    State.VERIFYING_PIN: {"method": Method.PIN},
    State.WARNING_LAST_TRY: {"patient": "one_try_left", "method": Method.PIN},
    State.WAITING_FOR_STAFF: {"method": Method.STAFF},
    State.CHECKING_STAFF: {"method": Method.STAFF},
    State.OFFERING_REGISTRATION: {"patient": "unregistered"},
    State.REGISTERING: {"patient": "unregistered"},
}


def on(appliance: Appliance, patient: str = "valid", **choices: Any) -> Json:
    return play(appliance, Play(find(patient), **choices), lambda _event: None)


def came_to(result: Json) -> tuple[str, str | None, str | None]:
    return result["outcome"], result["cause"], result["method"]


# --- the three proofs of identity
def test_the_face_is_compared_and_everything_is_granted(shared: Appliance) -> None:
    result = on(shared)
    assert came_to(result) == ("verified", None, "face")
    assert [consent["answer"] for consent in result["consents"]] == ["granted"] * 3
    assert result["eligibility"]["validity"] == "valid"
    assert result["evidence"]["card_signature"] is not None
    assert set(result["timings_ms"]) == {"card_read", "decision", "machine", "total"}


@pytest.mark.parametrize("method", [Method.PIN, Method.STAFF])
def test_pin_and_staff_prove_it_too(shared: Appliance, method: Method) -> None:
    assert came_to(on(shared, method=method)) == ("verified", None, method)


def test_identifiers_reach_reception_untouched(shared: Appliance) -> None:
    (insurance,) = find("valid").insurances
    (qualification,) = on(shared, method=Method.PIN)["eligibility"]["ResultList"]
    assert qualification["InsurerNumber"] == insurance.insurer_number
    assert qualification["InsuredIdentificationNumber"] == insurance.number


# --- somebody else
def test_an_impostor_with_the_right_pin_is_a_visit_by_pin(shared: Appliance) -> None:
    assert came_to(on(shared, live_face="impostor")) == ("verified", None, "pin")


def test_an_impostor_with_a_wrong_pin_costs_exactly_one_try(fresh: Appliance) -> None:
    fresh.card_reader.insert("valid")
    before = fresh.card_reader.status().tries_left["user_authentication_pin"]
    fresh.card_reader.remove()
    result = on(fresh, live_face="impostor", pin="9999")
    assert result["outcome"] != "verified"
    assert result["evidence"] is None
    fresh.card_reader.insert("valid")
    after = fresh.card_reader.status()
    assert after.tries_left["user_authentication_pin"] == before - 1


@pytest.mark.parametrize("face", ["pin_blocked", "no_photo", *STRANGERS])
def test_no_other_face_is_the_holders(shared: Appliance, face: str) -> None:
    assert on(shared, live_face=face)["method"] != "face"


def test_nobody_before_the_camera_is_nobody(world: World) -> None:
    with Appliance(world, time_scale=0.5) as impatient:
        assert came_to(on(impatient, nobody=True)) == ("verified", None, "pin")


# --- PIN tries are the patient's
def test_a_blocked_pin_is_never_verified(fresh: Appliance) -> None:
    def by_pin_alone(address: str, options: Json, tell: Tell) -> Json:
        return hold_visit(address, {**options, "methods": ["pin"]}, tell)

    scene = Play(find("pin_blocked"), method=Method.PIN)
    result = play(fresh, scene, lambda _event: None, reception=by_pin_alone)
    assert came_to(result) == ("refused", "pin_blocked", None)
    assert [way["id"] for way in result["fallback"][:2]] == ["staff_visual_check", "reset_pin"]
    fresh.card_reader.insert("pin_blocked")
    assert fresh.card_reader.status().verifies_sent == 0


def test_a_pin_that_is_locked_in_the_visit_leaves_the_face(fresh: Appliance) -> None:
    states: list[str] = []
    scene = Play(find("one_try_left"), method=Method.PIN, pin="9999")
    result = play(fresh, scene, lambda event: states.append(event.get("state", "")))
    assert came_to(result) == ("verified", None, "face")
    assert states.index("verifying_pin") < states.index("comparing_faces")
    fresh.card_reader.insert("one_try_left")
    assert fresh.card_reader.status().tries_left["user_authentication_pin"] == 0


def test_the_last_try_is_warned_of_and_counts(fresh: Appliance) -> None:
    result = on(fresh, "one_try_left", method=Method.PIN)
    assert came_to(result) == ("verified", None, "pin")


# --- answers
def test_refusing_everything_does_not_block_eligibility(shared: Appliance) -> None:
    result = on(shared, consent="none")
    assert result["outcome"] == "verified"
    assert [consent["answer"] for consent in result["consents"]] == ["refused"] * 3
    assert result["eligibility"]["validity"] == "valid"


def test_one_item_can_be_granted_alone(shared: Appliance) -> None:
    result = on(shared, consent=(ConsentItem.CHECKUP,), method=Method.PIN)
    answers = {consent["item"]: consent["answer"] for consent in result["consents"]}
    assert answers == {"medication": "refused", "operation": "refused", "checkup": "granted"}


def test_a_treatment_parlour_asks_for_no_consent(shared: Appliance) -> None:
    result = on(shared, profile=Profile.TREATMENT_PARLOUR, method=Method.PIN)
    assert result["outcome"] == "verified"
    assert {consent["answer"] for consent in result["consents"]} == {"not_asked"}


# --- the card leaves
@pytest.mark.parametrize("state", FACE_STATES)
def test_a_card_removed_in_the_face_path_fails_the_visit(shared: Appliance, state: State) -> None:
    result = on(shared, remove_card_at=state)
    assert came_to(result)[:2] == ("failed", "card_removed")
    assert result["evidence"] is None
    assert result["fallback"]


@pytest.mark.parametrize("state", OTHER_STATES)
def test_a_card_removed_elsewhere_fails_the_visit(fresh: Appliance, state: State) -> None:
    result = on(fresh, remove_card_at=state, **OTHER_STATES[state])
    assert came_to(result)[:2] == ("failed", "card_removed")
    assert result["evidence"] is None


@pytest.mark.parametrize("state", [State.CONFIRMING, State.TAKE_CARD])
def test_after_the_point_of_no_return_removal_changes_nothing(
    shared: Appliance, state: State
) -> None:
    result = on(shared, remove_card_at=state, method=Method.PIN)
    assert came_to(result) == ("verified", None, "pin")
