"""Our own pipeline as the vision worker calls it, beside the peers. Runs in a child of ours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from contest.engines import for_fp32
from contest.pipelines import Picture, Values
from firmware.faults import MalformedPhoto
from firmware.match.align import aligned_face
from firmware.match.detect import find_faces, place_landmarks
from firmware.match.evaluation.measuring import shipped_comparer
from firmware.match.networks import grey_of
from firmware.match.runtime import EMBEDDER, OnnxNetworks, load_network
from firmware.match.template import embed


class Ours:
    """`Comparer`: grey, the face mesh's points, the limits of quality, one embedding."""

    def __init__(self, models: str, threads: int = 1) -> None:
        cv2.setNumThreads(threads)
        self._networks = OnnxNetworks(Path(models), threads)
        self._sface = load_network(Path(models) / EMBEDDER, threads)
        self._in_fp32 = load_network(Path(models) / EMBEDDER, threads, processor=for_fp32())
        self._comparer = shipped_comparer(self._networks)

    def template(self, picture: Picture) -> Values | None:
        look = self._comparer.look(grey_of(picture))
        return None if look.template is None else look.template.values

    def reference(self, picture: Picture) -> Values | None:
        try:
            return self._comparer.reference(grey_of(picture)).values
        except MalformedPhoto:
            return None

    def stage(self, picture: Picture) -> None:
        self._picture, grey = picture, grey_of(picture)
        (face, *_) = find_faces(self._networks, grey)
        landmarks = place_landmarks(self._networks, grey, face)
        self._face = np.ascontiguousarray(aligned_face(grey, landmarks.five))

    def whole(self) -> None:
        self._comparer.look(grey_of(self._picture))

    def embed(self) -> None:
        embed(self._networks, self._face)

    def embed_same_weights(self) -> None:
        """SFace alone, whatever else a face is embedded with."""
        self._sface.run(self._face)

    def embed_in_fp32(self) -> None:
        """The same in the fastest of the exact forms."""
        self._in_fp32.run(self._face)
