"""One real message of each kind, for LINK.md. Long values are cut short; every line decodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from firmware.link import messages as m
from firmware.statement import RSA_PKCS1_SHA256, ConsentRecord, Evidence
from firmware.words import (
    CardKind,
    Cause,
    CertificateWarning,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Language,
    Method,
    Outcome,
    Profile,
    Purpose,
    Question,
    Registration,
    State,
)

VISIT: Final = UUID("6f1c2d0e-8f0a-4f3b-9f53-0c8f5d1f6a11")
BOOT: Final = UUID("0b6f2c52-6a3e-4a55-8a19-5a2f3f7b9c01")
AT: Final = datetime(2026, 11, 24, 0, 15, 30, tzinfo=UTC)
CERTIFICATE: Final = bytes.fromhex("308205fe308204e6a003020102")
EVIDENCE: Final = Evidence(
    statement="eyJhbGciOiJFZDI1NTE5Iiw.eyJ2ZXJzaW9uIjoxLCJkZXZpY2.htg5QWhWLGJyBkc7",
    card_certificate=CERTIFICATE,
    card_signature=bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"),
    card_signature_algorithm=RSA_PKCS1_SHA256,
)
CONSENTS: Final = (
    ConsentRecord(
        item=ConsentItem.MEDICATION,
        answer=ConsentAnswer.GRANTED,
        at=AT,
        until=AT + timedelta(hours=24),
        text_version="consent-2026-11",
    ),
    ConsentRecord(item=ConsentItem.OPERATION, answer=ConsentAnswer.NOT_ASKED),
)

EXAMPLES: Final[tuple[m.Message, ...]] = (
    m.HostHello(protocol=m.PROTOCOL, host="frontdesk-1", now=AT),
    m.StartTransaction(
        transaction_id=VISIT,
        requester="front desk",
        requester_nonce=b"sixteen bytes or",
        gateway_challenge=b"more, never used again, 10 min..",
        purpose=Purpose.VISIT,
        profile=Profile.CLINIC,
        items=(ConsentItem.MEDICATION,),
        language=Language.JA,
    ),
    m.Cancel(transaction_id=VISIT),
    m.RegistrationAnswer(
        transaction_id=VISIT,
        registration=Registration.REGISTERED,
        certificate_warning=CertificateWarning.EXPIRES_SOON,
    ),
    m.ConfirmationAnswer(transaction_id=VISIT, accepted=False, cause=Cause.CERTIFICATE_SUSPENDED),
    m.DoctorRequested(),
    m.Heartbeat(),
    m.DeviceHello(
        protocol=m.PROTOCOL,
        device_id="kazashi-1",
        boot_id=BOOT,
        device_key={
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        },
        profiles=(Profile.CLINIC,),
        methods=(Method.FACE, Method.PIN, Method.STAFF),
        languages=(Language.JA, Language.EN),
        clock_trust=ClockTrust.NTP,
        version="0.1.0",
    ),
    m.ReaderStatus(state=State.IDLE, card_reader="ACS ACR39U ICC Reader 00 00", camera=True),
    m.Progress(
        transaction_id=VISIT,
        sequence=9,
        state=State.ASKING_PIN,
        monotonic_s=5021.25,
        at=AT,
        card_kind=CardKind.MY_NUMBER_CARD,
        tries_left=2,
    ),
    m.AskRegistration(transaction_id=VISIT, card_certificate=CERTIFICATE, method=Method.FACE),
    m.AskToRegister(transaction_id=VISIT, card_certificate=CERTIFICATE),
    m.EvidenceReady(transaction_id=VISIT, evidence=EVIDENCE),
    m.TransactionEnded(
        transaction_id=VISIT,
        outcome=Outcome.VERIFIED,
        cause=None,
        method=Method.FACE,
        card_kind=CardKind.MY_NUMBER_CARD,
        consents=CONSENTS,
        answers={Question.PRESCRIPTION_FORM: "electronic"},
        evidence=EVIDENCE,
        language=Language.JA,
        timings_ms={"card_read": 610, "decision": 1244, "machine": 880, "total": 9308},
    ),
    m.DoctorReported(
        checks=(
            m.DoctorCheck("reader", m.BothLanguages("カードリーダー", "card reader"), asked=True),
            m.DoctorCheck(
                "power",
                m.BothLanguages("電源", "power"),
                asked=False,
                why_not=m.BothLanguages("この機器では測れない", "nothing here can tell"),
            ),
        ),
        findings=(
            m.DoctorFinding(
                check="reader",
                symptom="reader_missing",
                gravity=m.Gravity.STOPS,
                wrong=m.BothLanguages(
                    "カードリーダーが見つかりません。", "There is no card reader."
                ),
                remedy=m.BothLanguages("カードリーダーのUSBケーブルを…", "Plug the reader's …"),
                detail="",
            ),
        ),
    ),
    m.Refused(transaction_id=VISIT, symbol="reader_busy", reason="a visit is under way"),
)
