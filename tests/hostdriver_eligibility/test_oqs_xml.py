"""The official XML: what is written is read again, and whatever else comes is refused by name."""

from __future__ import annotations

import random
import unicodedata
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostdriver.eligibility.answer import (
    ElderlyRecipientCertificateInfo,
    Element,
    Eligibility,
    LimitApplicationCertificateRelatedInfo,
    MessageHeader,
    QualificationConfirmSearchInfo,
    ResultOfQualificationConfirmation,
    SpecificDiseasesCertificateInfo,
    Validity,
)
from hostdriver.eligibility.oqs_xml import (
    GETA,
    MAX_DOCUMENT_BYTES,
    Encoding,
    read_answer,
    read_question,
    read_reply,
    write_answer,
    write_question,
)
from hostdriver.faults import MalformedAnswer, Refusal

SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<XmlMsg>
  <MessageHeader>
    <ProcessExecutionTime>20260105093012</ProcessExecutionTime>
    <QualificationConfirmationDate>20260105</QualificationConfirmationDate>
    <MedicalInstitutionCode>0000000000</MedicalInstitutionCode>
    <ReferenceClassification>1</ReferenceClassification>
    <SegmentOfResult>1</SegmentOfResult>
    <CharacterCodeIdentifier>0</CharacterCodeIdentifier>
  </MessageHeader>
  <MessageBody>
    <ProcessingResultStatus>1</ProcessingResultStatus>
    <QualificationValidity>1</QualificationValidity>
    <PrescriptionIssueSelect>2</PrescriptionIssueSelect>
    <ResultList><ResultOfQualificationConfirmation>
      <InsurerNumber>  000001</InsurerNumber><InsuredCardSymbol>0123</InsuredCardSymbol>
      <InsuredIdentificationNumber>0004321</InsuredIdentificationNumber>
      <Name>見本●子</Name><NameKana>ﾐﾎﾝ ｻﾝｺ</NameKana><Birthdate>19520401</Birthdate>
      <PharmacistsInfoConsFlg>1</PharmacistsInfoConsFlg>
      <PharmacistsInfoConsTime>20260105093005</PharmacistsInfoConsTime>
      <PharmacistsInfoAvailableTime>20260106093005</PharmacistsInfoAvailableTime>
      <OperationInfoConsFlg>0</OperationInfoConsFlg>
    </ResultOfQualificationConfirmation></ResultList>
  </MessageBody>
</XmlMsg>
"""
INSURANCE = "<ResultOfQualificationConfirmation>"
WISH = "<PrescriptionIssueSelect>2</PrescriptionIssueSelect>"

TWICE_READ = "¢£¬‖−〜"  # they share a code with others, and come back as those
# Whatever XML and both encodings can carry; what they cannot is a test of its own.
TEXTS = {
    Encoding.UTF_8: st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"])),
    Encoding.SHIFT_JIS: st.text(
        st.characters(codec="cp932", exclude_categories=["Cc", "Cn"], exclude_characters=TWICE_READ)
    ),
}


def elements(kind: type[Element], text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Any value of a struct of the answer, as its own fields tell."""

    def of(field: Any) -> st.SearchStrategy[Any]:
        inner = [
            part
            for part in get_args(field.type)
            if isinstance(part, type) and issubclass(part, Element)
        ]
        if not inner:
            return text if field.required else st.none() | text
        one = elements(inner[0], text)
        many = st.lists(one, max_size=2).map(tuple)
        return many if Ellipsis in get_args(field.type) else st.none() | one

    return st.builds(kind, **{field.name: of(field) for field in msgspec.structs.fields(kind)})


def answers(text: st.SearchStrategy[str]) -> st.SearchStrategy[Eligibility]:
    maybe = st.none() | text
    return st.builds(
        Eligibility,
        validity=st.sampled_from(Validity),
        message_header=elements(MessageHeader, text),
        processing_result_status=text,
        processing_result_code=maybe,
        processing_result_message=maybe,
        prescription_issue_select=st.none() | st.sampled_from(["1", "2"]),
        qualification_confirm_search_info=st.none()
        | elements(QualificationConfirmSearchInfo, text),
        result_list=st.lists(elements(ResultOfQualificationConfirmation, text), max_size=2).map(
            tuple
        ),
    )


def coded(answer: Eligibility, encoding: Encoding) -> Eligibility:
    """The same answer, as a file in that encoding names it."""
    header = msgspec.structs.replace(
        answer.message_header, character_code_identifier=encoding.identifier
    )
    return msgspec.structs.replace(answer, message_header=header)


# --- there and back
@given(data=st.data(), encoding=st.sampled_from(Encoding))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_written_is_read_again(data: st.DataObject, encoding: Encoding) -> None:
    answer = data.draw(answers(TEXTS[encoding]))
    assert read_answer(write_answer(answer, encoding)) == coded(answer, encoding)


