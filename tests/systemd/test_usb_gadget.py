"""The gadget's script on a folder in configfs's place: what it writes, twice, and half-way."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from unit_files import INSTALLED

SCRIPT = INSTALLED / "usr/lib/kazashi-firmware/usb-gadget"
RMDIR_OF_CONFIGFS = """#!/bin/sh
# Its own files and folders go with a folder; what was made in it has to go before.
made='-type l -o -type d ! -name strings ! -name configs ! -name functions'
[ -z "$(find "$1" -mindepth 1 \\( $made \\))" ] || exit 1
exec rm -r "$1"
"""


class Board:
    """What the kernel of a board would offer."""

    def __init__(self, folder: Path) -> None:
        self.gadgets, self.controllers = folder / "usb_gadget", folder / "udc"
        self.tree, self.machine_id = folder / "devicetree", folder / "machine-id"
        for made in (self.gadgets, self.controllers, self.tree):
            made.mkdir()
        self.machine_id.write_text("0123456789abcdef0123456789abcdef\n")
        (self.controllers / "fe980000.usb").touch()
        self.gadget = self.gadgets / "kazashi"
        self._programs = folder / "bin"
        self._programs.mkdir()
        rmdir = self._programs / "rmdir"
        rmdir.write_text(RMDIR_OF_CONFIGFS)
        rmdir.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(SCRIPT), *arguments],
            env={
                **os.environ,
                "PATH": f"{self._programs}:{os.environ['PATH']}",
                "GADGET_ROOT": str(self.gadgets),
                "UDC_CLASS": str(self.controllers),
                "DEVICE_TREE": str(self.tree),
                "MACHINE_ID": str(self.machine_id),
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def says(self, name: str) -> str:
        return (self.gadget / name).read_text().strip()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_the_port_becomes_a_serial_line(board: Board) -> None:
    assert board.run("start").returncode == 0
    assert (board.gadget / "functions/acm.usb0").is_dir()
    assert (board.gadget / "configs/c.1/acm.usb0").resolve() == board.gadget / "functions/acm.usb0"
    assert board.says("UDC") == "fe980000.usb"
    assert board.says("strings/0x409/product") == "Kazashi card reader"


def test_the_board_names_itself(board: Board) -> None:
    (board.tree / "serial-number").write_bytes(b"10000000abcdef01\0")
    board.run("start")
    assert board.says("strings/0x409/serialnumber") == "10000000abcdef01"


def test_without_a_number_the_machines_id_stays_unknown(board: Board) -> None:
    board.run("start")
    number = board.says("strings/0x409/serialnumber")
    identity = board.machine_id.read_text().strip()
    assert number == hashlib.sha256(f"kazashi {identity}".encode()).hexdigest()[:16]


def test_starting_twice_changes_nothing(board: Board) -> None:
    board.run("start")
    before = {path: path.stat().st_mtime_ns for path in board.gadget.rglob("*")}
    assert board.run("start").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in board.gadget.rglob("*")} == before


@pytest.mark.parametrize(
    "there", ["strings/0x409", "configs/c.1/strings/0x409", "functions/acm.usb0"]
)
def test_a_start_that_broke_is_gone_over_again(board: Board, there: str) -> None:
    (board.gadget / there).mkdir(parents=True)
    assert board.run("start").returncode == 0
    assert board.says("UDC") == "fe980000.usb"


def test_without_a_port_for_it_the_reason_is_told(board: Board) -> None:
    (board.controllers / "fe980000.usb").unlink()
    started = board.run("start")
    assert started.returncode == 1
    assert "dtoverlay=dwc2" in started.stderr
    assert not board.gadget.exists()


def test_stopping_takes_everything_away_and_may_be_repeated(board: Board) -> None:
    board.run("start")
    for _ in range(2):
        stopped = board.run("stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert list(board.gadgets.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("restart",)])
def test_wrong_use_is_told(board: Board, arguments: tuple[str, ...]) -> None:
    assert board.run(*arguments).returncode == 2
