"""Chain, purpose and dates of a certificate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from office import AUTHORITY, EXPIRES, NOW, Profiled, good_certificate

from firmware.faults import BadSettings
from firmware.words import Cause, CertificateWarning
from hostdriver.eligibility.trust import (
    Standing,
    Trust,
    months_later,
    read_authorities,
    standing,
)

SOON, IN_GRACE = CertificateWarning

TRUST = Trust((AUTHORITY.make(),))


def pem(profiled: Profiled) -> bytes:
    return profiled.make().public_bytes(serialization.Encoding.PEM)


def test_a_good_certificate_stands() -> None:
    assert standing(good_certificate(), TRUST, NOW) == Standing(None, True, None)


@pytest.mark.parametrize(
    "profiled",
    [
        Profiled(issuer="impostor"),
        Profiled(issuer_name="JPKI-TEST for digital signature"),
        Profiled(key_usage=("digital_signature", "content_commitment")),
        Profiled(key_usage=("key_encipherment",)),
        Profiled(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)),
        Profiled(purposes=()),
        Profiled(is_authority=True, key_usage=("digital_signature", "key_cert_sign")),
        Profiled(critical_unknown=True),
        Profiled(not_before=NOW + timedelta(days=1)),
        Profiled(issuer="holder", issuer_name="00000000000001A"),
    ],
    ids=[
        "another key under the authority's name",
        "another issuer's name",
        "signature certificate",
        "wrong usage",
        "wrong purpose",
        "no purpose",
        "an authority",
        "unknown critical extension",
        "not yet valid",
        "self-signed",
    ],
)
def test_an_unfit_certificate_is_untrusted(profiled: Profiled) -> None:
    assert standing(profiled.der(), TRUST, NOW).cause is Cause.CERTIFICATE_UNTRUSTED


def test_a_certificate_that_is_none() -> None:
    for junk in (b"", b"\x30", good_certificate()[:-1], good_certificate() + b"\x00"):
        assert standing(junk, TRUST, NOW).cause is Cause.CERTIFICATE_UNTRUSTED


@given(st.binary(max_size=64))
def test_any_bytes_are_untrusted(junk: bytes) -> None:
    assert standing(junk, TRUST, NOW).cause is Cause.CERTIFICATE_UNTRUSTED


def test_generations_share_a_name_and_are_told_apart_by_signature() -> None:
    older = replace(AUTHORITY, holder="older", issuer="older")
    both = Trust((older.make(), AUTHORITY.make()))
    assert standing(good_certificate(), both, NOW).cause is None
    assert standing(Profiled(issuer="older").der(), both, NOW).cause is None
    assert standing(Profiled(issuer="older").der(), TRUST, NOW).cause is not None


def test_an_expired_authority_vouches_for_nobody() -> None:
    expired = Trust((replace(AUTHORITY, not_after=NOW - timedelta(seconds=1)).make(),))
    assert standing(good_certificate(), expired, NOW).cause is Cause.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize(
    ("now", "expected", "warning"),
    [
        (datetime(2028, 12, 31, 12, tzinfo=UTC), Standing(None, True, None), None),
        (datetime(2029, 1, 2, tzinfo=UTC), Standing(None, True, EXPIRES), SOON),
        (EXPIRES, Standing(None, True, EXPIRES), SOON),
        (EXPIRES + timedelta(seconds=1), Standing(None, False, EXPIRES), IN_GRACE),
        (datetime(2029, 7, 1, 14, 59, 59, tzinfo=UTC), Standing(None, False, EXPIRES), IN_GRACE),
        (
            datetime(2029, 7, 1, 15, 0, 0, tzinfo=UTC),
            Standing(Cause.CERTIFICATE_EXPIRED, False, EXPIRES),
            None,
        ),
    ],
    ids=["good", "soon", "last second", "grace begins", "grace ends", "expired"],
)
def test_three_months_before_and_after_the_expiry(
    now: datetime, expected: Standing, warning: CertificateWarning | None
) -> None:
    found = standing(good_certificate(), TRUST, now)
    assert (found, found.warning) == (expected, warning)


@pytest.mark.parametrize(
    ("moment", "months", "later"),
    [
        ("2025-11-30T14:59:59Z", 3, "2026-02-28T14:59:59Z"),
        ("2025-11-30T15:00:00Z", 3, "2026-02-28T15:00:00Z"),  # 1 December to 1 March in Japan
        ("2027-11-29T14:59:59Z", 3, "2028-02-29T14:59:59Z"),
        ("2026-01-31T00:00:00Z", -3, "2025-10-31T00:00:00Z"),
    ],
)
def test_months_are_counted_in_japan(moment: str, months: int, later: str) -> None:
    assert months_later(datetime.fromisoformat(moment), months) == datetime.fromisoformat(later)


def test_authorities_are_read_from_pem_files() -> None:
    public_key = b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n"
    both = pem(AUTHORITY) + pem(replace(AUTHORITY, holder="older", issuer="older"))
    found = read_authorities([("root.pem", public_key), ("both.pem", both)])
    assert found[0] == AUTHORITY.make()
    assert len(found) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        pem(Profiled()),
        pem(replace(AUTHORITY, is_authority=False)),
        pem(replace(AUTHORITY, key_usage=("digital_signature",))),
    ],
    ids=["empty", "junk", "a card's", "not CA:TRUE", "must not sign certificates"],
)
def test_files_that_hold_no_authority_are_refused(content: bytes) -> None:
    with pytest.raises(BadSettings):
        read_authorities([("x.pem", content)])


def test_a_weak_hash_is_refused() -> None:
    weak = replace(AUTHORITY, hash_algorithm=hashes.SHA224())
    with pytest.raises(BadSettings):
        read_authorities([("x.pem", pem(weak))])
    assert standing(Profiled(hash_algorithm=hashes.SHA224()).der(), TRUST, NOW).cause is not None
