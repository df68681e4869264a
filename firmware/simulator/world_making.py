"""Making the simulated world at set-up: authorities, the virtual reader's driver, everybody's card.

Each step finds what is done already and leaves it: a second call costs a fraction of a second.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.card.files import PROFILES
from firmware.simulator import (
    card_algorithms,
    card_certificates,
    card_contents,
    card_pictures,
    card_verifiable,
    chip_kinds,
)
from firmware.simulator.authorities import CA_NAMES, Authorities, Role, public_pem
from firmware.simulator.card import VirtualCard
from firmware.simulator.card_image import load, save, stored_recipe
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.chip_kinds import CHIP_KINDS
from firmware.simulator.other_cards import other_card
from firmware.simulator.patients import PATIENTS
from firmware.simulator.people import Patient, as_of, card_facts
from firmware.simulator.slot import Card
from firmware.simulator.vpcd_driver import unpack_driver
from firmware.simulator.world import World, read_prepared

Progress = Callable[[str], None]
# A card is made again when its patient, its photo, its authorities or one of these changes.
MAKERS: Final = (
    *(card_algorithms, card_certificates, card_contents, card_pictures, card_verifiable),
    chip_kinds,
)


def make_world(build_dir: Path, today: dt.date, progress: Progress = lambda line: None) -> None:
    """Make what is missing under `build_dir` (usually build/simulation), as of a day in Japan.

    The portraits must lie there already; the driver comes from Debian's archive. Raises
    SimulationNotPrepared with what to run.
    """
    world = World(build_dir)
    progress("test authorities")
    for profile in PROFILES:
        Authorities(world.authorities, profile).make()
    progress("driver of the virtual reader")
    unpack_driver(world.driver)
    make_cards(world, today, progress)


def make_cards(world: World, today: dt.date, progress: Progress = lambda line: None) -> None:
    """Personalise a card for every virtual patient who has one."""
    for patient in PATIENTS:
        if patient.card is not None:
            progress(f"card of {patient.id}")
            ensure_image(as_of(patient, today), world)


def ensure_image(patient: Patient, world: World) -> None:
    """Make the patient's card, with new keys, unless the one on disk is still right."""
    folder = world.cards / patient.id
    recipe = recipe_of(patient, world)
    if stored_recipe(folder) != recipe:
        save(card_contents.make_image(patient, world), recipe, folder)


def recipe_of(patient: Patient, world: World) -> str:
    """A digest of everything that a card is made from, except the fresh keys in it."""
    authorities = Authorities(world.authorities, CHIP_KINDS[patient.kind].profile)
    digest = hashlib.sha256()
    digest.update(msgspec.json.encode((patient.id, patient.kind, patient.person, patient.card)))
    for role in Role:
        digest.update(public_pem(authorities.key(role).public_key()))
    for role in CA_NAMES:
        digest.update(authorities.certificate(role).public_bytes(Encoding.DER))
    if portrait := card_facts(patient).gallery_portrait:
        digest.update(hashlib.sha256(read_prepared(world.portrait(portrait))).digest())
    for maker in MAKERS:
        digest.update(hashlib.sha256(read_prepared(Path(str(maker.__file__)))).digest())
    return digest.hexdigest()


def card_of(patient: Patient, world: World, options: CardOptions = AS_USUAL) -> Card:
    """What this patient puts on the reader, as set-up made it, with a fresh card's state."""
    if patient.card is None:
        return other_card(patient.id)
    return VirtualCard(load(world.cards / patient.id), CHIP_KINDS[patient.kind], options)
