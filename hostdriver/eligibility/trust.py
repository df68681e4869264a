"""Whether a card's certificate is to be believed now: chain, purpose, dates. Pure.

The authorities come from configuration, never from the evidence. All generations of an authority
share their name, so the issuer is found by its signature. What was suspended or revoked is not
written in a certificate: the service's own list says that.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from firmware.faults import BadSettings
from firmware.words import Cause, CertificateWarning
from hostdriver.eligibility.answer import JAPAN

GRACE_MONTHS: Final = 3  # after expiry: eligibility only; before it: a reminder
MIN_RSA_BITS: Final = 2048
STRONG_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,  # critical in JPKI's; it restricts nothing here
    }
)
_PEM_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Trust:
    """The authorities that may issue user authentication certificates, and what is enough here."""

    authorities: tuple[x509.Certificate, ...]
    accept_without_card_signature: bool = False
    """Whether a statement with `card_signing: none` is enough."""
    accept_without_liveness: bool = False
    """Whether a face is enough that no presentation-attack detection looked at."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a certificate is worth at one moment. `cause` is None while it can be used."""

    cause: Cause | None
    clinical_consent_allowed: bool = False
    expires_at: datetime | None = None
    """Set when the holder should be told: three months before expiry and three months after."""

    @property
    def warning(self) -> CertificateWarning | None:
        """What the holder is told; a certificate that cannot be used is refused instead."""
        if self.cause is not None or self.expires_at is None:
            return None
        soon = self.clinical_consent_allowed
        return CertificateWarning.EXPIRES_SOON if soon else CertificateWarning.IN_GRACE

    @property
    def in_grace(self) -> bool:
        """It has expired, and opens eligibility for three months more."""
        return self.warning is CertificateWarning.IN_GRACE

    @property
    def on_a_phone(self) -> Standing:
        """The same in a phone: the months of grace are for the card alone (2025-09)."""
        if self.in_grace or self.cause is Cause.CERTIFICATE_EXPIRED:
            return Standing(Cause.PHONE_CERTIFICATE_EXPIRED, expires_at=self.expires_at)
        return self


def read_authorities(files: Iterable[tuple[str, bytes]]) -> tuple[x509.Certificate, ...]:
    """The CA certificates in named PEM files; files that hold no certificate are passed over.

    Raises `BadSettings` for a certificate that is not a CA's, and when there is none at all.
    """
    found: list[x509.Certificate] = []
    for name, content in files:
        if _PEM_CERTIFICATE not in content:
            continue
        try:
            certificates = x509.load_pem_x509_certificates(content)
            fit = all(_is_authority(certificate) for certificate in certificates)
        except _UNREADABLE as cause:
            raise BadSettings(f"{name} cannot be read as certificates: {cause}") from cause
        if not fit:
            raise BadSettings(f"{name} holds a certificate that is not an authority's")
        found += certificates
    if not found:
        raise BadSettings("no certificate of an authority is configured")
    return tuple(found)


def standing(certificate: bytes, trust: Trust, now: datetime) -> Standing:
    """What a user authentication certificate (DER) is worth at `now`."""
    try:
        card = x509.load_der_x509_certificate(certificate)
        believed = _is_user_authentication(card) and any(
            _issued(card, authority, now) for authority in trust.authorities
        )
    except _UNREADABLE:
        believed = False
    if not believed or now < card.not_valid_before_utc:
        return Standing(Cause.CERTIFICATE_UNTRUSTED)
    expires_at = card.not_valid_after_utc
    if now > months_later(expires_at, GRACE_MONTHS):
        return Standing(Cause.CERTIFICATE_EXPIRED, expires_at=expires_at)
    if now > expires_at:
        return Standing(None, clinical_consent_allowed=False, expires_at=expires_at)
    soon = now > months_later(expires_at, -GRACE_MONTHS)
    return Standing(None, clinical_consent_allowed=True, expires_at=expires_at if soon else None)


def months_later(moment: datetime, months: int) -> datetime:
    """The same time of the same day in Japan `months` on, or of that month's last day."""
    local = moment.astimezone(JAPAN)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def _is_authority(certificate: x509.Certificate) -> bool:
    extensions = _extensions(certificate)
    constraints = extensions.get(x509.BasicConstraints)
    usage = extensions.get(x509.KeyUsage)
    return (
        isinstance(constraints, x509.BasicConstraints)
        and constraints.ca
        and isinstance(usage, x509.KeyUsage)
        and usage.key_cert_sign
        and _is_strong(certificate)
    )


def _is_user_authentication(certificate: x509.Certificate) -> bool:
    """A 署名用 certificate, which names its holder, has contentCommitment and is not taken."""
    extensions = _extensions(certificate)
    constraints = extensions.get(x509.BasicConstraints)
    usage = extensions.get(x509.KeyUsage)
    purposes = extensions.get(x509.ExtendedKeyUsage)
    return (
        not (isinstance(constraints, x509.BasicConstraints) and constraints.ca)
        and isinstance(usage, x509.KeyUsage)
        and usage.digital_signature
        and not usage.content_commitment
        and isinstance(purposes, x509.ExtendedKeyUsage)
        and ExtendedKeyUsageOID.CLIENT_AUTH in purposes
        and all(
            extension.oid in UNDERSTOOD or not extension.critical
            for extension in certificate.extensions
        )
        and _is_strong(certificate)
    )


def _issued(card: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    if not authority.not_valid_before_utc <= now <= authority.not_valid_after_utc:
        return False
    try:
        card.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_strong(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    strong_key = (isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS) or isinstance(
        key, ec.EllipticCurvePublicKey
    )
    return strong_key and isinstance(certificate.signature_hash_algorithm, STRONG_HASHES)


def _extensions(
    certificate: x509.Certificate,
) -> dict[type[x509.ExtensionType], x509.ExtensionType]:
    return {type(extension.value): extension.value for extension in certificate.extensions}
