"""The answer to an eligibility question: every element that is public, under its public name.

It knows names and codes, not where an answer comes from. Values are strings and are never touched:
leading zeros, leading blanks (`InsurerNumber` is 8 wide) and ● stay. An absent element means that
nothing is on file. Names and codes: docs/SOCKET_API.md; dates are YYYYMMDD, times YYYYMMDDhhmmss,
both in Japan's time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import msgspec

from firmware.statement import ConsentRecord
from firmware.words import ConsentAnswer, ConsentItem, Question

INSURER_NUMBER_WIDTH: Final = 8  # six digits stand to the right of two blanks
JAPAN: Final = timezone(timedelta(hours=9), "JST")  # no daylight saving time since 1951


class Validity(StrEnum):
    """Whether the person is insured (code list 006); `code` is the number in the files."""

    VALID = "valid"
    INVALID = "invalid"
    INVALID_NEWER_EXISTS = "invalid_newer_exists"
    NONE = "none"
    SEVERAL = "several"
    VALID_UNREGISTERED = "valid_unregistered"  # 医療扶助 only

    @property
    def code(self) -> str:
        """`QualificationValidity`: 1 to 6, in the order above."""
        return str(1 + list(Validity).index(self))


class Element(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """One element with children. It prints as its name: it is about a person."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class MessageHeader(Element, frozen=True):
    """When and for whom the answer was made."""

    process_execution_time: str
    qualification_confirmation_date: str
    medical_institution_code: str
    arbitrary_file_identifier: str | None = None
    reference_classification: str | None = None
    """1 My Number card, 2 insured-card data."""
    segment_of_result: str | None = None
    """1 normal, 2 in progress, 9 abnormal."""
    error_code: str | None = None
    error_message: str | None = None
    character_code_identifier: str | None = None
    """0 UTF-8, 1 Shift_JIS."""


class QualificationConfirmSearchInfo(Element, frozen=True):
    """What was asked for, when it was asked by insured-card data."""

    insurer_number: str | None = None
    insured_card_symbol: str | None = None
    insured_identification_number: str | None = None
    insured_branch_number: str | None = None
    birthdate: str | None = None
    limit_application_certificate_related_cons_flg: str | None = None
    arbitrary_identifier: str | None = None


class ElderlyRecipientCertificateInfo(Element, frozen=True):
    """高齢受給者証: 70 years and older."""

    elderly_recipient_certificate_date: str | None = None
    elderly_recipient_valid_start_date: str | None = None
    elderly_recipient_valid_end_date: str | None = None
    elderly_recipient_contribution_ratio: str | None = None


class LimitApplicationCertificateRelatedInfo(Element, frozen=True):
    """限度額適用認定証. Absent is a normal answer and does not mean that the patient has none."""

    limit_application_certificate_classification: str | None = None
    limit_application_certificate_classification_flag: str | None = None
    limit_application_certificate_date: str | None = None
    limit_application_certificate_valid_start_date: str | None = None
    limit_application_certificate_valid_end_date: str | None = None
    limit_application_certificate_long_term_date: str | None = None


class SpecificDiseasesCertificateInfo(Element, frozen=True):
    """特定疾病療養受療証: 1 dialysis, 2 haemophilia, 3 HIV from blood products."""

    specific_diseases_disease_category: str | None = None
    specific_diseases_certificate_date: str | None = None
    specific_diseases_valid_start_date: str | None = None
    specific_diseases_valid_end_date: str | None = None
    specific_diseases_self_pay: str | None = None


