"""What a person typed while a trace was recorded, as far as it tells. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from firmware.card.apdu import INS_VERIFY, ResponseApdu
from firmware.card.collation import number_b
from firmware.card.files import Aid, Key
from firmware.testbench.following import Heard, followed
from firmware.testbench.trace import Trace

# Nobody's, of the right length: a masked trace knows no more of the true ones.
STAND_IN_NUMBER: Final = number_b(dt.date(1980, 1, 1), 2030, "0000").encode()
STAND_IN_PIN: Final = b"0000"


@dataclass(frozen=True, slots=True, repr=False)
class Digits:
    """What the patient knows; each is presented once at most."""

    number: bytes | None = None
    """照合番号B; without it no face is read."""
    pin: bytes | None = None

    def __repr__(self) -> str:
        return "Digits(…)"


def digits_of(trace: Trace) -> Digits:
    """What the patient typed then; in its place, where the trace does not tell, other digits.

    It does not tell what it hides, and what was never presented because too few tries were left.
    """
    heard = (
        Heard(each.at_ms, each.command, ResponseApdu.decode(each.response.content), each.fresh)
        for each in trace.exchanges
    )
    typed: dict[tuple[Aid | None, int | None], bytes] = {}
    for said, command, place in followed(heard):
        if command is not None and command.ins == INS_VERIFY:
            told = b"" if said.command.hidden else command.data
            at = (place.aid, place.ef_id)
            typed[at] = typed.get(at) or told
    number, pin = (
        typed.get((key.aid, key.ef_id))
        for key in (Key.COLLATION_NUMBER_B, Key.USER_AUTHENTICATION_PIN)
    )
    return Digits(
        number=number or STAND_IN_NUMBER if number is not None else None,
        pin=pin or STAND_IN_PIN if pin is not None else None,
    )
