"""The settings files that are installed: every key, at its default, with its meaning."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware.settings import Settings, read_settings
from firmware.settings_file import struct_of
from firmware.settings_lines import KeyPath, key_lines
from hostdriver.settings import Settings as HostSettings
from hostdriver.settings import read_settings as read_host_settings

INSTALLED = Path(__file__).resolve().parents[2] / "systemd" / "etc" / "kazashi"
FILES: dict[str, type[msgspec.Struct]] = {"firmware": Settings, "hostdriver": HostSettings}
CHOSEN = {("readers",): "kazashi-1"}


def with_every_key(name: str) -> str:
    """The file with all its `#` taken away."""
    text = (INSTALLED / f"{name}.toml").read_text(encoding="utf-8")
    return re.sub(r"^#(?=[^ \n])", "", text, flags=re.MULTILINE)


def leaves(kind: type[msgspec.Struct], at: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every key of a struct and of those below it, with its default."""
    for field in msgspec.structs.fields(kind):
        path: KeyPath = (*at, field.encode_name)
        below = struct_of(field.type)
        if below is None:
            yield (
                path,
                msgspec.to_builtins(field.default)
                if field.default is not (msgspec.NODEFAULT)
                else msgspec.NODEFAULT,
            )
        elif field.default == ():
            yield from leaves(below, (*path, 0))
        else:
            yield from leaves(below, (*path, *([CHOSEN[path]] if path in CHOSEN else [])))


def test_as_installed_they_can_be_used_and_name_the_places_of_an_installed_machine() -> None:
    firmware = read_settings(INSTALLED / "firmware.toml")
    host = read_host_settings(INSTALLED / "hostdriver.toml")
    assert firmware == Settings(
        state_dir="/var/lib/kazashi/firmware",
        runtime_dir="/run/kazashi/firmware",
        link_group="kazashi-hostdriver",
        panel_group="kazashi-kiosk",
        speech="/usr/share/kazashi/speech",
        vision=msgspec.structs.replace(firmware.vision, models="/usr/share/kazashi/models"),
    )
    assert (host.state_dir, host.runtime_dir) == (
        "/var/lib/kazashi/hostdriver",
        "/run/kazashi/hostdriver",
    )
    assert host.socket_group == "kazashi"
    (reader,) = host.readers.values()
    assert reader.link == f"unix:{firmware.runtime_dir}/{firmware.link.removeprefix('unix:')}"


@pytest.mark.parametrize("name", FILES)
def test_every_key_is_there_and_can_be_uncommented(name: str, tmp_path: Path) -> None:
    text = with_every_key(name)
    lines = key_lines(text)
    assert [path for path, _ in leaves(FILES[name]) if path not in lines] == []
    msgspec.convert(tomllib.loads(text), FILES[name], str_keys=True)


@pytest.mark.parametrize("name", FILES)
def test_what_is_commented_out_is_the_default(name: str) -> None:
    installed = (INSTALLED / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    text = with_every_key(name)
    lines, document = key_lines(text), tomllib.loads(text)
    compared = 0
    for path, default in leaves(FILES[name]):
        commented = installed[lines[path] - 1].startswith("#")
        if not commented or default in (None, msgspec.NODEFAULT):
            continue
        value: Any = document
        for key in path:
            value = value[key]
        assert value == (list(default) if isinstance(default, tuple) else default), path
        compared += 1
    assert compared > 15


@pytest.mark.parametrize("name", FILES)
def test_every_key_has_its_meaning_above_it(name: str) -> None:
    installed = (INSTALLED / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    lines = key_lines(with_every_key(name))
    for path, _ in leaves(FILES[name]):
        above = installed[lines[path] - 2]
        assert above.startswith("# "), path
        assert max(map(len, installed)) <= 130
