"""CardImage: everything that one personalised card holds, and its file on disk.

`card_contents.py` knows what stands in the files; `card.py` plays the image as a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from firmware.card import tlv
from firmware.card.files import (
    CARD_FACE_CHIP_KEY,
    CARD_SERIAL,
    CARD_TEXT_CHIP_KEY,
    COMMON_CHIP_KEY,
    EFS,
    FIRST_GENERATION,
    PROFILES,
    SIGNATURE_KEY,
    USER_AUTHENTICATION_KEY,
    Aid,
    CardProfile,
    Ef,
    Key,
    SigningKey,
)
from firmware.faults import SimulationNotPrepared
from firmware.simulator.authorities import (
    load_private_key,
    load_public_key,
    private_pem,
    public_pem,
)
from firmware.simulator.card_algorithms import PrivateKey, PublicKey
from firmware.simulator.world import SECRET_MODE, read_prepared, write_whole

IMAGE_FILE: Final = "card.json"
_PROFILES: Final = {profile.name: profile for profile in PROFILES}

_TEXT_KEYS: Final = (Key.TEXT_PIN, Key.TEXT_COLLATION_NUMBER_A, Key.TEXT_COLLATION_NUMBER_B)
_FACE_KEYS: Final = (Key.COLLATION_NUMBER_B, Key.COLLATION_NUMBER_A)
# 住基AP: one record, 16 bytes, of which only the length is known. Assumed: it wants the PIN.
RESIDENT_KEY_REFERENCE: Final = Ef(
    Aid.RESIDENT_REGISTER,
    0x0002,
    "resident register key reference",
    (Key.RESIDENT_REGISTER_PIN,),
    length=16,
)
TEXT_SESSION_KEY: Final = Ef(Aid.CARD_TEXT, 0x0006, "text session key", _TEXT_KEYS)
# Only known to be there (C). Assumed: nothing opens them.
UNKNOWN_EFS: Final = tuple(
    Ef(aid, ef_id, f"unknown {ef_id:04X} of {aid.name}", off_limits=True)
    for aid, ef_ids in (
        (Aid.JPKI, (0x0005, 0x0009, 0x0019, 0x001C, 0x001E)),
        (Aid.CARD_FACE, (0x001C, 0x001E)),
    )
    for ef_id in ef_ids
)
# Files that exist on the card and that no reader of ours has a use for; B.
UNUSED_EFS: Final = (
    Ef(Aid.CARD_FACE, 0x0006, "card face filler", _FACE_KEYS),
    Ef(Aid.CARD_TEXT, 0x0008, "text filler", off_limits=True),
    TEXT_SESSION_KEY,
    RESIDENT_KEY_REFERENCE,
    *UNKNOWN_EFS,
)
RECORD_EFS: Final = frozenset({CARD_SERIAL, RESIDENT_KEY_REFERENCE})  # one record each
ALL_EFS: Final = {ef.name: ef for ef in (*EFS, *UNUSED_EFS)}
SIGNING_KEYS: Final = {
    "user authentication": USER_AUTHENTICATION_KEY,
    "signature": SIGNATURE_KEY,
    "card face chip": CARD_FACE_CHIP_KEY,
    "text chip": CARD_TEXT_CHIP_KEY,
    "common chip": COMMON_CHIP_KEY,
}


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """What VERIFY is compared with, and the tries that are left on the fresh image."""

    value: bytes
    tries_left: int

    def __repr__(self) -> str:
        return f"Secret({len(self.value)} bytes, {self.tries_left} tries left)"


@dataclass(frozen=True, repr=False)
class CardImage:
    """One card as it left the issuer, plus what its holder did to the retry counters."""

    patient_id: str
    files: Mapping[Ef, bytes]
    secrets: Mapping[Key, Secret]
    private_keys: Mapping[SigningKey, PrivateKey]
    terminal_root: PublicKey
    profile: CardProfile = FIRST_GENERATION

    def content(self, ef: Ef) -> bytes:
        """A file of one object without the FF that pad it; empty if it was never written."""
        whole = self.files[ef]
        if whole.startswith(b"\xff\xff"):
            return b""
        return whole[: tlv.read_header(whole).total_length]

    def __repr__(self) -> str:
        return f"CardImage({self.patient_id}, {len(self.files)} files)"


class StoredSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `Secret` in the file."""

    value: bytes
    tries_left: int


class StoredImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `CardImage` in the file; `recipe` says what it was made from."""

    recipe: str
    patient_id: str
    profile: str
    files: dict[str, bytes]
    secrets: dict[str, StoredSecret]
    private_keys: dict[str, str]
    terminal_root: str


def save(image: CardImage, recipe: str, folder: Path) -> None:
    """Write the image into a patient's folder, whole or not at all, for its owner alone."""
    stored = StoredImage(
        recipe=recipe,
        patient_id=image.patient_id,
        profile=image.profile.name,
        files={ef.name: content for ef, content in image.files.items()},
        secrets={
            key.name: StoredSecret(secret.value, secret.tries_left)
            for key, secret in image.secrets.items()
        },
        private_keys={
            name: private_pem(image.private_keys[key]).decode()
            for name, key in SIGNING_KEYS.items()
            if key in image.private_keys
        },
        terminal_root=public_pem(image.terminal_root).decode(),
    )
    content = msgspec.json.format(msgspec.json.encode(stored), indent=1)
    write_whole(folder / IMAGE_FILE, content, SECRET_MODE)


def stored_recipe(folder: Path) -> str | None:
    """What the image in that folder was made from; None when there is none that can be read."""
    try:
        return _read(folder).recipe
    except SimulationNotPrepared:
        return None


def load(folder: Path) -> CardImage:
    """The image in a patient's folder; raises SimulationNotPrepared."""
    stored = _read(folder)
    source = str(folder / IMAGE_FILE)
    profile = _PROFILES[stored.profile]
    return CardImage(
        patient_id=stored.patient_id,
        files={ALL_EFS[name]: content for name, content in stored.files.items()},
        secrets={
            Key[name]: Secret(secret.value, secret.tries_left)
            for name, secret in stored.secrets.items()
        },
        private_keys={
            SIGNING_KEYS[name]: load_private_key(pem.encode(), source, profile)
            for name, pem in stored.private_keys.items()
        },
        terminal_root=load_public_key(stored.terminal_root.encode(), source, profile),
        profile=profile,
    )


def _read(folder: Path) -> StoredImage:
    path = folder / IMAGE_FILE
    try:
        stored = msgspec.json.decode(read_prepared(path), type=StoredImage)
    except msgspec.DecodeError as cause:
        raise SimulationNotPrepared(f"{path} is no card: remove it, run `make setup`") from cause
    if (
        stored.files.keys() <= ALL_EFS.keys()
        and stored.secrets.keys() == set(Key.__members__)
        and stored.private_keys.keys() <= SIGNING_KEYS.keys()
        and stored.profile in _PROFILES
    ):
        return stored
    raise SimulationNotPrepared(f"{path} is of another version: remove it, run `make setup`")
