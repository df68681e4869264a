"""Two cameras that play a scene: who stands before the reader, and what lies in its tray.

They know nothing of who is genuine: a scene holds geometry, materials and light. It is a small
file, which the simulation replaces whole and the cameras read again when it changed; a frame is
drawn when it is asked for, so a camera that nobody looks at costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec

from firmware.camera.frame import Frame, Pixels
from firmware.card.collation import Calendar
from firmware.faults import CameraUnavailable, SimulationNotPrepared, UnknownPatient
from firmware.simulator.patients import find
from firmware.simulator.people import Patient, card_expiry
from firmware.simulator.portraits import portraits_of, read_portrait
from firmware.simulator.presentation_species import at_ease
from firmware.simulator.presentations import Presentation
from firmware.simulator.printed_face import PrintedFace, draw_face, draw_licence
from firmware.simulator.stage import Stage
from firmware.simulator.tray_views import LADDER, frames_of, worn
from firmware.simulator.world import DEFAULT_ROOT, PUBLIC_MODE, World, write_whole
from firmware.words import CardKind, PanelLight

SCENE_FILE: Final = "scene.json"
NOBODY: Final = "nobody"
FACE_FRAMES_PER_S: Final = 20.0
TRAY_FRAMES_PER_S: Final = 5.0
EMPTY: Final = Presentation(None)


class Scene(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before the two lenses, and how the panel shines. It says what is, and to nobody
    what it means."""

    stands: Presentation = EMPTY
    light: PanelLight = PanelLight.OFF
    tray: str | None = None
    """The id of the patient whose card lies in the tray; None: the tray is empty."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of how the card lies there."""


def person(portrait: str, seed: int = 0) -> Presentation:
    """Whoever looks like that portrait, standing there as most people do; `nobody` is nobody."""
    return EMPTY if portrait == NOBODY else at_ease(portrait, seed)


def write_scene(folder: Path, scene: Scene) -> None:
    """Change the scene: running cameras show it from their next frame on."""
    write_whole(folder / SCENE_FILE, msgspec.json.encode(scene), PUBLIC_MODE)


def set_scene(folder: Path, *, live: str = NOBODY, tray: str | None = None, seed: int = 0) -> None:
    """The scene of a living person, whose portrait has that id, and of a card."""
    write_scene(folder, Scene(person(live, seed), PanelLight.OFF, tray, seed))


class SimulatedCamera:
    """`face:DIR` or `tray:DIR`: a camera on the scene in DIR.

    Portraits are those of `DIR/faces`, or of the simulated world when DIR has no such folder.
    """

    def __init__(self, argument: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises `CameraUnavailable` for an argument of another form."""
        lens, _, folder = argument.partition(":")
        if lens not in ("face", "tray") or not folder:
            raise CameraUnavailable(f"simulated:{argument}: write face:DIR or tray:DIR")
        self._folder, self._clock = Path(folder), clock
        own_faces = self._folder / "faces"
        self._world = World(self._folder if own_faces.is_dir() else DEFAULT_ROOT)
        self._view_of: type[_FaceView] | type[_TrayView] = (
            _FaceView if lens == "face" else _TrayView
        )
        self._frames_per_s = FACE_FRAMES_PER_S if lens == "face" else TRAY_FRAMES_PER_S
        self._view: _FaceView | _TrayView | None = None
        self._scene_stamp = (0, 0)
        self._started_at_s = 0.0
        self._shown = 0

    def start(self) -> None:
        """Look into the scene. Raises `SimulationNotPrepared` when it cannot be shown."""
        if self._view is None:
            self._look_again()
            self._started_at_s, self._shown = self._clock(), 0

    def latest(self) -> Frame | None:
        """The frame that is due, once; frames nobody asked for were never drawn."""
        if self._view is None:
            return None
        now_s = self._clock()
        due = 1 + int((now_s - self._started_at_s) * self._frames_per_s)
        if due <= self._shown:
            return None
        if self._stamp() != self._scene_stamp:
            self._look_again()
        self._shown = due
        return Frame(self._view.frame(due), due, now_s)

    def stop(self) -> None:
        """Look away."""
        self._view = None

    def _look_again(self) -> None:
        self._scene_stamp = self._stamp()
        path = self._folder / SCENE_FILE
        try:
            scene = msgspec.json.decode(path.read_bytes(), type=Scene)
        except (OSError, msgspec.MsgspecError) as cause:
            raise SimulationNotPrepared(f"{path}: {cause}") from cause
        if self._view is None or not self._view.shows(scene):
            self._view = self._view_of(scene, self._world)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = (self._folder / SCENE_FILE).stat()
        except OSError as cause:
            raise SimulationNotPrepared(f"{self._folder}: {cause.strerror}") from cause
        return found.st_mtime_ns, found.st_ino


class _FaceView:
    """Frames of whoever stands there, in the light of the moment: 640 × 480."""

    def __init__(self, scene: Scene, world: World) -> None:
        self._stands, self._light = scene.stands, scene.light
        self._stage = Stage(scene.stands, portraits_of(world))

    def shows(self, scene: Scene) -> bool:
        """Whether it is the same one who stands there; the light it follows."""
        self._light = scene.light
        return scene.stands == self._stands

    def frame(self, number: int) -> Pixels:
        return self._stage.frame(number / FACE_FRAMES_PER_S, self._light)


class _TrayView:
    """Frames of the tray, 1280 × 960: a card lies as it lies, only the sensor's noise is new."""

    def __init__(self, scene: Scene, world: World) -> None:
        self._tray, self._seed = scene.tray, scene.seed
        card: Pixels | None = None
        if scene.tray is not None:
            try:
                card = _card(find(scene.tray), world)
            except UnknownPatient as cause:
                raise SimulationNotPrepared(str(cause)) from cause
        lie = LADDER[0].view(scene.seed)
        self._frame = frames_of(None if card is None else worn(card, lie), lie)

    def shows(self, scene: Scene) -> bool:
        """Whether the same card lies there in the same way."""
        return (scene.tray, scene.seed) == (self._tray, self._seed)

    def frame(self, number: int) -> Pixels:
        return self._frame((self._seed << 16) + number)


def _card(patient: Patient, world: World) -> Pixels:
    if patient.card is None or patient.kind is not CardKind.MY_NUMBER_CARD:
        return draw_licence()
    gallery = patient.card.gallery_portrait
    face = PrintedFace(
        name=patient.person.name,
        address=patient.person.address,
        born=patient.person.born,
        expiry=card_expiry(patient),
        security_code=patient.card.security_code,
        gregorian=patient.card.printed_in is Calendar.GREGORIAN,
    )
    return draw_face(face, read_portrait(world, gallery) if gallery is not None else None)
