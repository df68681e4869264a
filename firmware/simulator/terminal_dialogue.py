"""特定機関認証 as we model it: what a terminal sends, and how the virtual card judges it.

Public is only the shape of the first two commands (EF 0016, a body of 307 bytes, a signature
object). The header of that body, the proof of possession and all status words but 6700 are
*assumed*; a real card need not agree, and we claim no compatibility.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from firmware.card import status_word as sw
from firmware.card import tlv
from firmware.card.apdu import CommandApdu
from firmware.faults import MalformedResponse
from firmware.simulator.card_verifiable import (
    CardVerifiableCertificate,
    certified_key,
    is_signed,
    sign,
)

INS_CERTIFICATE: Final = 0xA2
INS_EXTERNAL_AUTHENTICATE: Final = 0x82
P1_BODY: Final = 0x06
P1_SIGNATURE: Final = 0x00
P2_TERMINAL: Final = 0xC1
BODY_OBJECT_BYTES: Final = 307
CHALLENGE_BYTES: Final = 32
# Assumed: the body object of a certificate under one more header, which makes 307 bytes of 302.
_OUTER_TAG: Final = 0x7F4E
_PROOF_DOMAIN: Final = b"kazashi-simulated-terminal-v1\x00"


def certificate_commands(certificate: CardVerifiableCertificate) -> tuple[CommandApdu, CommandApdu]:
    """The two commands that show the card a terminal's certificate."""
    body = tlv.encode(_OUTER_TAG, certificate.body_object)
    return (
        CommandApdu(0x80, INS_CERTIFICATE, P1_BODY, P2_TERMINAL, body),
        CommandApdu(0x80, INS_CERTIFICATE, P1_SIGNATURE, P2_TERMINAL, certificate.signature_object),
    )


def proof_command(key: rsa.RSAPrivateKey, challenge: bytes) -> CommandApdu:
    """EXTERNAL AUTHENTICATE: the terminal signs the card's fresh challenge."""
    proof = sign(key, _PROOF_DOMAIN + challenge)
    return CommandApdu(0x00, INS_EXTERNAL_AUTHENTICATE, 0x00, 0x00, proof)


@dataclass(slots=True)
class TerminalCheck:
    """The card's side: how far a terminal has come. Each step needs the one before it."""

    root: rsa.RSAPublicKey
    _body: bytes | None = None
    _terminal: rsa.RSAPublicKey | None = None
    _challenge: bytes | None = None
    proven: bool = False

    def forget(self) -> None:
        """Back to the beginning: loss of power, or SELECT of an application."""
        self._body = self._terminal = self._challenge = None
        self.proven = False

    def challenge(self, length: int) -> bytes:
        """Fresh random bytes, good for one proof."""
        self._challenge = secrets.token_bytes(length)
        return self._challenge

    def receive_certificate(self, command: CommandApdu) -> int:
        """Take the body or the signature; returns the status word."""
        self._terminal, self.proven = None, False
        if (command.p1, command.p2) == (P1_BODY, P2_TERMINAL):
            return self._receive_body(command.data)
        if (command.p1, command.p2) == (P1_SIGNATURE, P2_TERMINAL):
            return self._receive_signature(command.data)
        return sw.WRONG_P1_P2

    def _receive_body(self, data: bytes) -> int:
        self._body = None
        if len(data) != BODY_OBJECT_BYTES:
            return sw.WRONG_LENGTH
        try:
            (outer,) = tlv.expect(data, _OUTER_TAG)
            (body,) = tlv.expect(outer.value, 0x5F4E)
        except MalformedResponse:
            return sw.WRONG_DATA
        self._body = body.value
        return sw.SUCCESS

    def _receive_signature(self, data: bytes) -> int:
        body, self._body = self._body, None
        if body is None:
            return sw.CONDITIONS_NOT_SATISFIED
        try:
            (signature,) = tlv.expect(data, 0x5F37)
        except MalformedResponse:
            return sw.WRONG_LENGTH  # measured on a card for 256 bytes without the tag
        if not is_signed(self.root, signature.value, body):
            return sw.SECURITY_NOT_SATISFIED
        try:
            self._terminal = certified_key(body)
        except MalformedResponse:
            return sw.WRONG_DATA
        return sw.SUCCESS

    def receive_proof(self, proof: bytes) -> int:
        """Judge the signature over the challenge, which is spent by it; returns the status word."""
        challenge, self._challenge = self._challenge, None
        if self._terminal is None or challenge is None:
            return sw.CONDITIONS_NOT_SATISFIED
        self.proven = len(challenge) >= CHALLENGE_BYTES and is_signed(
            self._terminal, proof, _PROOF_DOMAIN + challenge
        )
        return sw.SUCCESS if self.proven else sw.SECURITY_NOT_SATISFIED
