"""Moving in: what the packages set stays, but for what names hardware."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from firmware.simulator.installed import give, merged


def test_tables_are_merged_and_values_replaced() -> None:
    installed = {"device_id": "counter-1", "vision": {"models": "/m", "face_camera": "pi:0"}}
    changed = {"time_scale": 60.0, "vision": {"face_camera": "simulated:face:/s"}}
    assert merged(installed, changed) == {
        "device_id": "counter-1",
        "time_scale": 60.0,
        "vision": {"models": "/m", "face_camera": "simulated:face:/s"},
    }


def test_a_table_that_was_not_there_is_made() -> None:
    assert merged({}, {"card": {"reader": "Virtual*"}}) == {"card": {"reader": "Virtual*"}}


def test_what_was_read_is_not_changed() -> None:
    installed = {"card": {"reader": "*"}}
    merged(installed, {"card": {"reader": "Virtual*"}})
    assert installed == {"card": {"reader": "*"}}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_what_a_link_in_a_daemons_folder_leads_to_is_not_given_away(tmp_path: Path) -> None:
    given, secret = tmp_path / "state", tmp_path / "secret"
    for folder in (given / "deep", secret):
        folder.mkdir(parents=True)
        (folder / "file").write_text("")
    links = given / "to a file", given / "to a folder"
    links[0].symlink_to(secret / "file")
    links[1].symlink_to(secret)
    give(given, "nobody")
    nobody = pwd.getpwnam("nobody").pw_uid
    for path in (given, given / "deep", given / "deep" / "file", *links):
        assert path.lstat().st_uid == nobody, path
    for path in (secret, secret / "file"):
        assert path.stat().st_uid == 0, path
