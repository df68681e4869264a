"""What the page says about itself, in every language: its switches, and when it cannot go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from firmware.faults import BadSettings
from firmware.words import Language

FILE = Path(__file__).parent / "web" / "words.toml"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PageWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language."""

    language: Text
    """Name of the menu of languages, for those who do not see its sign."""
    comfort: Text
    large: Text
    contrast: Text
    still: Text
    sound_loud: Text
    sound_soft: Text
    sound_off: Text
    typed: Text
    """How far the typing is; `{typed}` and `{length}` are filled in by the page."""
    away: Text
    """The line to the firmware is lost."""
    in_use: Text
    """Another browser shows the panel."""


def read_page_words(path: Path = FILE) -> Mapping[Language, PageWords]:
    """Raises `BadSettings`, which names the file and the key."""
    try:
        words = msgspec.toml.decode(path.read_bytes(), type=dict[Language, PageWords])
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise BadSettings(f"{path}: {cause}") from cause
    missing = set(Language) - words.keys()
    if missing:
        raise BadSettings(f"{path}: no words for {', '.join(sorted(missing))}")
    return words
