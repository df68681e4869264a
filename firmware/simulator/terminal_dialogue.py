"""特定機関認証 as we model it: what a terminal sends, and how the virtual card judges it.

`firmware/card/terminal_authority.py` says which shapes are public. What is inside the body, what
the proof signs and all status words but 6700 are *assumed*: a real card need not agree.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from firmware.card import status_word as sw
from firmware.card import tlv
from firmware.card.apdu import CommandApdu
from firmware.card.terminal_authority import (
    BODY_BYTES,
    CHALLENGE_BYTES,
    P1_BODY,
    P1_SIGNATURE,
    P2_CERTIFICATE,
    SIGNATURE_TAG,
    present_certificate_body,
    present_certificate_signature,
    prove_possession,
)
from firmware.faults import MalformedResponse
from firmware.simulator.card_algorithms import PrivateKey, PublicKey, is_signed, sign
from firmware.simulator.card_verifiable import CardVerifiableCertificate, certified_key

# The body object of a card-verifiable certificate under one more header: 302 bytes become 307.
_OUTER_TAG: Final = 0x7F4E
_PROOF_DOMAIN: Final = b"kazashi-simulated-terminal-v1\x00"


def certificate_commands(certificate: CardVerifiableCertificate) -> tuple[CommandApdu, CommandApdu]:
    """The two commands that show the card a terminal's certificate."""
    body = tlv.encode(_OUTER_TAG, certificate.body_object)
    return (
        present_certificate_body(body),
        present_certificate_signature(certificate.signature),
    )


def proof_command(key: PrivateKey, challenge: bytes) -> CommandApdu:
    """EXTERNAL AUTHENTICATE: the terminal signs the card's fresh challenge."""
    return prove_possession(sign(key, _PROOF_DOMAIN + challenge))


@dataclass(slots=True)
class TerminalCheck:
    """The card's side: how far a terminal has come. Each step needs the one before it."""

    root: PublicKey
    draw: Callable[[int], bytes] = secrets.token_bytes
    """Where challenges come from."""
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
        self._challenge = self.draw(length)
        return self._challenge

    def receive_certificate(self, command: CommandApdu) -> int:
        """Take the body or the signature; returns the status word."""
        self._terminal, self.proven = None, False
        if (command.p1, command.p2) == (P1_BODY, P2_CERTIFICATE):
            return self._receive_body(command.data)
        if (command.p1, command.p2) == (P1_SIGNATURE, P2_CERTIFICATE):
            return self._receive_signature(command.data)
        return sw.WRONG_P1_P2

    def _receive_body(self, data: bytes) -> int:
        self._body = None
        if len(data) != BODY_BYTES:
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
            (signature,) = tlv.expect(data, SIGNATURE_TAG)
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
