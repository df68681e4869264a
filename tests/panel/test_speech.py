"""What the panel says aloud: chosen by the table, private to nobody, and pronounced as meant."""

from __future__ import annotations

import re
import shutil
import wave
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from panel_house import REQUEST, at

from firmware.faults import SpeechUnavailable
from firmware.indicator.patterns import Sound
from firmware.panel.readings import plain
from firmware.panel.sayings import (
    QUIET_CAUSES,
    VOICES,
    every_clip,
    key_of,
    sound_of,
    speech_file,
    speech_files,
    speech_name,
    speech_of,
)
from firmware.panel.sounds import MELODIES, SAMPLE_RATE_HZ, joined, melody, samples_of, wav
from firmware.panel.speech import espeak, phonemes, read_manifest, render
from firmware.panel.texts import LANGUAGES, ScreenText, Texts, read_marked_texts
from firmware.transaction.visit import Ending, Visit
from firmware.words import CardKind, Cause, Hint, Language, Method, Outcome, State

TEXTS = read_marked_texts()
EN = TEXTS[Language.EN]
EVERY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
EVERY_STATE = pytest.mark.parametrize("state", State)
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")


def said(visit: Visit, language: Language = Language.EN) -> tuple[str, ...]:
    return tuple(plain(clip) for clip in speech_of(visit, TEXTS[language]))


def small(*titles: str) -> Texts:
    """The English texts, speaking little besides these titles."""
    screens = {f"screen-{number}": ScreenText(title) for number, title in enumerate(titles)}
    return msgspec.structs.replace(EN, screens=screens, causes={}, hints={}, items={}, notices={})


def variants(state: State) -> list[Visit]:
    """What a screen can say besides its first words."""
    visit = at(state)
    endings = [Ending(outcome, cause) for outcome in Outcome for cause in (None, *Cause)]
    return [
        visit,
        replace(visit, warned=True),
        replace(visit, looks=1, staff_refusals=1, helper=True),
        replace(visit, one_by_one=True),
        *(replace(visit, pin_tries_left=tries) for tries in (0, 1, 2, None)),
        *(replace(visit, ending=ending) for ending in endings),
        replace(visit, card_kind=CardKind.PHONE_ANDROID),
        replace(visit, card_kind=CardKind.PHONE_ANDROID, warned=True),
        replace(visit, request=replace(REQUEST, methods=tuple(Method))),
    ]


# --- what is said
@EVERY_STATE
@EVERY_LANGUAGE
def test_every_screen_speaks_and_says_only_rendered_clips(state: State, language: Language) -> None:
    rendered = {key_of(language, clip) for clip in every_clip(TEXTS[language])}
    for visit in variants(state):
        clips = speech_of(visit, TEXTS[language])
        assert clips
        assert {key_of(language, clip) for clip in clips} <= rendered
    for hint in Hint:
        (clip,) = speech_of(at(state), TEXTS[language], hint=hint)
        assert key_of(language, clip) in rendered


@EVERY_LANGUAGE
def test_no_clip_has_a_blank_for_anything(language: Language) -> None:
    assert [clip for clip in every_clip(TEXTS[language]) if re.search(r"\{[a-z_]+\}", clip)] == []


def test_a_screen_says_its_words_and_then_its_choices() -> None:
    assert said(at(State.WARNING_LAST_TRY)) == (
        EN.screens["last_try"].title,
        *(plain(line) for line in EN.screens["last_try"].lines),
        "You can choose:",
        "Enter it once more",
        "Confirm another way",
    )


def test_the_choices_are_those_that_are_left() -> None:
    tried = replace(at(State.CHOOSING_METHOD), looks=1, pin_tries_left=0)
    assert said(tried)[-2:] == ("You can choose:", "Ask the staff")


def test_typing_changes_nothing() -> None:
    for state in (State.ASKING_PIN, State.KEYING_PRINT, State.WAITING_FOR_STAFF):
        assert len({said(replace(at(state), pin_digits=typed)) for typed in range(15)}) == 1


def test_tries_are_told_before_anything_is_typed() -> None:
    visit = replace(at(State.ASKING_PIN), pin_tries_left=2)
    assert said(visit)[:2] == ("Please enter your PIN", "Tries left: 2")


