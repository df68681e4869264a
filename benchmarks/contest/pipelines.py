"""Whole pipelines as their users would call them, from a picture to a template. Runs in a child.

Each has its own documented detector, alignment and preprocessing, and is shown colour (BGR as
OpenCV reads it) where there is colour. `template` answers None where it finds no face; where it
finds several, the largest counts.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from contest.child import made
from contest.pictures import colour_picture, with_border

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]


class Pipeline(Protocol):
    """What the contest asks of a pipeline; `whole` and `embed` are what is timed."""

    def template(self, picture: Picture) -> Values | None:
        """The template of the face in a live picture."""

    def reference(self, picture: Picture) -> Values | None:
        """The template of the face in a card's photo."""

    def stage(self, picture: Picture) -> None:
        """Keep this picture, and its aligned face, for `whole` and `embed`."""

    def whole(self) -> None:
        """Detect, align, embed: the staged picture."""

    def embed(self) -> None:
        """The call that embeds, alone: the staged picture's aligned face."""


class OpenCv:
    """FaceDetectorYN and FaceRecognizerSF as in OpenCV's own face tutorial, cosine score.

    https://docs.opencv.org/4.x/d0/dd4/tutorial_dnn_face.html: score threshold 0.9, suppression
    0.3, top 5000; the detector is told each picture's size, so it looks at full resolution.
    """

    def __init__(self, detector: str, recogniser: str, threads: int = 1) -> None:
        cv2.setNumThreads(threads)
        self._detector = cv2.FaceDetectorYN.create(detector, "", (320, 320), 0.9, 0.3, 5000)
        self._recogniser = cv2.FaceRecognizerSF.create(recogniser, "")

    def _aligned(self, picture: Picture) -> Any:
        self._detector.setInputSize((picture.shape[1], picture.shape[0]))
        _, faces = self._detector.detect(picture)
        if faces is None:
            return None
        largest = max(faces, key=lambda face: face[2] * face[3])
        return self._recogniser.alignCrop(picture, largest)

    def template(self, picture: Picture) -> Values | None:
        aligned = self._aligned(picture)
        if aligned is None:
            return None
        values = np.array(self._recogniser.feature(aligned), np.float32).reshape(-1)
        return np.asarray(values / np.linalg.norm(values), np.float32)

    reference = template

    def stage(self, picture: Picture) -> None:
        self._picture, self._face = picture, self._aligned(picture)

    def whole(self) -> None:
        self.template(self._picture)

    def embed(self) -> None:
        self._recogniser.feature(self._face)

    embed_same_weights = embed


class Dlib:
    """What `face_recognition` does in face_locations and face_encodings, with dlib's own calls.

    HOG detector on the picture twice as large, five points, ResNet, no jitter; RGB. The library
    itself asks for dlib as a source package; `dlib-bin` is the same dlib, compiled.
    """

    UPSAMPLE = 1

    def __init__(self) -> None:
        import dlib

        found = importlib.util.find_spec("face_recognition_models")
        if found is None or found.origin is None:
            raise ImportError("no package face_recognition_models")
        models = Path(found.origin).parent / "models"
        self._detector = dlib.get_frontal_face_detector()
        points = models / "shape_predictor_5_face_landmarks.dat"
        self._points = dlib.shape_predictor(str(points))
        network = models / "dlib_face_recognition_resnet_model_v1.dat"
        self._network = dlib.face_recognition_model_v1(str(network))

    def _found(self, picture: Picture) -> tuple[Any, Any] | None:
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        faces = self._detector(rgb, self.UPSAMPLE)
        if not faces:
            return None
        return rgb, self._points(rgb, max(faces, key=lambda face: face.area()))

    def template(self, picture: Picture) -> Values | None:
        found = self._found(picture)
        if found is None:
            return None
        return np.array(self._network.compute_face_descriptor(*found, 1), np.float32)

    reference = template

    def stage(self, picture: Picture) -> None:
        self._picture, self._face = picture, self._found(picture)

    def whole(self) -> None:
        self.template(self._picture)

    def embed(self) -> None:
        assert self._face is not None
        self._network.compute_face_descriptor(*self._face, 1)


class Stage:
    """A pipeline (`module:name`) before the pictures of a run: what the contest calls by name."""

    def __init__(self, pipeline: str, **arguments: Any) -> None:
        self._pipeline: Pipeline = made(pipeline, arguments)
        self.whole = self._pipeline.whole
        self.embed = self._pipeline.embed
        self.embed_same_weights = getattr(self._pipeline, "embed_same_weights", self.embed)
        self.embed_in_fp32 = getattr(self._pipeline, "embed_in_fp32", self.embed)

    def stage(self, path: str) -> None:
        """The picture of the timed calls."""
        self._pipeline.stage(colour_picture(path))

    def templates(self, paths: list[str], role: str, border: float) -> list[list[float] | None]:
        """Templates of pictures as `probe` or `reference`, each with such a border."""
        take = self._pipeline.template if role == "probe" else self._pipeline.reference
        found = [take(with_border(colour_picture(path), border)) for path in paths]
        return [None if values is None else values.tolist() for values in found]
