"""Whose picture is which: folders of faces, read by the names of their files and sub-folders.

    DIR/Name_0001.jpg                              a person's name and a number
    DIR/ID_glasses_place_SESSION_FRAME.jpg         NUAA: pictures of one session belong together
    DIR/NAME/anything.jpg                          a sub-folder for each person
    DIR/SET/…                                      several such folders: each is measured by itself

Pictures that attack (prints, replays) are left out when they are only met on the way. It opens no
picture.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.faults import EvaluationRefused

ENDINGS: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".pgm", ".ppm", ".tif", ".tiff"}
)
ATTACKS: Final = frozenset(
    {"print", "prints", "spoof", "attack", "attacks", "fake", "imposter", "imposterface", "replay"}
)
NUAA: Final = re.compile(r"(?P<person>\d{4})_\d{2}_\d{2}_(?P<session>\d{2})_\d+\.\w+")
# A name holds a letter: 2024_05.jpg is a date.
NUMBERED: Final = re.compile(r"(?P<person>.*[^\W\d_].*)_\d{1,6}\.\w+")
MOST_FOLDERS_DEEP: Final = 8


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of one person; those of one session were taken together (None: not known)."""

    path: Path
    person: str
    session: str | None = None


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Pictures that are measured together, in the order of their names."""

    name: str
    folder: Path
    pictures: tuple[Picture, ...]
    named_by: str  # how people were told apart, for the report

    @property
    def people(self) -> frozenset[str]:
        return frozenset(picture.person for picture in self.pictures)

    def only(self, people: frozenset[str]) -> FaceSet:
        """The pictures of these people."""
        kept = tuple(picture for picture in self.pictures if picture.person in people)
        return FaceSet(self.name, self.folder, kept, self.named_by)


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds."""

    sets: tuple[FaceSet, ...]
    left_out: tuple[Path, ...]  # folders of attacks


def read_faces(folder: Path, pattern: str | None = None) -> Found:
    """The sets of faces in a folder; `EvaluationRefused` when there are none, or nameless ones.

    `pattern` is a regular expression with the group `person`, perhaps `session`. It is looked for
    in each picture's path below the folder, and then everything there is one set.
    """
    if not folder.is_dir():
        raise EvaluationRefused(f"there is no folder {folder}")
    if pattern is not None:
        return Found((_by_pattern(folder, pattern),), ())
    sets, left_out = _sets(folder, 0)
    if not sets:
        endings = ", ".join(sorted(ENDINGS))
        raise EvaluationRefused(f"{folder} holds no pictures ({endings})")
    return Found(tuple(sets), tuple(left_out))


def split_by_identity(people: Iterable[str], seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Two halves that share nobody. Where a person belongs does not depend on who else is there."""
    everybody = frozenset(people)
    first = frozenset(
        person
        for person in everybody
        if hashlib.sha256(f"{seed}:{person}".encode()).digest()[0] & 1 == 0
    )
    return first, everybody - first


def _sets(folder: Path, depth: int) -> tuple[list[FaceSet], list[Path]]:
    if direct := _pictures_in(folder):
        return [_by_names(folder, direct)], []
    sets: list[FaceSet] = []
    people: list[Path] = []
    left_out: list[Path] = []
    for child in sorted(path for path in folder.iterdir() if _is_folder(path)):
        if child.name.lower() in ATTACKS:
            left_out.append(child)
        elif pictures := _pictures_in(child):
            if len({picture.person for picture in _named(pictures)}) > 1:
                sets.append(_by_names(child, pictures))
            else:
                people.append(child)
        elif depth < MOST_FOLDERS_DEEP:
            below, attacks = _sets(child, depth + 1)
            sets += below
            left_out += attacks
    if people:
        each_once = [Picture(path, one.name) for one in people for path in _pictures_in(one)]
        named_by = "sub-folders, one for each person"
        sets.append(FaceSet(_name(folder), folder, tuple(each_once), named_by))
    return sets, left_out


def _by_names(folder: Path, paths: Sequence[Path]) -> FaceSet:
    pictures = _named(paths)
    if len(pictures) < len(paths):
        known = {picture.path for picture in pictures}
        stranger = next(path for path in paths if path not in known)
        raise EvaluationRefused(
            f"{stranger}: its name says neither Name_0001 nor ID_glasses_place_SESSION_FRAME; "
            "an identity pattern may say where the person is named"
        )
    sessions = any(picture.session for picture in pictures)
    named_by = "file names with sessions" if sessions else "file names, one picture a session"
    return FaceSet(_name(folder), folder, tuple(pictures), named_by)


def _named(paths: Sequence[Path]) -> list[Picture]:
    """The pictures whose names follow the first form that fits all, else those that fit."""
    for form in (NUAA, NUMBERED):
        matched = [(path, form.fullmatch(path.name)) for path in paths]
        if all(match for _, match in matched) or form is NUMBERED:
            return [_picture(path, match) for path, match in matched if match]
    return []


def _by_pattern(folder: Path, pattern: str) -> FaceSet:
    try:
        form = re.compile(pattern)
    except re.error as cause:
        raise EvaluationRefused(
            f"the identity pattern is no regular expression: {cause}"
        ) from cause
    if "person" not in form.groupindex:
        raise EvaluationRefused("the identity pattern has no group (?P<person>…)")
    pictures = []
    for path in sorted(p for p in folder.rglob("*") if _is_picture(p)):
        name = path.relative_to(folder).as_posix()
        match = form.search(name)
        if match is None or not match["person"]:
            raise EvaluationRefused(f"{name}: the identity pattern finds nobody in this name")
        pictures.append(_picture(path, match))
    if not pictures:
        raise EvaluationRefused(f"{folder} holds no pictures ({', '.join(sorted(ENDINGS))})")
    return FaceSet(_name(folder), folder, tuple(pictures), f"the pattern {pattern}")


def _picture(path: Path, match: re.Match[str]) -> Picture:
    return Picture(path, match["person"], match.groupdict().get("session"))


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_picture(path))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and not path.is_symlink()


def _name(folder: Path) -> str:
    """nuaa/live is called after both: `live` alone says nothing."""
    whole = folder.resolve()
    plain = whole.name in {"live", "client", "clientface", "faces", "images"}
    return f"{whole.parent.name}/{whole.name}" if plain else whole.name
