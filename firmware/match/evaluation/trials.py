"""Who is compared with whom: probes of one or several frames, each against every reference.

It takes templates of any origin: rows of numbers whose product is a score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from firmware.match.compare import LookRule, fused_in_turn
from firmware.match.evaluation.face_folders import Picture
from firmware.match.evaluation.pairs import Pair
from firmware.match.evaluation.rates import Crossed, Indices, Listed, Trials
from firmware.match.networks import Reals
from firmware.match.template import FaceTemplate, fuse

DRAWS_OF_A_SESSION: Final = 20
PROBES_AT_ONCE: Final = 256
MOST_KEPT: Final = 2_000_000  # of strangers' scores, the highest

Tries: TypeAlias = Callable[[Reals], Reals]
"""k × d fit frames in their order → t × d probes; the best of the t is the attempt's score."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Templates:
    """One row for each picture of a set; of pictures that gave no template, why not."""

    values: Reals  # pictures × d, zeros where there is none
    refused: tuple[str | None, ...]

    @property
    def there(self) -> NDArray[np.bool_]:
        return np.array([reason is None for reason in self.refused], bool)

    def without(self, unfit: Sequence[str | None]) -> Templates:
        """Those of pictures that are fit; of each other one, why it is not."""
        both = zip(self.refused, unfit, strict=True)
        return Templates(self.values, tuple(reason or why for reason, why in both))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measured:
    """What one pipeline made of a set: each picture as a live frame, and as a card's photo."""

    pictures: tuple[Picture, ...]
    live: Templates
    cards: Templates


@dataclass(frozen=True, slots=True)
class Frames:
    """How many frames a look takes, how many must be fit, and what becomes of them."""

    count: int
    at_least: int
    tries: Tries
    looks: int = 1  # of one attempt: the best counts


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attempt:
    """One person before the camera: what is compared, and which references are his own."""

    person: str
    looks: tuple[Reals, ...]  # t × d each; none: too few frames were fit
    own: tuple[int, ...] | NDArray[np.intp]  # indices of references that make a genuine pair


def fused_frames(frames: Reals) -> Reals:
    """One probe: all frames fused."""
    return fuse([FaceTemplate(row) for row in frames]).values[None]


SINGLE: Final = Frames(1, 1, fused_frames)


def by_rule(rule: LookRule) -> Tries:
    """The probes that the device compares one after the other while frames come in."""

    def tries(frames: Reals) -> Reals:
        templates = [FaceTemplate(row) for row in frames]
        return np.stack([fused.values for _, fused in fused_in_turn(templates, rule)])

    return tries


def in_turn(tried: Reals, hopeless: float) -> Reals:
    """Scores of tries × references → the best before a look is given up, for each reference."""
    given_up = np.cumsum(tried < hopeless, axis=0) - (tried < hopeless) > 0
    return np.asarray(np.where(given_up, np.float32(-1), tried).max(axis=0))


def single_frames(measured: Measured) -> list[Attempt]:
    """Every picture by itself; its own references are the person's, of other pictures and, where
    sessions are known, of other sessions."""
    live = measured.live
    return [
        Attempt(
            picture.person,
            (live.values[index : index + 1],) if live.refused[index] is None else (),
            own,
        )
        for index, picture, own in _with_own(measured.pictures)
    ]


def several_frames(measured: Measured, frames: Frames, seed: int = 0) -> list[Attempt]:
    """Attempts with up to so many fit frames of one person, in random order.

    Where sessions are known: frames of one session, drawn several times, against references of the
    others. Otherwise: for each reference, pictures of the person other than that one. Only those
    take part who have `frames.count` pictures for it, fit or not. Of these the unfit fall out, as a
    camera's do; with fewer than `frames.at_least` left the attempt has failed.
    """
    random = np.random.default_rng(seed)
    live = measured.live
    fit = live.there
    made = []
    for person, pool, own, draws in _pools(measured.pictures):
        if len(pool) < frames.count:
            continue
        for _ in range(draws):
            orders = [random.permutation(pool) for _ in range(frames.looks)]
            taken = [order[fit[order]][: frames.count] for order in orders]
            enough = [some for some in taken if len(some) >= frames.at_least]
            looks = tuple(frames.tries(live.values[some]) for some in enough)
            made.append(Attempt(person, looks, own))
    return made


