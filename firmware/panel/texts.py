"""What the panel says, one TOML file per language, read and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from firmware.faults import BadSettings
from firmware.words import Cause, ConsentItem, Hint, Language, Outcome

FOLDER = Path(__file__).parent / "texts"
LANGUAGES: tuple[Language, ...] = (Language.JA, Language.EN)
"""The languages that have a file, in the order of their buttons."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class ScreenText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands large, and what stands below it."""

    title: Text
    lines: tuple[Text, ...] = ()


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything in one language. `{…}` in a text is filled in by `view`."""

    name: Text
    """The language's own name for itself."""
    tag: Text
    """BCP 47, for the page's `lang`."""
    steps: tuple[Text, Text, Text, Text]
    """The four stages of a visit."""
    delete_key: Text
    screens: dict[str, ScreenText]
    buttons: dict[str, Text]
    notices: dict[str, Text]
    items: dict[ConsentItem, Text]
    causes: dict[Cause, Text]
    next_steps: dict[Outcome, tuple[Text, ...]]
    """What the patient can do after each outcome."""
    hints: dict[Hint, Text]


def read_texts(folder: Path = FOLDER) -> Mapping[Language, Texts]:
    """The texts of `LANGUAGES`. Raises `BadSettings`, which names the file and the key."""
    return {language: _read(folder / f"{language}.toml") for language in LANGUAGES}


def _read(path: Path) -> Texts:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Texts)
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise BadSettings(f"{path}: {cause}") from cause
