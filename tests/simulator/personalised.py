"""Virtual cards for tests: a world in a temporary folder, with drawings instead of portraits."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.files import PROFILES, Aid, Key
from firmware.simulator.authorities import Authorities
from firmware.simulator.card import VirtualCard
from firmware.simulator.card_contents import SIGNATURE_PASSWORD
from firmware.simulator.card_image import CardImage, load
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.chip_kinds import CHIP_KINDS
from firmware.simulator.patients import PATIENTS, find
from firmware.simulator.people import card_facts, collation_number_b
from firmware.simulator.world import World
from firmware.simulator.world_making import ensure_image

PIN = card_facts(find("valid")).pin
NUMBER_B = collation_number_b(find("valid"))
JPKI = Aid.JPKI.value.hex()
CARD_FACE = Aid.CARD_FACE.value.hex()
CARD_TEXT = Aid.CARD_TEXT.value.hex()
COMMON = Aid.COMMON.value.hex()
PASSWORD = SIGNATURE_PASSWORD
_FOLDER = tempfile.TemporaryDirectory(prefix="kazashi-test-")


@cache
def world() -> World:
    """A world with authorities of its own and a drawing for each portrait; nobody's face."""
    made = World(Path(_FOLDER.name))
    for profile in PROFILES:
        Authorities(made.authorities, profile).make()
    made.faces.mkdir(parents=True)
    for patient in PATIENTS:
        if patient.card is not None and (portrait := patient.card.gallery_portrait):
            draw_portrait(made.portrait(portrait))
    return made


def draw_portrait(path: Path) -> None:
    """A grey gradient with an oval: a picture of the right kind, and of nobody."""
    picture = Image.linear_gradient("L").resize((480, 600)).convert("RGB")
    ImageDraw.Draw(picture).ellipse((140, 120, 340, 420), fill=(190, 190, 190))
    picture.save(path)


@cache
def image(patient_id: str) -> CardImage:
    """The patient's card in this world; its five keys are made once in a run."""
    ensure_image(find(patient_id), world())
    return load(world().cards / patient_id)


class Terminal:
    """A card under power, and short forms for what a reader says to it."""

    def __init__(self, patient_id: str = "valid", options: CardOptions = AS_USUAL) -> None:
        self.card = VirtualCard(image(patient_id), CHIP_KINDS[find(patient_id).kind], options)
        self.card.power_on()

    def send(self, command: CommandApdu) -> ResponseApdu:
        """What a script of `firmware.card` is run on."""
        return ResponseApdu.decode(self.card.process(command.encode()))

    def answer(self, command: str) -> bytes:
        """Hex in, the whole answer out."""
        return self.card.process(bytes.fromhex(command))

    def status(self, command: str) -> str:
        """Hex in, the status word out."""
        return self.answer(command)[-2:].hex().upper()

    def select(self, application: str, ef: str | None = None) -> None:
        """An application, and a file in it."""
        assert self.status(f"00A4040C{len(application) // 2:02X}{application}") == "9000"
        if ef is not None:
            assert self.status(f"00A4020C02{ef}") == "9000"

    def verify(self, secret: str) -> str:
        """VERIFY of the selected key; the status word."""
        return self.status(f"00200080{len(secret):02X}{secret.encode().hex()}")

    def sign(self, content: bytes = bytes(51)) -> str:
        """A signature of the selected key over anything; the status word."""
        return self.status(f"802A0080{len(content):02X}{content.hex()}00")

    def tries(self, key: Key) -> int:
        """What the card's own counter says."""
        return self.card.report().tries_left[key.name.lower()]
