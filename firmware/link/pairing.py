"""How a host and a device get each other's certificate over a line that nobody can vouch for. Pure.

Both know six digits: the device shows them, a person types them at the host. SPAKE2 (RFC 9382 in
the form of the library) makes a key of them that whoever overheard or took part in the talk cannot
search for afterwards, and each end proves with it that it saw the same two certificates. A wrong
guess is seen by the device; the third ends the pairing.

The last word may always be the one that is lost. So each end has the other on disk before it says
so: the device lets a host in from its own proof on, and the host keeps the device when it hears it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from spake2 import SPAKE2_A, SPAKE2_B
from spake2.ed25519_basic import NotOnCurve
from spake2.spake2 import SPAKEError

from firmware.faults import MalformedMessage, PairingRefused
from firmware.link.certificate import is_certificate
from firmware.link.framing import LINE_END

CODE_DIGITS: Final = 6
TRIES: Final = 3
MAX_LINE_BYTES: Final = 8192

_HOST, _DEVICE, _KEPT = b"kazashi host", b"kazashi device", b"kazashi host keeps"
_SHARE_BYTES: Final = 33
_LENGTH_BYTES: Final = 4

Share = Annotated[bytes, msgspec.Meta(min_length=_SHARE_BYTES, max_length=_SHARE_BYTES)]
Certificate = Annotated[bytes, msgspec.Meta(max_length=2048)]
Proof = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class PairingWord(msgspec.Struct, frozen=True, tag_field="type"):
    """One line of a pairing."""


class Offer(PairingWord, frozen=True, tag="offer"):
    """Each end's first word, the host's before the device's."""

    share: Share
    certificate: Certificate


class Proven(PairingWord, frozen=True, tag="proven"):
    """Each end's second: it has the key, and saw both certificates."""

    proof: Proof


class Kept(PairingWord, frozen=True, tag="kept"):
    """The host's last: it has the device's certificate on disk."""

    proof: Proof


class Refusal(PairingWord, frozen=True, tag="refusal"):
    """The device's word on digits that were wrong."""

    tries_left: int


_DECODER: Final[msgspec.json.Decoder[PairingWord]] = msgspec.json.Decoder(
    Offer | Proven | Kept | Refusal
)


def encode(word: PairingWord) -> bytes:
    """One line."""
    return msgspec.json.encode(word) + LINE_END


def decode(line: bytes) -> PairingWord:
    """The word in a line. Raises `MalformedMessage`."""
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedMessage(f"no word of a pairing: {cause}") from cause


def new_code() -> str:
    """Six digits for one pairing."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


@dataclass(slots=True)
class HostPairing:
    """The host's end of one try."""

    code: str = field(repr=False)
    certificate: bytes = field(repr=False)
    peer: bytes | None = None
    """The device's certificate, once both ends have proven themselves: to be kept, then said."""
    _run: SPAKE2_A = field(init=False, repr=False)
    _agreed: _Agreed | None = field(default=None, init=False, repr=False)

    def begin(self) -> PairingWord:
        """The first word."""
        self._run = SPAKE2_A(self.code.encode(), idA=_HOST, idB=_DEVICE)
        return Offer(self._run.start(), self.certificate)

    def hear(self, word: PairingWord) -> PairingWord:
        """What to answer; `Kept` is the last word. Raises `PairingRefused`."""
        match word:
            case Offer(share, certificate) if self._agreed is None:
                key = _key(self._run, share)
                self._agreed = _Agreed(key, self.certificate, _checked(certificate))
                return Proven(self._agreed.proof(_HOST))
            case Proven(proof) if self._agreed is not None:
                self._agreed.check(proof, _DEVICE)
                self.peer = self._agreed.device_certificate
                return Kept(self._agreed.proof(_KEPT))
            case Refusal(tries_left):
                raise PairingRefused(f"the digits are wrong; {tries_left} tries are left")
        raise PairingRefused("the device speaks out of turn")


@dataclass(slots=True)
class PairingWindow:
    """The device's end: one code, and so many tries with it.

    A try is spent before anything is answered to it, so that breaking off saves none.
    """

    certificate: bytes = field(repr=False)
    code: str = field(default_factory=new_code, repr=False)
    tries_left: int = TRIES
    peer: bytes | None = None
    """The host's certificate, once it has proven itself."""
    kept: bool = False
    """Whether that host said that it keeps ours. It may, unheard: it is met then."""
    _agreed: _Agreed | None = field(default=None, init=False, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether a host may still try, or finish the try that it is at."""
        return self.peer is None and (self.tries_left > 0 or self._agreed is not None)

    def hear(self, word: PairingWord) -> PairingWord | None:
        """What to answer; None at the end. Raises `PairingRefused` for a word out of turn."""
        match word:
            case Offer(share, certificate) if self.peer is None and self.tries_left > 0:
                self.tries_left -= 1
                self._agreed = None
                run = SPAKE2_B(self.code.encode(), idA=_HOST, idB=_DEVICE)
                ours = run.start()
                key = _key(run, share)
                self._agreed = _Agreed(key, _checked(certificate), self.certificate)
                return Offer(ours, self.certificate)
            case Proven(proof) if self._agreed is not None and self.peer is None:
                try:
                    self._agreed.check(proof, _HOST)
                except PairingRefused:
                    self._agreed = None
                    return Refusal(self.tries_left)
                self.peer = self._agreed.host_certificate
                return Proven(self._agreed.proof(_DEVICE))
            case Kept(proof) if self._agreed is not None and self.peer is not None:
                self._agreed.check(proof, _KEPT)
                self.kept = True
                return None
        raise PairingRefused("no pairing is open, or the host speaks out of turn")

    def forsake(self) -> None:
        """The line broke in the middle of a try: it is spent."""
        self._agreed = None


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What both ends must have in common."""

    key: bytes = field(repr=False)
    host_certificate: bytes = field(repr=False)
    device_certificate: bytes = field(repr=False)

    def proof(self, whose: bytes) -> bytes:
        parts = (whose, self.host_certificate, self.device_certificate)
        bound = b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)
        return hmac.digest(self.key, bound, "sha256")

    def check(self, proof: bytes, whose: bytes) -> None:
        """Raises `PairingRefused`."""
        if not hmac.compare_digest(proof, self.proof(whose)):
            raise PairingRefused("the digits are wrong, or somebody is between host and device")


def _key(run: SPAKE2_A | SPAKE2_B, share: bytes) -> bytes:
    try:
        return bytes(run.finish(share))
    except (SPAKEError, NotOnCurve, ValueError) as cause:
        raise PairingRefused("the other end's share is none") from cause


def _checked(certificate: bytes) -> bytes:
    if not is_certificate(certificate):
        raise PairingRefused("the other end's certificate is none")
    return certificate
