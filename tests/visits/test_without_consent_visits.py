"""Emergency and disaster on the real stack: who answers, what is recorded, what is refused."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from firmware.simulator.appliance import STAFF_ID, Appliance
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.words import NoConsentReason, Profile, State

pytestmark = pytest.mark.stack

Json = dict[str, Any]
UNCONSCIOUS = {"profile": Profile.EMERGENCY, "reason": NoConsentReason.UNCONSCIOUS}


def visit(appliance: Appliance, patient: str = "valid", **choices: Any) -> tuple[Json, list[str]]:
    """The result, and every state that reception heard of."""
    states: list[str] = []
    result = play(
        appliance,
        Play(find(patient), **choices),
        lambda event: states.append(event.get("state", "")),
    )
    return result, states


@pytest.mark.parametrize("profile", [Profile.EMERGENCY, Profile.DISASTER])
def test_the_staff_answer_for_a_patient_who_cannot(shared: Appliance, profile: Profile) -> None:
    result, states = visit(shared, profile=profile, reason=NoConsentReason.UNCONSCIOUS)
    assert (result["outcome"], result["cause"], result["method"]) == ("verified", None, "staff")
    assert {State.WAITING_FOR_STAFF, State.CHECKING_STAFF} <= set(states)
    assert not {State.CHOOSING_METHOD, State.ASKING_CONSENT, State.ASKING_QUESTIONS} & set(states)
    for consent in result["consents"]:
        assert (consent["answer"], consent["until"]) == ("unobtainable", None)
        assert consent["at"]
    (insurance,) = result["eligibility"]["ResultList"]
    assert insurance["PharmacistsInfoConsFlg"] == "3"
    assert "PharmacistsInfoConsTime" not in insurance
    assert result["answers"] == {}


def test_the_ledger_names_the_reason_and_who_answered(fresh: Appliance) -> None:
    visit(fresh, **UNCONSCIOUS)
    path = fresh.addresses.folder / "host" / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as ledger:
        rows = dict(ledger.execute("SELECT kind, facts FROM rows ORDER BY sequence").fetchall())
    begun, stated = json.loads(rows["visit_begun"]), json.loads(rows["statement"])
    assert (begun["profile"], begun["reason"]) == ("emergency", "unconscious")
    assert (stated["reason"], stated["staff_id"]) == ("unconscious", STAFF_ID)


def test_without_the_passcode_it_never_ends_well(fresh: Appliance) -> None:
    result, states = visit(fresh, staff_passcode="1357", staff_tries=3, **UNCONSCIOUS)
    assert (result["outcome"], result["cause"]) == ("refused", "staff_passcode_wrong")
    assert result["evidence"] is None
    assert State.IDENTITY_PROVEN not in states


def test_nobody_is_registered_who_cannot_choose_it(fresh: Appliance) -> None:
    result, states = visit(fresh, "unregistered", **UNCONSCIOUS)
    assert (result["outcome"], result["cause"]) == ("refused", "registration_declined")
    assert State.OFFERING_REGISTRATION not in states