@pytest.mark.parametrize("encoding", Encoding)
def test_the_sample_is_read_untouched(encoding: Encoding) -> None:
    content = SAMPLE.replace("UTF-8", encoding.declared).encode(encoding.codec)
    answer = read_answer(content)
    (insurance,) = answer.result_list
    assert (answer.validity, answer.prescription_issue_select) == (Validity.VALID, "2")
    assert insurance.insurer_number == "  000001"
    assert insurance.insured_identification_number == "0004321"
    assert (insurance.name, insurance.name_kana) == ("見本●子", "ﾐﾎﾝ ｻﾝｺ")
    assert insurance.pharmacists_info_available_time == "20260106093005"
    assert insurance.operation_info_cons_flg == "0"
    assert insurance.diagnosis_info_cons_flg is None


def test_every_branch_of_an_answer_has_its_place() -> None:
    """Several qualifications, 高齢受給者, 限度額, two 特定疾病, a loss, under the public names."""
    whole = Eligibility(
        validity=Validity.INVALID_NEWER_EXISTS,
        message_header=MessageHeader(
            process_execution_time="20260105093012",
            qualification_confirmation_date="20260105",
            medical_institution_code="0000000000",
        ),
        processing_result_status="1",
        result_list=(
            ResultOfQualificationConfirmation(
                insured_card_classification="A1",
                disqualification_date="20251231",
                reason_of_loss="03",
                elderly_recipient_certificate_info=ElderlyRecipientCertificateInfo(
                    elderly_recipient_contribution_ratio="020"
                ),
                limit_application_certificate_related_info=LimitApplicationCertificateRelatedInfo(
                    limit_application_certificate_classification_flag="A03"
                ),
                specific_diseases_certificate_list=(
                    SpecificDiseasesCertificateInfo(specific_diseases_disease_category="1"),
                    SpecificDiseasesCertificateInfo(specific_diseases_disease_category="3"),
                ),
            ),
            ResultOfQualificationConfirmation(insurer_number="39000001"),
        ),
    )
    content = write_answer(whole, Encoding.UTF_8)
    assert read_answer(content) == coded(whole, Encoding.UTF_8)
    text = content.decode()
    for piece in (
        "<QualificationValidity>3</QualificationValidity>",
        "<ReasonOfLoss>03</ReasonOfLoss>",
        "<ElderlyRecipientContributionRatio>020</ElderlyRecipientContributionRatio>",
        "<LimitApplicationCertificateClassificationFlag>A03<",
        "<SpecificDiseasesCertificateList><SpecificDiseasesCertificateInfo>",
    ):
        assert piece in text
    assert text.count("<ResultOfQualificationConfirmation>") == 2


@pytest.mark.parametrize("encoding", Encoding)
def test_a_question_is_read_as_it_was_asked(encoding: Encoding) -> None:
    header = MessageHeader(
        process_execution_time="20260105093012",
        qualification_confirmation_date="20260105",
        medical_institution_code="0000000000",
        arbitrary_file_identifier="00ff",
    )
    asked = QualificationConfirmSearchInfo(insurer_number="  000001", insured_card_symbol="あ12")
    content = write_question(header, asked, encoding)
    assert read_question(content)[1] == asked
    reply = read_reply(content)  # as a terminal that answers nothing but who asked
    assert reply.header.arbitrary_file_identifier == "00ff"
    assert isinstance(reply.answer, MalformedAnswer)


@pytest.mark.parametrize(
    ("encoding", "symbol"),
    [
        (Encoding.SHIFT_JIS, "𠮷1"),
        (Encoding.SHIFT_JIS, "葛\U000e01001"),
        (Encoding.SHIFT_JIS, "\ufffe1"),
        (Encoding.UTF_8, "\ufffe1"),
    ],
)
def test_no_other_symbol_is_asked_for_than_the_one_on_the_paper(
    encoding: Encoding, symbol: str
) -> None:
    asked = QualificationConfirmSearchInfo(insurer_number="  000001", insured_card_symbol=symbol)
    header = read_answer(SAMPLE.encode()).message_header
    with pytest.raises(Refusal, match="does not have") as refused:
        write_question(header, asked, encoding)
    assert refused.value.symbol == "invalid_params"
    assert symbol not in str(refused.value)


# --- what Shift_JIS cannot carry
@given(name=st.text())
@settings(deadline=None, max_examples=200)
def test_no_text_is_too_strange_to_be_written(name: str) -> None:
    answer = read_answer(SAMPLE.encode())
    (insurance,) = answer.result_list
    changed = msgspec.structs.replace(insurance, name=name)
    for encoding in Encoding:
        content = write_answer(msgspec.structs.replace(answer, result_list=(changed,)), encoding)
        read = read_answer(content).result_list[0].name
        assert read is not None
        assert len(read) <= len(name)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("髙橋①", "髙橋①"),  # code page 932 has them
        ("𠮷野", "●野"),
        ("한", "●"),
        ("葛\U000e0100城", "葛城"),  # a variant's selector is no character
        ("タナカ〜", "タナカ～"),
        ("見本●子", "見本●子"),
    ],
)
def test_what_shift_jis_cannot_carry_is_a_black_circle(name: str, written: str) -> None:
    answer = read_answer(SAMPLE.encode())
    changed = msgspec.structs.replace(answer.result_list[0], name=name)
    content = write_answer(
        msgspec.structs.replace(answer, result_list=(changed,)), Encoding.SHIFT_JIS
    )
    assert read_answer(content).result_list[0].name == written


