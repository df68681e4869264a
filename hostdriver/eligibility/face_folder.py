"""A verified visit's answer as the file that a face reader of the official terminal leaves. [shell]

For reception software that knows folders alone. A folder is ours while our marker says so, and for
one kind of data: invented persons never get into a folder of real ones, nor the other way round.
Whatever is wrong with the folder is told in `health`, and harms no visit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from firmware.faults import BadSettings
from hostdriver.eligibility.answer import Eligibility, japan_time
from hostdriver.eligibility.gateway import Capabilities
from hostdriver.eligibility.oqs_xml import ENCODINGS, write_answer
from hostdriver.faults import ForeignFolder
from hostdriver.whole_file import PART, PRIVATE_TO_THE_GROUP, put_whole

log = logging.getLogger(__name__)

NOBODYS_CODE: Final = "0000000000"
MARKER: Final = ".kazashi-face-folder"
MAX_MARKER_BYTES: Final = 64
OUR_NAME: Final = re.compile(r"OQSsiquc01res_face_[0-9a-f]{32}_[0-9]{14}\.xml")
OUR_PART: Final = re.compile(rf"\.({OUR_NAME.pattern}|{re.escape(MARKER)}){PART}")


class FaceFolderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a verified visit's answer is left as a file too. Without this table none is written."""

    path: str
    """An empty folder of its own; relative to the host driver's state folder."""
    encoding: Literal["utf-8", "shift_jis"] = "utf-8"
    """Of the files."""
    synthetic_data_is_expected: bool = False
    """Must be true with a gateway of invented persons, and false with any other."""
    institution_code: Annotated[str, msgspec.Meta(pattern="^[0-9]{10}$")] = NOBODYS_CODE
    """`MedicalInstitutionCode` in the files: ten zeros with invented persons, and only then."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why no file can be left, and since when."""

    what: str
    since: datetime


class FaceFolder:
    """One folder, one writer. `problem` says why the last file could not be left there."""

    def __init__(
        self,
        folder: Path,
        settings: FaceFolderSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder, self._now = folder, now
        self._encoding = ENCODINGS[settings.encoding]
        self._institution_code = settings.institution_code
        self._kind = b"synthetic\n" if settings.synthetic_data_is_expected else b"live\n"
        self._one_at_a_time = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self.problem: Problem | None = None

    def hand_over(self, transaction_id: UUID, answer: Eligibility) -> None:
        """Leave the answer in the folder, soon. Reception does not wait for it."""
        task = asyncio.create_task(self.deliver(transaction_id, answer))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def deliver(self, transaction_id: UUID, answer: Eligibility) -> None:
        """Leave the answer in the folder; what stands in the way becomes `problem`."""
        header = msgspec.structs.replace(
            answer.message_header, medical_institution_code=self._institution_code
        )
        content = write_answer(
            msgspec.structs.replace(answer, message_header=header), self._encoding
        )
        name = f"OQSsiquc01res_face_{transaction_id.hex}_{japan_time(self._now())}.xml"
        async with self._one_at_a_time:
            await asyncio.to_thread(self._put, name, content)

    async def close(self) -> None:
        """Wait for the files that are under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def look(self) -> None:
        """See what the folder is now: `problem` when it cannot be used.

        Raises `ForeignFolder` when it is another's.
        """
        try:
            self._claim()
        except OSError as cause:
            self._trouble(cause.strerror or "it cannot be used")
        else:
            self.problem = None

    def _put(self, name: str, content: bytes) -> None:
        try:
            self._claim()
            put_whole(self._folder / name, content, PRIVATE_TO_THE_GROUP)
        except OSError as cause:
            self._trouble(cause.strerror or "it cannot be written")
        except ForeignFolder as fault:
            self._trouble(str(fault))
        else:
            self.problem = None

    def _trouble(self, what: str) -> None:
        log.error("face_folder: %s: %s", self._folder, what)
        since = self._now() if self.problem is None else self.problem.since
        self.problem = Problem(what, since)

    def _claim(self) -> None:
        """Make sure that the folder is ours. Raises `OSError`, `ForeignFolder`."""
        with os.scandir(self._folder) as entries:
            found = {entry.name for entry in entries}
        names = {name for name in found if not OUR_PART.fullmatch(name)}
        if MARKER in names:
            self._refuse_what_is_not_ours(names)
        elif names:
            raise ForeignFolder("the folder holds files and no marker of ours")
        else:
            put_whole(self._folder / MARKER, self._kind, PRIVATE_TO_THE_GROUP)
        for name in found - names:
            (self._folder / name).unlink()  # of a driver that was killed while it wrote

    def _refuse_what_is_not_ours(self, names: set[str]) -> None:
        with (self._folder / MARKER).open("rb") as marker:
            if marker.read(MAX_MARKER_BYTES) != self._kind:
                raise ForeignFolder("the folder is marked for another kind of data")
        for name in names:
            if name.lower().endswith(".xml") and not OUR_NAME.fullmatch(name):
                raise ForeignFolder("the folder holds another producer's files")


def open_face_folder(
    settings: FaceFolderSettings, state_dir: Path, gateway: Capabilities
) -> FaceFolder:
    """The folder that the settings name. One that is missing is told in `health`: it may come.

    Raises `BadSettings` when it is another's, or when the gateway's data do not belong there.
    """
    if gateway.synthetic is not settings.synthetic_data_is_expected:
        kind = "invented" if gateway.synthetic else "real"
        raise BadSettings(
            f"face_folder.synthetic_data_is_expected: the persons of {gateway.adapter} are {kind}"
        )
    if gateway.synthetic is not (settings.institution_code == NOBODYS_CODE):
        raise BadSettings(
            f"face_folder.institution_code: {NOBODYS_CODE} is for invented persons, and only that"
        )
    folder = FaceFolder(state_dir / settings.path, settings)
    try:
        folder.look()
    except ForeignFolder as fault:
        raise BadSettings(f"face_folder.path: {fault}") from fault
    return folder