def test_what_is_new_comes_alone() -> None:
    warned = replace(at(State.ASKING_CONSENT), warned=True)
    assert said(warned) == ("Your time is running out", "More time")
    assert speech_of(at(State.COMPARING_FACES), EN, hint=Hint.CLOSER) == (EN.hints[Hint.CLOSER],)


def test_a_card_left_behind_is_said_without_the_story_again() -> None:
    done = replace(at(State.TAKE_CARD), ending=Ending(Outcome.VERIFIED))
    assert said(done) == ("Please take your card", *EN.next_steps[Outcome.VERIFIED])
    assert said(replace(done, warned=True))[0] == "Your card is still here"
    assert len(said(replace(done, warned=True))) == 2


@EVERY_LANGUAGE
def test_what_is_the_patients_own_affair_is_shown_and_not_said(language: Language) -> None:
    texts = TEXTS[language]
    take_it = texts.screens["take_card_unfinished"].lines
    steps = texts.next_steps[Outcome.REFUSED]
    clips = set(every_clip(texts))
    for cause in Cause:
        ended = replace(at(State.TAKE_CARD), ending=Ending(Outcome.REFUSED, cause))
        told = () if cause in QUIET_CAUSES else (texts.causes[cause],)
        assert speech_of(ended, texts)[1:] == take_it + told + steps
        assert cause not in QUIET_CAUSES or texts.causes[cause] not in clips


def test_an_ordinary_end_says_why() -> None:
    ended = replace(at(State.FORGETTING), ending=Ending(Outcome.FAILED, Cause.CARD_REMOVED))
    assert said(ended)[1] == "The card was lifted too early. Please start again."


# --- the clips
def test_a_clip_is_named_after_its_sound() -> None:
    key = key_of(Language.JA, "{顔|かお}")
    assert re.fullmatch("[0-9a-f]{16}", key)
    assert key == key_of(Language.JA, "{貌|かお}"), "another spelling sounds the same"
    assert key != key_of(Language.JA, "{顔|がん}")
    assert key != key_of(Language.JA_EASY, "{顔|かお}"), "another speed is another clip"


@EVERY_LANGUAGE
def test_no_two_clips_share_a_name(language: Language) -> None:
    sounds = {sound_of(language, clip) for clip in every_clip(TEXTS[language])}
    assert len({key_of(language, clip) for clip in every_clip(TEXTS[language])}) == len(sounds)


def test_every_language_has_a_voice() -> None:
    assert set(VOICES) == set(Language)


# --- the voice (these run espeak-ng)
@needs_espeak
@EVERY_LANGUAGE
def test_no_voice_falls_back_on_spelling(language: Language) -> None:
    """What espeak-ng cannot read it names in English: "(en)tS'aIni:z(ja)l'et@", Chinese letter."""
    sounds = (sound_of(language, clip) for clip in every_clip(TEXTS[language]))
    heard = espeak("-v", VOICES[language].name, "-q", "-x", "--stdin", text="\n".join(sounds))
    assert len(heard) > 3_000
    assert [line for line in heard.splitlines() if re.search(r"\([a-z-]+\)|l'et@", line)] == []


@needs_espeak
def test_the_check_for_spelling_notices_kanji() -> None:
    assert "(en)" in phonemes(Language.JA, "顔")
    assert "(en)" not in phonemes(Language.JA, "{顔|かお}")


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text", "sound"),
    [
        (Language.JA, "{入力|にゅうりょく}", "r`ij"),
        (Language.EN, "the {PIN||pin} is locked", "p'In"),
        (Language.ZH, "{重||虫}新", "ts.h'ong35"),
        (Language.ZH, "时间{为||围}24小时", "w'ei35"),
        (Language.ES, "{My Number||mai námber}", "n'amber"),
    ],
)
def test_a_reading_reaches_the_voice(language: Language, text: str, sound: str) -> None:
    assert sound in phonemes(language, text)
    assert sound not in phonemes(language, plain(text))


