"""One synthetic person as the insurers know it: card, registration, what is on file. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from firmware.words import Registration
from hostdriver.eligibility.answer import ResultOfQualificationConfirmation, Validity


class CertificateStatus(StrEnum):
    """What the authority's list says of a certificate."""

    GOOD = "good"
    SUSPENDED = "suspended"  # 一時利用停止
    REVOKED = "revoked"


class InsuredPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One synthetic person: the card it holds, whether it is registered, what is on file."""

    person_id: str
    certificate_sha256: bytes | None
    """SHA-256 of the user authentication certificate (DER); None without one."""
    certificate_status: CertificateStatus = CertificateStatus.GOOD
    registration: Registration = Registration.REGISTERED
    use_restricted: bool = False
    """自己情報提供不可: the card cannot be used, and nobody is told why."""
    validity: Validity = Validity.VALID
    results: tuple[ResultOfQualificationConfirmation, ...] = ()

    def __repr__(self) -> str:
        return f"InsuredPerson({self.person_id!r}, …)"
