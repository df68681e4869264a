"""Which of the terminal's files is the answer to a question, and whether to believe it. Pure.

Files come half-written, twice, under an old name, from yesterday, or about somebody else; public
programs that read these folders learnt it the hard way. Doubt refuses.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from firmware.faults import UpstreamUnavailable
from hostdriver.eligibility.answer import (
    Eligibility,
    MessageHeader,
    QualificationConfirmSearchInfo,
    ResultOfQualificationConfirmation,
)
from hostdriver.eligibility.oqs_xml import read_answer, read_header
from hostdriver.faults import MalformedAnswer

IN_PROGRESS: Final = "2"  # SegmentOfResult
NORMAL: Final = "1"
ASKED: Final = ("insurer_number", "insured_card_symbol", "insured_identification_number")


def answer_among(
    contents: Iterable[bytes], asked_with: MessageHeader, asked: QualificationConfirmSearchInfo
) -> Eligibility | None:
    """The answer that carries our question's identifier; None while there is none.

    What cannot be read is not there yet: it may be half-written. Raises `UpstreamUnavailable` for
    an error, for two answers that differ, and for one that is not of today or not of this patient.
    """
    ours = dict.fromkeys(content for content in contents if _is_reply(content, asked_with))
    if not ours:
        return None
    if len(ours) > 1:
        raise UpstreamUnavailable("two answers to one question, and they differ")
    (content,) = ours
    header = read_header(content)
    if header.segment_of_result not in (None, NORMAL):
        raise UpstreamUnavailable(f"the terminal answered error {_code(header.error_code)}")
    try:
        answer = read_answer(content)
    except MalformedAnswer as cause:
        raise UpstreamUnavailable(f"the answer cannot be used: {cause}") from cause
    if answer.processing_result_status != NORMAL:
        raise UpstreamUnavailable(
            f"the terminal answered error {_code(answer.processing_result_code)}"
        )
    if header.qualification_confirmation_date != asked_with.qualification_confirmation_date:
        raise UpstreamUnavailable("the answer is of another day")
    if not all(_is_about(result, asked) for result in answer.result_list):
        raise UpstreamUnavailable("the answer is about somebody else")
    searched = answer.qualification_confirm_search_info
    if searched is not None and not _same_search(searched, asked):
        raise UpstreamUnavailable("the answer is to another question")
    return answer


def _is_reply(content: bytes, asked_with: MessageHeader) -> bool:
    try:
        header = read_header(content)
    except MalformedAnswer:
        return False
    return (
        header.arbitrary_file_identifier == asked_with.arbitrary_file_identifier
        and header.segment_of_result != IN_PROGRESS
    )


def _same_search(
    told: QualificationConfirmSearchInfo, asked: QualificationConfirmSearchInfo
) -> bool:
    """Whether it repeats what was asked; what it leaves out it does not contradict."""
    return all(
        not getattr(told, name) or _same(getattr(told, name), getattr(asked, name))
        for name in (*ASKED, "birthdate")
    )


def _is_about(
    result: ResultOfQualificationConfirmation, asked: QualificationConfirmSearchInfo
) -> bool:
    """Whether it names this person's insurance. A newer insurer's numbers differ, and the terminal
    does not tell them to whoever asks with the old ones."""
    branch = asked.insured_branch_number
    return (
        result.birthdate == asked.birthdate
        and all(_same(getattr(result, name), getattr(asked, name)) for name in ASKED)
        and (branch is None or result.insured_branch_number in (None, "", branch))
    )


def _same(told: str | None, asked: str | None) -> bool:
    """Without padding, and however wide a letter is written; compared so, never changed so."""
    one, other = (unicodedata.normalize("NFKC", text or "").strip() for text in (told, asked))
    return one == other


def _code(told: str | None) -> str:
    """An error's code for the log: short, and nothing but a code."""
    return told if told and told.isalnum() and told.isascii() and len(told) <= 16 else "unknown"
