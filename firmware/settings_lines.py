"""Where each key of a TOML document stands. Pure.

The standard library's parser tells no positions, and libraries that keep a document's form tell no
lines. So the parser itself is asked: the fewest lines that it takes for a whole are one statement,
and what it makes of them is that statement's keys.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
"""Keys from the root; a number counts the tables of an array of tables."""


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table and key of a document that `tomllib` can read.

    What stands inside a value has the line on which the value's key stands.
    """
    lines: dict[KeyPath, int] = {}
    tables: dict[KeyPath, int] = {}  # how many tables an array of tables has by now
    table: KeyPath = ()
    for number, statement, parsed in _statements(text):
        if not statement.lstrip().startswith("["):
            lines |= {(*table, *path): number for path in _paths_in(parsed)}
            continue
        *above, last = _spine(parsed)
        table = (*_in_last(above, tables), last)
        if statement.lstrip().startswith("[["):
            tables[table] = tables.get(table, 0) + 1
        table = _in_last([last], tables, table[:-1])
        lines.setdefault(table, number)
    return lines


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    """The line of a key, or of the nearest thing that it would stand in."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    statement, begun_at = "", 1
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not statement:
            begun_at = number
        statement += line + "\n"
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # it goes on
        if parsed:
            yield begun_at, statement, parsed
        statement = ""


def _in_last(keys: list[str], tables: Mapping[KeyPath, int], path: KeyPath = ()) -> KeyPath:
    """A header's keys as a path: through an array of tables, it speaks of the last one."""
    for key in keys:
        path = (*path, key)
        if path in tables:
            path = (*path, tables[path] - 1)
    return path


def _spine(header: dict[str, Any]) -> Iterator[str]:
    """The keys of a header, of which the parser makes a table in a table."""
    inside: Any = header
    while inside:
        ((key, inside),) = inside.items()
        yield key
        if isinstance(inside, list):
            return


def _paths_in(value: Any) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, inside in items:
        yield (key,)
        yield from ((key, *path) for path in _paths_in(inside))
