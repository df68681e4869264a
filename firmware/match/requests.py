"""What the firmware asks of the vision worker, and what it hears back.

These values stay inside the device, and none has a field for a picture, a template or a score.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from firmware.words import Hint, MatchDecision, PadDecision, PanelLight


class VisionMessage(msgspec.Struct, frozen=True):
    """One object between the firmware and the vision worker."""


# --- firmware → worker: one at a time, each answered by one reply or by `VisionProblem` -----------
class StartLooking(VisionMessage, frozen=True, tag="start_looking"):
    """A visit begins: open the face camera, collect fit frames, wait for the photo. → `Looking`"""

    visit: UUID


class ReadPrintedNumber(VisionMessage, frozen=True, tag="read_printed_number"):
    """Read 照合番号B off the printed face in the tray, for `seconds` at most. → `PrintedNumber`"""

    visit: UUID
    today: str
    """YYYYMMDD: the dates read must be plausible today."""
    seconds: float


class CompareFaces(VisionMessage, frozen=True, tag="compare_faces"):
    """Compare what the camera saw and sees with the photo of this visit, for `seconds` at most.
    → `FacesCompared`"""

    visit: UUID
    seconds: float


class StopLooking(VisionMessage, frozen=True, tag="stop_looking"):
    """End a comparison under way at once (its reply is `TRY_AGAIN`), and rest the camera; what was
    learnt of the visit stays. → `Rested`. The only request that may overtake another."""


class ForgetFaces(VisionMessage, frozen=True, tag="forget_faces"):
    """Drop every frame, photo and template, and rest the camera. → `Forgotten`"""


class AreYouWell(VisionMessage, frozen=True, tag="are_you_well"):
    """→ `Well`, whether or not there is a camera."""


# --- worker → firmware: replies
class Looking(VisionMessage, frozen=True, tag="looking"):
    """The camera runs."""


class PrintedNumber(VisionMessage, frozen=True, tag="printed_number"):
    """Fourteen digits that both preparations agree on, or None: doubt."""

    digits: bytes | None

    def __repr__(self) -> str:
        return "PrintedNumber(…)"


class FacesCompared(VisionMessage, frozen=True, tag="faces_compared"):
    decision: MatchDecision
    pad: PadDecision
    model: str
    operating_point: str
    frames: int
    """How many frames were fused."""


class Rested(VisionMessage, frozen=True, tag="rested"):
    """The camera rests."""


class Forgotten(VisionMessage, frozen=True, tag="forgotten"):
    """Nothing of the visit is left."""


class Well(VisionMessage, frozen=True, tag="well"):
    """The worker takes requests."""

    frame_overdue_s: float
    """For how long a frame is missing without the firmware having been told so; a camera that is
    known to be absent or broken owes none."""


class VisionProblem(VisionMessage, frozen=True, tag="vision_problem"):
    """A request ended in a fault: `code` of `firmware.faults`."""

    code: str
    reason: str


# --- worker → firmware: at any time
class CameraSeen(VisionMessage, frozen=True, tag="camera_seen"):
    """Whether the face camera gives frames; `code` of the fault when not."""

    ready: bool
    code: str | None = None


class Hinted(VisionMessage, frozen=True, tag="hinted"):
    """What the person could do for a better picture."""

    hint: Hint


class LightWanted(VisionMessage, frozen=True, tag="light_wanted"):
    """The panel's page should light the face so, until another light is wanted or the looking ends.
    It is painted within a tenth of a second, and no sooner than `LIGHT_STAYS_S` after the last."""

    light: PanelLight


class PreviewAt(VisionMessage, frozen=True, tag="preview_at"):
    """Where the panel's page finds what the face camera sees; it holds the token of this start."""

    address: str

    def __repr__(self) -> str:
        return "PreviewAt(…)"


class Alive(VisionMessage, frozen=True, tag="alive"):
    """Still working: the deadline starts anew."""


REQUESTS = StartLooking | ReadPrintedNumber | CompareFaces | StopLooking | ForgetFaces | AreYouWell
NEWS = CameraSeen | Hinted | LightWanted | PreviewAt | Alive
REPLIES = Looking | PrintedNumber | FacesCompared | Rested | Forgotten | Well | VisionProblem
