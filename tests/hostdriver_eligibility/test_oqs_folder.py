"""The adapter on real folders: every race that readers of these folders had to learn."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from office import INSURANCE, NOW, device_key, evidence_of, good_certificate, statement
from terminal import ANSWER_NAME, ASKED, QUESTION, Terminal

from firmware.faults import UpstreamUnavailable
from firmware.words import Cause, Method
from hostdriver.eligibility import oqs_folder
from hostdriver.eligibility.adapters import GatewaySettings, open_gateway
from hostdriver.eligibility.answer import QualificationConfirmSearchInfo, Validity
from hostdriver.eligibility.oqs_xml import Encoding, Reply, read_question, read_reply
from hostdriver.faults import Refusal

OTHERS = "OQSsiquc01res_2.xml"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "oqs")


# --- an ordinary day
@pytest.mark.parametrize("encoding", Encoding)
async def test_a_question_goes_out_and_its_answer_comes_back(
    tmp_path: Path, encoding: Encoding
) -> None:
    terminal = Terminal(tmp_path / "oqs", encoding)
    terminal.script = [terminal.take, terminal.leave]
    answer = await terminal.ask()
    assert (answer.validity, answer.result_list) == (Validity.VALID, (INSURANCE,))
    ((name, content),) = terminal.questions
    assert name == f"OQSsiquc01req_{QUESTION.inquiry_id.hex}.xml"
    header, asked = read_question(content)
    assert asked == ASKED
    assert header.medical_institution_code == "1310000001"
    assert header.qualification_confirmation_date == "20260105"
    assert header.character_code_identifier == encoding.identifier
    assert (terminal.res / ANSWER_NAME).exists()  # it is the terminal's folder


async def test_nobody_of_these_data(terminal: Terminal) -> None:
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(validity=Validity.NONE, result_list=()),
    ]
    assert (await terminal.ask()).validity is Validity.NONE


async def test_without_an_answer_the_question_is_taken_back(terminal: Terminal) -> None:
    with pytest.raises(UpstreamUnavailable, match="in time"):
        await terminal.ask()
    assert list(terminal.req.iterdir()) == []


async def test_an_answer_still_in_progress_is_waited_for(terminal: Terminal) -> None:
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(segment_of_result="2", validity=Validity.NONE, result_list=()),
        terminal.leave,
    ]
    assert (await terminal.ask()).validity is Validity.VALID


async def test_a_question_that_the_encoding_cannot_carry_is_not_asked(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "oqs", Encoding.SHIFT_JIS)
    asked = msgspec.structs.replace(ASKED, insured_card_symbol="𠮷1")
    with pytest.raises(Refusal, match="Shift_JIS"):
        await terminal.gateway().query(type(QUESTION)(UUID(int=5), "front desk", asked))
    assert list(terminal.req.iterdir()) == []


# --- cards
async def test_no_card_is_confirmed(terminal: Terminal) -> None:
    gateway = terminal.gateway()
    assert not gateway.capabilities.confirms_cards
    assert await gateway.challenge(QUESTION.inquiry_id) is None
    cause = Cause.UPSTREAM_CANNOT_CONFIRM_CARD
    visit, certificate = QUESTION.inquiry_id, good_certificate()
    assert (await gateway.registration(visit, certificate, Method.PIN)).cause is cause
    assert (await gateway.register(visit, certificate)).cause is cause
    evidence = evidence_of(statement(None, good_certificate()), good_certificate())
    said = await gateway.confirm(QUESTION.inquiry_id, evidence, device_key())
    assert (said.accepted, said.cause, said.eligibility) == (False, cause, None)
    assert list(terminal.req.iterdir()) == []


# --- races
async def test_a_half_written_answer_is_read_when_it_is_whole(terminal: Terminal) -> None:
    def half() -> None:
        whole = terminal.answer()
        (terminal.res / ANSWER_NAME).write_bytes(whole[: len(whole) // 2])

    terminal.script = [terminal.take, half, lambda: None, terminal.leave]
    assert (await terminal.ask()).validity is Validity.VALID


async def test_an_answer_that_stays_half_is_none(terminal: Terminal) -> None:
    terminal.script = [
        terminal.take,
        lambda: (terminal.res / ANSWER_NAME).write_bytes(terminal.answer()[:-20]),
    ]
    with pytest.raises(UpstreamUnavailable, match="in time"):
        await terminal.ask()


async def test_an_answer_moved_away_comes_again_under_another_name(terminal: Terminal) -> None:
    def gone() -> None:
        (terminal.res / ANSWER_NAME).unlink()
        # Listed, and gone when it is opened: a link into nowhere looks just so.
        (terminal.res / ANSWER_NAME).symlink_to(terminal.res / "elsewhere")

    terminal.script = [
        terminal.take,
        lambda: (terminal.res / ANSWER_NAME).write_bytes(b""),
        gone,
        lambda: terminal.leave("OQSsiquc01res_3.xml"),
    ]
    assert (await terminal.ask()).validity is Validity.VALID


async def test_an_answer_delivered_twice_counts_once(terminal: Terminal) -> None:
    def twice() -> None:
        terminal.leave()
        terminal.leave("OQSsiquc01res_1(2).xml")

    terminal.script = [terminal.take, twice]
    assert (await terminal.ask()).result_list == (INSURANCE,)


async def test_two_answers_that_differ_are_none(terminal: Terminal) -> None:
    def both() -> None:
        terminal.leave()
        terminal.leave(OTHERS, validity=Validity.INVALID)

    terminal.script = [terminal.take, both]
    with pytest.raises(UpstreamUnavailable, match="differ"):
        await terminal.ask()


async def test_the_same_name_with_new_content_is_a_new_file(terminal: Terminal) -> None:
    def one_of_before() -> None:
        terminal.leave(arbitrary_file_identifier="of another desk")

    terminal.script = [terminal.take, one_of_before, lambda: None, terminal.leave]
    assert (await terminal.ask()).validity is Validity.VALID


async def test_an_old_name_that_gets_our_answer_is_read(terminal: Terminal) -> None:
    (terminal.res / ANSWER_NAME).write_bytes(b"what was here before")
    terminal.script = [terminal.take, terminal.leave]
    assert (await terminal.ask()).validity is Validity.VALID


async def test_what_lay_there_before_answers_nothing(terminal: Terminal) -> None:
    earlier = [terminal.take, terminal.leave]
    terminal.script = list(earlier)
    await terminal.ask()  # the same identifier, as if it were asked twice
    terminal.script = [terminal.take]
    with pytest.raises(UpstreamUnavailable, match="in time"):
        await terminal.ask()


async def test_yesterdays_answer_is_refused(terminal: Terminal) -> None:
    yesterday = f"{NOW - timedelta(days=1):%Y%m%d}"
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(qualification_confirmation_date=yesterday),
    ]
    with pytest.raises(UpstreamUnavailable, match="another day"):
        await terminal.ask()


@pytest.mark.parametrize(
    "other",
    [
        {"birthdate": "19520402"},
        {"insurer_number": "  000002"},
        {"insured_identification_number": "4321"},
        {"insured_card_symbol": None},
        {"birthdate": None},
    ],
)
async def test_a_reply_about_somebody_else_is_refused(
    terminal: Terminal, other: dict[str, str | None]
) -> None:
    somebody = msgspec.structs.replace(INSURANCE, **other)
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(result_list=(INSURANCE, somebody)),
    ]
    with pytest.raises(UpstreamUnavailable, match="somebody else"):
        await terminal.ask()


async def test_a_reply_to_another_question_is_refused(terminal: Terminal) -> None:
    other = msgspec.structs.replace(ASKED, insured_identification_number="9")
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(
            qualification_confirm_search_info=other, result_list=(), validity=Validity.NONE
        ),
    ]
    with pytest.raises(UpstreamUnavailable, match="another question"):
        await terminal.ask()


async def refuses_without_results(
    terminal: Terminal,
    validity: Validity,
    searched: QualificationConfirmSearchInfo | None,
    because: str,
) -> None:
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(
            validity=validity, result_list=(), qualification_confirm_search_info=searched
        ),
    ]
    with pytest.raises(UpstreamUnavailable, match=because):
        await terminal.ask()


@pytest.mark.parametrize(
    "searched", [None, QualificationConfirmSearchInfo(), ASKED], ids=["none", "empty", "the same"]
)
@pytest.mark.parametrize("validity", [Validity.VALID, Validity.INVALID])
async def test_an_answer_that_tells_of_no_insurance_is_refused(
    terminal: Terminal, validity: Validity, searched: QualificationConfirmSearchInfo | None
) -> None:
    await refuses_without_results(terminal, validity, searched, "no insurance")


@pytest.mark.parametrize(
    "searched",
    [
        None,
        QualificationConfirmSearchInfo(),
        msgspec.structs.replace(ASKED, birthdate=None),
        msgspec.structs.replace(ASKED, insured_identification_number=None),
    ],
)
@pytest.mark.parametrize("validity", [Validity.NONE, Validity.SEVERAL])
async def test_an_answer_that_does_not_say_about_whom_is_refused(
    terminal: Terminal, validity: Validity, searched: QualificationConfirmSearchInfo | None
) -> None:
    await refuses_without_results(terminal, validity, searched, "about whom")


async def test_results_name_the_patient_without_the_question(terminal: Terminal) -> None:
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(qualification_confirm_search_info=None),
    ]
    assert (await terminal.ask()).result_list == (INSURANCE,)


async def test_a_patient_of_another_branch_is_somebody_else(terminal: Terminal) -> None:
    asked = msgspec.structs.replace(ASKED, insured_branch_number="01")
    question = type(QUESTION)(UUID(int=5), "front desk", asked)
    terminal.script = [terminal.take, terminal.leave]
    with pytest.raises(UpstreamUnavailable, match="somebody else"):
        await terminal.gateway().query(question)


async def test_a_face_readers_file_is_nobodys_answer(terminal: Terminal) -> None:
    terminal.script = [
        terminal.take,
        lambda: terminal.leave("OQSsiquc01res_face_1_20260105093012.xml"),
    ]
    with pytest.raises(UpstreamUnavailable, match="in time"):
        await terminal.ask()


async def test_what_is_nobody_elses_business_is_parsed_once_and_beside_the_loop(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of another desk; the same one again, with our answer in it, is another file."""
    parsed: Counter[bytes] = Counter()
    threads = set()

    def counted(content: bytes) -> Reply:
        parsed[content] += 1
        threads.add(threading.get_ident())
        return read_reply(content)

    monkeypatch.setattr(oqs_folder, "read_reply", counted)

    def of_another_desk() -> None:
        terminal.leave(arbitrary_file_identifier="of another desk")

    looks = [lambda: None] * 3
    terminal.script = [terminal.take, of_another_desk, *looks, terminal.leave]
    assert (await terminal.ask()).result_list == (INSURANCE,)
    assert sorted(parsed.values()) == [1, 1]
    assert threading.get_ident() not in threads


