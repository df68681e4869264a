"""The office that most tests of this room begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from office import Office, good_certificate, person


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office that knows the holder of `good_certificate`."""
    made = Office(tmp_path / "insurers.sqlite")
    made.knows(person(good_certificate()))
    return made
