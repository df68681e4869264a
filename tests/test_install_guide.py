"""INSTALL.md against the code: pins, settings, readers, and drawings that any browser can show."""

from __future__ import annotations

import math
import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from firmware import settings as of_firmware
from firmware.simulator.presentation_shapes import FRAME
from firmware.simulator.presentations import Lens
from hostdriver import settings as of_host
from hostdriver.cli import DEFAULT_SOCKET

ROOT = Path(__file__).resolve().parents[1]
HARDWARE = ROOT / "docs" / "hardware"
GUIDE = (ROOT / "docs" / "INSTALL.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
LIBCCID = Path("/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist")


@pytest.fixture(scope="module")
def facts() -> Any:
    spec = spec_from_file_location("hardware_facts", HARDWARE / "facts.py")
    assert spec and spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)  # its annotations are looked up there
    spec.loader.exec_module(module)
    return module.read_facts()


# --- wires
def test_every_pin_of_the_settings_is_wired_once(facts: Any) -> None:
    wired = facts.wired()
    assert Counter(wire.pin for _, _, wire in wired) == Counter(
        of_firmware.PinSettings.__struct_fields__
    )
    of_firmware.PinSettings(**{wire.pin: gpio for _, gpio, wire in wired})


def test_a_pin_of_the_header_has_one_part(facts: Any) -> None:
    used = [pin for pin, _, _ in facts.wired()] + [pin for rail in facts.rail for pin in rail.at]
    assert len(set(used)) == len(used)


def test_the_header_is_a_raspberry_pis(facts: Any) -> None:
    names = Counter(facts.header.gpio)
    assert names.pop("ground") == 8
    assert (names.pop("3.3 V"), names.pop("5 V")) == (2, 2)
    assert names == Counter(str(number) for number in range(28))


def test_the_guides_example_of_pins_is_what_is_drawn(facts: Any) -> None:
    (example,) = (block for block in toml_blocks() if "pins" in block)
    assert example["pins"] == {wire.pin: gpio for _, gpio, wire in facts.wired()}


def test_the_drawing_names_every_part_at_its_pin(facts: Any) -> None:
    drawn = ElementTree.parse(HARDWARE / "header.svg")
    words = Counter(text.text for text in drawn.iter(f"{SVG}text"))
    for _, gpio, wire in facts.wired():
        assert words[wire.part] == 1
        assert words[f"GPIO {gpio}"] == 1


# --- settings
FOLDERS = {"state_dir": "/s", "runtime_dir": "/r"}


def toml_blocks() -> list[dict[str, Any]]:
    blocks = re.findall(r"^```toml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [tomllib.loads(block) for block in blocks]


def test_every_example_is_taken_by_a_daemon() -> None:
    assert toml_blocks()
    for block in toml_blocks():
        program = of_host if "readers" in block else of_firmware
        msgspec.convert({**FOLDERS, **block}, program.Settings)


def named(settings_file: str) -> list[str]:
    """The settings of the table behind a file's name, as written: `[card] reader`."""
    table = GUIDE.partition(f"`{settings_file}`:\n\n")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize(("program", "name"), [(of_firmware, "firmware"), (of_host, "hostdriver")])
def test_every_setting_that_is_named_exists(program: Any, name: str) -> None:
    rows = named(f"/etc/kazashi/{name}.toml")
    assert len(rows) >= 5
    for row in rows:
        table, _, key = row.rpartition(" ")
        fields = {field.name for field in msgspec.structs.fields(program.Settings)}
        if not key.startswith("["):
            assert table.strip("[]") in fields | {""}
            inner = getattr(program.Settings(**FOLDERS), table.strip("[]")) if table else None
            assert key in (inner.__struct_fields__ if inner else fields), row
        else:
            assert key.strip("[]").partition(".")[0] in fields, row


def test_the_socket_is_where_programs_and_pages_look_for_it() -> None:
    unit = (ROOT / "systemd/usr/lib/systemd/system/kazashi-hostdriver.socket").read_text("utf-8")
    installed = of_host.read_settings(ROOT / "systemd/etc/kazashi/hostdriver.toml")
    address = f"{installed.runtime_dir}/{installed.socket.removeprefix('unix:')}"
    assert address == DEFAULT_SOCKET
    assert f"ListenStream={address}" in unit.splitlines()
    for page in ("INSTALL.md", "SOCKET_API.md"):
        assert f"`{address}`" in (ROOT / "docs" / page).read_text(encoding="utf-8")


# --- readers
def libccid_version() -> str:
    if shutil.which("dpkg-query") is None:
        return ""
    asked = ["dpkg-query", "-W", "-f", "${Version}", "libccid"]
    return subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False).stdout


def test_the_readers_are_in_the_list_of_debian_12s_driver(facts: Any) -> None:
    if not libccid_version().startswith("1.5.2-"):
        pytest.skip("this system has no libccid 1.5.2")
    listed = plistlib.loads(LIBCCID.read_bytes())
    ids = zip(listed["ifdVendorID"], listed["ifdProductID"], strict=True)
    known = dict(zip(ids, listed["ifdFriendlyName"], strict=True))
    for reader in facts.reader:
        vendor, product = (f"0x{part}" for part in reader.usb.split(":"))
        assert known.get((vendor, product)) == reader.name


# --- the room and the drawings
def test_the_lens_that_is_advised_sees_what_the_simulated_one_sees(facts: Any) -> None:
    seen = facts.field_of_view_deg()
    simulated = [math.degrees(2 * math.atan(size / 2 / Lens().focal_px)) for size in FRAME]
    assert seen == pytest.approx(simulated, abs=2)


@pytest.mark.parametrize("path", sorted(HARDWARE.glob("*.svg")), ids=lambda path: path.name)
def test_a_drawing_shows_by_itself(path: Path) -> None:
    assert path.stat().st_size < 100_000
    drawn = ElementTree.parse(path).getroot()
    assert drawn.find(f"{SVG}title") is not None
    links = [value for one in drawn.iter() for key, value in one.attrib.items() if "href" in key]
    assert links == []
