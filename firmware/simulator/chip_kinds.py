"""What the chips that carry JPKI have in common, and where they differ: one row per kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from firmware.card.files import (
    FIRST_GENERATION,
    NEXT_GENERATION,
    USER_AUTHENTICATION_CERTIFICATE,
    Aid,
    CardProfile,
    Ef,
    Key,
)
from firmware.words import CardKind


@dataclass(frozen=True, slots=True)
class ChipKind:
    """One kind of token. `opened_by` names files that want another key than on the plain card."""

    label: str
    atr: bytes
    applications: frozenset[Aid]
    opened_by: Mapping[Ef, tuple[Key, ...]] = field(default_factory=dict)
    profile: CardProfile = FIRST_GENERATION


CHIP_KINDS: Final = {
    # Contactless Type B as a reader reports it: 106 to 424 kbit/s, 256-byte frames; seen on a card.
    CardKind.MY_NUMBER_CARD: ChipKind(
        "JPKIAPICCTOKEN2",
        bytes.fromhex("3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F"),
        frozenset(Aid),
    ),
    # Seen on a 住基カード. Its own applications are out of bounds here.
    CardKind.RESIDENT_CARD: ChipKind(
        "JPKIAPICCTOKEN",
        bytes.fromhex("3B 88 80 01 00 00 14 E0 B3 81 91 00 5E"),
        frozenset({Aid.JPKI}),
    ),
    # Assumed: the radio of today's card. Its two applications are 認証AP and 券面等AP.
    CardKind.NEXT_GENERATION: ChipKind(
        "JPKIAPICCTOKEN3",
        bytes.fromhex("3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F"),
        frozenset({Aid.JPKI, Aid.CARD_FACE}),
        profile=NEXT_GENERATION,
    ),
    # Assumed: Type A without historical bytes. The certificate wants the PIN first (A).
    CardKind.PHONE_ANDROID: ChipKind(
        "JPKIAPGPSETOKEN",
        bytes.fromhex("3B 80 80 01 01"),
        frozenset({Aid.JPKI}),
        {USER_AUTHENTICATION_CERTIFICATE: (Key.USER_AUTHENTICATION_PIN,)},
    ),
    # Only the label is told of it (B); the rest is assumed to be as above, and nobody goes further.
    CardKind.PHONE_IOS: ChipKind(
        "JPKIAPIOSTOKEN",
        bytes.fromhex("3B 80 80 01 01"),
        frozenset({Aid.JPKI}),
        {USER_AUTHENTICATION_CERTIFICATE: (Key.USER_AUTHENTICATION_PIN,)},
    ),
}
