"""Images, video and names of cameras: the newest frame, once, and typed faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from firmware.camera.file_camera import FileCamera, images_camera
from firmware.camera.frame import Camera, Frame, NewestFrame, Pixels
from firmware.camera.opening import NamedCamera, open_camera
from firmware.faults import CameraUnavailable


def picture(level: int) -> Pixels:
    return np.full((48, 64, 3), level, np.uint8)


class HandFedSource:
    """Pictures that the test lets through one at a time, as a sensor would."""

    def __init__(self, levels: list[int]) -> None:
        self._levels = levels
        self.asked_for = [Event() for _ in range(len(levels) + 1)]
        self.let_through = [Event() for _ in levels]

    def open(self) -> tuple[Iterator[Pixels], float]:
        return self._pictures(), 0.0

    def _pictures(self) -> Iterator[Pixels]:
        for number, level in enumerate(self._levels):
            self.asked_for[number].set()  # the one before has been kept by now
            self.let_through[number].wait(5)
            yield picture(level)
        self.asked_for[-1].set()


def test_only_the_newest_frame_is_kept() -> None:
    source = HandFedSource([10, 20, 30])
    camera = FileCamera(source.open)
    camera.start()
    for passage in source.let_through:
        passage.set()
    assert source.asked_for[-1].wait(5)
    frame = camera.latest()
    assert frame is not None
    assert frame.pixels[0, 0, 0] == 30
    assert frame.sequence == 3
    assert camera.latest() is None  # nothing newer
    camera.stop()


def test_rest_drops_the_last_frame() -> None:
    source = HandFedSource([10])
    camera = FileCamera(source.open)
    camera.start()
    source.let_through[0].set()
    assert source.asked_for[-1].wait(5)
    camera.stop()
    assert camera.latest() is None


def test_a_camera_can_be_started_again(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture(7))
    camera = images_camera(str(tmp_path))
    for _ in range(2):
        camera.start()
        camera.start()
        frame = wait_for_frame(camera)
        assert frame.pixels.shape == (48, 64, 3)
        camera.stop()


def test_images_come_in_the_order_of_their_names_and_again(tmp_path: Path) -> None:
    for name, level in (("b.png", 20), ("a.png", 10)):
        cv2.imwrite(str(tmp_path / name), picture(level))
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not a picture")
    camera = images_camera(str(tmp_path), frames_per_s=200.0)
    camera.start()
    levels = {frame.sequence: int(frame.pixels[0, 0, 0]) for frame in some_frames(camera, 5)}
    camera.stop()
    assert all(level == (10 if sequence % 2 else 20) for sequence, level in levels.items())


def test_video_plays_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 200.0, (64, 48))
    for level in (40, 200):
        writer.write(picture(level))
    writer.release()
    camera = open_camera(f"video:{path}")
    camera.start()
    sequences = [frame.sequence for frame in some_frames(camera, 5)]
    camera.stop()
    assert sequences == sorted(sequences)
    assert sequences[-1] >= 5  # more frames than the file holds


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nonsense", "kind:argument"),
        ("magic:0", "no camera of the kind"),
        ("v4l2:front", "a number"),
        ("v4l2:０", "a number"),
        ("v4l2:", "a number"),
        ("pi:front", "pi:0"),
        ("simulated:sideways:/tmp", "face:DIR"),
    ],
)
def test_a_name_of_no_camera_is_refused(spec: str, says: str) -> None:
    with pytest.raises(CameraUnavailable, match=says):
        open_camera(spec)


@pytest.mark.parametrize("name", ["/dev/v4l/by-id/usb-None-video-index0", "977"])
def test_a_usb_camera_that_is_not_there_is_named(name: str) -> None:
    camera = open_camera(f"v4l2:{name}")
    with pytest.raises(CameraUnavailable, match=f"/dev/.*{name[-3:]} does not open"):
        camera.start()


@pytest.mark.parametrize("spec", ["images:{}/absent", "images:{}", "video:{}/absent.avi"])
def test_a_camera_without_pictures_does_not_start(spec: str, tmp_path: Path) -> None:
    camera = open_camera(spec.format(tmp_path))
    with pytest.raises(CameraUnavailable):
        camera.start()


def test_a_camera_that_comes_late_is_opened_at_the_next_start(tmp_path: Path) -> None:
    camera = NamedCamera(f"images:{tmp_path}/later")
    assert camera.latest() is None
    with pytest.raises(CameraUnavailable):
        camera.start()
    camera.stop()
    (tmp_path / "later").mkdir()
    cv2.imwrite(str(tmp_path / "later" / "a.png"), picture(7))
    camera.start()
    assert wait_for_frame(camera).pixels.shape == (48, 64, 3)
    camera.stop()


def test_a_frame_does_not_print_its_pixels() -> None:
    assert repr(Frame(picture(1), 4, 0.0)) == "Frame(4, 64×48)"


def test_the_place_for_a_frame_is_empty_once_it_was_taken() -> None:
    newest = NewestFrame()
    assert newest.take() is None
    newest.put(picture(1), 1.0)
    newest.put(picture(2), 2.0)
    taken = newest.take()
    assert taken is not None
    assert (taken.sequence, taken.captured_at_s) == (2, 2.0)
    assert newest.take() is None


def wait_for_frame(camera: Camera) -> Frame:
    return next(iter(some_frames(camera, 1)))


def some_frames(camera: Camera, count: int) -> Iterator[Frame]:
    """The next frames; a pause is an event that never comes, so that the reader may run."""
    never, given = Event(), 0
    for _ in range(5000):
        frame = camera.latest()
        if frame is None:
            never.wait(0.001)
            continue
        yield frame
        given += 1
        if given == count:
            return
    raise AssertionError("the camera gives no frames")
