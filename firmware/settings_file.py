"""Reads a daemon's settings file, and tells everything that is wrong with it, each with its line.

    /etc/kazashi/firmware.toml:12: unknown key "vision.face_calmera": did you mean "face_camera"?

No value is repeated in a complaint: a passcode stands in such a file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec

from firmware.faults import BadSettings, SettingsRejected
from firmware.settings_lines import KeyPath, key_lines, line_of
from firmware.settings_words import allowed, choices

Settings = TypeVar("Settings", bound=msgspec.Struct)

_AT_LINE: Final = re.compile(r"^(.*?) \(at line (\d+), column (\d+)\)$", re.DOTALL)
_AT_END: Final = " (at end of document)"
_AT_PATH: Final = re.compile(r" - at `[^`]*`$")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong, and where."""

    path: KeyPath
    says: str


def read_settings_file(path: Path, kind: type[Settings]) -> Settings:
    """The settings in a TOML file.

    Raises `SettingsRejected`, which names all that is wrong, and `BadSettings` for a file that
    cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause
    text = _text(path, content)
    document = _parsed(path, text)
    complaints = list(complaints_about(document, kind))
    if complaints:
        lines = key_lines(text)
        at = sorted((line_of(each.path, lines), each.says) for each in complaints)
        raise SettingsRejected(tuple(f"{path}:{line}: {says}" for line, says in at))
    return msgspec.convert(document, kind, str_keys=True)


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as cause:
        before = content[: cause.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2]) + 1
        raise SettingsRejected((f"{path}:{line}:{column}: this is not UTF-8",)) from cause


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as cause:
        told = _AT_LINE.match(str(cause))
        if told:
            says = f"{path}:{told[2]}:{told[3]}: {told[1]}"
        elif str(cause).endswith(_AT_END):
            end = text.count("\n") + 1
            says = f"{path}:{end}: {str(cause).removesuffix(_AT_END)}: here the file ends"
        else:
            says = f"{path}: {cause}"
        raise SettingsRejected((says,)) from cause


def complaints_about(value: Any, kind: Any, path: KeyPath = ()) -> Iterator[Complaint]:
    """Everything in a value from TOML that keeps it from being a `kind`."""
    found: list[Complaint] = []
    of = _bare(kind)
    match value:
        case dict() if _is_struct(of):
            found = list(_about_table(value, of, path))
        case dict() if get_origin(of) is dict:
            names, inside = get_args(of)
            for key, part in value.items():
                found += _about_name(key, names, path)
                found += complaints_about(part, inside, (*path, key))
        case list() if get_origin(of) is tuple and _is_struct(inside := _bare(get_args(of)[0])):
            for number, part in enumerate(value):
                found += complaints_about(part, inside, (*path, number))
    yield from found or _about_whole(value, kind, path)


def _about_name(name: str, kind: Any, path: KeyPath) -> Iterator[Complaint]:
    """A table's name that a site chooses itself."""
    if list(_about_whole(name, kind, path)):
        yield Complaint((*path, name), f'{_dotted(path)}: "{name}" must be {allowed(kind)}')


def _about_table(table: dict[str, Any], kind: Any, path: KeyPath) -> Iterator[Complaint]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name in table:
            yield from complaints_about(table[name], field.type, (*path, name))
        elif field.required:
            yield Complaint(path, f'"{_dotted((*path, name))}" is missing')
    for name in table.keys() - fields.keys():
        meant = _nearest(name, fields) or _elsewhere(name, kind, path)
        says = f'unknown key "{_dotted((*path, name))}"'
        yield Complaint((*path, name), f'{says}: did you mean "{meant}"?' if meant else says)


def _about_whole(value: Any, kind: Any, path: KeyPath) -> Iterator[Complaint]:
    """What is wrong with a value whose parts are well."""
    try:
        msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as cause:
        name = _dotted(path) or "the file"
        if isinstance(cause.__cause__, ValueError):  # two values that do not go together
            yield Complaint(path, f"{name}: {_AT_PATH.sub('', str(cause))}")
            return
        meant = next(_meant(value, choices(kind)), None)
        hint = f': did you mean "{meant}"?' if meant else ""
        yield Complaint(path, f"{name} must be {allowed(kind)}{hint}")


def _bare(kind: Any) -> Any:
    """A type without what it may be beside: no notes, and no None, which TOML does not have."""
    if get_origin(kind) is Annotated:
        return _bare(kind.__origin__)
    if get_origin(kind) in (Union, UnionType):
        kinds = [each for each in get_args(kind) if each is not NoneType]
        return _bare(kinds[0]) if len(kinds) == 1 else kind
    return kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a key of this type holds: itself, in a list, or in a table of tables."""
    kind = _bare(kind)
    if get_origin(kind) is tuple:
        return struct_of(get_args(kind)[0])
    if get_origin(kind) is dict:
        return struct_of(get_args(kind)[1])
    return kind if _is_struct(kind) else None


def _dotted(path: KeyPath) -> str:
    """`readers.kazashi-1.link`, `staff[0].passcode`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def _nearest(name: str, names: Any) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(names), n=1)), None)


def _elsewhere(name: str, kind: Any, path: KeyPath) -> str | None:
    """A key of that very name one table below; TOML's keys slip into the table above them."""
    below = (
        f"{_dotted((*path, field.encode_name))}.{name}"
        for field in msgspec.structs.fields(kind)
        if _is_struct(_bare(field.type)) and name in _bare(field.type).__struct_encode_fields__
    )
    return next(below, None)


def _meant(value: Any, words: tuple[str, ...]) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and words and each not in words:
            meant = _nearest(each, words)
            if meant is not None:
                yield meant
