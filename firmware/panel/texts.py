"""What the panel says, one TOML file per language, read and checked once.

A file writes readings into its texts (`readings.py`). Who shows plain text asks for `read_texts`;
who draws or speaks the readings asks for `read_marked_texts`, which is the same with the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from firmware.faults import BadSettings
from firmware.panel.readings import misspelt, plain
from firmware.words import Cause, ConsentItem, Hint, Language, Outcome, Profile, Standing

FOLDER = Path(__file__).parent / "texts"
LANGUAGES: tuple[Language, ...] = tuple(Language)
"""The languages that have a file, in the order of their buttons."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=600)]


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
    choices: Text
    """Spoken before the choices of a screen."""
    new_code: Text
    """Asks for other digits of a pairing."""
    screens: dict[str, ScreenText]
    buttons: dict[str, Text]
    notices: dict[str, Text]
    headings: dict[Profile, Text]
    """Of the visits without consent."""
    items: dict[ConsentItem, Text]
    causes: dict[Cause, Text]
    next_steps: dict[Outcome, tuple[Text, ...]]
    """What the patient can do after each outcome."""
    hints: dict[Hint, Text]
    standings: dict[Standing, Text]
    """What the idle panel says of the device itself."""
    ruby: bool = False
    """Readings are shown above the text."""


def read_texts(folder: Path = FOLDER) -> Mapping[Language, Texts]:
    """The texts of `LANGUAGES` without their readings. Raises as `read_marked_texts` does."""
    return {
        language: msgspec.convert(_each(plain, msgspec.to_builtins(marked)), Texts)
        for language, marked in read_marked_texts(folder).items()
    }


def read_marked_texts(folder: Path = FOLDER) -> Mapping[Language, Texts]:
    """The texts of `LANGUAGES` with the marks of their readings.

    Raises `BadSettings`, which names the file and the key or the text.
    """
    return {language: _read(folder / f"{language}.toml") for language in LANGUAGES}


def every_text(texts: Texts) -> Iterator[str]:
    """Every text of a language, one after the other."""
    return _leaves(msgspec.to_builtins(texts))


def _read(path: Path) -> Texts:
    try:
        texts = msgspec.toml.decode(path.read_bytes(), type=Texts)
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise BadSettings(f"{path}: {cause}") from cause
    for text in every_text(texts):
        if misspelt(text):
            raise BadSettings(f"{path}: a mark is misspelt in {text!r}")
    return texts


Tree = str | bool | tuple["Tree", ...] | dict[str, "Tree"]


def _each(change: Callable[[str], str], tree: Tree) -> Tree:
    """The same tree with every text changed; keys stay."""
    match tree:
        case str():
            return change(tree)
        case dict():
            return {key: _each(change, value) for key, value in tree.items()}
        case tuple():
            return tuple(_each(change, value) for value in tree)
    return tree


def _leaves(tree: Tree) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case dict():
            for value in tree.values():
                yield from _leaves(value)
        case tuple():
            for value in tree:
                yield from _leaves(value)
