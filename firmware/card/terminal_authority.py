"""The PIN-less path (特定機関認証): a terminal certificate unlocks the user authentication key.

Public are the two commands that carry the terminal's certificate (INS A2: its body of 307 bytes,
its signature of 256) and that proof of possession follows. The sequence of that proof, the
certificates and their hierarchy are not public: GET CHALLENGE with EXTERNAL AUTHENTICATE is a
model, for simulation. The real authority would be another implementation of the Protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu, Script
from firmware.card.files import FIRST_GENERATION, Aid
from firmware.faults import MalformedCommand, MalformedResponse, TerminalAuthorityRefused

BODY_BYTES = 307
SIGNATURE_BYTES = FIRST_GENERATION.signature_bytes
CHALLENGE_BYTES = 32  # modelled; 8..32 are accepted of a card
INS_VERIFY_CERTIFICATE = 0xA2
INS_EXTERNAL_AUTHENTICATE = 0x82
P1_BODY, P1_SIGNATURE, P2_CERTIFICATE = 0x06, 0x00, 0xC1


class TerminalAuthority(Protocol):
    """Whoever may unlock the user authentication key in the place of the PIN."""

    def unlock(self) -> Script[None]:
        """Leave JPKI selected and key 0017 open, or raise TerminalAuthorityRefused."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class TerminalCertificate:
    """The two parts as the card takes them; MalformedCommand for other lengths."""

    body: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if (len(self.body), len(self.signature)) != (BODY_BYTES, SIGNATURE_BYTES):
            raise MalformedCommand("the parts of a terminal certificate have 307 and 256 bytes")


def present_certificate_body(body: bytes) -> CommandApdu:
    """`80 A2 06 C1`, extended Lc: the certificate's body."""
    return CommandApdu(0x80, INS_VERIFY_CERTIFICATE, P1_BODY, P2_CERTIFICATE, body)


def present_certificate_signature(signature: bytes) -> CommandApdu:
    """`80 A2 00 C1`, extended Lc: the signature over the body, by the authority."""
    return CommandApdu(0x80, INS_VERIFY_CERTIFICATE, P1_SIGNATURE, P2_CERTIFICATE, signature)


def prove_possession(signature: bytes) -> CommandApdu:
    """`00 82 00 00`, extended Lc: RSASSA-PKCS1-v1_5 with SHA-256 over the challenge. A model."""
    return CommandApdu(0x00, INS_EXTERNAL_AUTHENTICATE, 0x00, 0x00, signature)


def unlock_with(certificate: TerminalCertificate, sign: Callable[[bytes], bytes]) -> Script[None]:
    """The whole modelled sequence; `sign` holds the terminal's private key.

    Leaves JPKI selected and the key open. TerminalAuthorityRefused when the card says no at any
    step after its selection; MalformedResponse for a challenge of another length.
    """
    yield from scripts.select_application(Aid.JPKI)
    _accepted((yield present_certificate_body(certificate.body)), "the certificate's body")
    _accepted((yield present_certificate_signature(certificate.signature)), "its signature")
    response = yield CommandApdu.get_challenge(CHALLENGE_BYTES)
    _accepted(response, "the request for a challenge")
    if len(response.data) != CHALLENGE_BYTES:
        raise MalformedResponse(f"a challenge of {len(response.data)} bytes")
    _accepted((yield prove_possession(sign(response.data))), "the proof of possession")


def _accepted(response: ResponseApdu, what: str) -> None:
    if not response.is_ok:
        raise TerminalAuthorityRefused(f"the card answered {response.status_word:04X} to {what}")
