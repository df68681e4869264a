"""Whole visits of the scripted patient: the real table, server and socket; only card and gateway
are small."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from panel_house import REQUEST, House, World, opened

from firmware.faults import PanelUnavailable
from firmware.simulator.patient import PatientScript, ScriptedPatient, over_socket
from firmware.transaction import events as e
from firmware.transaction.visit import Ending, Visit
from firmware.words import (
    Cause,
    ConsentAnswer,
    ConsentItem,
    Language,
    Method,
    Outcome,
    PanelLight,
    Question,
    State,
)

VERIFIED = Ending(Outcome.VERIFIED)


async def visited(
    folder: Path, script: PatientScript, world: World | None = None, looks: int = 1
) -> tuple[Visit, ScriptedPatient, House]:
    """One visit from the start to the card's removal."""
    async with opened(folder, world) as (house, address):

        async def live_through(state: State) -> bool:
            if state is State.TAKE_CARD:
                house.post(e.CardRemoved())
            return True

        patient = ScriptedPatient(over_socket(address), script, live_through)
        sitting = asyncio.create_task(patient.run())
        await asyncio.wait_for(patient.seated.wait(), 5)
        house.post(e.Started(replace(REQUEST, looks=looks)))
        house.post(e.CardPlaced())
        await asyncio.wait_for(sitting, 60)
        assert house.ended is not None
        return house.ended, patient, house


async def test_a_willing_adult_shows_the_face(tmp_path: Path) -> None:
    visit, patient, house = await visited(tmp_path, PatientScript())
    assert visit.ending == VERIFIED
    assert visit.method is Method.FACE
    assert {r.answer for r in visit.consents} == {ConsentAnswer.GRANTED}
    assert dict(visit.answers)[Question.PRESCRIPTION_FORM] == "electronic"
    assert State.ASKING_PIN not in patient.saw
    assert patient.saw[-2:] == [State.TAKE_CARD, State.FORGETTING]
    assert house.ignored == []


async def test_whoever_stands_before_the_page_stands_in_its_light(tmp_path: Path) -> None:
    lights: list[PanelLight] = []
    async with opened(tmp_path, World(face_starts=False)) as (house, address):

        async def live_through(state: State) -> bool:
            if state is State.CHOOSING_METHOD:
                house.panel.show_light(PanelLight.BLUE)
            if state is State.TAKE_CARD:
                house.post(e.CardRemoved())
            return True

        def shone_on(light: PanelLight) -> None:
            lights.append(light)
            if light is PanelLight.BLUE:
                house.post(e.FaceStartsByItself(house.visit.entry))

        panel = over_socket(address)
        patient = ScriptedPatient(panel, PatientScript(), live_through, shone_on)
        sitting = asyncio.create_task(patient.run())
        await asyncio.wait_for(patient.seated.wait(), 30)
        house.post(e.Started(REQUEST))
        house.post(e.CardPlaced())
        await asyncio.wait_for(sitting, 60)
    assert lights == [PanelLight.BLUE, PanelLight.OFF]


async def test_another_face_types_the_pin(tmp_path: Path) -> None:
    visit, patient, _ = await visited(tmp_path, PatientScript(), World(same_person=False))
    assert (visit.ending, visit.method) == (VERIFIED, Method.PIN)
    assert patient.saw.index(State.COMPARING_FACES) < patient.saw.index(State.ASKING_PIN)


async def test_the_pin_from_the_start(tmp_path: Path) -> None:
    visit, _, _ = await visited(
        tmp_path,
        PatientScript(method=Method.PIN, pin="0907"),
        World(pin=b"0907", face_starts=False),
    )
    assert (visit.ending, visit.method) == (VERIFIED, Method.PIN)


async def test_one_wrong_pin_is_enough(tmp_path: Path) -> None:
    script = PatientScript(method=Method.PIN, pin="0000")
    visit, _, house = await visited(tmp_path, script, World(face_starts=False))
    assert visit.ending == Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT)
    assert house.world.pin_tries == 2


STUBBORN = PatientScript(method=Method.PIN, pin="0000", pin_tries=3, confirms_last_try=True)


async def test_the_last_try_is_only_risked_on_purpose(tmp_path: Path) -> None:
    careful = replace(STUBBORN, confirms_last_try=False)
    visit, patient, house = await visited(tmp_path, careful, World(face_starts=False))
    assert State.WARNING_LAST_TRY in patient.saw
    assert house.world.pin_tries == 1
    assert visit.ending == Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT)


