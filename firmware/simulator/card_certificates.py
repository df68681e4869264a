"""The two JPKI certificates of a virtual card, in the profile of the real ones.

Public certificates and the published profile say what stands in them; addresses end in `.invalid`,
so nothing built on a test certificate can ever ask a real server.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from firmware.card import tlv
from firmware.card.collation import Era, to_era
from firmware.simulator.authorities import Authorities, Role, key_usage
from firmware.simulator.card_algorithms import PublicKey, hash_of
from firmware.simulator.people import Patient, card_facts, certificate_expiry

USER_AUTHENTICATION_POLICY: Final = x509.ObjectIdentifier("1.2.392.200149.8.5.1.3.30")
HOLDER_ARC: Final = "1.2.392.200149.8.5.5"  # .1 name, .3 sex, .4 birth date, .5 address
PRACTICE_STATEMENT: Final = "http://www.jpki-test.invalid/cps.html"
RESPONDERS: Final = {
    Role.USER_AUTHENTICATION_CA: "http://ocspauth.jpki-test.invalid",
    Role.SIGNATURE_CA: "http://ocspsign.jpki-test.invalid",
}
JAPAN: Final = dt.timezone(dt.timedelta(hours=9))
ERA_DIGITS: Final = {era: digit for digit, era in enumerate(Era, start=1)}  # 明治 1 … 令和 5
UTF8_STRING: Final = 0x0C


def last_second(day: dt.date) -> dt.datetime:
    """notAfter of a certificate that is good through `day` in Japan: 14:59:59 UTC."""
    end = dt.datetime.combine(day, dt.time(23, 59, 59), tzinfo=JAPAN)
    return end.astimezone(dt.UTC)


def user_authentication_certificate(
    authorities: Authorities, patient: Patient, key: PublicKey, serial: int
) -> x509.Certificate:
    """利用者証明用電子証明書: it names nobody, only a number."""
    subject = holder_name(f"{serial:014d}", patient, "A")
    return _issue(
        authorities,
        Role.USER_AUTHENTICATION_CA,
        _leaf(patient, subject, key, serial)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_policies(), critical=True),
    )


def signature_certificate(
    authorities: Authorities, patient: Patient, key: PublicKey, serial: int
) -> x509.Certificate:
    """署名用電子証明書: it carries name, sex, birth date and address, which no clinic needs."""
    person = patient.person
    birth = f"{ERA_DIGITS[to_era(person.born).era]}{person.born:%Y%m%d}"
    fields = ((1, person.name), (3, person.sex.value), (4, birth), (5, person.address))
    return _issue(
        authorities,
        Role.SIGNATURE_CA,
        _leaf(patient, holder_name(f"{serial:014d}", patient, "S"), key, serial)
        .add_extension(
            key_usage(digital_signature=True, content_commitment=True),
            critical=True,
        )
        .add_extension(x509.SubjectAlternativeName(_holder_fields(fields)), critical=False),
    )


def holder_name(number: str, patient: Patient, suffix: str) -> x509.Name:
    """C=JP, CN=23 characters: 14 of an id, the 8 digits of the day of issue, a letter."""
    name = f"{number}{card_facts(patient).issued_on:%Y%m%d}{suffix}"
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _leaf(
    patient: Patient, subject: x509.Name, key: PublicKey, serial: int
) -> x509.CertificateBuilder:
    issued = dt.datetime.combine(card_facts(patient).issued_on, dt.time(10), tzinfo=JAPAN)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(issued.astimezone(dt.UTC))
        .not_valid_after(last_second(certificate_expiry(patient)))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _issue(authorities: Authorities, role: Role, leaf: x509.CertificateBuilder) -> x509.Certificate:
    authority, key = authorities.certificate(role), authorities.key(role)
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return (
        leaf.issuer_name(authority.subject)
        .add_extension(_issuer_in_japanese(), critical=False)
        .add_extension(_revocation_list(), critical=False)
        .add_extension(_responder(RESPONDERS[role]), critical=False)
        .add_extension(_authority_key(authority), critical=False)
        .sign(key, hash_of(key), ecdsa_deterministic=deterministic)
    )


def _policies() -> x509.CertificatePolicies:
    policy = x509.PolicyInformation(USER_AUTHENTICATION_POLICY, [PRACTICE_STATEMENT])
    return x509.CertificatePolicies([policy])


def _authority_key(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """All generations of an authority share the name: the key id and the serial tell them apart."""
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier(
        key_identifier=identifier.digest,
        authority_cert_issuer=[x509.DirectoryName(authority.issuer)],
        authority_cert_serial_number=authority.serial_number,
    )


def _issuer_in_japanese() -> x509.IssuerAlternativeName:
    name = _directory("公的個人認証サービス（試験用）", "地方公共団体情報システム機構（試験用）")
    return x509.IssuerAlternativeName([x509.DirectoryName(name)])


def _revocation_list() -> x509.CRLDistributionPoints:
    """A directory name only, as on the real ones: there is no address to fetch."""
    units = _directory(
        "JPKI-TEST", "CRL Distribution Points", "Tokyo-to", common="Chiyoda-ku CRLDP"
    )
    return x509.CRLDistributionPoints(
        [
            x509.DistributionPoint(
                full_name=[x509.DirectoryName(units)],
                relative_name=None,
                reasons=None,
                crl_issuer=None,
            )
        ]
    )


def _responder(address: str) -> x509.AuthorityInformationAccess:
    location = x509.UniformResourceIdentifier(address)
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)]
    )


def _directory(organization: str, *units: str, common: str | None = None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
    ]
    if common is not None:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    return x509.Name(attributes)


def _holder_fields(fields: Iterable[tuple[int, str]]) -> list[x509.GeneralName]:
    return [
        x509.OtherName(
            x509.ObjectIdentifier(f"{HOLDER_ARC}.{number}"), tlv.encode(UTF8_STRING, text.encode())
        )
        for number, text in fields
    ]
