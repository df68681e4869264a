"""The commands of a terminal authority, byte by byte."""

import pytest

from firmware.card.terminal_authority import (
    present_certificate_body,
    present_certificate_signature,
    prove_possession,
)
from firmware.faults import MalformedCommand

BODY, SIGNATURE = b"\xbb" * 307, b"\xcc" * 256


@pytest.mark.parametrize(
    "command, start, data",
    [
        (present_certificate_body(BODY), "80a206c1000133", BODY),
        (
            present_certificate_signature(SIGNATURE),
            "80a200c1000105",
            bytes.fromhex("5f37820100") + SIGNATURE,
        ),
        (prove_possession(SIGNATURE), "00820000000100", SIGNATURE),
    ],
    ids=["body", "signature", "proof"],
)
def test_known_bytes(command, start: str, data: bytes) -> None:
    assert command.encode() == bytes.fromhex(start) + data


@pytest.mark.parametrize(
    "build, right",
    [
        (present_certificate_body, 307),
        (present_certificate_signature, 256),
        (prove_possession, 256),
    ],
)
def test_other_lengths_are_refused(build, right: int) -> None:
    for wrong in (0, right - 1, right + 1):
        with pytest.raises(MalformedCommand):
            build(bytes(wrong))