def test_what_xml_cannot_carry_is_a_black_circle_too() -> None:
    answer = read_answer(SAMPLE.encode())
    changed = msgspec.structs.replace(answer.result_list[0], name="a\x00b\ud800c")
    content = write_answer(msgspec.structs.replace(answer, result_list=(changed,)), Encoding.UTF_8)
    assert read_answer(content).result_list[0].name == f"a{GETA}b{GETA}c"


# --- two places
def test_the_wish_for_a_prescription_is_read_in_a_result_too() -> None:
    moved = SAMPLE.replace(WISH, "").replace(INSURANCE, INSURANCE + WISH)
    assert read_answer(moved.encode()).prescription_issue_select == "2"
    both = SAMPLE.replace(INSURANCE, INSURANCE + WISH)
    assert read_answer(both.encode()).prescription_issue_select == "2"


def test_two_wishes_that_differ_are_none() -> None:
    both = SAMPLE.replace(INSURANCE, INSURANCE + WISH.replace("2", "1"))
    with pytest.raises(MalformedAnswer, match="PrescriptionIssueSelect"):
        read_answer(both.encode())


def test_an_unknown_element_is_passed_over() -> None:
    more = SAMPLE.replace(INSURANCE, f"{INSURANCE}<NewThing><a>1</a></NewThing><NewThing/>")
    assert read_answer(more.encode()) == read_answer(SAMPLE.encode())


# --- hostile
BOMB = (
    "<!DOCTYPE XmlMsg [<!ENTITY a '" + "x" * 100 + "'>"
    "<!ENTITY b '" + "&a;" * 100 + "'><!ENTITY c '" + "&b;" * 100 + "'>]>"
)
HOSTILE = {
    "billion laughs": SAMPLE.replace("<XmlMsg>", BOMB + "<XmlMsg>").replace("見本", "&c;").encode(),
    "external entity": SAMPLE.replace(
        "<XmlMsg>", "<!DOCTYPE XmlMsg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><XmlMsg>"
    )
    .replace("見本", "&x;")
    .encode(),
    "external DTD": SAMPLE.replace(
        "<XmlMsg>", "<!DOCTYPE XmlMsg SYSTEM 'http://localhost/x.dtd'><XmlMsg>"
    ).encode(),
    "undeclared entity": SAMPLE.replace("見本", "&x;").encode(),
    "a DTD in UTF-16": SAMPLE.replace("UTF-8", "UTF-16").encode("utf-16"),
    "UTF-7": SAMPLE.replace("UTF-8", "UTF-7").encode(),
    "ten megabytes": SAMPLE.replace("見本", "x" * 10_000_000).encode(),
    "just too long": SAMPLE.encode() + b" " * MAX_DOCUMENT_BYTES,
    "deep nesting": SAMPLE.replace(INSURANCE, INSURANCE + "<a>" * 200 + "</a>" * 200).encode(),
    "very deep nesting": SAMPLE.replace(INSURANCE, INSURANCE + "<a>" * 99_999).encode(),
    "half written": SAMPLE.encode()[:900],
    "cut in a character": SAMPLE.encode()[: SAMPLE.encode().index("見本".encode()) + 1],
    "empty": b"",
    "no XML": b"%PDF-1.7",
    "NUL": SAMPLE.replace("見本", "\x00").encode(),
    "another root": SAMPLE.replace("XmlMsg", "Other").encode(),
    "no header": SAMPLE.replace("MessageHeader", "Other").encode(),
    "two names": SAMPLE.replace("<NameKana>ﾐﾎﾝ ｻﾝｺ</NameKana>", "<Name>別人</Name>").encode(),
    "two bodies": SAMPLE.replace("</MessageBody>", "</MessageBody><MessageBody/>").encode(),
    "an element for a text": SAMPLE.replace("見本●子", "見本<b/>").encode(),
    "a validity of its own": SAMPLE.replace("Validity>1<", "Validity>7<").encode(),
    "no validity": SAMPLE.replace("QualificationValidity", "Other").encode(),
    "UTF-8 said to be Shift_JIS": SAMPLE.replace("UTF-8", "Shift_JIS").encode() + b"\x81",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_answer_is_refused_and_not_cited(content: bytes) -> None:
    with pytest.raises(MalformedAnswer) as refused:
        read_answer(content)
    said = str(refused.value)
    assert len(said) < 100
    assert not any(unicodedata.east_asian_width(letter) == "W" for letter in said)


@given(content=st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_an_answer_or_malformed(content: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read_answer(content)


def test_a_damaged_answer_is_read_or_malformed_and_nothing_else() -> None:
    dice = random.Random(7)
    for encoding in Encoding:
        good = SAMPLE.replace("UTF-8", encoding.declared).encode(encoding.codec)
        for _ in range(400):
            damaged = bytearray(good)
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            try:
                answer = read_answer(bytes(damaged))
            except MalformedAnswer:
                continue
            assert isinstance(answer, Eligibility)