@needs_espeak
def test_a_folder_follows_its_texts(tmp_path: Path) -> None:
    """Only what is missing is made; what no text says any more is deleted."""
    few = {Language.EN: small("Hello", "Stay"), Language.JA: small("{顔|かお}", "{手|て}")}
    first = render(tmp_path, few)
    assert (first.kept, first.deleted) == (0, 0)
    assert first.made == sum(len(own) for own in read_manifest(tmp_path).clips.values()) > 0
    assert render(tmp_path, few).made == 0

    old = {path: path.read_bytes() for path in tmp_path.glob("*/*.wav")}
    changed = few | {Language.EN: small("Goodbye", "Stay")}
    second = render(tmp_path, changed)
    assert (second.made, second.deleted) == (1, 1)
    hello, goodbye = key_of(Language.EN, "Hello"), key_of(Language.EN, "Goodbye")
    manifest = read_manifest(tmp_path)
    assert speech_file(tmp_path, manifest, Language.EN, hello) is None
    assert not (tmp_path / "en" / f"{hello}.wav").exists()
    made = speech_file(tmp_path, manifest, Language.EN, goodbye)
    assert made is not None
    assert made.read_bytes() not in old.values()
    assert {path for path in tmp_path.glob("*/*.wav") if path not in old} == {made}


@needs_espeak
def test_an_interrupted_run_leaves_nothing_that_is_played(tmp_path: Path) -> None:
    few = {Language.EN: small("Hello", "Stay")}
    render(tmp_path, few)
    (tmp_path / "manifest.json").unlink()
    half = tmp_path / "en" / f"{key_of(Language.EN, 'Hello')}.wav"
    half.write_bytes(half.read_bytes()[:50])
    with pytest.raises(SpeechUnavailable):
        read_manifest(tmp_path)
    render(tmp_path, few)
    assert loudness(half.read_bytes()) > 0


@needs_espeak
def test_a_screen_is_one_sound_and_names_nothing_else(tmp_path: Path) -> None:
    texts = {Language.EN: small("Hello", "Stay")}
    render(tmp_path, texts)
    manifest = read_manifest(tmp_path)
    name = speech_name(Language.EN, ("Hello", "never rendered", "Stay"))
    files = speech_files(tmp_path, manifest, Language.EN, name)
    assert len(files) == 2
    whole = joined(files)
    assert len(whole) > sum(path.stat().st_size for path in files)
    for strange in ("", "../en", "manifest", name.upper(), f"{key_of(Language.EN, 'Hello')}/../x"):
        assert speech_files(tmp_path, manifest, Language.EN, strange) == ()
    assert speech_files(tmp_path, manifest, Language.KO, name) == ()


@needs_espeak
def test_a_voice_that_is_not_there_is_told() -> None:
    with pytest.raises(SpeechUnavailable, match="qq-nobody"):
        espeak("-v", "qq-nobody", "-q", text="a")


def test_a_missing_program_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechUnavailable, match="not installed"):
        render(tmp_path / "speech", TEXTS)


# --- sounds
def loudness(content: bytes) -> float:
    return float(np.abs(np.frombuffer(content[44:], dtype="<i2")).max(initial=0))


@pytest.mark.parametrize("sound", Sound)
def test_a_sound_is_short_and_neither_silent_nor_clipped(sound: Sound, tmp_path: Path) -> None:
    content = melody(sound)
    assert 3_000 < loudness(content) < 16_000
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getframerate() == SAMPLE_RATE_HZ
        assert 0.1 < file.getnframes() / SAMPLE_RATE_HZ < 1.5


def test_a_tone_begins_and_ends_in_silence() -> None:
    for tones in MELODIES.values():
        for tone in tones:
            samples = samples_of(tone)
            assert samples[0] == samples[-1] == 0
            steps = [abs(int(after) - int(before)) for before, after in pairwise(samples)]
            assert max(steps) < 6_000


def test_no_two_sounds_share_a_rhythm() -> None:
    rhythms = [tuple(tone.lasts_s for tone in tones) for tones in MELODIES.values()]
    assert len(set(rhythms)) == len(rhythms) == len(Sound)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all", wav(b"")[:30]])
def test_a_broken_sound_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(SpeechUnavailable, match=r"broken\.wav"):
        joined([path])
    with pytest.raises(SpeechUnavailable):
        joined([tmp_path / "absent.wav"])
