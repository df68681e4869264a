"""What a setting may be, in words, made from its type. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import inspect as mi

PLAIN: Final[dict[type[mi.Type], str]] = {
    mi.BoolType: "true or false",
    mi.StructType: "a table",
    mi.DictType: "a table of tables",
}


def allowed(kind: Any) -> str:
    """`a whole number from 0 to 27`."""
    return _words(mi.type_info(kind))


def choices(kind: Any) -> tuple[str, ...]:
    """The words of which a setting, or each element of it, must be one; empty: any."""
    return tuple(_choices(mi.type_info(kind)))


def _words(info: mi.Type) -> str:
    match info:
        case mi.UnionType(types=types):
            return ", or ".join(_words(part) for part in types if not isinstance(part, mi.NoneType))
        case mi.VarTupleType(item_type=item) | mi.ListType(item_type=item):
            least = f" of {info.min_length} or more" if info.min_length else ""
            return f"a list{least}, of which each is {_words(item)}"
        case mi.EnumType() | mi.LiteralType():
            return "one of " + ", ".join(f'"{word}"' for word in _choices(info))
        case mi.Metadata(type=inner):
            return _words(inner)
        case mi.IntType():
            return "a whole number" + _range(info)
        case mi.FloatType():
            return "a number" + _range(info)
        case mi.StrType():
            return f"text in quotes{_form(info)}"
        case _:
            return PLAIN[type(info)]


def _form(info: mi.StrType) -> str:
    if info.pattern:
        return f", of the form {info.pattern.removesuffix(chr(92) + 'Z').strip('^$')}"
    return ", not empty" if info.min_length else ""


def _range(info: mi.IntType | mi.FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge:g} to {info.le:g}"
    if info.gt is not None:
        return f" above {info.gt:g}"
    if info.ge is not None:
        return f", {info.ge:g} or more"
    return f", {info.le:g} or less" if info.le is not None else ""


def _choices(info: mi.Type) -> Iterator[str]:
    match info:
        case mi.EnumType(cls=cls):
            yield from (word.value for word in cls)
        case mi.LiteralType(values=values):
            yield from map(str, values)
        case mi.UnionType(types=types):
            for part in types:
                yield from _choices(part)
        case mi.VarTupleType(item_type=item) | mi.ListType(item_type=item):
            yield from _choices(item)
        case mi.Metadata(type=inner):
            yield from _choices(inner)
