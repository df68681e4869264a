"""Moving in: what the packages set stays, but for what names hardware."""

from __future__ import annotations

from firmware.simulator.installed import merged


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
