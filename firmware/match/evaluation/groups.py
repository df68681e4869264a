"""Which people belong to which group (age, sex, origin …), from a CSV `identity,group`."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from firmware.faults import MalformedPairs
from firmware.match.evaluation.face_folders import split_by_identity

Groups: TypeAlias = Mapping[str, frozenset[str]]


def read_groups(path: Path) -> Groups:
    """People by group; somebody may be in several. `MalformedPairs` names the wrong line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as cause:
        raise MalformedPairs(f"{path}: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise MalformedPairs(f"{path}: not UTF-8 text") from cause
    return parse_groups(text, str(path))


def parse_groups(text: str, where: str) -> Groups:
    """People by group; `where` is what a fault calls the text. A header is not needed."""
    groups: dict[str, set[str]] = defaultdict(set)
    for line, cells in enumerate(csv.reader(text.splitlines()), 1):
        row = [cell.strip() for cell in cells]
        if not any(row) or (line == 1 and row[:2] == ["identity", "group"]):
            continue
        if len(row) != 2 or not all(row):
            raise MalformedPairs(f"{where}:{line}: an identity and a group are expected")
        groups[row[1]].add(row[0])
    if not groups:
        raise MalformedPairs(f"{where}: nobody is in a group")
    return {name: frozenset(people) for name, people in sorted(groups.items())}


def halves(people: Iterable[str], seed: int) -> Groups:
    """The two halves that calibration knows: what it chose on one is shown on the other."""
    first, second = split_by_identity(people, seed)
    return {f"first half (seed {seed})": first, f"second half (seed {seed})": second}
