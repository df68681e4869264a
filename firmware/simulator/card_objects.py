"""What GET DATA answers before any application is selected: the objects whose meaning is known.

One source lists eight tags; of the others (0042, 0066, 00F7, 00F8, 7F21) only the existence is
known, and this card has none of them. *Assumed*: the bare value comes, without tag and length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from firmware.card.files import CARD_SERIAL
from firmware.simulator.card_atr import ATRS, Atr
from firmware.simulator.card_image import CardImage

_HEADER, _SERIAL, _MUNICIPALITY = 2, 15, 5  # bytes of record 1 of 共通AP; the expiry ends it


def _card_id(image: CardImage) -> bytes:
    return image.files[CARD_SERIAL][_HEADER : _HEADER + _SERIAL]


def _municipality(image: CardImage) -> bytes:
    return image.files[CARD_SERIAL][_HEADER + _SERIAL :][:_MUNICIPALITY]


def _expiry(image: CardImage) -> bytes:
    return image.files[CARD_SERIAL][_HEADER + _SERIAL + _MUNICIPALITY :]


def _contact_atr(_image: CardImage) -> bytes:
    """Over the air as well: the contact interface's, without its first byte."""
    return ATRS[Atr.CONTACT][1:]


_OBJECTS: Final[dict[int, Callable[[CardImage], bytes]]] = {
    0x0045: _card_id,
    0x00F0: _municipality,
    0x00F2: _expiry,
    0x5F51: _contact_atr,
}


def data_object(image: CardImage, tag: int) -> bytes | None:
    """The object's value; None where the card has none, or is none of 共通AP."""
    if tag not in _OBJECTS or CARD_SERIAL not in image.files:
        return None
    return _OBJECTS[tag](image)
