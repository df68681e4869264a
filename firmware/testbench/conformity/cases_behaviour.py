"""Cases about power and resets, and about commands that are not for this card."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from firmware.card import files
from firmware.card import status_word as sw
from firmware.card.files import Aid
from firmware.testbench.conformity.case import (
    EVERY,
    PLASTIC,
    WITH_JPKI,
    Case,
    Confidence,
    Cut,
    Group,
    Step,
    apdu,
    application,
    read,
    selected,
)
from firmware.testbench.conformity.checks import Refused, Status

A, B, C = Confidence.A, Confidence.B, Confidence.C
JPKI: Final = (application(Aid.JPKI),)
_TOKEN: Final = selected(files.TOKEN_INFO)

state: Callable[..., Case] = partial(Case, Group.STATE, kinds=WITH_JPKI)
error: Callable[..., Case] = partial(Case, Group.ERRORS, kinds=WITH_JPKI)
probe: Callable[..., Case] = partial(Case, Group.ERRORS, kinds=EVERY)

STATE_CASES: Final[tuple[Case, ...]] = (
    state(1, "the first command after power-up is obeyed", B, JPKI, asleep=True),
    state(
        2,
        "loss of power forgets what was selected",
        A,
        (Step(Cut.POWER), read(0, 16, Refused()), read(0, 16, Refused())),
        _TOKEN,
    ),
    state(
        3,
        "after a warm reset the application can be selected again",
        A,
        (Step(Cut.WARM_RESET), *_TOKEN),
        _TOKEN,
    ),
)

ERROR_CASES: Final[tuple[Case, ...]] = (
    # What other cards' drivers send before they know what lies there.
    probe(1, "a foreign application: OpenPGP", A, (apdu("00A4040006D2760001240100", Refused()),)),
    probe(2, "a foreign application: PIV", A, (apdu("00A4040009A0000003080000100000", Refused()),)),
    probe(
        3,
        "a foreign application, no answer wanted",
        A,
        (apdu("00A4040C07A0000001160300", Refused()),),
    ),
    probe(4, "a foreign GET DATA", A, (apdu("00CADF3005", Refused()),)),
    probe(5, "a foreign GET DATA with a list of tags", A, (apdu("00CB3FFF035C017E08", Refused()),)),
    probe(6, "the master file of a SIM, with its class", A, (apdu("A0A40000023F00", Refused()),)),
    error(
        7,
        "foreign probes change nothing that is selected",
        A,
        (
            apdu("00CADF3005", Refused()),
            apdu("A0A40000023F00", Refused()),
            read(0, 16, *_TOKEN[0].expected),
        ),
        _TOKEN,
    ),
    error(
        8,
        "another logical channel",
        B,
        (apdu(f"01A4040C0A{Aid.JPKI.value.hex()}", Status((sw.CHANNEL_NOT_SUPPORTED,))),),
    ),
    error(
        9, "an instruction that the card does not have", C, (apdu("00B1000010", Refused()),), JPKI
    ),
    error(10, "SELECT with a P1 that is none", C, (apdu("00A4050C020006", Refused()),), JPKI),
    error(11, "SELECT of an EF by three bytes", C, (apdu("00A4020C03000600", Refused()),), JPKI),
    error(12, "READ BINARY without Le", C, (apdu("00B00000", Refused()),), _TOKEN),
    error(
        13,
        "a phone's last command, which is none of a card's",
        B,
        (apdu("80FC0000", Status((sw.WRONG_LENGTH,))),),
        JPKI,
        kinds=PLASTIC,
    ),
)

CASES: Final = (*STATE_CASES, *ERROR_CASES)