def crossed(
    name: str,
    measured: Measured,
    attempts: Sequence[Attempt],
    hopeless: float = float("-inf"),
) -> Trials:
    """All attempts against all references that there are, in bounded memory.

    A try that scores below `hopeless` is the last one of its look.
    """
    pictures, references = measured.pictures, measured.cards
    people = tuple(sorted({picture.person for picture in pictures}))
    number = {person: index for index, person in enumerate(people)}
    there = references.there
    scores, owners = _genuine(attempts, references.values, there, number, hopeless)
    probing = [attempt for attempt in attempts if attempt.looks]
    mine = np.array([number[attempt.person] for attempt in probing], np.int32)
    holders = [number[p.person] for p, fit in zip(pictures, there, strict=True) if fit]
    theirs = np.array(holders, np.int32)
    kept = _Highest()
    gallery = np.ascontiguousarray(references.values[there].T)
    for start in range(0, len(probing), PROBES_AT_ONCE):
        block = probing[start : start + PROBES_AT_ONCE]
        kept.take(_best(block, gallery, hopeless), mine[start : start + len(block)], theirs)
    impostor, impostor_people = kept.sorted()
    return Trials(
        name=name,
        people=people,
        genuine=scores,
        genuine_person=owners,
        failed=_failed(attempts, there, number),
        impostor=impostor,
        impostor_people=impostor_people,
        pairs=Crossed(
            np.bincount(mine, minlength=len(people)).astype(np.float64),
            np.bincount(theirs, minlength=len(people)).astype(np.float64),
        ),
        floor=kept.floor,
    )


def listed(
    name: str, measured: Measured, pairs: Sequence[Pair], frames: Frames, seed: int = 0
) -> Trials:
    """The pairs that somebody wrote down: the first picture is the reference's.

    With several frames the second picture is joined by others of its person (never by the
    reference's), and pairs whose person has too few are left out, as in `several_frames`.
    """
    pictures, live, references = measured.pictures, measured.live, measured.cards
    random = np.random.default_rng(seed)
    people = tuple(sorted({pictures[index].person for pair in pairs for index in (pair.a, pair.b)}))
    number = {person: index for index, person in enumerate(people)}
    of_person = _by_person(pictures)
    genuine: list[tuple[float, int]] = []
    impostor: list[tuple[float, int, int]] = []
    failed = np.zeros(len(people), np.int32)
    for pair in pairs:
        owner, holder = number[pictures[pair.b].person], number[pictures[pair.a].person]
        whole = of_person[pictures[pair.b].person] if frames.count > 1 else []
        others = [index for index in whole if index not in (pair.a, pair.b)]
        if len(others) + 1 < frames.count:
            continue
        order = np.array([pair.b, *random.permutation(others).astype(int)])
        taken = [index for index in order if live.refused[index] is None][: frames.count]
        if len(taken) < frames.at_least or references.refused[pair.a] is not None:
            failed[owner] += pair.same
            continue
        score = float((frames.tries(live.values[taken]) @ references.values[pair.a]).max())
        if pair.same:
            genuine.append((score, owner))
        else:
            impostor.append((score, owner, holder))
    impostor.sort(reverse=True)
    between = np.array([row[1:] for row in impostor], np.int32).reshape(-1, 2).T
    return Trials(
        name=name,
        people=people,
        genuine=np.array([score for score, _ in genuine], np.float32),
        genuine_person=np.array([owner for _, owner in genuine], np.int32),
        failed=failed,
        impostor=np.array([row[0] for row in impostor], np.float32),
        impostor_people=between,
        pairs=Listed(between),
        floor=float("-inf"),
    )


