"""What the synthetic insurers keep: persons, withdrawn certificates, challenges, inquiries. [shell]

Every change is one SQLite transaction that is on disk when it ends. Nothing here decides anything
about evidence; `insurers.py` does.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from firmware.faults import UpstreamUnavailable
from hostdriver.eligibility.answer import QualificationConfirmSearchInfo, comparable
from hostdriver.eligibility.gateway import InsuredCardQuestion
from hostdriver.eligibility.insured_person import CertificateStatus, InsuredPerson

CHALLENGE_BYTES: Final = 32
CHALLENGE_LIVES: Final = timedelta(minutes=10)
BUSY_WAIT_S: Final = 2.0
MAX_COUNTER: Final = 2**63 - 1  # SQLite's integer

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS person (
      person_id TEXT PRIMARY KEY, certificate_sha256 BLOB UNIQUE, registration TEXT NOT NULL,
      use_restricted INTEGER NOT NULL, validity TEXT NOT NULL, results BLOB NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS insurance (
      person_id TEXT NOT NULL REFERENCES person, insurer_number TEXT NOT NULL, symbol TEXT,
      number TEXT NOT NULL, branch TEXT, birthdate TEXT NOT NULL) STRICT""",
    """CREATE INDEX IF NOT EXISTS insurance_by_birthdate ON insurance (birthdate)""",
    """CREATE TABLE IF NOT EXISTS withdrawn_certificate (
      certificate_sha256 BLOB PRIMARY KEY, status TEXT NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS challenge (
      challenge BLOB PRIMARY KEY, transaction_id TEXT NOT NULL, issued_at REAL NOT NULL,
      used INTEGER NOT NULL DEFAULT 0) STRICT""",
    """CREATE TABLE IF NOT EXISTS device (
      key_thumbprint TEXT PRIMARY KEY, counter INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS inquiry (
      number INTEGER PRIMARY KEY, at TEXT NOT NULL, verb TEXT NOT NULL,
      transaction_id TEXT NOT NULL, certificate_sha256 BLOB NOT NULL, person_id TEXT,
      requester TEXT, said TEXT NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS query (
      number INTEGER PRIMARY KEY, at TEXT NOT NULL, inquiry_id TEXT NOT NULL,
      requester TEXT NOT NULL, asked BLOB NOT NULL, person_id TEXT, said TEXT NOT NULL) STRICT""",
)
PERSON_WITH_CARD: Final = """
    SELECT person_id, certificate_sha256, registration, use_restricted, validity, results
    FROM person WHERE certificate_sha256 = ?"""
PERSONS_INSURED: Final = """
    SELECT person_id, certificate_sha256, registration, use_restricted, validity, results
    FROM person WHERE person_id IN (
      SELECT person_id FROM insurance
      WHERE birthdate = ? AND comparable(insurer_number) = comparable(?)
        AND comparable(symbol) = comparable(?) AND comparable(number) = comparable(?)
        AND (? IS NULL OR branch = ?))
    ORDER BY person_id"""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Who was asked about, by which verb, for whom, and what was said."""

    at: datetime
    verb: str
    transaction_id: UUID
    certificate: bytes
    said: str
    person_id: str | None = None
    requester: str | None = None


def seed(database: Path, persons: Iterable[InsuredPerson]) -> None:
    """Put `persons` into `database`, which is created if it is not there.

    A person already there begins anew: registration, list and certificate are as given. Raises
    `UpstreamUnavailable`.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        database.touch(mode=0o600)
    except OSError as cause:
        raise UpstreamUnavailable(f"{database}: {cause.strerror}") from cause
    with changing(database) as records:
        records.create()
        for person in persons:
            records.put(person)


@contextmanager
def changing(database: Path) -> Iterator[Records]:
    """One transaction on a file that exists: all of it or nothing. Raises `UpstreamUnavailable`."""
    address = f"{database.absolute().as_uri()}?mode=rw"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=BUSY_WAIT_S, isolation_level=None)
        ) as connection:
            connection.create_function("comparable", 1, comparable, deterministic=True)
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield Records(connection)
    except (sqlite3.Error, msgspec.MsgspecError) as cause:
        raise UpstreamUnavailable(f"{database}: {cause}") from cause


