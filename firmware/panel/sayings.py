"""What the panel says aloud: chosen by the table of the screens, made of clips known beforehand.

A clip is one text of a language. Nothing else has a sound, so no name, number or digit can be
spoken. The texts here carry their readings (`texts.read_marked_texts`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from firmware.panel.guards import left_behind
from firmware.panel.readings import kana, spoken
from firmware.panel.screens import (
    MORE_TIME,
    SCREENS,
    ButtonKind,
    buttons_now,
    look_now,
)
from firmware.panel.texts import Texts
from firmware.transaction.visit import Visit
from firmware.words import Cause, Hint, Language, Outcome, State

QUIET_CAUSES = frozenset(
    {
        Cause.PHOTO_NOT_AUTHENTIC,
        Cause.NOT_THE_HOLDER,
        Cause.REGISTRATION_DECLINED,
        Cause.REGISTRATION_NOT_EFFECTIVE,
        Cause.CERTIFICATE_SUSPENDED,
        Cause.CERTIFICATE_REVOKED,
    }
)
"""Shown, and never said in a room full of people: what they tell is the patient's own affair."""

TRIES_TOLD = (1, 2)
"""The numbers that can stand in the blank of `tries_left`."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of espeak-ng, and how fast it speaks."""

    name: str
    words_per_minute: int


VOICES: dict[Language, Voice] = {
    Language.JA: Voice("ja", 150),
    Language.JA_EASY: Voice("ja", 120),
    Language.EN: Voice("en-us", 155),
    # Not "cmn": that one spells pinyin with English letters where it knows only the syllable.
    Language.ZH: Voice("cmn-latn-pinyin", 150),
    Language.KO: Voice("ko", 150),
    Language.ES: Voice("es-419", 155),
    Language.PT: Voice("pt-br", 155),
}


# --- what is said
def speech_of(visit: Visit, texts: Texts, *, hint: Hint | None = None) -> tuple[str, ...]:
    """What is said now, clip by clip. What is new is said by itself, not with all the rest again.

    It does not change while somebody types.
    """
    if hint is not None:
        return (texts.hints[hint],)
    if visit.warned and visit.state is not State.TAKE_CARD:
        return (texts.notices["time_runs_out"], texts.buttons[MORE_TIME.text])
    screen, look = SCREENS[visit.state], look_now(visit)
    said = texts.screens[look.text]
    notice = next((key for needs, key in screen.notices if needs(visit)), None)
    clips = [said.title, *said.lines]
    if notice is not None and not left_behind(visit):
        clips.insert(1, _filled(texts.notices[notice], visit.pin_tries_left))
    if screen.tells_ending and not left_behind(visit):
        clips += _ending(visit, texts)
    if visit.state is State.ASKING_CONSENT and not visit.one_by_one:
        clips += (texts.items[item] for item in visit.items_open)
    choices = [b.text for b in buttons_now(visit) if b.kind is ButtonKind.CHOICE]
    if choices:
        clips += (texts.choices, *(texts.buttons[text] for text in choices))
    return tuple(clips)


def every_clip(texts: Texts) -> Iterator[str]:
    """Every text of a language that `speech_of` can ever say."""
    for screen in texts.screens.values():
        yield from (screen.title, *screen.lines)
    yield from texts.hints.values()
    yield from texts.items.values()
    for steps in texts.next_steps.values():
        yield from steps
    yield from (text for cause, text in texts.causes.items() if cause not in QUIET_CAUSES)
    for text in texts.notices.values():
        yield from {_filled(text, tries): None for tries in TRIES_TOLD}
    yield texts.choices
    choices = {b.text for s in SCREENS.values() for b in s.buttons if b.kind is ButtonKind.CHOICE}
    yield from (texts.buttons[text] for text in sorted(choices | {MORE_TIME.text}))


def _ending(visit: Visit, texts: Texts) -> tuple[str, ...]:
    if visit.ending is None:
        return ()
    outcome, cause = visit.ending.outcome, visit.ending.cause
    silent = cause is None or outcome is Outcome.VERIFIED or cause in QUIET_CAUSES
    told = () if cause is None or silent else (texts.causes[cause],)
    return told + texts.next_steps[outcome]


def _filled(text: str, tries_left: int | None) -> str:
    return text.replace("{tries_left}", str(tries_left))


# --- the clips
def sound_of(language: Language, text: str) -> str:
    """The text as its voice has to get it: Japanese in kana, because the voice reads no kanji."""
    return kana(text) if language in {Language.JA, Language.JA_EASY} else spoken(text)


def key_of(language: Language, text: str) -> str:
    """The clip's name: 16 hex digits. Another text, reading, voice or speed is another clip."""
    voice = VOICES[language]
    named = f"{voice.name}\n{voice.words_per_minute}\n{sound_of(language, text)}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has been rendered into a folder."""

    voice: str
    """The program and its version."""
    clips: dict[Language, dict[str, str]]
    """Key of each clip → what it says."""


def speech_file(folder: Path, manifest: Manifest, language: Language, key: str) -> Path | None:
    """The clip's WAV file; None for anything that the manifest does not name."""
    return folder / language / f"{key}.wav" if key in manifest.clips.get(language, {}) else None


def speech_name(language: Language, clips: tuple[str, ...]) -> str:
    """One name for clips that are said one after the other: their keys, joined by hyphens."""
    return "-".join(key_of(language, clip) for clip in clips)


def speech_files(
    folder: Path, manifest: Manifest, language: Language, name: str
) -> tuple[Path, ...]:
    """The WAV files of a `speech_name`, in order; a clip that was never rendered stays silent."""
    found = (speech_file(folder, manifest, language, key) for key in name.split("-"))
    return tuple(path for path in found if path is not None)
