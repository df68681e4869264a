"""The settings files as they are installed, made from the settings' structs: every key, commented.

A line that begins `# ` is prose; one that begins `#` and goes on at once is a setting at its
default, and does something else as soon as the `#` is taken away and the value is changed.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT
from schema import described, field_notes

from firmware.settings import Settings as FirmwareSettings
from firmware.settings_file import struct_of
from hostdriver.settings import Settings as HostSettings

WIDTH: Final = 98

Keys = tuple[str, ...]


@dataclass(frozen=True)
class SettingsFile:
    """One daemon's file. `active`: what an installed machine sets; `examples`: what is shown of a
    key that has no default, or none that TOML can write."""

    name: str
    program: str
    kind: type[msgspec.Struct]
    active: dict[Keys, Any]
    examples: dict[Keys, Any]
    names: dict[Keys, str] = field(default_factory=dict)
    """What stands for the name that a site chooses, in a table of tables."""


FIRMWARE: Final = SettingsFile(
    name="firmware.toml",
    program="kazashi-firmware",
    kind=FirmwareSettings,
    active={
        ("state_dir",): "/var/lib/kazashi/firmware",
        ("runtime_dir",): "/run/kazashi/firmware",
        ("link_group",): "kazashi-hostdriver",
        ("panel_group",): "kazashi-kiosk",
        ("speech",): "/usr/share/kazashi/speech",
        ("vision", "models"): "/usr/share/kazashi/models",
    },
    examples={
        ("clock_trust",): "rtc",
        ("staff", "staff_id"): "tanaka",
        ("staff", "passcode"): "00112233445566778899aabbccddeeff$" + "0123456789abcdef" * 4,
        ("pins", "staff_button"): 23,
        ("pins", "tamper_switch"): 24,
        ("card", "pcsc_socket"): "/run/pcscd/pcscd.comm",
        ("card", "terminal_authority"): "NAME:ARGUMENT",
        ("card", "issuer_keys"): "/etc/kazashi/issuer-keys.json",
        ("vision", "tray_camera"): "v4l2:0",
        ("vision", "models_key"): "/etc/kazashi/models.pub",
    },
)
HOSTDRIVER: Final = SettingsFile(
    name="hostdriver.toml",
    program="kazashi-hostdriver",
    kind=HostSettings,
    active={
        ("state_dir",): "/var/lib/kazashi/hostdriver",
        ("runtime_dir",): "/run/kazashi/hostdriver",
        ("socket_group",): "kazashi",
        ("readers", "link"): "unix:/run/kazashi/firmware/link.sock",
    },
    examples={
        ("readers", "device_key"): "/etc/kazashi/kazashi-1.json",
        ("gateway", "req_dir"): "/media/terminal/req",
        ("gateway", "res_dir"): "/media/terminal/res",
        ("face_folder", "path"): "face",
    },
    names={("readers",): "kazashi-1"},
)
SETTINGS_FILES: Final = (FIRMWARE, HOSTDRIVER)


def settings_document(file: SettingsFile) -> str:
    """The whole file."""
    return "\n".join([*_introduction(file), *_table(file, file.kind, ()), ""])


def _introduction(file: SettingsFile) -> Iterator[str]:
    yield from _prose(
        f"Settings of {file.program}. A line that begins with #key shows a setting at its default: "
        "take the # away to change it. Times are in seconds."
    )
    yield "#"
    yield from _prose(f"After a change: {_check(file)}, then systemctl restart {file.program}")
    yield ""


def _check(file: SettingsFile) -> str:
    if file is FIRMWARE:
        return "kazashi-firmware doctor --only settings"
    return f"kazashi-hostdriver --settings /etc/kazashi/{file.name} --check"


def _table(file: SettingsFile, kind: type[msgspec.Struct], at: Keys) -> Iterator[str]:
    """A struct's own keys, and then the tables below it: TOML wants them in this order."""
    notes = field_notes(kind)
    fields = msgspec.structs.fields(kind)
    for each in fields:
        if struct_of(each.type) is None:
            yield from _prose(_toml_says(notes[each.name]))
            yield _setting(file, (*at, each.encode_name), each)
            yield ""
    for each in fields:
        below = struct_of(each.type)
        if below is not None:
            yield from _header(file, (*at, each.encode_name), each, below)
            yield from _table(file, below, (*at, each.encode_name))


def _header(
    file: SettingsFile, at: Keys, each: msgspec.structs.FieldInfo, below: type[msgspec.Struct]
) -> Iterator[str]:
    yield ""
    yield from _prose(_toml_says(described(below)))
    name = ".".join([*at, *([file.names[at]] if at in file.names else [])])
    if each.default == ():
        yield f"#[[{name}]]"
    else:
        yield f"#[{name}]" if each.default is None else f"[{name}]"


def _setting(file: SettingsFile, at: Keys, each: msgspec.structs.FieldInfo) -> str:
    if at in file.active:
        return f"{at[-1]} = {_toml(file.active[at])}"
    default = each.default
    if default in (None, NODEFAULT):
        default = file.examples[at]
    return f"#{at[-1]} = {_toml(default)}"


def _toml(value: Any) -> str:
    """A value as both JSON and TOML write it."""
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def _toml_says(note: str) -> str:
    """A docstring, made for JSON's readers, for TOML's: they leave out what others call null."""
    note = re.sub(r"(^|[.] )null\b", r"\1Left out", note)
    note = re.sub(r"\bnull\b", "left out", note)
    return note.replace("`", "")


def _prose(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False
    )