class ResultOfQualificationConfirmation(Element, frozen=True):
    """One insurance of one person."""

    insured_card_classification: str | None = None
    insurer_number: str | None = None
    insurer_name: str | None = None
    insured_card_symbol: str | None = None
    insured_identification_number: str | None = None
    insured_branch_number: str | None = None
    personal_family_classification: str | None = None
    insured_name: str | None = None
    name: str | None = None
    name_kana: str | None = None
    name_of_other: str | None = None
    name_of_other_kana: str | None = None
    sex1: str | None = None
    sex2: str | None = None
    birthdate: str | None = None
    address: str | None = None
    post_number: str | None = None
    qualification_date: str | None = None
    disqualification_date: str | None = None
    insured_certificate_issuance_date: str | None = None
    insured_card_valid_date: str | None = None
    insured_card_expiration_date: str | None = None
    insured_partial_contribution_ratio: str | None = None
    preschool_classification: str | None = None
    reason_of_loss: str | None = None
    reference_number: str | None = None
    elderly_recipient_certificate_info: ElderlyRecipientCertificateInfo | None = None
    limit_application_certificate_changed: str | None = None
    limit_application_certificate_related_cons_flg: str | None = None
    limit_application_certificate_related_cons_time: str | None = None
    limit_application_certificate_related_info: LimitApplicationCertificateRelatedInfo | None = None
    specific_diseases_certificate_related_cons_flg: str | None = None
    specific_diseases_certificate_related_cons_time: str | None = None
    specific_diseases_certificate_list: tuple[SpecificDiseasesCertificateInfo, ...] = ()
    specific_health_checkups_info_cons_flg: str | None = None
    specific_health_checkups_info_cons_time: str | None = None
    specific_health_checkups_info_available_time: str | None = None
    pharmacists_info_cons_flg: str | None = None
    pharmacists_info_cons_time: str | None = None
    pharmacists_info_available_time: str | None = None
    diagnosis_info_cons_flg: str | None = None
    diagnosis_info_cons_time: str | None = None
    diagnosis_info_available_time: str | None = None
    operation_info_cons_flg: str | None = None
    operation_info_cons_time: str | None = None
    operation_info_available_time: str | None = None
    # The six kinds of 電子カルテ情報共有サービス. Assumed: the names of ORCA's patient interface; a
    # result file that holds them was not seen. No question of ours sets them.
    diagnosis_name_cons_flg: str | None = None
    diagnosis_name_cons_time: str | None = None
    diagnosis_name_available_time: str | None = None
    infectious_info_cons_flg: str | None = None
    infectious_info_cons_time: str | None = None
    infectious_info_available_time: str | None = None
    allergy_info_cons_flg: str | None = None
    allergy_info_cons_time: str | None = None
    allergy_info_available_time: str | None = None
    contraindication_info_cons_flg: str | None = None
    contraindication_info_cons_time: str | None = None
    contraindication_info_available_time: str | None = None
    test_info_cons_flg: str | None = None
    test_info_cons_time: str | None = None
    test_info_available_time: str | None = None
    prescription_info_cons_flg: str | None = None
    prescription_info_cons_time: str | None = None
    prescription_info_available_time: str | None = None


class Eligibility(Element, frozen=True):
    """The whole answer. `validity` stands for `QualificationValidity`, as a word."""

    validity: Validity = msgspec.field(name="validity")
    message_header: MessageHeader
    processing_result_status: str
    """1 normal, 2 error; a code and a message may come with normal too."""
    processing_result_code: str | None = None
    processing_result_message: str | None = None
    prescription_issue_select: str | None = None
    """The patient's wish: 1 electronic, 2 paper."""
    qualification_confirm_search_info: QualificationConfirmSearchInfo | None = None
    result_list: tuple[ResultOfQualificationConfirmation, ...] = ()


CONSENT_ELEMENTS: Final = {
    ConsentItem.MEDICATION: ("pharmacists_info", "diagnosis_info"),
    ConsentItem.OPERATION: ("operation_info",),
    ConsentItem.CHECKUP: ("specific_health_checkups_info",),
}
"""The triples `…_cons_flg`, `…_cons_time`, `…_available_time` that a consent item sets."""

CONSENT_FLAGS: Final = {
    ConsentAnswer.GRANTED: "1",
    ConsentAnswer.REFUSED: "0",
    ConsentAnswer.NOT_ASKED: None,  # the element is absent: five answers stay five
    ConsentAnswer.EXPIRED: "2",
    ConsentAnswer.UNOBTAINABLE: "3",
}

PRESCRIPTION_FORMS: Final = {"electronic": "1", "paper": "2"}


def with_consents(
    result: ResultOfQualificationConfirmation, consents: Iterable[ConsentRecord]
) -> ResultOfQualificationConfirmation:
    """`result` with what the patient answered; a time stands only beside a consent once given."""
    elements: dict[str, str | None] = {}
    for record in consents:
        once_given = record.answer in (ConsentAnswer.GRANTED, ConsentAnswer.EXPIRED)
        for prefix in CONSENT_ELEMENTS[record.item]:
            elements[f"{prefix}_cons_flg"] = CONSENT_FLAGS[record.answer]
            elements[f"{prefix}_cons_time"] = _time(record.at) if once_given else None
            elements[f"{prefix}_available_time"] = _time(record.until) if once_given else None
    return msgspec.structs.replace(result, **elements)


def prescription_issue_select(answers: dict[Question, str]) -> str | None:
    """The code of the patient's wish; None when the question was not asked."""
    return PRESCRIPTION_FORMS.get(answers.get(Question.PRESCRIPTION_FORM, ""))


def comparable(text: str | None) -> str:
    """A number or symbol without padding, however wide its letters are written.

    Texts are compared so, and never stored or answered so.
    """
    return unicodedata.normalize("NFKC", text or "").strip()


def same_text(one: str | None, other: str | None) -> bool:
    """Whether two papers or files say the same number or symbol; none is like an empty one."""
    return comparable(one) == comparable(other)


def japan_time(moment: datetime) -> str:
    """YYYYMMDDhhmmss in Japan's time."""
    return f"{moment.astimezone(JAPAN):%Y%m%d%H%M%S}"


def japan_date(moment: datetime) -> str:
    """YYYYMMDD in Japan's time."""
    return japan_time(moment)[:8]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else japan_time(moment)
