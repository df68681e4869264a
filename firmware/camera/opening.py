"""Which camera a name of the settings means."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final

from firmware.camera.file_camera import images_camera, v4l2_camera, video_camera
from firmware.camera.frame import Camera, Frame, is_picture
from firmware.camera.pi_camera import PiCamera
from firmware.faults import CameraUnavailable

KINDS: Final[dict[str, Callable[[str], Camera]]] = {
    "pi": PiCamera,
    "images": images_camera,
    "video": video_camera,
    "v4l2": v4l2_camera,
}
ENTRY_POINTS: Final = "kazashi.cameras"


def open_camera(spec: str) -> Camera:
    """The camera that `kind:argument` names, resting.

    `pi:0`, `images:DIR`, `video:FILE`, `v4l2:0`, or the name of an entry point of the group
    `kazashi.cameras` before the colon. Raises `CameraUnavailable`.
    """
    kind, colon, argument = spec.partition(":")
    if not colon:
        raise CameraUnavailable(f"{spec!r} names no camera: write kind:argument")
    if kind in KINDS:
        return KINDS[kind](argument)
    found = entry_points(group=ENTRY_POINTS, name=kind)
    if not found:
        raise CameraUnavailable(f"no camera of the kind {kind!r} is installed")
    try:
        make: Callable[[str], Camera] = next(iter(found)).load()
    except (ImportError, AttributeError) as cause:
        raise CameraUnavailable(f"the camera {kind!r} does not load: {cause}") from cause
    return make(argument)


class NamedCamera:
    """The camera of a name, opened when it is first started.

    A camera that cannot be opened is tried again at the next start: PIN and staff check still work
    without it, so its absence must not end a program, and its return must not need a new one.
    """

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._camera: Camera | None = None

    def start(self) -> None:
        """Open and start it. Raises `CameraUnavailable`."""
        if self._camera is None:
            self._camera = open_camera(self._spec)
        self._camera.start()

    def latest(self) -> Frame | None:
        """The newest frame, once; what is no picture is not given on, as if none had come."""
        frame = None if self._camera is None else self._camera.latest()
        return frame if frame is not None and is_picture(frame.pixels) else None

    def stop(self) -> None:
        """Rest; it stays open."""
        if self._camera is not None:
            self._camera.stop()
