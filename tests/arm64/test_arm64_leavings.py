"""What an installation leaves behind is found, and nothing else is called so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from snapshot import Snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("etc", "usr/bin", "var/cache/apt", "var/lib/dpkg", "srv"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    return tmp_path


def test_nothing_is_left_by_one_who_tidies_up(root: Path) -> None:
    before = Snapshot.of(root)
    program = root / "usr/bin/kazashi"
    program.touch()
    program.unlink()
    (root / "var/cache/apt/pkgcache.bin").touch()
    (root / "etc/passwd-").touch()
    (root / "srv/pytest").mkdir()
    (root / "etc/group").write_text("root:x:0:\ngpio:x:995:\n")
    assert before.left_by(Snapshot.of(root)) == []


def test_every_kind_of_leaving_is_named(root: Path) -> None:
    before = Snapshot.of(root)
    (root / "usr/lib").mkdir()
    os.symlink("nowhere", root / "usr/lib/link")
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nkazashi:x:1:1::/:/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\nkazashi:x:1:\n")
    assert before.left_by(Snapshot.of(root)) == [
        "paths: usr/lib is left",
        "paths: usr/lib/link is left",
        "users: kazashi is left",
        "groups: kazashi is left",
    ]


def test_what_was_there_before_is_missed(root: Path) -> None:
    before = Snapshot.of(root)
    (root / "usr/bin").rmdir()
    assert before.left_by(Snapshot.of(root)) == ["paths: usr/bin is gone"]
