"""Two cameras that play a scene: who stands before the reader, and what lies in its tray.

They know nothing of who is genuine. The scene is a small file, which the simulation replaces whole
and the cameras read again when it changed; a frame is drawn when it is asked for, so a camera that
nobody looks at costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import cv2
import msgspec
import numpy as np

from firmware.camera.frame import Frame, Pixels
from firmware.card.collation import Calendar
from firmware.faults import CameraUnavailable, SimulationNotPrepared, UnknownPatient
from firmware.simulator.patients import find
from firmware.simulator.people import Patient, card_expiry
from firmware.simulator.printed_face import PrintedFace, draw_face, draw_licence
from firmware.simulator.tray_views import LADDER, frames_of, worn
from firmware.simulator.world import DEFAULT_ROOT, PUBLIC_MODE, World, write_whole
from firmware.words import CardKind

SCENE_FILE: Final = "scene.json"
NOBODY: Final = "nobody"
FACE_SIZE: Final = (640, 480)
FACE_FRAMES_PER_S: Final = 20.0
TRAY_FRAMES_PER_S: Final = 5.0
_ROOM_SIZE: Final = (1000, 750)
"""The room is drawn once, larger than a frame; each frame is a slightly other look into it."""
_SWAY_S: Final = 3.0


class Scene(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before the two lenses."""

    live: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$")] = NOBODY
    """A portrait's id, or `nobody`."""
    tray: str | None = None
    """The id of the patient whose card lies in the tray; None: the tray is empty."""
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0


def set_scene(folder: Path, *, live: str = NOBODY, tray: str | None = None, seed: int = 0) -> None:
    """Change the scene: running cameras show it from their next frame on."""
    content = msgspec.json.encode(Scene(live, tray, seed))
    write_whole(folder / SCENE_FILE, content, PUBLIC_MODE)


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
        self._draw_view = _face_view if lens == "face" else _tray_view
        self._frames_per_s = FACE_FRAMES_PER_S if lens == "face" else TRAY_FRAMES_PER_S
        self._view: Callable[[int], Pixels] | None = None
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
        return Frame(self._view(due), due, now_s)

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
        self._view = self._draw_view(scene, self._world)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = (self._folder / SCENE_FILE).stat()
        except OSError as cause:
            raise SimulationNotPrepared(f"{self._folder}: {cause.strerror}") from cause
        return found.st_mtime_ns, found.st_ino


def _face_view(scene: Scene, world: World) -> Callable[[int], Pixels]:
    """Frames of whoever stands there: 640 × 480, each with its own sway, light, blur and noise."""
    room = _room(scene.seed)
    if scene.live != NOBODY:
        _stand(room, _portrait(world, scene.live))
    random = np.random.default_rng((scene.seed, 1))
    grain = random.integers(0, 9, (FACE_SIZE[1] + 64, FACE_SIZE[0] + 64, 3), np.uint8)
    phase = random.uniform(0, 2 * np.pi, 4)

    def view(number: int) -> Pixels:
        one = np.random.default_rng((scene.seed, 2, number))
        turn = 2 * np.pi * number / (FACE_FRAMES_PER_S * _SWAY_S)
        sway = np.sin(turn * np.array([1.0, 1.3, 0.7, 0.4]) + phase)
        matrix = cv2.getRotationMatrix2D(
            (_ROOM_SIZE[0] / 2, _ROOM_SIZE[1] / 2), 2.5 * sway[0], 0.80 + 0.04 * sway[1]
        )
        matrix[:, 2] += (
            (FACE_SIZE[0] - _ROOM_SIZE[0]) / 2 + 14 * sway[2] + one.normal(0, 0.7),
            (FACE_SIZE[1] - _ROOM_SIZE[1]) / 2 + 10 * sway[3] + one.normal(0, 0.7),
        )
        frame = cv2.warpAffine(room, matrix, FACE_SIZE, borderMode=cv2.BORDER_REFLECT)
        if number % 5 == 0:
            frame = cv2.GaussianBlur(frame, (3, 3), 0)
        frame = cv2.convertScaleAbs(frame, alpha=1.0 + 0.05 * sway[3], beta=one.normal(0, 1.0))
        darker, brighter = (_part(grain, *one.integers(0, 64, 2)) for _ in range(2))
        return np.asarray(cv2.add(cv2.subtract(frame, darker), brighter), np.uint8)

    return view


def _tray_view(scene: Scene, world: World) -> Callable[[int], Pixels]:
    """Frames of the tray, 1280 × 960: a card lies as it lies, only the sensor's noise is new."""
    card: Pixels | None = None
    if scene.tray is not None:
        try:
            card = _card(find(scene.tray), world)
        except UnknownPatient as cause:
            raise SimulationNotPrepared(str(cause)) from cause
    lie = LADDER[0].view(scene.seed)
    lying = None if card is None else worn(card, lie)
    frame = frames_of(lying, lie)
    return lambda number: frame((scene.seed << 16) + number)


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
    return draw_face(face, _portrait(world, gallery) if gallery is not None else None)


def _part(grain: Pixels, down: int, right: int) -> Pixels:
    return grain[down : down + FACE_SIZE[1], right : right + FACE_SIZE[0]]


def _portrait(world: World, portrait_id: str) -> Pixels:
    path = world.portrait(portrait_id)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SimulationNotPrepared(f"{path} is no portrait: run `make setup`")
    return np.asarray(picture, np.uint8)


def _room(seed: int) -> Pixels:
    """A wall lit from one side, and the edge of a door: drawn small, as it has no fine detail."""
    width, height = _ROOM_SIZE[0] // 10, _ROOM_SIZE[1] // 10
    random = np.random.default_rng((seed, 0))
    across = np.linspace(150, 205, width, dtype=np.float32)[None, :]
    down = np.linspace(12, -12, height, dtype=np.float32)[:, None]
    wall = across + down + random.normal(0, 3, (height, 1)).astype(np.float32)
    room = np.dstack([wall * 0.96, wall, wall * 1.03]).clip(0, 255).astype(np.uint8)
    room[:, int(width * 0.86) :] = (96, 112, 124)
    return np.asarray(cv2.resize(room, _ROOM_SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def _stand(room: Pixels, portrait: Pixels) -> None:
    """Lay a portrait into the room, from its lower edge up, its sides melting into the wall."""
    room_height, room_width = room.shape[:2]
    height = int(room_height * 0.86)
    width = min(room_width, round(portrait.shape[1] * height / portrait.shape[0]))
    person = cv2.resize(portrait, (width, height), interpolation=cv2.INTER_AREA)
    edge = width // 10
    rise = np.linspace(0, 1, edge, dtype=np.float32)
    weight = np.ones((height, width), np.float32)
    weight[:, :edge] = rise
    weight[:, -edge:] = rise[::-1]
    weight[:edge] *= rise[:, None]
    top, left = room_height - height, (room_width - width) // 2
    place = room[top:, left : left + width]
    place[:] = cv2.blendLinear(person, place.copy(), weight, 1 - weight)
