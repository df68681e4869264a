"""One simulated visit: reception, patient and card together, on an appliance that is up. [shell]

Reception is the reference client on the local socket, the patient a person before the panel. What
is simulated is outside the product: who comes, with which card, and what they do.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TypeAlias

from firmware.card.apdu import INS_SIGN
from firmware.faults import ControlRefused
from firmware.simulator.appliance import STAFF_PASSCODE, Appliance
from firmware.simulator.installed import InstalledAppliance
from firmware.simulator.patient import (
    Consent,
    OpenPanel,
    PatientScript,
    ScriptedPatient,
    over_socket,
)
from firmware.simulator.patients import live_portrait
from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.people import Patient, collation_number_b
from firmware.simulator.presentation_species import Species, presentation
from firmware.simulator.reception import Json, Reception, Tell, hold_visit
from firmware.simulator.slot import AnyMishap, Pull
from firmware.simulator.system_reader import SystemReader
from firmware.words import Language, Method, NoConsentReason, Profile, State

AnyAppliance: TypeAlias = Appliance | InstalledAppliance
"""One that is started here for the purpose, or the one that is installed on this machine."""


@dataclass(frozen=True, slots=True)
class Play:
    """What happens in one visit."""

    patient: Patient
    live_face: str | None = None
    """Whose face is before the camera; None: the patient's own."""
    nobody: bool = False
    presented: tuple[Species, int] | None = None
    """What is held before the camera in the person's place, and which one of many."""
    method: Method | None = None
    pin: str | None = None
    staff_passcode: str = field(default=STAFF_PASSCODE, repr=False)
    staff_tries: int = 1
    """How often the staff type it before they give up."""
    consent: Consent = "all"
    registers: bool = True
    """Whether the patient takes the offer to register (利用登録)."""
    profile: Profile | None = None
    reason: NoConsentReason | None = None
    """Why nobody can be asked; then the staff come by themselves."""
    language: Language = Language.JA
    remove_card_at: State | None = None
    card_stays_home: bool = False
    mishap: AnyMishap | None = None
    """Befalls the card on the reader (`slot.py`)."""


def play(
    appliance: AnyAppliance,
    scene: Play,
    tell: Tell,
    open_panel: OpenPanel = over_socket,
    reception: Reception = hold_visit,
) -> Json:
    """Play a visit to its end; `tell` hears every event. Returns the result as reception got it."""
    card_id = scene.patient.id
    tray = card_id if scene.patient.card is not None else None
    live = None if scene.nobody else scene.live_face or card_id
    if scene.presented is not None and live is not None:
        appliance.present(presentation(*scene.presented, live_portrait(live)), tray=tray)
    else:
        appliance.show(live=live, tray=tray)
    return asyncio.run(_play(appliance, scene, tell, open_panel, reception))


async def _play(
    appliance: AnyAppliance, scene: Play, tell: Tell, open_panel: OpenPanel, reception: Reception
) -> Json:
    reader = appliance.card_reader

    async def live_through(state: State) -> bool:
        """What the patient's hands do with the card; False when they touch nothing more."""
        if state is scene.remove_card_at or state is State.TAKE_CARD:
            await asyncio.to_thread(take_away, reader)
            return False
        if state is State.IDENTITY_PROVEN and scene.remove_card_at is State.SIGNING:
            # Signing is over sooner than a hand can move: the card leaves instead of answering.
            await asyncio.to_thread(reader.arrange, Pull(after=0, ins=INS_SIGN))
        return True

    patient = ScriptedPatient(
        open_panel(appliance.addresses.panel), script_of(scene), live_through, appliance.shine
    )
    sitting = asyncio.create_task(patient.run())
    try:
        await patient.seated.wait()
        result = await asyncio.to_thread(_at_the_desk, appliance, scene, tell, reception)
        await asyncio.to_thread(take_away, reader)
        await sitting
    finally:
        sitting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sitting
    return result


def _at_the_desk(appliance: AnyAppliance, scene: Play, tell: Tell, reception: Reception) -> Json:
    options: Json = {"language": scene.language}
    if scene.profile is not None:
        options["profile"] = scene.profile
    if scene.reason is not None:
        options["reason"] = scene.reason

    def hear(event: Json) -> None:
        tell(event)
        if event.get("state") == State.WAITING_FOR_CARD and not scene.card_stays_home:
            appliance.card_reader.insert(scene.patient.id)
            if scene.mishap is not None:
                appliance.card_reader.arrange(scene.mishap)

    return reception(appliance.addresses.socket, options, hear)


def take_away(reader: PcscService | SystemReader) -> None:
    """Take the card; off a reader that has gone, it has gone as well."""
    with contextlib.suppress(ControlRefused):
        reader.remove()


def script_of(scene: Play) -> PatientScript:
    """What this patient knows and wants."""
    card = scene.patient.card
    right_pin = card.pin if card is not None else "0000"
    return PatientScript(
        method=scene.method,
        pin=scene.pin or right_pin,
        confirms_last_try=True,
        consent=scene.consent,
        register=scene.registers,
        staff_passcode=scene.staff_passcode,
        staff_tries=scene.staff_tries,
        printed_number=collation_number_b(scene.patient) if card is not None else None,
        language=scene.language,
    )