async def test_a_question_given_up_while_it_is_written_is_taken_back(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time limit, or by a reception that went away; on a disk that takes its time."""
    loop, written, goes_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    to_the_disk = os.fsync

    def slowly(descriptor: int) -> None:
        loop.call_soon_threadsafe(written.set)
        goes_on.wait()
        to_the_disk(descriptor)

    monkeypatch.setattr(os, "fsync", slowly)
    asking = asyncio.create_task(terminal.ask())
    await written.wait()
    asking.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await asking
    finally:
        goes_on.set()
    await loop.shutdown_default_executor()
    assert list(terminal.req.iterdir()) == []


# --- errors
async def test_the_terminals_error_is_told_by_its_code(terminal: Terminal) -> None:
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(segment_of_result="9", error_code="E0001"),
    ]
    with pytest.raises(UpstreamUnavailable, match="E0001"):
        await terminal.ask()
    terminal.script = [
        terminal.take,
        lambda: terminal.leave(processing_result_status="2", processing_result_code="見本 x"),
    ]
    with pytest.raises(UpstreamUnavailable, match="unknown"):
        await terminal.ask()


@pytest.mark.parametrize("missing", ["req", "res"])
@pytest.mark.parametrize("instead", [None, "a file"])
async def test_a_folder_that_is_not_there(
    terminal: Terminal, missing: str, instead: str | None
) -> None:
    folder: Path = getattr(terminal, missing)
    folder.rmdir()
    if instead:
        folder.write_text(instead)
    with pytest.raises(UpstreamUnavailable, match=missing):
        await terminal.ask()


async def test_a_res_folder_that_goes_away_while_we_wait(terminal: Terminal) -> None:
    terminal.script = [terminal.take, terminal.res.rmdir]
    with pytest.raises(UpstreamUnavailable, match="res"):
        await terminal.ask()


def test_the_adapter_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="res_dir"):
        GatewaySettings(adapter="oqs_folder", req_dir="req")
    chosen = GatewaySettings(adapter="oqs_folder", req_dir="req", res_dir="res")
    assert open_gateway(chosen, tmp_path).capabilities.adapter == "oqs_folder"
