"""What the card worker knows of the card before it: one connection, one visit, one answer each.

It plays the room's scripts on a connection and remembers what must not be read twice. The photo
stays here until it is handed to the vision worker; no reply carries it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import rsa

from firmware.card import authenticity, jpki, scripts
from firmware.card.apdu import EXTENDED_LE_MAX, CommandApdu, ResponseApdu, Script
from firmware.card.block_size import BlockSize
from firmware.card.card_face import CardFace, read_card_face
from firmware.card.collation import agrees_with_chip
from firmware.card.credential import CollationNumberB, Pin
from firmware.card.files import Aid, Key
from firmware.card.jpki import StatementDigest
from firmware.card.requests import (
    CardFaceRead,
    CardIdentified,
    CardMessage,
    CardProblem,
    CardReleased,
    CertificateRead,
    CollationNumberRefused,
    IdentifyCard,
    PinTries,
    PinVerified,
    PinWrong,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
    ReaderLearnt,
    ReleaseCard,
    SignStatement,
    StatementSigned,
    VerifyPin,
)
from firmware.card.terminal_authority import TerminalAuthority
from firmware.faults import (
    CardChanged,
    CardFault,
    CardRemoved,
    CardReset,
    CertificateMissing,
    CollationNumberSpent,
    ExtendedLengthRefused,
    Fault,
    RetryCounterLow,
    SignatureWrong,
    TerminalAuthorityRefused,
    VerifyRefused,
)
from firmware.statement import to_be_signed
from firmware.words import CardKind, CardSigning, PhotoAuthenticity

T = TypeVar("T")


class CardConnection(Protocol):
    """What `pcsc.Connection` does."""

    reader: str

    def transmit(self, command: CommandApdu) -> ResponseApdu: ...
    def begin_transaction(self) -> None: ...
    def end_transaction(self) -> None: ...
    def close(self) -> None: ...


class CardDesk:
    """Answers the firmware's requests about the card that lies there now."""

    def __init__(
        self,
        connect: Callable[[], CardConnection],
        send_photo: Callable[[UUID, bytes], None],
        issuer_keys: Mapping[bytes, rsa.RSAPublicKey],
        authority: TerminalAuthority | None,
        block_bytes: int = EXTENDED_LE_MAX,
        *,
        tell: Callable[[ReaderLearnt], None] = lambda _learnt: None,
        nonce: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`tell` hears what was learnt of a reader, before the answer in which it was.

        `nonce` gives fresh bytes, as many as it is asked for; only a test bench repeats some.
        """
        self._connect, self._send_photo = connect, send_photo
        self._issuer_keys, self._authority, self._nonce = issuer_keys, authority, nonce
        self._block_bytes, self._tell = block_bytes, tell
        self._blocks: dict[str, BlockSize] = {}  # by reader; no visit's end forgets them
        self._known: dict[str, ReaderLearnt] = {}  # of them, what was told, or heard
        self._connection: CardConnection | None = None
        self._selected: Aid | None = None
        self._is_held = False
        self._number_was_presented = False
        self._face: tuple[CardFaceRead, bytes] | None = None

    def answer(self, request: CardMessage) -> CardMessage:
        """The reply to one request; a fault becomes `CardProblem`."""
        try:
            reply = self._answer(request)
        except Fault as fault:
            # A transaction goes on: a key may be open, and only `forget` is sure to close it.
            reply = CardProblem(code=fault.code, reason=str(fault))
        self._tell_what_was_learnt()
        return reply

    def _answer(self, request: CardMessage) -> CardMessage:
        match request:
            case IdentifyCard(learnt):
                self._learn(learnt)
                return self._identify()
            case ReadCardFace(visit, number):
                return self._read_card_face(visit, number)
            case QueryPinTries():
                return self._query_pin_tries()
            case VerifyPin(pin, tries_kept):
                return self._verify_pin(Pin.parse(pin), tries_kept)
            case ReadCertificate():
                return self._read_certificate()
            case SignStatement(payload, card_signing, certificate):
                return self._sign(payload, card_signing, certificate)
            case ReleaseCard():
                self.forget()
                return CardReleased()
            case _:
                raise Fault(f"no card request: {type(request).__name__}")

    def forget(self) -> None:
        """Power the card off and drop all that was read from it."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._face, self._selected = None, None, None
        self._is_held = self._number_was_presented = False

    # --- what readers pass
    def _learn(self, learnt: tuple[ReaderLearnt, ...]) -> None:
        """What another worker found out; what this one did is newer."""
        for row in learnt:
            if row.reader not in self._blocks:
                self._blocks[row.reader] = BlockSize(row.block_bytes, row.longest_bytes)
                self._known[row.reader] = row

    def _tell_what_was_learnt(self) -> None:
        for reader, block in self._blocks.items():
            learnt = ReaderLearnt(reader, block.le, block.longest)
            if learnt != self._known.get(reader):
                self._known[reader] = learnt
                self._tell(learnt)

    # --- the card before us
    def _card(self) -> CardConnection:
        if self._connection is None:
            raise CardRemoved("no card has been identified")
        return self._connection

    def _block(self) -> BlockSize:
        return self._blocks.setdefault(self._card().reader, BlockSize(self._block_bytes))

    def _play(self, script: Script[T]) -> T:
        transmit = self._card().transmit
        try:
            try:
                return scripts.run(script, transmit)
            except ExtendedLengthRefused:
                # Of a card that is being pulled a driver says the same: a short command finds out.
                self._selected = None
                transmit(CommandApdu.select_application(Aid.JPKI.value))
                raise
        except (CardRemoved, CardReset):
            self._block().note_card_lost()
            raise

    def _select(self, aid: Aid) -> None:
        """Once: selecting it again would close the keys that are open."""
        if self._selected is not aid:
            self._selected = None
            self._play(scripts.select_application(aid))
            self._selected = aid

    def _hold(self) -> None:
        """Nobody else comes to the card from here to its release.

        Another program could lead a secret to another file, or inherit an open key. What was
        selected before counts for nothing: it may have been there already.
        """
        if not self._is_held:
            self._card().begin_transaction()
            self._is_held, self._selected = True, None

    def _let_others_in(self) -> None:
        self._card().end_transaction()
        self._is_held = False

    # --- kind
    def _identify(self) -> CardMessage:
        self.forget()
        self._connection = self._connect()
        block = self._block()
        tried_with = block.le
        try:
            kind = self._play(jpki.identify(block))
        except (CardRemoved, CardReset):
            if block.le == tried_with:
                raise
            kind = self._identify_again()
        self._selected = Aid.JPKI
        return CardIdentified(kind)

    def _identify_again(self) -> CardKind:
        """The reader lost the card over a long read, or the card is gone: nothing was open yet."""
        reader = self._card().reader
        self.forget()
        try:
            self._connection = self._connect()
        except CardFault:
            del self._blocks[reader]  # gone: that says nothing of the reader
            raise
        return self._play(jpki.identify(self._block()))

    # --- the face
    def _read_card_face(self, visit: UUID, number: bytes | None) -> CardMessage:
        if self._face is None:
            if number is None:
                raise Fault("the card face has not been read yet")
            try:
                self._face = self._open_card_face(number)
            except RetryCounterLow as refusal:
                self._let_others_in()
                return CollationNumberRefused(refusal.tries_left, spent=False)
            except VerifyRefused as refusal:
                self._let_others_in()
                return CollationNumberRefused(refusal.tries_left, spent=True)
        reply, photo = self._face
        if reply.has_photo and reply.authenticity is not PhotoAuthenticity.FORGED:
            self._send_photo(visit, photo)
        return reply

    def _open_card_face(self, number: bytes) -> tuple[CardFaceRead, bytes]:
        credential = CollationNumberB.parse(number)
        if self._number_was_presented:
            raise CollationNumberSpent("it is presented once in a visit, and has been")
        self._hold()
        self._number_was_presented, self._selected = True, None
        face: CardFace = self._play(read_card_face(credential, block=self._block()))
        judgement = self._play(
            authenticity.authenticate(
                face,
                self._issuer_keys,
                self._nonce(authenticity.PRESENCE_NONCE_BYTES),
                self._block(),
            )
        )
        reply = CardFaceRead(
            has_photo=bool(face.photo),
            authenticity=judgement.verdict,
            agrees=agrees_with_chip(number.decode("ascii"), face.birth_date, face.expiry),
        )
        return reply, face.photo

    # --- the PIN
    def _query_pin_tries(self) -> CardMessage:
        self._select(Aid.JPKI)
        return PinTries(self._play(scripts.query_tries_here(Key.USER_AUTHENTICATION_PIN)))

    def _verify_pin(self, pin: Pin, tries_kept: int) -> CardMessage:
        self._hold()
        self._selected = None
        try:
            self._play(scripts.verify(Key.USER_AUTHENTICATION_PIN, pin, tries_kept))
        except RetryCounterLow as refusal:
            self._let_others_in()
            return PinTries(refusal.tries_left)
        except VerifyRefused as refusal:
            self._let_others_in()
            return PinWrong(refusal.tries_left)
        self._selected = Aid.JPKI
        return PinVerified()

    # --- certificate and signature
    def _read_certificate(self) -> CardMessage:
        self._select(Aid.JPKI)
        try:
            return CertificateRead(self._play(jpki.read_certificate(self._block())))
        except CertificateMissing:
            return CertificateRead(None)

    def _sign(self, payload: bytes, card_signing: CardSigning, certificate: bytes) -> CardMessage:
        digest = StatementDigest(hashlib.sha256(to_be_signed(payload)).digest())
        self._hold()
        self._select(Aid.JPKI)
        if card_signing is CardSigning.TERMINAL_AUTHORITY:
            if self._authority is None:
                raise TerminalAuthorityRefused("no terminal authority is configured")
            self._play(self._authority.unlock())
        signature = self._play(jpki.sign(digest))
        try:
            jpki.verify_signature(certificate, digest, signature)
        except SignatureWrong as cause:
            raise CardChanged("another card signed than the one the visit began with") from cause
        return StatementSigned(signature)
