"""What the insurers accept and refuse, with real signatures and a real database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from office import (
    ALL_GRANTED,
    ALL_REFUSED,
    AUTHORITY,
    EXPIRES,
    NOW,
    VISIT,
    Office,
    Profiled,
    confirmed,
    consent,
    device_key,
    evidence_of,
    good_certificate,
    person,
    refused,
    statement,
)

from firmware.faults import BadSettings, UpstreamUnavailable
from firmware.statement import Comparison
from firmware.words import (
    CardKind,
    CardSigning,
    Cause,
    CertificateWarning,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    MatchDecision,
    Method,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Registration,
)
from hostdriver.eligibility.adapters import GatewaySettings, open_gateway
from hostdriver.eligibility.answer import Validity
from hostdriver.eligibility.insurers import CertificateStatus, InsurersGateway

DAY = timedelta(days=1)
FACE = {
    "method": Method.FACE,
    "card_signing": CardSigning.TERMINAL_AUTHORITY,
    "comparison": Comparison(MatchDecision.SAME_PERSON, "embedder", "point"),
    "pad": PadDecision.LIVE,
    "photo_authenticity": PhotoAuthenticity.VERIFIED,
}
PHONE = {"method": Method.PHONE, "card_kind": CardKind.PHONE_ANDROID}
NO_GRACE = Cause.PHONE_CERTIFICATE_EXPIRED


async def test_good_evidence_is_accepted_and_answered(office: Office) -> None:
    answer = await confirmed(office)
    assert (answer.accepted, answer.cause) == (True, None)
    assert answer.eligibility is not None
    assert msgspec.to_builtins(answer.eligibility) == {
        "validity": "valid",
        "MessageHeader": {
            "ProcessExecutionTime": "20260105093012",
            "QualificationConfirmationDate": "20260105",
            "MedicalInstitutionCode": "0000000000",
            "ReferenceClassification": "1",
            "SegmentOfResult": "1",
            "CharacterCodeIdentifier": "0",
        },
        "ProcessingResultStatus": "1",
        "PrescriptionIssueSelect": "2",
        "ResultList": (
            {
                "InsuredCardClassification": "01",
                "InsurerNumber": "  000001",
                "InsuredCardSymbol": "0123",
                "InsuredIdentificationNumber": "0004321",
                "InsuredBranchNumber": "00",
                "Name": "見本●子",
                "NameKana": "ﾐﾎﾝ ｻﾝｺ",
                "Sex1": "2",
                "Birthdate": "19520401",
                **{
                    f"{name}{suffix}": value
                    for name in (
                        "PharmacistsInfo",
                        "DiagnosisInfo",
                        "OperationInfo",
                        "SpecificHealthCheckupsInfo",
                    )
                    for suffix, value in (
                        ("ConsFlg", "1"),
                        ("ConsTime", "20260105093005"),
                        ("AvailableTime", "20260106093005"),
                    )
                },
            },
        ),
    }


async def test_refusing_consent_does_not_block_eligibility(office: Office) -> None:
    answer = await confirmed(office, consents=ALL_REFUSED)
    assert answer.eligibility is not None
    assert answer.eligibility.result_list[0].pharmacists_info_cons_flg == "0"


@pytest.mark.parametrize("method", [FACE, {**FACE, "method": Method.STAFF, "staff_id": "s1"}])
async def test_other_methods(office: Office, method: dict[str, Any]) -> None:
    assert (await confirmed(office, **method)).accepted


@pytest.mark.parametrize("validity", Validity)
async def test_whether_the_person_is_insured_is_validity_alone(
    office: Office, validity: Validity
) -> None:
    office.knows(person(good_certificate(), validity=validity))
    answer = await confirmed(office)
    assert answer.accepted
    assert answer.eligibility is not None
    assert answer.eligibility.validity is validity


# --- certificates
@pytest.mark.parametrize(
    ("expired_for", "consents", "cause"),
    [
        (-DAY, ALL_GRANTED, None),
        (DAY, ALL_REFUSED, None),
        (DAY, ALL_GRANTED, Cause.EVIDENCE_REJECTED),
        (60 * DAY, ALL_REFUSED, None),
        (60 * DAY, ALL_GRANTED, Cause.EVIDENCE_REJECTED),
        (120 * DAY, ALL_REFUSED, Cause.CERTIFICATE_EXPIRED),
    ],
)
async def test_the_three_months_after_expiry(
    office: Office, expired_for: timedelta, consents: Any, cause: Cause | None
) -> None:
    office.now = EXPIRES + expired_for
    answer = await confirmed(office, consents=consents)
    assert (answer.accepted, answer.cause) == (cause is None, cause)
    if answer.eligibility is not None:
        assert answer.eligibility.processing_result_message == "電子証明書の有効期限: 20290401"
        soon = expired_for < timedelta(0)
        told = CertificateWarning.EXPIRES_SOON if soon else CertificateWarning.IN_GRACE
        assert answer.certificate_warning is told


@pytest.mark.parametrize("expired_for", [DAY, 120 * DAY])
async def test_no_grace_for_a_phone(office: Office, expired_for: timedelta) -> None:
    office.now = EXPIRES + expired_for
    assert refused(await confirmed(office, consents=ALL_REFUSED, **PHONE), NO_GRACE)
    report = await office.gateway.registration(VISIT, good_certificate(), Method.PHONE)
    assert (report.registration, report.cause) == (Registration.REFUSED, NO_GRACE)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (CertificateStatus.SUSPENDED, Cause.CERTIFICATE_SUSPENDED),
        (CertificateStatus.REVOKED, Cause.CERTIFICATE_REVOKED),
    ],
)
async def test_what_was_withdrawn_is_told_before_what_has_ended(
    office: Office, status: CertificateStatus, cause: Cause
) -> None:
    office.now = EXPIRES + DAY
    office.knows(person(good_certificate(), certificate_status=status))
    report = await office.gateway.registration(VISIT, good_certificate(), Method.PHONE)
    assert report.cause is cause


async def test_a_phone_is_accepted_until_its_last_day(office: Office) -> None:
    office.now = EXPIRES - DAY
    report = await office.gateway.registration(VISIT, good_certificate(), Method.PHONE)
    assert report.registration is Registration.REGISTERED
    assert report.certificate_warning is CertificateWarning.EXPIRES_SOON
    assert (await confirmed(office, **PHONE)).accepted


async def test_a_certificate_of_an_unknown_authority(office: Office) -> None:
    certificate = Profiled(issuer="impostor").der()
    office.knows(person(certificate))
    assert refused(await confirmed(office, certificate), Cause.CERTIFICATE_UNTRUSTED)
    report = await office.gateway.registration(VISIT, certificate, Method.PIN)
    assert report.cause is Cause.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"certificate_status": CertificateStatus.SUSPENDED}, Cause.CERTIFICATE_SUSPENDED),
        ({"certificate_status": CertificateStatus.REVOKED}, Cause.CERTIFICATE_REVOKED),
        ({"use_restricted": True}, Cause.USE_RESTRICTED),
        ({"registration": Registration.NOT_EFFECTIVE}, Cause.REGISTRATION_NOT_EFFECTIVE),
        ({"registration": Registration.NOT_REGISTERED}, Cause.REGISTRATION_DECLINED),
        ({"registration": Registration.CANCELLED}, Cause.REGISTRATION_DECLINED),
    ],
)
async def test_a_person_who_cannot_use_the_card(
    office: Office, changes: dict[str, Any], cause: Cause
) -> None:
    office.knows(person(good_certificate(), **changes))
    assert refused(await confirmed(office), cause)
    report = await office.gateway.registration(VISIT, good_certificate(), Method.PIN)
    unregistered = (Registration.NOT_REGISTERED, Registration.CANCELLED)
    assert report.cause is (None if report.registration in unregistered else cause)


async def test_a_renewed_certificate_leaves_the_old_one_on_the_list(office: Office) -> None:
    office.knows(person(good_certificate(), certificate_status=CertificateStatus.REVOKED))
    renewed = Profiled(serial=4712).der()
    office.knows(person(renewed))
    assert (await confirmed(office, renewed)).accepted
    assert refused(await confirmed(office, counter=2), Cause.CERTIFICATE_REVOKED)
    report = await office.gateway.register(VISIT, good_certificate())
    assert report.cause is Cause.CERTIFICATE_REVOKED


async def test_nobody_knows_this_card(office: Office) -> None:
    stranger = Profiled(serial=1).der()
    report = await office.gateway.registration(VISIT, stranger, Method.PIN)
    assert (report.registration, report.cause) == (Registration.NOT_REGISTERED, None)
    assert refused(await confirmed(office, stranger), Cause.REGISTRATION_DECLINED)
    report = await office.gateway.register(VISIT, stranger)
    assert report.registration is Registration.REGISTERED
    answer = await confirmed(office, stranger, counter=2)
    assert answer.eligibility is not None
    assert answer.eligibility.validity is Validity.NONE


@pytest.mark.parametrize("before", [Registration.NOT_REGISTERED, Registration.CANCELLED])
async def test_registering_at_the_reader_works_in_the_same_visit(
    office: Office, before: Registration
) -> None:
    office.knows(person(good_certificate(), registration=before))
    report = await office.gateway.registration(VISIT, good_certificate(), Method.PIN)
    assert report.registration is before
    report = await office.gateway.register(VISIT, good_certificate())
    assert (report.registration, report.cause) == (Registration.REGISTERED, None)
    answer = await confirmed(office)
    assert answer.eligibility is not None
    assert answer.eligibility.result_list[0].name == "見本●子"


async def test_an_expired_certificate_is_used_in_grace_and_not_registered(office: Office) -> None:
    office.now = EXPIRES + DAY
    report = await office.gateway.registration(VISIT, good_certificate(), Method.PIN)
    assert (report.cause, report.clinical_consent_allowed) == (None, False)
    assert report.certificate_warning is CertificateWarning.IN_GRACE
    office.knows(person(good_certificate(), registration=Registration.NOT_REGISTERED))
    report = await office.gateway.register(VISIT, good_certificate())
    assert report.cause is Cause.CERTIFICATE_EXPIRED


# --- statements that contradict themselves
@pytest.mark.parametrize(
    "changes",
    [
        {"card_signing": CardSigning.TERMINAL_AUTHORITY},
        {**FACE, "comparison": Comparison(MatchDecision.NOT_SAME_PERSON)},
        {**FACE, "pad": PadDecision.NOT_LIVE},
        {**FACE, "pad": PadDecision.NOT_DONE},
        {**FACE, "photo_authenticity": PhotoAuthenticity.FORGED},
        {**FACE, "photo_authenticity": PhotoAuthenticity.NOT_DONE},
        {"method": Method.STAFF, "staff_id": None},
        {**PHONE, "method": Method.PIN},
        {**PHONE, "card_signing": CardSigning.TERMINAL_AUTHORITY},
        {"method": Method.PHONE},
        {**FACE, "card_kind": CardKind.PHONE_ANDROID},
        {"clock_trust": ClockTrust.NONE},
        {"purpose": Purpose.ELIGIBILITY},
        {"profile": Profile.TREATMENT_PARLOUR},
        {"consents": (*ALL_GRANTED, consent(ConsentItem.CHECKUP, ConsentAnswer.REFUSED))},
        {
            "consents": (
                msgspec.structs.replace(
                    consent(ConsentItem.CHECKUP, ConsentAnswer.GRANTED), until=None
                ),
            )
        },
    ],
    ids=[
        "pin that did not open the key",
        "face of another",
        "face not live",
        "liveness not looked at",
        "forged photo",
        "photo not looked at",
        "staff without a name",
        "phone as if it were a card",
        "phone whose PIN did not open the key",
        "card as if it were a phone",
        "face on a phone",
        "consent without a clock",
        "consent for eligibility alone",
        "consent at a parlour",
        "two answers",
        "no end",
    ],
)
async def test_a_statement_that_contradicts_itself(office: Office, changes: dict[str, Any]) -> None:
    assert refused(await confirmed(office, **changes))


async def test_a_card_that_did_not_sign_is_a_matter_of_policy(office: Office) -> None:
    unsigned = {**FACE, "card_signing": CardSigning.NONE}
    assert refused(await confirmed(office, **unsigned))
    office.accepts_unsigned()
    assert (await confirmed(office, counter=2, **unsigned)).accepted


# --- the office itself
async def test_it_keeps_who_was_asked_about_and_what_it_said(office: Office) -> None:
    await office.gateway.registration(VISIT, good_certificate(), Method.PIN)
    await confirmed(office)
    await confirmed(office)
    with closing(sqlite3.connect(office.database)) as connection:
        rows = connection.execute(
            "SELECT at, verb, transaction_id, person_id, requester, said FROM inquiry ORDER BY 1, 2"
        ).fetchall()
    assert {row[:3] for row in rows} == {
        (NOW.isoformat(), verb, str(VISIT)) for verb in ("registration", "confirm")
    }
    assert [row[3:] for row in rows if row[1] == "registration"] == [("sample", None, "registered")]
    assert [row[3:] for row in rows if row[1] == "confirm"] == [
        ("sample", "reception-1", "accepted"),
        (None, "reception-1", "evidence_rejected: the device's counter did not grow"),
    ]


@pytest.mark.parametrize("content", [None, b"", b"no database at all, just text" * 100])
async def test_a_database_that_cannot_be_asked(tmp_path: Path, content: bytes | None) -> None:
    database = tmp_path / "insurers.sqlite"
    if content is not None:
        database.write_bytes(content)
    gateway = InsurersGateway(database, Office(database).trust)
    with pytest.raises(UpstreamUnavailable):
        await gateway.challenge(VISIT)
    with pytest.raises(UpstreamUnavailable):
        await gateway.registration(VISIT, good_certificate(), Method.PIN)
    assert database.exists() is (content is not None)


async def test_evidence_can_be_brought_again_after_an_outage(office: Office) -> None:
    challenge = await office.gateway.challenge(VISIT)
    evidence = evidence_of(statement(challenge, good_certificate()), good_certificate())
    away = office.database.rename(office.database.with_suffix(".away"))
    with pytest.raises(UpstreamUnavailable):
        await office.gateway.confirm(VISIT, evidence, device_key())
    away.rename(office.database)
    assert (await office.gateway.confirm(VISIT, evidence, device_key())).accepted


async def test_the_gateway_of_the_settings(office: Office) -> None:
    folder = office.database.parent
    assert not open_gateway(GatewaySettings(), folder).capabilities.set_up
    (folder / "trust").mkdir()
    assert not open_gateway(GatewaySettings(), folder).capabilities.set_up
    (folder / "trust" / "authority.pem").write_bytes(b"of another site")
    with pytest.raises(BadSettings):
        open_gateway(GatewaySettings(), folder)
    (folder / "trust" / "authority.pem").write_bytes(
        AUTHORITY.make().public_bytes(serialization.Encoding.PEM)
    )
    gateway = open_gateway(GatewaySettings(), folder)
    assert gateway.capabilities.set_up
    elsewhere = open_gateway(GatewaySettings(database="not-there.sqlite"), folder)
    assert not elsewhere.capabilities.set_up
    assert gateway.capabilities.adapter == "insurers"
    assert gateway.capabilities.confirms_cards
    report = await gateway.registration(UUID(int=1), good_certificate(), Method.PIN)
    assert report.cause is None
