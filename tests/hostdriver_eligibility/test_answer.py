"""Element names, codes and consents."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
import pytest

from firmware.statement import ConsentRecord
from firmware.words import ConsentAnswer, ConsentItem, Question
from hostdriver.eligibility.answer import (
    CONSENT_ELEMENTS,
    Element,
    Eligibility,
    MessageHeader,
    ResultOfQualificationConfirmation,
    Validity,
    japan_date,
    japan_time,
    prescription_issue_select,
    with_consents,
)

AT = datetime(2026, 1, 5, 0, 30, 5, tzinfo=UTC)
UNTIL = datetime(2026, 1, 6, 0, 30, 5, tzinfo=UTC)

RESULT_ELEMENTS = [
    "InsuredCardClassification",
    "InsurerNumber",
    "InsurerName",
    "InsuredCardSymbol",
    "InsuredIdentificationNumber",
    "InsuredBranchNumber",
    "PersonalFamilyClassification",
    "InsuredName",
    "Name",
    "NameKana",
    "NameOfOther",
    "NameOfOtherKana",
    "Sex1",
    "Sex2",
    "Birthdate",
    "Address",
    "PostNumber",
    "QualificationDate",
    "DisqualificationDate",
    "InsuredCertificateIssuanceDate",
    "InsuredCardValidDate",
    "InsuredCardExpirationDate",
    "InsuredPartialContributionRatio",
    "PreschoolClassification",
    "ReasonOfLoss",
    "ReferenceNumber",
    "LimitApplicationCertificateChanged",
    "ElderlyRecipientCertificateInfo",
    "LimitApplicationCertificateRelatedConsFlg",
    "LimitApplicationCertificateRelatedConsTime",
    "LimitApplicationCertificateRelatedInfo",
    "SpecificDiseasesCertificateRelatedConsFlg",
    "SpecificDiseasesCertificateRelatedConsTime",
    "SpecificDiseasesCertificateList",
]
CONSENT_PREFIXES = [
    "SpecificHealthCheckupsInfo",
    "PharmacistsInfo",
    "DiagnosisInfo",
    "OperationInfo",
    "DiagnosisName",
    "InfectiousInfo",
    "AllergyInfo",
    "ContraindicationInfo",
    "TestInfo",
    "PrescriptionInfo",
]


def names_of(element: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(element)}


def test_a_result_has_every_public_element_and_no_other() -> None:
    triples = [
        f"{prefix}{suffix}"
        for prefix in CONSENT_PREFIXES
        for suffix in ("ConsFlg", "ConsTime", "AvailableTime")
    ]
    assert names_of(ResultOfQualificationConfirmation) == {*RESULT_ELEMENTS, *triples}


@pytest.mark.parametrize("element", Element.__subclasses__(), ids=lambda element: element.__name__)
def test_names_on_the_wire_are_pascal_case(element: type[Element]) -> None:
    for name in names_of(element) - {"validity"}:
        assert re.fullmatch(r"([A-Z][a-z]+)+[12]?", name), name


def test_codes_of_validity() -> None:
    assert [validity.code for validity in Validity] == ["1", "2", "3", "4", "5", "6"]
    assert Validity.INVALID_NEWER_EXISTS.code == "3"


def test_strings_pass_untouched_and_absent_elements_stay_absent() -> None:
    result = ResultOfQualificationConfirmation(
        insurer_number="  000001", insured_card_symbol="0123", name="見本●子", name_kana="ﾐﾎﾝ ｻﾝｺ"
    )
    encoded = msgspec.json.encode(result)
    assert msgspec.json.decode(encoded) == {
        "InsurerNumber": "  000001",
        "InsuredCardSymbol": "0123",
        "Name": "見本●子",
        "NameKana": "ﾐﾎﾝ ｻﾝｺ",
    }
    assert msgspec.json.decode(encoded, type=ResultOfQualificationConfirmation) == result


def test_nothing_of_a_person_is_printed() -> None:
    result = ResultOfQualificationConfirmation(name="見本●子")
    header = MessageHeader(
        process_execution_time="20260105093012",
        qualification_confirmation_date="20260105",
        medical_institution_code="0000000000",
    )
    whole = Eligibility(
        validity=Validity.VALID,
        message_header=header,
        processing_result_status="1",
        result_list=(result,),
    )
    assert "見本" not in f"{result!r}{whole!r}{whole}"


@pytest.mark.parametrize(
    ("answer", "flag", "times"),
    [
        (ConsentAnswer.GRANTED, "1", True),
        (ConsentAnswer.REFUSED, "0", False),
        (ConsentAnswer.NOT_ASKED, None, False),
        (ConsentAnswer.EXPIRED, "2", True),
        (ConsentAnswer.UNOBTAINABLE, "3", False),
    ],
)
@pytest.mark.parametrize("item", ConsentItem)
def test_consent_flags(
    item: ConsentItem, answer: ConsentAnswer, flag: str | None, times: bool
) -> None:
    record = ConsentRecord(item, answer, at=AT, until=UNTIL)
    result = with_consents(ResultOfQualificationConfirmation(), [record])
    expected: dict[str, str] = {}
    for prefix in CONSENT_ELEMENTS[item]:
        name = "".join(word.title() for word in prefix.split("_"))
        if flag is not None:
            expected[f"{name}ConsFlg"] = flag
        if times:
            expected[f"{name}ConsTime"] = "20260105093005"
            expected[f"{name}AvailableTime"] = "20260106093005"
    assert msgspec.to_builtins(result) == expected


def test_medication_sets_two_triples() -> None:
    granted = ConsentRecord(ConsentItem.MEDICATION, ConsentAnswer.GRANTED, at=AT, until=UNTIL)
    result = with_consents(ResultOfQualificationConfirmation(), [granted])
    assert (result.pharmacists_info_cons_flg, result.diagnosis_info_cons_flg) == ("1", "1")
    assert result.operation_info_cons_flg is None


def test_times_are_japans() -> None:
    late = datetime(2026, 1, 4, 15, 0, 0, tzinfo=UTC)
    assert (japan_time(late), japan_date(late)) == ("20260105000000", "20260105")


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({Question.PRESCRIPTION_FORM: "electronic"}, "1"),
        ({Question.PRESCRIPTION_FORM: "paper"}, "2"),
        ({Question.PRESCRIPTION_FORM: "papyrus"}, None),
        ({Question.SUBSIDY: "use"}, None),
        ({}, None),
    ],
)
def test_the_wish_for_a_prescription(answers: dict[Question, str], code: str | None) -> None:
    assert prescription_issue_select(answers) == code
