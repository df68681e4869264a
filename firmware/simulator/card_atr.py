"""The answers to reset that these cards give: one row each, by the name that `--option atr=` takes.

Seen on cards, except where a row says otherwise. Nobody may know a card by them: chips of several
makers carry it, and a contactless reader makes up its own.
"""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from operator import xor
from typing import Final

PUPI_BYTES: Final = 4
_CONTACTLESS: Final = bytes.fromhex("88 80 01")  # T=0 and T=1 of PC/SC part 3, eight bytes follow
_FAST: Final = bytes.fromhex("E0 B3 81 A1 00")  # to 424 kbit/s, 256-byte frames, 0.31 s to wait


class Atr(StrEnum):
    """Where and on whose chip the card is read."""

    CONTACTLESS = "contactless"
    CONTACTLESS_GOVERNMENT = "contactless_government"
    CONTACTLESS_106 = "contactless_106"
    CONTACTLESS_LONG_WAIT = "contactless_long_wait"
    CONTACTLESS_PUPI = "contactless_pupi"
    CONTACT = "contact"
    CONTACT_B = "contact_b"
    CONTACT_C = "contact_c"
    CONTACT_D = "contact_d"
    CONTACT_E = "contact_e"


ATRS: Final = {
    name: bytes.fromhex(written)
    for name, written in {
        Atr.CONTACTLESS: "3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F",
        Atr.CONTACTLESS_GOVERNMENT: "3B 88 80 01 00 00 41 E0 B3 81 A1 00 3B",
        Atr.CONTACTLESS_106: "3B 88 80 01 00 4B 51 FF 00 81 D1 00 BC",  # no higher rate
        Atr.CONTACTLESS_LONG_WAIT: "3B 88 80 01 00 4B 51 FF B3 81 D1 00 0F",  # 2.5 s to wait
        Atr.CONTACT: "3B E0 00 FF 81 31 FE 45 14",  # T=1; on old 住基カード too
        Atr.CONTACT_B: "3B DA 13 FF 81 31 FB 46 80 12 39 2F 31 C1 73 C6 01 C0 3B",
        Atr.CONTACT_C: "3B C5 FF 81 31 FB 45 80 73 C6 01 00 00",
        Atr.CONTACT_D: "3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 00 D1 D6",
        Atr.CONTACT_E: "3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 B3 A1 15",
    }.items()
}
"""All but that with a PUPI, which is another one at each power-up."""


def atr_with_pupi(pupi: bytes) -> bytes:
    """What some readers report: the card's random identifier of this power-up among the bytes.

    Assumed: it takes the place of the first four of the application data.
    """
    body = _CONTACTLESS + pupi + _FAST[1:]
    return b"\x3b" + body + bytes((check_byte(body),))


def check_byte(body: bytes) -> int:
    """TCK: the exclusive or of everything after the first byte."""
    return reduce(xor, body, 0)
