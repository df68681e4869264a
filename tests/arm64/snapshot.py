"""What an installation could leave behind: paths, users, groups. Taken from outside the root."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NOBODY_MINDS: Final = (
    "srv",  # the test's own material
    "var/cache",  # of apt, ldconfig and fontconfig
    "var/lib/apt",
    "var/lib/dpkg",  # asked by its own program: which packages it knows
    "var/log",
)
BACKUPS: Final = {f"etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow")}
SHARED_GROUPS: Final = {"gpio"}
"""Made by whoever comes first, and removed by nobody: files of others may belong to it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a root."""

    paths: frozenset[str]
    users: frozenset[str]
    groups: frozenset[str]

    @classmethod
    def of(cls, root: Path) -> Snapshot:
        """What lies there now; nothing may be mounted in it."""
        paths = frozenset(_paths(root)) - BACKUPS
        users, groups = (_names(root / "etc" / name) for name in ("passwd", "group"))
        return cls(paths, users, groups - SHARED_GROUPS)

    def left_by(self, later: Snapshot) -> list[str]:
        """What is there later and was not before; what was before and is gone."""
        told = []
        for kind in ("paths", "users", "groups"):
            before, after = getattr(self, kind), getattr(later, kind)
            told += [f"{kind}: {name} is left" for name in sorted(after - before)]
            told += [f"{kind}: {name} is gone" for name in sorted(before - after)]
        return told


def _paths(root: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside in NOBODY_MINDS:
            folders.clear()
            continue
        found += [os.path.normpath(os.path.join(inside, name)) for name in (*folders, *files)]
    return found


def _names(table: Path) -> frozenset[str]:
    return frozenset(line.partition(":")[0] for line in table.read_text().splitlines())
