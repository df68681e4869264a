"""The pictures of docs/INSTALL.md, drawn from facts.toml and from the code's own numbers.

`docs/generate.py` writes them with the other generated documents.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from hardware.facts import Facts, read_facts
from hardware.front import front
from hardware.side import side
from hardware.sign import sign
from hardware.svg import Picture
from hardware.wiring import cables, header

FOLDER: Final = Path(__file__).resolve().parent
PICTURES: Final[tuple[Callable[[Facts], Picture], ...]] = (header, cables, front, side, sign)


def drawings() -> dict[Path, str]:
    """Each file, and how it should read."""
    facts = read_facts()
    return {FOLDER / f"{draw.__name__}.svg": draw(facts).text() for draw in PICTURES}