async def test_whoever_locked_the_pin_can_still_show_the_face(tmp_path: Path) -> None:
    visit, patient, house = await visited(tmp_path, STUBBORN, World(face_starts=False))
    assert house.world.pin_tries == 0
    assert (visit.ending, visit.method) == (VERIFIED, Method.FACE)
    assert patient.saw.index(State.WARNING_LAST_TRY) < patient.saw.index(State.COMPARING_FACES)


async def test_a_locked_pin_is_the_end_where_the_face_is_another(tmp_path: Path) -> None:
    stranger = World(face_starts=False, same_person=False)
    visit, patient, _ = await visited(tmp_path, STUBBORN, stranger)
    assert State.COMPARING_FACES in patient.saw
    assert visit.ending == Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT)


async def test_the_staff_are_called(tmp_path: Path) -> None:
    script = PatientScript(method=Method.STAFF, staff_passcode="9876")
    visit, _, _ = await visited(tmp_path, script, World(face_starts=False))
    assert (visit.ending, visit.method) == (VERIFIED, Method.STAFF)


async def test_a_wrong_passcode_is_not_tried_again(tmp_path: Path) -> None:
    script = PatientScript(method=Method.STAFF, staff_passcode="0000")
    visit, _, _ = await visited(tmp_path, script, World(face_starts=False))
    assert visit.staff_refusals == 1
    assert visit.ending == Ending(Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT)


async def test_the_printed_number_is_keyed(tmp_path: Path) -> None:
    script = PatientScript(printed_number="55021720352285")
    visit, patient, _ = await visited(tmp_path, script, World(print_readable=False))
    assert State.KEYING_PRINT in patient.saw
    assert (visit.ending, visit.method) == (VERIFIED, Method.FACE)


async def test_without_the_printed_number_there_is_the_pin(tmp_path: Path) -> None:
    visit, _, _ = await visited(tmp_path, PatientScript(), World(print_readable=False))
    assert (visit.ending, visit.method) == (VERIFIED, Method.PIN)


@pytest.mark.parametrize("accepts", [True, False])
async def test_registration_is_a_choice(tmp_path: Path, accepts: bool) -> None:
    script = PatientScript(register=accepts)
    visit, patient, _ = await visited(tmp_path, script, World(registered=False))
    assert (State.REGISTERING in patient.saw) is accepts
    declined = Ending(Outcome.REFUSED, Cause.REGISTRATION_DECLINED)
    assert visit.ending == (VERIFIED if accepts else declined)


async def test_consent_item_by_item(tmp_path: Path) -> None:
    script = PatientScript(consent=(ConsentItem.OPERATION,), answers=("paper", "do_not_use"))
    visit, _, house = await visited(tmp_path, script)
    assert {r.item for r in visit.consents if r.answer is ConsentAnswer.GRANTED} == {
        ConsentItem.OPERATION
    }
    assert len(visit.consents) == len(ConsentItem)
    assert {answer for _, answer in visit.answers} == {"paper", "do_not_use"}
    assert house.ignored == []


async def test_refusing_blocks_nothing(tmp_path: Path) -> None:
    visit, _, _ = await visited(tmp_path, PatientScript(consent="none"))
    assert visit.ending == VERIFIED
    assert {r.answer for r in visit.consents} == {ConsentAnswer.REFUSED}


async def test_a_language_is_chosen_and_kept(tmp_path: Path) -> None:
    visit, patient, _ = await visited(tmp_path, PatientScript(language=Language.EN))
    assert visit.language is Language.EN
    assert patient.language is Language.EN


async def test_no_panel_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, address):
        gone = address

    async def stay(_state: State) -> bool:
        return True

    with pytest.raises(PanelUnavailable):
        await ScriptedPatient(over_socket(gone), PatientScript(), stay).run()


async def test_a_patient_who_stops_taking_part_touches_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (house, address):

        async def until_consent(state: State) -> bool:
            if state is State.ASKING_CONSENT:
                house.post(e.CardRemoved())
            return state is not State.ASKING_CONSENT

        patient = ScriptedPatient(over_socket(address), PatientScript(), until_consent)
        sitting = asyncio.create_task(patient.run())
        await asyncio.wait_for(patient.seated.wait(), 5)
        house.post(e.Started(REQUEST))
        house.post(e.CardPlaced())
        await asyncio.wait_for(sitting, 60)
        assert house.ended is not None
        assert house.ended.ending == Ending(Outcome.FAILED, Cause.CARD_REMOVED)
        assert house.ended.consents == ()


def test_a_script_prints_no_secret() -> None:
    script = PatientScript(pin="4670", staff_passcode="9876", printed_number="55021720352285")
    assert not any(secret in repr(script) for secret in ("4670", "9876", "55021720352285"))
