"""CardOptions: where real cards differ, or nobody knows how they behave; one field per question.

The defaults are what most sources say, and where they are silent the stricter guess. A tester sets
others by name: `--option blocked_try=6983`, `--option first_command_fails`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import inspect as mi

from firmware.simulator.card_atr import Atr
from firmware.simulator.card_forgery import Broken
from firmware.simulator.line_time import Line


def _says(text: str) -> msgspec.Meta:
    """The line of the table in docs/VIRTUAL_CARD.md and of `--help`."""
    return msgspec.Meta(description=text)


class CardOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How this one card behaves. Whatever is no virtual My Number Card or phone ignores it."""

    atr: Annotated[Atr | None, _says("the answer to reset; the kind's own if left out")] = None
    blocked_try: Annotated[
        Literal["6984", "6983"], _says("the answer to a try of a key that is blocked")
    ] = "6984"
    blocked_query: Annotated[
        Literal["63C0", "6984", "6983"],
        _says("the answer to the empty VERIFY of a key that is blocked"),
    ] = "63C0"
    open_query: Annotated[
        Literal["63Cx", "9000"], _says("the answer to the empty VERIFY of a key that is open")
    ] = "63Cx"
    first_command_fails: Annotated[
        bool, _says("the first command after power-up is answered `6F00` and not obeyed")
    ] = False
    select_keeps_keys: Annotated[
        bool, _says("open keys stay open when an application is selected")
    ] = False
    reset_closes_keys: Annotated[
        bool, _says("a warm reset closes keys and forgets what was selected, as loss of power does")
    ] = False
    wrong_length_is_free: Annotated[
        bool, _says("a VERIFY of a length that the key cannot have is `6700` and costs no try")
    ] = False
    short_lengths_only: Annotated[
        bool, _says("a command of extended length is `6700`, so no terminal's certificate fits")
    ] = False
    short_read: Annotated[
        Literal["9000", "6282", "6Cxx"],
        _says("the answer to READ BINARY when fewer bytes are left than Le"),
    ] = "9000"
    broken: Annotated[Broken | None, _says("the one signature that is wrong; none if left out")] = (
        None
    )
    line: Annotated[
        Line | None, _says("the wire whose time every command takes; no time if left out")
    ] = None
    seed: Annotated[
        Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None,
        _says("challenges and PUPI follow from this word; they are random if left out"),
    ] = None


AS_USUAL: Final = CardOptions()


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One option, for people."""

    name: str
    values: tuple[str, ...]
    default: str | None
    says: str


def option_rows() -> Iterator[OptionRow]:
    """Every option, as it is written after `--option`."""
    info = mi.type_info(CardOptions)
    assert isinstance(info, mi.StructType)
    for field in info.fields:
        default = getattr(AS_USUAL, field.name)
        yield OptionRow(
            field.name,
            tuple(_values(field.type)),
            None if default is None else _written(default),
            _description(field.type),
        )


def options_from(words: Iterable[str]) -> CardOptions:
    """Read `name=value`, or `name` for one that is on or off.

    Raises msgspec.ValidationError, which names the option and what is wrong with it.
    """
    parts = (word.partition("=") for word in words)
    named = {name: value if equals else "true" for name, equals, value in parts}
    return msgspec.convert(named, CardOptions, strict=False)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values(kind: mi.Type) -> Iterator[str]:
    match kind:
        case mi.Metadata(type=inner):
            yield from _values(inner)
        case mi.UnionType(types=types):
            for each in types:
                yield from _values(each)
        case mi.EnumType(cls=cls):
            yield from (str(word.value) for word in list[Enum](cls))
        case mi.LiteralType(values=values):
            yield from map(str, values)
        case mi.BoolType():
            yield from ("false", "true")


def _description(kind: mi.Type) -> str:
    assert isinstance(kind, mi.Metadata) and kind.extra_json_schema is not None
    return str(kind.extra_json_schema["description"])
