"""How a card.toml is written: by the tools alone, each its own part (firmware reads it only)."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool
Table: TypeAlias = dict[str, Scalar | list[Scalar]]
Card: TypeAlias = dict[str, Scalar | list[Scalar] | Table]

HEADER = "# Written by `make models` and `make bench-accuracy`, never by hand; models/README.md.\n"


def read_card(folder: Path) -> Card:
    """The card of a model's folder; empty when there is none yet."""
    path = folder / "card.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write_card(folder: Path, card: Card) -> None:
    """Write the plain keys, then one table after the other, each in the order given."""
    plain = {key: value for key, value in card.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in card.items() if isinstance(value, dict)}
    lines = [HEADER, *_lines(plain)]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_lines(table)]
    (folder / "card.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(table: Table) -> list[str]:
    # Strings, numbers, booleans and lists of them are spelled in TOML as they are in JSON.
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
