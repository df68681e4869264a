"""The official terminal beside its folders: it takes questions and leaves answers, one step a look.

It does at each look what its script says, so a race always falls the same way. When the script is
over it does nothing more, and the question runs out of looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
from office import INSURANCE, NOW

from hostdriver.eligibility.answer import (
    Eligibility,
    MessageHeader,
    QualificationConfirmSearchInfo,
    Validity,
)
from hostdriver.eligibility.gateway import InsuredCardQuestion
from hostdriver.eligibility.oqs_folder import OqsFolderGateway
from hostdriver.eligibility.oqs_xml import Encoding, read_question, write_answer

ASKED = QualificationConfirmSearchInfo(
    insurer_number="  000001",
    insured_card_symbol="0123",
    insured_identification_number="0004321",
    birthdate="19520401",
)
QUESTION = InsuredCardQuestion(UUID(int=0xC0FFEE), "front desk", ASKED)
ANSWER_NAME = "OQSsiquc01res_1.xml"


@dataclass
class Terminal:
    """`script` holds what happens at each look, in order."""

    folder: Path
    encoding: Encoding = Encoding.UTF_8
    script: list[Callable[[], object]] = field(default_factory=list)
    questions: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.req.mkdir(parents=True)
        self.res.mkdir()

    @property
    def req(self) -> Path:
        return self.folder / "req"

    @property
    def res(self) -> Path:
        return self.folder / "res"

    def gateway(self, now: datetime = NOW) -> OqsFolderGateway:
        return OqsFolderGateway(
            self.req,
            self.res,
            institution_code="1310000001",
            encoding=self.encoding,
            answers_within_s=2.0,
            pause=self._step,
            now=lambda: now,
        )

    async def ask(self) -> Eligibility:
        return await self.gateway().query(QUESTION)

    async def _step(self, _seconds: float) -> None:
        if self.script:
            self.script.pop(0)()

    def take(self) -> None:
        """Take what lies in `req`."""
        for path in sorted(self.req.iterdir()):
            self.questions.append((path.name, path.read_bytes()))
            path.unlink()

    def answer(self, **changes: object) -> bytes:
        """The answer to the question it took; `changes` are of the header or of the answer."""
        header, asked = read_question(self.questions[-1][1])
        names = {field.name for field in msgspec.structs.fields(MessageHeader)}
        of_header = {name: value for name, value in changes.items() if name in names}
        told = Eligibility(
            validity=Validity.VALID,
            message_header=msgspec.structs.replace(
                header, **({"segment_of_result": "1"} | of_header)
            ),
            processing_result_status="1",
            qualification_confirm_search_info=asked,
            result_list=(INSURANCE,),
        )
        of_answer = {name: value for name, value in changes.items() if name not in names}
        return write_answer(msgspec.structs.replace(told, **of_answer), self.encoding)

    def leave(self, name: str = ANSWER_NAME, **changes: object) -> None:
        (self.res / name).write_bytes(self.answer(**changes))
