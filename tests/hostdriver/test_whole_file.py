"""Files that appear whole or not at all: what else lies there stays as it is."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from hostdriver.whole_file import PART, PRIVATE, PRIVATE_TO_THE_GROUP, put_whole, written_whole


@pytest.mark.parametrize("mode", [PRIVATE, PRIVATE_TO_THE_GROUP])
def test_it_is_there_whole_with_its_mode_and_alone(tmp_path: Path, mode: int) -> None:
    put_whole(tmp_path / "answer.xml", b"\r\n\x00", mode)
    (written,) = tmp_path.iterdir()
    assert (written.name, written.read_bytes()) == ("answer.xml", b"\r\n\x00")
    assert stat.S_IMODE(written.stat().st_mode) == mode


def test_while_it_is_written_it_has_another_name(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"before")
    with written_whole(tmp_path / "key.pem", PRIVATE) as file:
        file.write(b"ha")
        file.flush()
        assert (tmp_path / "key.pem").read_bytes() == b"before"
        (part,) = (path for path in tmp_path.iterdir() if path.name != "key.pem")
        assert re.fullmatch(rf"\.key\.pem{PART}", part.name)
        assert stat.S_IMODE(part.stat().st_mode) == PRIVATE
        file.write(b"lf")
    assert (tmp_path / "key.pem").read_bytes() == b"half"


def test_what_breaks_leaves_the_file_before_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), written_whole(tmp_path / "key.pem", PRIVATE) as file:
        file.write(b"half")
        _ = 1 / 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"key.pem": b"before"}


def test_a_place_that_is_taken_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "key.pem").mkdir()
    (tmp_path / ".key.pem.part").write_bytes(b"another's")
    with pytest.raises(OSError, match=r"key\.pem"):
        put_whole(tmp_path / "key.pem", b"half", PRIVATE)
    assert {path.name for path in tmp_path.iterdir()} == {"key.pem", ".key.pem.part"}


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"another's")
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    put_whole(tmp_path / "key.pem", b"ours", PRIVATE)
    assert not (tmp_path / "key.pem").is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b"another's"
