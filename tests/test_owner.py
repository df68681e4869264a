"""Root stands back for whoever owns the device's files."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from firmware.doctor.children import child_command
from firmware.owner import owner_of
from firmware.settings import Settings

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


def test_what_is_roots_or_not_there_yet_is_nobodys(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None
    assert owner_of(tmp_path / "none") is None


@AS_ROOT
def test_root_becomes_the_user_whose_the_folder_is(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, nobody.pw_uid, nobody.pw_gid)
    owner = owner_of(state)
    assert owner is not None
    assert owner.pw_name == "nobody"
    says = (
        "import os, sys; from pathlib import Path; from firmware.owner import become_owner_of;"
        "become_owner_of(Path(sys.argv[1])); print(os.getuid(), os.getgid(), os.getgroups())"
    )
    done = subprocess.run(
        [sys.executable, "-c", says, str(state)], capture_output=True, text=True, check=True
    )
    groups = os.getgrouplist("nobody", nobody.pw_gid)
    assert done.stdout.strip() == f"{nobody.pw_uid} {nobody.pw_gid} {groups}"


def test_what_lies_in_the_callers_folder_is_not_run(tmp_path: Path) -> None:
    """Whoever calls the doctor as root may stand where others can write."""
    planted = tmp_path / "firmware" / "doctor"
    planted.mkdir(parents=True)
    for name in ("../__init__.py", "__init__.py", "looking.py"):
        (planted / name).write_text("print('planted')\n", encoding="utf-8")
    settings = Settings(state_dir=str(tmp_path), runtime_dir=str(tmp_path))
    done = subprocess.run(
        child_command("lights", settings), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "planted" not in done.stdout
    assert done.stdout.startswith("{")
