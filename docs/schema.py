"""How a message looks to somebody who writes JSON: field tables made from the structs themselves.

A type is told in words; a struct or an enum within it becomes a link to its own table.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect as mi

Struct = type[msgspec.Struct]
JSON_WORDS: Final = {"None": "null", "True": "true", "False": "false"}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; cells may hold anything but a line end."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(_line(line) for line in lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def described(kind: type) -> str:
    """A class's docstring as one paragraph of Markdown."""
    return as_json_says(" ".join(inspect.cleandoc(kind.__doc__ or "").split()))


def as_json_says(text: str) -> str:
    """A docstring for readers of JSON."""
    return re.sub(r"\b(None|True|False)\b", lambda word: JSON_WORDS[word[1]], text)


def fields_table(kind: Struct, *, may_be_left_out: bool = True) -> str:
    """Name, type and meaning of each field; a sentence where there is none.

    `may_be_left_out`: who writes it may leave out what has a default. What the host driver writes
    is always whole, but for the elements of an answer that are not on file.
    """
    info = struct_info(kind)
    sparse = kind.__struct_config__.omit_defaults
    notes = field_notes(kind)
    rows = [(f"`{info.tag_field}`", f'`"{info.tag}"`', "")] if info.tag_field else []
    for field in info.fields:
        words = type_words(field.type)
        if sparse and not field.required:
            words = f"{words.removesuffix(' or null')}; may be absent"
        elif may_be_left_out:
            words += _default(field)
        rows.append((f"`{field.encode_name}`", words, notes.get(field.name, "")))
    if not rows:
        return "None."
    if not any(meaning for *_, meaning in rows):
        return table(("field", "type"), (row[:2] for row in rows))
    return table(("field", "type", "meaning"), rows)


def struct_info(kind: Struct) -> mi.StructType:
    """What msgspec knows of a struct."""
    info = mi.type_info(kind)
    assert isinstance(info, mi.StructType)
    return info


@cache
def field_notes(kind: type) -> dict[str, str]:
    """The string that stands below a field in the source, by the field's name."""
    notes: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if not (isinstance(owner, type) and issubclass(owner, msgspec.Struct)):
            continue
        if owner is msgspec.Struct:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(body, ast.ClassDef)
        for node, below in zip(body.body, body.body[1:], strict=False):
            match node, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(note))),
                ):
                    notes[name] = as_json_says(" ".join(note.split()))
    return notes


def reached(kinds: Iterable[Struct]) -> tuple[list[Struct], list[type[enum.Enum]]]:
    """Every other struct and every enum that these structs' fields lead to, in that order."""
    start = list(kinds)
    structs: list[Struct] = []
    enums: list[type[enum.Enum]] = []
    waiting: list[mi.Type] = [field.type for kind in start for field in struct_info(kind).fields]
    while waiting:
        info = waiting.pop(0)
        if isinstance(info, mi.EnumType) and info.cls not in enums:
            enums.append(info.cls)
        elif isinstance(info, mi.StructType) and info.cls not in (*structs, *start):
            structs.append(info.cls)
            waiting[:0] = [field.type for field in info.fields]
        else:
            waiting[:0] = list(_parts(info))
    return structs, enums


def words_table(enums: Iterable[type[enum.Enum]]) -> str:
    """The values of each enum, as they stand on the wire."""
    rows = (
        (f"**{kind.__name__}**", ", ".join(f"`{word.value}`" for word in kind), described(kind))
        for kind in sorted(enums, key=lambda kind: kind.__name__)
    )
    return table(("word", "values", "says"), rows)


def _parts(info: mi.Type) -> Iterator[mi.Type]:
    match info:
        case mi.UnionType(types=types) | mi.TupleType(item_types=types):
            yield from types
        case mi.VarTupleType(item_type=item) | mi.ListType(item_type=item):
            yield item
        case mi.DictType(key_type=key, value_type=value):
            yield from (key, value)
        case mi.Metadata(type=inner):
            yield inner


def _default(field: mi.Field) -> str:
    if field.required:
        return ""
    if field.default in (None, (), msgspec.NODEFAULT):
        return "; optional"
    return f"; default `{msgspec.json.encode(field.default).decode()}`"


def type_words(info: mi.Type) -> str:
    """A type in words, with links to the tables of structs and enums."""
    match info:
        case mi.UnionType(types=types):
            kinds = [type_words(part) for part in types if not isinstance(part, mi.NoneType)]
            return " or ".join([*kinds, "null"] if info.includes_none else kinds)
        case mi.VarTupleType(item_type=item) | mi.ListType(item_type=item):
            least = f", at least {info.min_length}" if info.min_length else ""
            return f"list of {type_words(item)}{least}"
        case mi.DictType(key_type=key, value_type=value):
            return f"object: {type_words(key)} → {type_words(value)}"
        case mi.EnumType(cls=cls):
            return f"[{cls.__name__}](#words)"
        case mi.StructType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case mi.LiteralType(values=values):
            return " or ".join(f"`{msgspec.json.encode(value).decode()}`" for value in values)
        case mi.Metadata(type=inner):
            return type_words(inner)
        case _:
            return _plain_words(info)


def _plain_words(info: mi.Type) -> str:
    match info:
        case mi.StrType():
            longest = f", at most {info.max_length} characters" if info.max_length else ""
            return f"string `{_shown(info.pattern)}`" if info.pattern else f"string{longest}"
        case mi.BytesType():
            return f"base64{_between(info.min_length, info.max_length)}"
        case mi.IntType() | mi.FloatType():
            name = "integer" if isinstance(info, mi.IntType) else "number"
            bounded = info.ge is not None and info.le is not None
            return f"{name}, {info.ge:g} to {info.le:g}" if bounded else name
        case _:
            return PLAIN[type(info)]


PLAIN: Final[dict[type[mi.Type], str]] = {
    mi.BoolType: "true or false",
    mi.UUIDType: "UUID",
    mi.DateTimeType: "time (RFC 3339)",
    mi.DateType: "date",
    mi.RawType: "object",
    mi.AnyType: "any JSON",
}


def _between(least: int | None, most: int | None) -> str:
    if least is None:
        return ""
    return f", {least} bytes" if least == most else f", {least} to {most} bytes"


def _shown(pattern: Any) -> str:
    return str(pattern).removesuffix(r"\Z").removeprefix("^")
