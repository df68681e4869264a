"""Which of the terminal's files is the answer to a question, and whether to believe it. Pure.

Files come half-written, twice, under an old name, from yesterday, or about somebody else; public
programs that read these folders learnt it the hard way. Doubt refuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from firmware.faults import UpstreamUnavailable
from hostdriver.eligibility.answer import (
    Eligibility,
    MessageHeader,
    QualificationConfirmSearchInfo,
    ResultOfQualificationConfirmation,
    Validity,
    same_text,
)
from hostdriver.eligibility.oqs_xml import Reply
from hostdriver.faults import MalformedAnswer

IN_PROGRESS: Final = "2"  # SegmentOfResult
NORMAL: Final = "1"
ASKED: Final = ("insurer_number", "insured_card_symbol", "insured_identification_number")
OF_NOBODY: Final = frozenset({Validity.NONE, Validity.SEVERAL})
"""What is said without telling of an insurance; everything else is said of one."""


def answer_among(
    replies: Iterable[Reply], asked_with: MessageHeader, asked: QualificationConfirmSearchInfo
) -> Eligibility | None:
    """The answer that carries our question's identifier; None while there is none.

    Raises `UpstreamUnavailable` for an error, for two answers that differ, and for one that is not
    of today or does not name this patient.
    """
    ours = {
        reply.content: reply
        for reply in replies
        if is_ours(reply, asked_with) and reply.header.segment_of_result != IN_PROGRESS
    }
    if not ours:
        return None
    if len(ours) > 1:
        raise UpstreamUnavailable("two answers to one question, and they differ")
    ((header, answer),) = ((reply.header, reply.answer) for reply in ours.values())
    if header.segment_of_result not in (None, NORMAL):
        raise UpstreamUnavailable(f"the terminal answered error {_code(header.error_code)}")
    if isinstance(answer, MalformedAnswer):
        raise UpstreamUnavailable(f"the answer cannot be used: {answer}") from answer
    if answer.processing_result_status != NORMAL:
        raise UpstreamUnavailable(
            f"the terminal answered error {_code(answer.processing_result_code)}"
        )
    if header.qualification_confirmation_date != asked_with.qualification_confirmation_date:
        raise UpstreamUnavailable("the answer is of another day")
    if not all(_is_about(result, asked) for result in answer.result_list):
        raise UpstreamUnavailable("the answer is about somebody else")
    if not answer.result_list and answer.validity not in OF_NOBODY:
        raise UpstreamUnavailable("the answer tells of no insurance")
    searched = answer.qualification_confirm_search_info
    if searched is not None and not _is_like(searched, asked):
        raise UpstreamUnavailable("the answer is to another question")
    if not answer.result_list and not (searched is not None and _repeats(searched, asked)):
        raise UpstreamUnavailable("the answer does not say about whom it is")
    return answer


def is_ours(reply: Reply, asked_with: MessageHeader) -> bool:
    """Whether it carries our question's identifier, finished or not."""
    return reply.header.arbitrary_file_identifier == asked_with.arbitrary_file_identifier


def _is_like(told: QualificationConfirmSearchInfo, asked: QualificationConfirmSearchInfo) -> bool:
    """Whether it contradicts nothing that was asked; what it leaves out is no contradiction."""
    return all(
        not getattr(told, name) or same_text(getattr(told, name), getattr(asked, name))
        for name in (*ASKED, "birthdate")
    )


def _repeats(told: QualificationConfirmSearchInfo, asked: QualificationConfirmSearchInfo) -> bool:
    """Whether it leaves nothing out that names the patient."""
    return all(
        same_text(getattr(told, name), getattr(asked, name)) for name in (*ASKED, "birthdate")
    )


def _is_about(
    result: ResultOfQualificationConfirmation, asked: QualificationConfirmSearchInfo
) -> bool:
    """Whether it names this person's insurance. A newer insurer's numbers differ, and the terminal
    does not tell them to whoever asks with the old ones."""
    branch = asked.insured_branch_number
    return (
        result.birthdate == asked.birthdate
        and all(same_text(getattr(result, name), getattr(asked, name)) for name in ASKED)
        and (branch is None or result.insured_branch_number in (None, "", branch))
    )


def _code(told: str | None) -> str:
    """An error's code for the log: short, and nothing but a code."""
    return told if told and told.isalnum() and told.isascii() and len(told) <= 16 else "unknown"