class Records:
    """The tables, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def create(self) -> None:
        """Make the tables that are not there."""
        for table in SCHEMA:
            self._execute(table)

    def put(self, person: InsuredPerson) -> None:
        """Write a person and the list's entry of its certificate, in place of what was there."""
        self._execute(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?, ?)",
            (
                person.person_id,
                person.certificate_sha256,
                person.registration,
                person.use_restricted,
                person.validity,
                msgspec.json.encode(person.results),
            ),
        )
        self._execute("DELETE FROM insurance WHERE person_id = ?", (person.person_id,))
        for result in person.results:
            if result.insurer_number and result.insured_identification_number and result.birthdate:
                self._execute(
                    "INSERT INTO insurance VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        person.person_id,
                        result.insurer_number,
                        result.insured_card_symbol,
                        result.insured_identification_number,
                        result.insured_branch_number,
                        result.birthdate,
                    ),
                )
        self._execute(
            "DELETE FROM withdrawn_certificate WHERE certificate_sha256 = ?",
            (person.certificate_sha256,),
        )
        if person.certificate_status is not CertificateStatus.GOOD:
            self._execute(
                "INSERT INTO withdrawn_certificate VALUES (?, ?)",
                (person.certificate_sha256, person.certificate_status),
            )

    def holder(self, certificate: bytes) -> InsuredPerson | None:
        """The person whose certificate (DER) this is, as last written."""
        digest = sha256(certificate).digest()
        row = self._execute(PERSON_WITH_CARD, (digest,)).fetchone()
        return None if row is None else _person(row, self.status(certificate))

    def insured_with(self, asked: QualificationConfirmSearchInfo) -> list[InsuredPerson]:
        """The persons whose insured card says this; a branch that is not asked for fits any."""
        rows = self._execute(
            PERSONS_INSURED,
            (
                asked.birthdate,
                asked.insurer_number,
                asked.insured_card_symbol,
                asked.insured_identification_number,
                asked.insured_branch_number,
                asked.insured_branch_number,
            ),
        )
        return [_person(row, CertificateStatus.GOOD) for row in rows]

    def status(self, certificate: bytes) -> CertificateStatus:
        """What the list says of a certificate (DER), whoever holds it."""
        row = self._execute(
            "SELECT status FROM withdrawn_certificate WHERE certificate_sha256 = ?",
            (sha256(certificate).digest(),),
        ).fetchone()
        return CertificateStatus.GOOD if row is None else msgspec.convert(row[0], CertificateStatus)

    def issue_challenge(self, transaction_id: UUID, now: datetime) -> bytes:
        """A fresh challenge for one visit, in place of one that it did not use."""
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        self._execute(
            "DELETE FROM challenge WHERE (transaction_id = ? AND NOT used) OR issued_at < ?",
            (str(transaction_id), (now - CHALLENGE_LIVES).timestamp()),
        )
        self._execute(
            "INSERT INTO challenge (challenge, transaction_id, issued_at) VALUES (?, ?, ?)",
            (challenge, str(transaction_id), now.timestamp()),
        )
        return challenge

    def use_challenge(self, challenge: bytes | None, transaction_id: UUID, now: datetime) -> bool:
        """Use up this visit's challenge; False if it is not an open one of this visit."""
        used = self._execute(
            "UPDATE challenge SET used = 1"
            " WHERE challenge = ? AND transaction_id = ? AND NOT used AND issued_at >= ?",
            (challenge, str(transaction_id), (now - CHALLENGE_LIVES).timestamp()),
        )
        return used.rowcount == 1

    def count_up(self, key_thumbprint: str, counter: int) -> bool:
        """Keep a device's counter; False if it is not higher than every one before."""
        if not 0 <= counter <= MAX_COUNTER:
            return False
        counted = self._execute(
            "INSERT INTO device VALUES (?, ?) ON CONFLICT (key_thumbprint)"
            " DO UPDATE SET counter = excluded.counter WHERE excluded.counter > counter",
            (key_thumbprint, counter),
        )
        return counted.rowcount == 1

    def note(self, inquiry: Inquiry) -> None:
        """Append one inquiry."""
        self._execute(
            "INSERT INTO inquiry (at, verb, transaction_id, certificate_sha256, person_id,"
            " requester, said) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                inquiry.at.isoformat(),
                inquiry.verb,
                str(inquiry.transaction_id),
                sha256(inquiry.certificate).digest(),
                inquiry.person_id,
                inquiry.requester,
                inquiry.said,
            ),
        )

    def note_query(
        self, at: datetime, question: InsuredCardQuestion, person_id: str | None, said: str
    ) -> None:
        """Append one question by insured-card data: who asked what, when, and what was said."""
        self._execute(
            "INSERT INTO query (at, inquiry_id, requester, asked, person_id, said)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                at.isoformat(),
                str(question.inquiry_id),
                question.requester,
                msgspec.json.encode(question.asked),
                person_id,
                said,
            ),
        )


def _person(row: tuple[Any, ...], status: CertificateStatus) -> InsuredPerson:
    person_id, certificate_sha256, registration, use_restricted, validity, results = row
    return msgspec.convert(
        {
            "person_id": person_id,
            "certificate_sha256": certificate_sha256,
            "certificate_status": status,
            "registration": registration,
            "use_restricted": bool(use_restricted),
            "validity": validity,
            "results": msgspec.json.decode(results),
        },
        InsuredPerson,
        builtin_types=(bytes,),
    )
