"""From a photo and some looks at a person to one decision, as few looks as possible.

The rule is sequential, both ways: from three fit frames on, their mean may decide for the same
person, and against when it lies so low that no two frames more could mend it; otherwise only five
decide against. The operating point was measured with this very rule, since each further try gives
an impostor a further chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from firmware.faults import MalformedPhoto
from firmware.match.align import aligned_face, reference_views
from firmware.match.decide import decide
from firmware.match.detect import Face, Landmarks, find_faces, place_landmarks
from firmware.match.model_card import OperatingPoint
from firmware.match.networks import FaceNetworks, Grey
from firmware.match.quality import Quality, QualityLimits, eyes_light, judge, judge_faces, measure
from firmware.match.template import FaceTemplate, compare, embed, fuse
from firmware.words import MatchDecision, PadDecision


@dataclass(frozen=True, slots=True)
class LookRule:
    """How many fit frames are fused: `at_least` to accept, `at_most` before a refusal."""

    at_least: int = 3
    at_most: int = 5


@dataclass(frozen=True, slots=True)
class Look:
    """One frame, looked at: its template only if it is fit to compare."""

    quality: Quality
    template: FaceTemplate | None
    landmarks: Landmarks | None = None
    face: Face | None = None  # the one that was looked at


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the looks so far came to. The score stays inside the device, and out of every repr."""

    decision: MatchDecision  # TRY_AGAIN: more fit frames are wanted
    pad: PadDecision
    frames: int
    model_id: str
    operating_point_id: str
    score: float | None = field(repr=False)


def fused_in_turn(
    probes: Sequence[FaceTemplate], rule: LookRule
) -> Iterator[tuple[int, FaceTemplate]]:
    """(frames fused, their template) for each try that the rule allows; none while too few."""
    for count in range(rule.at_least, min(rule.at_most, len(probes)) + 1):
        yield count, fuse(probes[:count])


class Comparer:
    """The whole way from pixels to a decision, for one set of networks. It keeps no face."""

    def __init__(
        self,
        networks: FaceNetworks,
        model_id: str,
        point: OperatingPoint,
        limits: QualityLimits | None = None,
        rule: LookRule | None = None,
    ) -> None:
        self._networks, self._model_id, self._point = networks, model_id, point
        self._limits = limits or QualityLimits()
        self._rule = rule or LookRule()

    @property
    def rule(self) -> LookRule:
        return self._rule

    def reference(self, photo: Grey) -> FaceTemplate:
        """The template of the photo on the chip; `MalformedPhoto` if it does not show one face.

        The limits for a live look do not hold for it: there is no other photo to ask for. Only the
        eyes must be seen: behind dark glasses many are alike.
        """
        faces = find_faces(self._networks, photo)
        if not judge_faces(faces, self._limits).fit:
            raise MalformedPhoto(f"the photo shows {len(faces)} faces")
        landmarks = place_landmarks(self._networks, photo, faces[0])
        if not landmarks.presence >= self._limits.presence:
            raise MalformedPhoto("the photo shows no face that could be measured")
        views = reference_views(photo, landmarks.five)
        if not eyes_light(views[0]) >= self._limits.eyes_light:
            raise MalformedPhoto("the photo shows no eyes")
        # A photo is embedded once a visit, so there is time for more than one view of it.
        return fuse([embed(self._networks, view) for view in views])

    def look(self, frame: Grey, small: Grey | None = None) -> Look:
        """One live frame in grey; `small`, if there is one, shows the detector the same view."""
        if small is None:
            faces = find_faces(self._networks, frame)
        else:
            ratio = frame.shape[1] / small.shape[1]
            faces = [face.scaled(ratio) for face in find_faces(self._networks, small)]
        quality = judge_faces(faces, self._limits)
        return self.look_at(frame, faces[0]) if quality.fit else Look(quality, None)

    def look_at(self, frame: Grey, face: Face) -> Look:
        """One face of a frame. Nobody is embedded who is not fit to be compared."""
        quality, landmarks, aligned = self._gate(frame, face)
        template = embed(self._networks, aligned) if quality.fit else None
        return Look(quality, template, landmarks, face)

    def quality(self, frame: Grey) -> Quality:
        """Whether a look at this frame would be fit; nobody is embedded."""
        faces = find_faces(self._networks, frame)
        quality = judge_faces(faces, self._limits)
        return self._gate(frame, faces[0])[0] if quality.fit else quality

    def _gate(self, frame: Grey, face: Face) -> tuple[Quality, Landmarks, Grey]:
        landmarks = place_landmarks(self._networks, frame, face)
        aligned = aligned_face(frame, landmarks.five)
        return judge(measure(frame, face, landmarks, aligned), self._limits), landmarks, aligned

    def compare(
        self,
        reference: FaceTemplate,
        probes: Sequence[FaceTemplate],
        pad: PadDecision = PadDecision.NOT_DONE,
    ) -> Comparison:
        """Decide on the fit frames so far, oldest first; a frame more, and it is asked again.

        Presentation-attack detection is not part of this: whoever does it says what came of it.
        """
        decision, used, score = MatchDecision.TRY_AGAIN, len(probes), None
        for used, fused in fused_in_turn(probes, self._rule):
            score = compare(fused, reference)
            decision = decide(score, pad, True, self._point)
            if decision is not MatchDecision.NOT_SAME_PERSON or score < self._point.hopeless:
                break
            if used < self._rule.at_most:
                decision = MatchDecision.TRY_AGAIN
        return Comparison(decision, pad, used, self._model_id, self._point.id, score)

    def all_match(self, reference: FaceTemplate, looks: Sequence[FaceTemplate]) -> bool:
        """Whether the mean of all these looks reaches the operating point; of none, it does not."""
        if not looks:
            return False
        score = compare(fuse(looks), reference)
        decision = decide(score, PadDecision.NOT_DONE, True, self._point)
        return decision is MatchDecision.SAME_PERSON