class _Highest:
    """The highest scores of strangers so far, and who was compared."""

    def __init__(self) -> None:
        self.floor = float("-inf")
        self._parts: list[tuple[Reals, Indices, Indices]] = []
        self._held = 0

    def take(self, scores: Reals, mine: Indices, theirs: Indices) -> None:
        probes, references = np.nonzero(
            (mine[:, None] != theirs[None]) & (scores >= np.float32(self.floor))
        )
        part = scores[probes, references], mine[probes], theirs[references]
        self._parts.append(part)
        self._held += probes.size
        if self._held > 2 * MOST_KEPT:
            self._drop_lowest()

    def sorted(self) -> tuple[Reals, Indices]:
        """The scores, highest first, and 2 × n people."""
        if self._held > MOST_KEPT:
            self._drop_lowest()
        scores, mine, theirs = self._joined()
        order = np.argsort(-scores, kind="stable")
        return scores[order], np.stack([mine[order], theirs[order]])

    def _joined(self) -> tuple[Reals, Indices, Indices]:
        if not self._parts:
            nobody = np.zeros(0, np.int32)
            return np.zeros(0, np.float32), nobody, nobody
        scores, mine, theirs = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        return scores, mine, theirs

    def _drop_lowest(self) -> None:
        scores, mine, theirs = self._joined()
        lowest = np.partition(scores, scores.size - MOST_KEPT)[scores.size - MOST_KEPT]
        # Equal scores stay or go together, so that everything from the floor on is there.
        kept = scores > lowest
        self.floor = float(np.nextafter(lowest, np.float32(np.inf)))
        self._parts = [(scores[kept], mine[kept], theirs[kept])]
        self._held = int(kept.sum())


def _by_person(pictures: Sequence[Picture]) -> dict[str, list[int]]:
    indices: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        indices[picture.person].append(index)
    return indices


def _with_own(pictures: Sequence[Picture]) -> Iterator[tuple[int, Picture, NDArray[np.intp]]]:
    """Each picture with the references that make a genuine pair with it."""
    for members in _by_person(pictures).values():
        everything = np.array(members)
        sessions = np.array([pictures[index].session or f"#{index}" for index in members])
        for index, session in zip(members, sessions, strict=True):
            yield index, pictures[index], everything[sessions != session]


def _pools(
    pictures: Sequence[Picture],
) -> Iterator[tuple[str, list[int], NDArray[np.intp], int]]:
    """(person, pictures to draw from, references of his own, how often to draw)."""
    for person, members in _by_person(pictures).items():
        sessions = sorted({pictures[index].session or "" for index in members})
        if sessions == [""]:
            for left_out in members:
                pool = [index for index in members if index != left_out]
                yield person, pool, np.array([left_out]), 1
        for session in sessions if sessions != [""] else []:
            pool = [index for index in members if pictures[index].session == session]
            own = np.array([i for i in members if pictures[i].session != session], np.intp)
            yield person, pool, own, DRAWS_OF_A_SESSION


def _genuine(
    attempts: Sequence[Attempt],
    references: Reals,
    there: NDArray[np.bool_],
    number: dict[str, int],
    hopeless: float,
) -> tuple[Reals, Indices]:
    scores, owners = [np.zeros(0, np.float32)], [np.zeros(0, np.int32)]
    for attempt in attempts:
        own = np.asarray(attempt.own, np.intp)
        own = own[there[own]]
        if attempt.looks and own.size:
            scores.append(_best([attempt], references[own].T, hopeless)[0])
            owners.append(np.full(own.size, number[attempt.person], np.int32))
    return np.concatenate(scores).astype(np.float32), np.concatenate(owners)


def _failed(
    attempts: Sequence[Attempt], there: NDArray[np.bool_], number: dict[str, int]
) -> NDArray[np.int32]:
    failed = np.zeros(len(number), np.int32)
    for attempt in attempts:
        own = there[np.asarray(attempt.own, np.intp)]
        failed[number[attempt.person]] += (~own).sum() if attempt.looks else own.size
    return failed


def _best(attempts: Sequence[Attempt], gallery: Reals, hopeless: float) -> Reals:
    """attempts × references: the score of each attempt's best look."""
    looks = [look for attempt in attempts for look in attempt.looks]
    tried = np.split(np.concatenate(looks) @ gallery, np.cumsum([len(each) for each in looks])[:-1])
    scores = np.stack([in_turn(each, hopeless) for each in tried])
    starts = np.cumsum([0, *(len(attempt.looks) for attempt in attempts[:-1])])
    return np.asarray(np.maximum.reduceat(scores, starts, axis=0))
