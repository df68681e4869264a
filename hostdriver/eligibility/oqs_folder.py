"""The official terminal's folders as an eligibility service: a question in, an answer out. [shell]

It can be asked by insured-card data alone, so no card visit begins on it. Both folders belong to
the terminal and may be read by others too: only our own question is ever taken back, and nothing in
`res` is touched. Which of its files is our answer, and whether it is one, decides `answer_among`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from joserfc.jwk import OKPKey

from firmware.faults import UpstreamUnavailable
from firmware.statement import Evidence
from firmware.words import Cause, Method, Registration
from hostdriver.eligibility.answer import Eligibility, MessageHeader, japan_date, japan_time
from hostdriver.eligibility.gateway import (
    Capabilities,
    Confirmation,
    InsuredCardQuestion,
    RegistrationReport,
)
from hostdriver.eligibility.oqs_reply import answer_among, is_ours
from hostdriver.eligibility.oqs_xml import (
    MAX_DOCUMENT_BYTES,
    Encoding,
    Reply,
    read_reply,
    write_question,
)
from hostdriver.faults import MalformedAnswer
from hostdriver.whole_file import PRIVATE_TO_THE_GROUP, put_whole

REQUEST: Final = "OQSsiquc01req_"
ANSWER: Final = "OQSsiquc01res_"
FACE_ANSWER: Final = "OQSsiquc01res_face_"  # a reader's, which nobody asked for
LOOK_EVERY_S: Final = 0.2
CANNOT_CONFIRM: Final = RegistrationReport(
    Registration.REFUSED, Cause.UPSTREAM_CANNOT_CONFIRM_CARD, clinical_consent_allowed=False
)


class Seen(NamedTuple):
    """A file as it stood at one moment; the same name with new content is another one."""

    name: str
    inode: int
    changed_ns: int
    size: int


class OqsFolderGateway:
    """The adapter `oqs_folder`."""

    def __init__(
        self,
        req: Path,
        res: Path,
        *,
        institution_code: str,
        encoding: Encoding = Encoding.UTF_8,
        answers_within_s: float = 10.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`pause` waits for some seconds; `answers_within_s` is counted in such pauses."""
        self._req, self._res = req, res
        self._institution_code, self._encoding = institution_code, encoding
        self._looks = max(1, round(answers_within_s / LOOK_EVERY_S))
        self._pause, self._now = pause, now

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter can do."""
        return Capabilities(
            "oqs_folder", confirms_cards=False, registers=False, queries=True, synthetic=False
        )

    async def challenge(self, transaction_id: UUID) -> None:
        """There is none."""

    async def registration(
        self, transaction_id: UUID, card_certificate: bytes, method: Method
    ) -> RegistrationReport:
        """`upstream_cannot_confirm_card`, whatever the card."""
        return CANNOT_CONFIRM

    async def register(self, transaction_id: UUID, card_certificate: bytes) -> RegistrationReport:
        """The same."""
        return CANNOT_CONFIRM

    async def confirm(
        self, transaction_id: UUID, evidence: Evidence, device_key: OKPKey
    ) -> Confirmation:
        """The same."""
        return Confirmation(False, Cause.UPSTREAM_CANNOT_CONFIRM_CARD, None)

    async def query(self, question: InsuredCardQuestion) -> Eligibility:
        """Leave the question in `req`, and wait for the answer in `res`.

        Raises `UpstreamUnavailable`: no answer in time, one about somebody else, or a broken one;
        `Refusal` for a question that the file's encoding cannot carry.
        """
        now, identifier = self._now(), question.inquiry_id.hex
        header = MessageHeader(
            process_execution_time=japan_time(now),
            qualification_confirmation_date=japan_date(now),
            medical_institution_code=self._institution_code,
            arbitrary_file_identifier=identifier,
            reference_classification="2",
        )
        name = f"{REQUEST}{identifier}.xml"
        content = write_question(header, question.asked, self._encoding)
        # Whatever lies in `res` before the question is put is no answer to it.
        known = set(await self._files())
        sheet = _Sheet(self._req, name, content)
        try:
            await asyncio.to_thread(sheet.put)
            return await self._answer(header, question, known)
        finally:
            await asyncio.shield(asyncio.to_thread(sheet.take_back))

    async def _answer(
        self, header: MessageHeader, question: InsuredCardQuestion, known: set[Seen]
    ) -> Eligibility:
        for _ in range(self._looks):
            replies = []
            for seen in await self._files():
                if seen in known:
                    continue
                reply = await asyncio.to_thread(_reply_in, self._res / seen.name)
                if reply is None:
                    continue
                if is_ours(reply, header):
                    replies.append(reply)
                else:
                    known.add(seen)
            found = answer_among(replies, header, question.asked)
            if found is not None:
                return found
            await self._pause(LOOK_EVERY_S)
        raise UpstreamUnavailable(f"{self._res}: no answer in time")

    async def _files(self) -> list[Seen]:
        try:
            return await asyncio.to_thread(_answers_in, self._res)
        except OSError as cause:
            raise UpstreamUnavailable(f"{self._res}: {cause.strerror}") from cause


class _Sheet:
    """A question's file, gone for good once it is taken back, whichever thread comes last."""

    def __init__(self, folder: Path, name: str, content: bytes) -> None:
        self._folder, self._name, self._content = folder, name, content
        self._given_up = threading.Event()

    def put(self) -> None:
        """Leave it in the folder. Raises `UpstreamUnavailable`."""
        try:
            put_whole(self._folder / self._name, self._content, PRIVATE_TO_THE_GROUP)
        except OSError as cause:
            raise UpstreamUnavailable(f"{self._folder}: {cause.strerror}") from cause
        if self._given_up.is_set():  # while it was being written
            self.take_back()

    def take_back(self) -> None:
        """Remove it; if it is still being written, `put` will."""
        self._given_up.set()
        with suppress(OSError):  # taken by the terminal, as it should be
            (self._folder / self._name).unlink()


def _answers_in(folder: Path) -> list[Seen]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            ours = entry.name.startswith(ANSWER) and not entry.name.startswith(FACE_ANSWER)
            if ours and entry.name.lower().endswith(".xml"):
                with suppress(FileNotFoundError):  # moved away while we look
                    stat = entry.stat()
                    found.append(Seen(entry.name, stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return found


def _reply_in(path: Path) -> Reply | None:
    """What a file says; None when it is gone, held by another, or perhaps half-written."""
    try:
        with path.open("rb") as file:
            return read_reply(file.read(MAX_DOCUMENT_BYTES + 1))
    except (OSError, MalformedAnswer):
        return None
