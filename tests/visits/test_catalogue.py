"""Every row of the catalogue, played on the real stack: what the table says is what comes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from firmware.panel.texts import read_texts
from firmware.simulator.appliance import Appliance
from firmware.simulator.command import main
from firmware.simulator.expectations import EXPECTED, WAYS, Way, disagreements
from firmware.simulator.expected_table import compared_table
from firmware.simulator.patients import BY_ID, find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Cause, Method, State

pytestmark = pytest.mark.stack

Json = dict[str, Any]


@pytest.fixture(scope="module")
def results(shared: Appliance) -> dict[Way, Json]:
    """One visit for each row: nothing is spent, as every PIN typed is right."""
    return {
        (patient, way): play(shared, Play(find(patient), method=way), lambda _event: None)
        for patient, way in WAYS
    }


def test_every_patient_comes_to_what_the_table_says(
    results: dict[Way, Json], record_property: Callable[[str, object], None]
) -> None:
    record_property("catalogue", compared_table(results))  # printed when the run is over
    assert EXPECTED.keys() == BY_ID.keys()
    assert disagreements(results) == {}


def test_swapped_rows_are_noticed(results: dict[Way, Json]) -> None:
    """A row that fits somebody else's visit says nothing of its own."""
    alike = set()
    for one, other in combinations(WAYS, 2):
        if one[1] is other[1]:
            rows = {one: EXPECTED[other[0]][other[1]], other: EXPECTED[one[0]][one[1]]}
            swapped = {patient: {way: row} for (patient, way), row in rows.items()}
            if not disagreements({one: results[one], other: results[other]}, swapped):
                alike |= {one[0], other[0]}
    assert alike == {
        *("drivers_licence", "transit_card", "blank_card"),  # no card of ours
        *("iphone", "resident_card", "next_generation"),  # one of ours, and not taken
    }


@pytest.mark.parametrize("patient", ["newer_qualification", "certificate_suspended"])
def test_the_command_prints_what_the_table_says(world: World, patient: str) -> None:
    asked = ("visit", "--patient", patient, "--method", "pin", "--world", str(world.root), "--json")
    done = CliRunner().invoke(main, asked)
    result = msgspec.json.decode(done.stdout)
    assert disagreements({(patient, Method.PIN): result}) == {}
    assert done.exit_code == (0 if result["outcome"] == "verified" else 1)


def test_what_is_offered_can_be_declined(fresh: Appliance) -> None:
    """利用登録 is free: nobody is registered who does not want it."""
    scene = Play(find("registration_cancelled"), method=Method.PIN, registers=False)
    for _visit in range(2):  # offered anew: nothing was kept
        states: list[str] = []
        result = play(fresh, scene, lambda event, to=states: to.append(event.get("state", "")))
        assert (result["outcome"], result["cause"]) == ("refused", "registration_declined")
        assert result["evidence"] is None
        assert result["fallback"][0]["id"] == "register_later"
        assert State.OFFERING_REGISTRATION in states


def test_a_protected_person_is_refused_as_any_card_may_be(results: dict[Way, Json]) -> None:
    """Nothing that a companion hears or sees tells why; what the desk gets holds no address."""
    for texts in read_texts().values():
        assert texts.causes[Cause.USE_RESTRICTED] == texts.causes[Cause.CERTIFICATE_UNTRUSTED]
    protected = results["dv_protected", Method.PIN]
    address = find("dv_protected").person.address
    assert address not in str(protected)
    assert protected["patient_text"] == results["certificate_missing", Method.PIN]["patient_text"]


def test_a_withheld_address_is_nowhere_in_the_result(results: dict[Way, Json]) -> None:
    assert find("address_withheld").person.address not in str(
        results["address_withheld", Method.PIN]
    )
    assert find("valid").person.address in str(results["valid", Method.PIN])


def test_whoever_is_not_simply_insured_is_told_of_at_the_desk(results: dict[Way, Json]) -> None:
    plain = results["valid", Method.PIN]["staff_text"]
    told = {
        results[patient, Method.PIN]["staff_text"].removeprefix(plain)
        for patient in (
            *("qualification_lost", "newer_qualification"),
            *("several_qualifications", "no_qualification"),
        )
    }
    assert len(told) == 4
    assert "" not in told
