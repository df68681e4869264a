"""Files that list pairs of pictures: `fold,a,b,same` with a header, `a b same`, or LFW's pairs.txt.

fold,a,b,same                                  columns by name, in any order; fold may be absent
0,Anna_Berg_0001.jpg,Anna_Berg_0004.jpg,1
Anna_Berg_0001.jpg Anna_Berg_0004.jpg 1        no header: two pictures, then 1 or 0
Anna_Berg  1  4                                pairs.txt of LFW: numbers of one person,
Anna_Berg  1  Carl_Dahl  2                     or of two
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.faults import MalformedPairs
from firmware.match.evaluation.face_folders import Picture

SAME: Final = {"1": True, "0": False, "true": True, "false": False}
MOST_BYTES: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file, in its own words."""

    line: int
    a: str
    b: str
    same: bool
    fold: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of a set, by index; `a` is stored as the card's photo."""

    a: int
    b: int
    same: bool
    fold: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The rows whose pictures are there, and the lines of those whose pictures are not."""

    pairs: tuple[Pair, ...]
    missing: tuple[int, ...]


def read_pairs(path: Path) -> tuple[Row, ...]:
    """The rows of a file; `MalformedPairs` names the line that is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MalformedPairs(f"{path}: larger than {MOST_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as cause:
        raise MalformedPairs(f"{path}: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise MalformedPairs(f"{path}: not UTF-8 text") from cause
    return parse_pairs(text, str(path))


def parse_pairs(text: str, where: str) -> tuple[Row, ...]:
    """The rows of a text; `where` is what a fault calls it."""
    lines = [(number, cells) for number, cells in enumerate(_cells(text), 1) if cells]
    if not lines:
        raise MalformedPairs(f"{where}: no pairs")
    first = [cell.lower() for cell in lines[0][1]]
    if {"a", "b", "same"} <= set(first):
        columns: dict[str, int] = {
            name: first.index(name) for name in ("fold", "a", "b", "same") if name in first
        }
        rows = [_by_header(columns, cells, f"{where}:{line}", line) for line, cells in lines[1:]]
    else:
        if len(first) < 3:  # pairs.txt begins with the numbers of folds and pairs
            lines = lines[1:]
        rows = [_by_place(cells, f"{where}:{line}", line) for line, cells in lines]
    if not rows:
        raise MalformedPairs(f"{where}: no pairs below the first line")
    return tuple(rows)


def place(rows: Sequence[Row], pictures: Sequence[Picture], folder: Path) -> Placed:
    """Find each row's pictures: by the path below the folder, the file's name, or its stem."""
    known: dict[str, set[int]] = defaultdict(set)
    for index, picture in enumerate(pictures):
        for name in (picture.path.relative_to(folder).as_posix(), picture.path.name):
            known[name].add(index)
        known[picture.path.stem].add(index)
    pairs, missing = [], []
    for row in rows:
        a, b = known.get(row.a, set()), known.get(row.b, set())
        if len(a) == len(b) == 1:
            pairs.append(Pair(min(a), min(b), row.same, row.fold))
        elif a and b:
            raise MalformedPairs(
                f"line {row.line}: a name that {max(len(a), len(b))} pictures have"
            )
        else:
            missing.append(row.line)
    return Placed(tuple(pairs), tuple(missing))


def _cells(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if "," in line:
            cells = next(csv.reader([line]))
        elif "\t" in line:
            cells = line.split("\t")
        else:
            cells = line.split()
        yield [cell.strip() for cell in cells] if any(cell.strip() for cell in cells) else []


def _by_header(columns: dict[str, int], cells: list[str], where: str, line: int) -> Row:
    if len(cells) <= max(columns.values()):
        raise MalformedPairs(f"{where}: {len(cells)} columns, fewer than the header has")
    fold = cells[columns["fold"]] if "fold" in columns else None
    a, b, same = (cells[columns[name]] for name in ("a", "b", "same"))
    return _checked(where, Row(line, a, b, _same(where, same), fold))


def _by_place(cells: list[str], where: str, line: int) -> Row:
    match cells:
        case [name, first, second] if _number(first) and _number(second):
            return Row(line, _lfw(name, first), _lfw(name, second), True)
        case [name, first, other, second] if _number(first) and _number(second):
            return Row(line, _lfw(name, first), _lfw(other, second), False)
        case [a, b, same]:
            return _checked(where, Row(line, a, b, _same(where, same)))
        case [fold, a, b, same]:
            return _checked(where, Row(line, a, b, _same(where, same), fold))
    raise MalformedPairs(f"{where}: {len(cells)} columns; two pictures and 1 or 0 are expected")


def _same(where: str, word: str) -> bool:
    if word.lower() not in SAME:
        raise MalformedPairs(f"{where}: {word!r} is neither 1 (the same person) nor 0")
    return SAME[word.lower()]


def _checked(where: str, row: Row) -> Row:
    if not row.a or not row.b:
        raise MalformedPairs(f"{where}: a picture without a name")
    if row.a == row.b:
        raise MalformedPairs(f"{where}: {row.a} is compared with itself")
    return row


def _number(cell: str) -> bool:
    return re.fullmatch(r"[0-9]{1,6}", cell) is not None


def _lfw(name: str, number: str) -> str:
    return f"{name}_{int(number):04d}"
