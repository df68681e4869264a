"""A desk before a virtual card whose reader counts, and may lose the card or its power."""

from __future__ import annotations

import hashlib
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import rsa
from personalised import NUMBER_B, Terminal, world

from firmware.card import jpki
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.desk import CardDesk
from firmware.card.requests import (
    CardMessage,
    CardProblem,
    CertificateRead,
    ReadCardFace,
    ReadCertificate,
    ReaderLearnt,
    SignStatement,
)
from firmware.faults import CardRemoved
from firmware.simulator.authorities import SimulatedTerminalAuthority
from firmware.statement import to_be_signed
from firmware.words import CardSigning

VISIT = UUID(int=9)
PAYLOAD = b"a statement"
WRONG_B = (NUMBER_B[:-4] + "9999").encode()
WRONG_PIN = b"9999"
DIGEST = jpki.StatementDigest(hashlib.sha256(to_be_signed(PAYLOAD)).digest())


class OnTheReader:
    """A virtual card and the connection to it, which counts, and may lose the card."""

    reader = "Drawn Reader 00 00"

    def __init__(self, patient_id: str = "valid") -> None:
        self.terminal = Terminal(patient_id)
        self.sent: list[CommandApdu] = []
        self.transactions: list[str] = []
        self.pulled_at: int | None = None
        self.powerless_at: int | None = None
        self.connections: int | None = None  # how many more find the card there

    def connected(self) -> OnTheReader:
        if self.connections == 0:
            raise CardRemoved("nothing lies there")
        if self.connections is not None:
            self.connections -= 1
        return self

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if len(self.sent) == self.pulled_at:
            raise CardRemoved("taken away")
        if len(self.sent) == self.powerless_at:
            self.terminal.card.power_off()
            self.terminal.card.power_on()
        self.sent.append(command)
        return self.terminal.send(command)

    def begin_transaction(self) -> None:
        self.transactions.append("begin")

    def end_transaction(self) -> None:
        self.transactions.append("end")

    def close(self) -> None:
        self.transactions.append("off")
        self.terminal.card.power_off()

    @property
    def verifies(self) -> int:
        return self.terminal.card.report().verifies_sent


class Desk:
    """A desk with one reader before it, and what came out of it for the vision worker."""

    def __init__(
        self,
        reader: OnTheReader,
        issuers: dict[bytes, rsa.RSAPublicKey] | None = None,
        *,
        with_authority: bool = False,
        block_bytes: int = 65536,
    ) -> None:
        self.photos: list[tuple[UUID, bytes]] = []
        self.learnt: list[ReaderLearnt] = []
        self.reader = reader
        self.desk = CardDesk(
            self._connect,
            lambda visit, photo: self.photos.append((visit, photo)),
            issuers or {},
            SimulatedTerminalAuthority(world().authorities) if with_authority else None,
            block_bytes,
            tell=self.learnt.append,
        )

    def _connect(self) -> OnTheReader:
        return self.reader.connected()  # whichever lies there now

    def ask(self, *requests: CardMessage) -> CardMessage:
        """The answer to the last of them."""
        answers = [self.desk.answer(request) for request in requests]
        return answers[-1]

    def certificate(self) -> bytes:
        answer = self.ask(ReadCertificate())
        assert isinstance(answer, CertificateRead) and answer.certificate is not None
        return answer.certificate

    def problem(self, *requests: CardMessage) -> str:
        answer = self.ask(*requests)
        assert isinstance(answer, CardProblem)
        return answer.code


def desk_with(patient_id: str = "valid", *, with_authority: bool = False) -> Desk:
    return Desk(OnTheReader(patient_id), with_authority=with_authority)


def face_of(number: bytes = NUMBER_B.encode()) -> ReadCardFace:
    return ReadCardFace(VISIT, number)


def signing(certificate: bytes, by: CardSigning = CardSigning.PIN) -> SignStatement:
    return SignStatement(PAYLOAD, by, certificate)
