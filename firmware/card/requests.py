"""What the firmware asks of the card worker, and what it hears back.

These values stay inside the device. The photo is in none of them: it goes straight to the vision
worker (see `firmware.worker`).
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from firmware.words import CardKind, CardSigning, PhotoAuthenticity


class CardMessage(msgspec.Struct, frozen=True):
    """One object between the firmware and the card worker."""


# --- in both directions
class ReaderLearnt(CardMessage, frozen=True, tag="reader_learnt"):
    """How long the reads are that a reader passes. Told when it changed; the firmware remembers it,
    because a worker is replaced after each visit with a PIN."""

    reader: str
    block_bytes: int
    """What one read may ask for."""
    longest_bytes: int
    """The longest answer to a read of extended length so far; 0: none yet."""


# --- firmware → worker: one at a time, each answered by one reply or by `CardProblem` -------------
class IdentifyCard(CardMessage, frozen=True, tag="identify_card"):
    """Connect, and tell the kind of the card by its token label. → `CardIdentified`

    `learnt` is what workers told before.
    """

    learnt: tuple[ReaderLearnt, ...] = ()


class ReadCardFace(CardMessage, frozen=True, tag="read_card_face"):
    """Open the card face with 照合番号B, check it, send the photo to the vision worker.

    Asked a second time in one visit, it sends the same photo again and spends no second VERIFY.
    `collation_number` None only repeats. → `CardFaceRead`
    """

    visit: UUID
    collation_number: bytes | None

    def __repr__(self) -> str:
        return "ReadCardFace(…)"


class QueryPinTries(CardMessage, frozen=True, tag="query_pin_tries"):
    """→ `PinTries`, at no cost."""


class VerifyPin(CardMessage, frozen=True, tag="verify_pin"):
    """One VERIFY, if more than `tries_kept` tries are left.
    → `PinVerified`, `PinWrong` or `PinTries` (nothing was spent)"""

    pin: bytes
    tries_kept: int

    def __repr__(self) -> str:
        return "VerifyPin(…)"


class ReadCertificate(CardMessage, frozen=True, tag="read_certificate"):
    """→ `CertificateRead`"""


class SignStatement(CardMessage, frozen=True, tag="sign_statement"):
    """Sign `statement.to_be_signed(payload)`; the worker adds the domain tag and hashes itself.

    `card_signing` says what unlocks the key: `pin` (this worker holds the verified state) or
    `terminal_authority`. The card's certificate must be the one given. → `StatementSigned`
    """

    payload: bytes
    card_signing: CardSigning
    card_certificate: bytes


class ReleaseCard(CardMessage, frozen=True, tag="release_card"):
    """Power the card off and drop everything that the worker knows of it. → `CardReleased`"""


class AreYouWell(CardMessage, frozen=True, tag="are_you_well"):
    """→ `Well`, whether or not there is a reader."""


# --- worker → firmware: replies
class CardIdentified(CardMessage, frozen=True, tag="card_identified"):
    kind: CardKind


class CardFaceRead(CardMessage, frozen=True, tag="card_face_read"):
    """`has_photo` False: the card carries none. `agrees`: printed and chip dates are the same."""

    has_photo: bool
    authenticity: PhotoAuthenticity
    agrees: bool


class CollationNumberRefused(CardMessage, frozen=True, tag="collation_number_refused"):
    """照合番号B was wrong, or too few tries are left to ask (`spent` False)."""

    tries_left: int | None
    spent: bool


class PinTries(CardMessage, frozen=True, tag="pin_tries"):
    """`tries_left` 0 is blocked, None is not told."""

    tries_left: int | None


class PinVerified(CardMessage, frozen=True, tag="pin_verified"):
    """The card holds the verified state until the signature or the release."""


class PinWrong(CardMessage, frozen=True, tag="pin_wrong"):
    tries_left: int


class CertificateRead(CardMessage, frozen=True, tag="certificate_read"):
    """User authentication certificate, DER; None when the card has none."""

    certificate: bytes | None


class StatementSigned(CardMessage, frozen=True, tag="statement_signed"):
    """The signature has been verified with the certificate already."""

    signature: bytes


class CardReleased(CardMessage, frozen=True, tag="card_released"):
    """The card is off and forgotten."""


class Well(CardMessage, frozen=True, tag="well"):
    """The worker takes requests. `watch_silent_s`: since the reader watch last turned, which it
    does every half second, reader or not."""

    watch_silent_s: float


class CardProblem(CardMessage, frozen=True, tag="card_problem"):
    """A request ended in a fault: `code` of `firmware.faults`."""

    code: str
    reason: str


# --- worker → firmware: at any time
class ReaderSeen(CardMessage, frozen=True, tag="reader_seen"):
    """The reader in use, or None with the fault's code when there is none."""

    name: str | None
    code: str | None = None


class CardSeen(CardMessage, frozen=True, tag="card_seen"):
    """A card lies on the reader."""


class CardGone(CardMessage, frozen=True, tag="card_gone"):
    """It was taken away."""


class Exchanged(CardMessage, frozen=True, tag="exchanged"):
    """One APDU was answered: the deadline starts anew."""


REQUESTS = (
    IdentifyCard
    | ReadCardFace
    | QueryPinTries
    | VerifyPin
    | ReadCertificate
    | SignStatement
    | ReleaseCard
    | AreYouWell
)
NEWS = ReaderSeen | CardSeen | CardGone | Exchanged | ReaderLearnt
REPLIES = (
    CardIdentified
    | CardFaceRead
    | CollationNumberRefused
    | PinTries
    | PinVerified
    | PinWrong
    | CertificateRead
    | StatementSigned
    | CardReleased
    | Well
    | CardProblem
)
