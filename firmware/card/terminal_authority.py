"""The PIN-less path (特定機関認証): a terminal certificate unlocks the user authentication key.

Public are the shapes of the two commands that carry the terminal's certificate: INS A2, P2 C1, a
body of 307 bytes, then a signature object 5F37 (256 bytes without its tag were measured to be
answered 6700). What is inside the body, the proof of possession that must follow, the certificates
and their hierarchy are not public: GET CHALLENGE and EXTERNAL AUTHENTICATE are a model. We claim no
compatibility. The real authority would be another implementation of the Protocol.
"""

from __future__ import annotations

from typing import Final, Protocol

from firmware.card import tlv
from firmware.card.apdu import CommandApdu, Script
from firmware.card.files import FIRST_GENERATION
from firmware.faults import MalformedCommand

INS_VERIFY_CERTIFICATE: Final = 0xA2
INS_EXTERNAL_AUTHENTICATE: Final = 0x82
P1_BODY: Final = 0x06
P1_SIGNATURE: Final = 0x00
P2_CERTIFICATE: Final = 0xC1
BODY_BYTES: Final = 307
SIGNATURE_TAG: Final = 0x5F37
CHALLENGE_BYTES: Final = 32  # modelled


class TerminalAuthority(Protocol):
    """Whoever may unlock the user authentication key in the place of the PIN."""

    def unlock(self) -> Script[None]:
        """Open key 0017, JPKI being selected and staying so; else TerminalAuthorityRefused."""
        ...


def present_certificate_body(body: bytes) -> CommandApdu:
    """`80 A2 06 C1 00 01 33`: the body, 307 bytes; MalformedCommand for another length."""
    if len(body) != BODY_BYTES:
        raise MalformedCommand(f"a terminal certificate's body of {len(body)} bytes")
    return CommandApdu(0x80, INS_VERIFY_CERTIFICATE, P1_BODY, P2_CERTIFICATE, body)


def present_certificate_signature(signature: bytes) -> CommandApdu:
    """`80 A2 00 C1 00 01 05`: the authority's signature over the body, 256 bytes, under 5F37."""
    encoded = tlv.encode(SIGNATURE_TAG, _signature(signature))
    return CommandApdu(0x80, INS_VERIFY_CERTIFICATE, P1_SIGNATURE, P2_CERTIFICATE, encoded)


def prove_possession(signature: bytes) -> CommandApdu:
    """`00 82 00 00 00 01 00`: the terminal's signature, 256 bytes, over the challenge. A model."""
    return CommandApdu(0x00, INS_EXTERNAL_AUTHENTICATE, 0x00, 0x00, _signature(signature))


def _signature(signature: bytes) -> bytes:
    if len(signature) != FIRST_GENERATION.signature_bytes:
        raise MalformedCommand(f"a signature of {len(signature)} bytes")
    return signature
