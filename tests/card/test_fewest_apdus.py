"""The number of commands is the smallest that files and block allow, and each application's own."""

from __future__ import annotations

from uuid import UUID

import pytest
from apdus import Sizes, fewest_for_both, fewest_for_certificate, ours, reads
from desk_of_card import desk_with, face_of, signing
from personalised import PIN, image

from firmware.card.requests import (
    IdentifyCard,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
    VerifyPin,
)
from firmware.simulator.patients import find
from firmware.simulator.people import collation_number_b
from firmware.words import CardSigning

SHORT, EXTENDED = 256, 65536


@pytest.mark.parametrize(
    "length, block, expected",
    [
        (1, 256, 1),
        (256, 256, 1),
        (257, 256, 2),
        (6829, 256, 27),
        (6829, 65536, 1),
        (32768, 256, 128),
    ],
)
def test_reads_of_a_file(length: int, block: int, expected: int) -> None:
    assert reads(length, block) == expected


@pytest.mark.parametrize("block", [SHORT, 1000, EXTENDED])
@pytest.mark.parametrize("patient", ["valid", "no_photo", "pin_blocked"])
def test_photo_and_certificate_take_no_command_too_many(patient: str, block: int) -> None:
    card = image(patient)
    face = ReadCardFace(UUID(int=1), collation_number_b(find(patient)).encode())
    sizes = Sizes.of(card)
    assert ours(card, block, IdentifyCard(), ReadCertificate()) == fewest_for_certificate(
        sizes, block
    )
    assert ours(card, block, IdentifyCard(), face, ReadCertificate()) == fewest_for_both(
        sizes, block
    )


def selected(*requests: object) -> list[int]:
    """The last byte of every application that was selected."""
    desk = desk_with(with_authority=True)
    desk.ask(IdentifyCard())
    desk.ask(*requests)
    return [each.data[-1] for each in desk.reader.sent if each.ins == 0xA4 and each.p1 == 0x04]


JPKI, FACE = 0x01, 0x02


def test_an_application_is_selected_once_for_each_visit_to_it() -> None:
    certificate = desk_with()
    certificate.ask(IdentifyCard())
    by_authority = signing(certificate.certificate(), CardSigning.TERMINAL_AUTHORITY)
    assert selected(ReadCertificate()) == [JPKI]
    assert selected(QueryPinTries(), ReadCertificate()) == [JPKI]
    assert selected(face_of(), ReadCertificate(), by_authority) == [JPKI, FACE, JPKI]
    assert selected(face_of(), QueryPinTries(), ReadCertificate()) == [JPKI, FACE, JPKI]


def test_what_no_transaction_covered_is_selected_anew() -> None:
    """Another program may have selected something else before this one held the card."""
    certificate = desk_with()
    certificate.ask(IdentifyCard())
    by_authority = signing(certificate.certificate(), CardSigning.TERMINAL_AUTHORITY)
    assert selected(ReadCertificate(), by_authority) == [JPKI, JPKI]
    assert selected(QueryPinTries(), VerifyPin(PIN.encode(), 1)) == [JPKI, JPKI]
