"""The texts of all languages: complete, short enough for the small display, and readable aloud."""

from __future__ import annotations

import re
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import BadSettings
from firmware.panel.readings import kana, misspelt, plain, segments, spoken, unread
from firmware.panel.texts import (
    FOLDER,
    LANGUAGES,
    every_text,
    read_marked_texts,
    read_texts,
)
from firmware.words import Cause, ConsentItem, Hint, Language, Outcome

PLAIN = read_texts()
MARKED = read_marked_texts()
JAPANESE = (Language.JA, Language.JA_EASY)
EVERY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)

# Columns of a text (an ideograph has two), as they fit at 800 × 480.
MOST_COLUMNS = {
    "title": 38,
    "lines": 150,
    "button": 28,
    "cause": 92,
    "next step": 120,
    "hint": 38,
    "notice": 84,
}


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


# --- the languages
def test_every_language_has_texts() -> None:
    assert set(PLAIN) == set(MARKED) == set(Language)
    names = [texts.name for texts in PLAIN.values()]
    assert len(set(names)) == len(names)
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(Language)


@EVERY_LANGUAGE
def test_languages_have_the_same_keys(language: Language) -> None:
    first, texts = PLAIN[Language.JA], PLAIN[language]
    for part in ("screens", "buttons", "notices"):
        assert getattr(texts, part).keys() == getattr(first, part).keys(), part
    assert texts.causes.keys() == set(Cause)
    assert texts.hints.keys() == set(Hint)
    assert texts.items.keys() == set(ConsentItem)
    assert texts.next_steps.keys() == set(Outcome)
    for key, screen in first.screens.items():
        assert len(texts.screens[key].lines) == len(screen.lines), key


@EVERY_LANGUAGE
def test_languages_have_the_same_blanks(language: Language) -> None:
    first, texts = PLAIN[Language.JA], PLAIN[language]
    for part in ("notices", "causes"):
        for key, text in getattr(first, part).items():
            assert blanks(getattr(texts, part)[key]) == blanks(text), key


@EVERY_LANGUAGE
def test_texts_fit_the_small_display(language: Language) -> None:
    texts = PLAIN[language]
    written = [
        *(("title", screen.title) for screen in texts.screens.values()),
        *(("lines", "".join(screen.lines)) for screen in texts.screens.values()),
        *(("button", text) for text in texts.buttons.values()),
        *(("cause", text) for text in texts.causes.values()),
        *(("next step", "".join(steps)) for steps in texts.next_steps.values()),
        *(("hint", text) for text in texts.hints.values()),
        *(("notice", text) for text in texts.notices.values()),
    ]
    too_long = [(kind, text) for kind, text in written if columns(text) > MOST_COLUMNS[kind]]
    assert too_long == []


@EVERY_LANGUAGE
def test_choices_that_stand_together_read_differently(language: Language) -> None:
    buttons = PLAIN[language].buttons
    for first, second in (
        ("consent.all", "consent.none"),
        ("consent.all", "consent.each"),
        ("consent.agree", "consent.decline"),
        ("registration.accept", "registration.decline"),
        ("last_try.confirm", "last_try.back"),
        ("answer.subsidy.use", "answer.subsidy.do_not_use"),
        ("answer.prescription_form.electronic", "answer.prescription_form.paper"),
    ):
        assert buttons[first] != buttons[second]


@EVERY_LANGUAGE
def test_the_consent_says_that_it_is_free_and_how_long_it_lasts(language: Language) -> None:
    screens = PLAIN[language].screens
    asked = [screens[key] for key in screens if key.startswith("consent")]
    assert len({screen.lines[-1] for screen in asked}) == 1
    assert "24" in asked[0].lines[-1]


def test_no_language_shows_the_script_of_another() -> None:
    foreign = {
        Language.EN: r"[^\x00-\x7f]",
        Language.ES: r"[^\x00-\x7fáéíóúñü¿¡ÁÉÍÓÚÑ]",
        Language.PT: r"[^\x00-\x7fáéíóúâêôãõàçÁÉÍÓÚÂÊÔÃÕÀÇ]",
        Language.ZH: r"[ぁ-ヿ가-힣A-Za-z]",
        Language.KO: r"[ぁ-ヿ一-鿿A-Za-z]",
        Language.JA: r"[가-힣A-Za-z]",
        Language.JA_EASY: r"[가-힣A-Za-z]",
    }
    for language, signs in foreign.items():
        texts = PLAIN[language]
        said = [text for text in every_text(texts) if text not in {texts.tag}]
        strange = [t for t in said if re.search(signs, re.sub(r"\{[a-z_]+\}", "", t))]
        assert strange == [], language


# --- readings
@pytest.mark.parametrize("language", JAPANESE)
def test_every_kanji_has_a_reading(language: Language) -> None:
    assert [text for text in every_text(MARKED[language]) if unread(text)] == []


@pytest.mark.parametrize("language", JAPANESE)
def test_readings_are_hiragana(language: Language) -> None:
    for text in every_text(MARKED[language]):
        for shown, ruby in segments(text):
            assert ruby is None or re.fullmatch("[ぁ-ゖー]+", ruby), (text, shown)


@pytest.mark.parametrize("language", JAPANESE)
def test_particles_are_marked_with_their_sound(language: Language) -> None:
    """は and へ are said wa and e where they are particles: after a word, never within one."""
    within = re.compile("はい|はじめ|はっきり")
    for text in every_text(MARKED[language]):
        unmarked = "".join(shown for shown, ruby in segments(text) if ruby is None)
        marked = len(re.findall(r"\{[はへ]\|\|[わえ]\}", text))
        assert len(re.findall("[はへ]", within.sub("", unmarked))) == marked, text


def test_only_plain_japanese_draws_its_readings() -> None:
    assert [language for language, texts in PLAIN.items() if texts.ruby] == [Language.JA_EASY]


def test_plain_texts_hold_no_mark() -> None:
    for texts in PLAIN.values():
        assert [text for text in every_text(texts) if "|" in text] == []


def test_segments_spell_the_plain_text() -> None:
    for texts in MARKED.values():
        for text in every_text(texts):
            assert "".join(shown for shown, _ in segments(text)) == plain(text)


def test_a_text_in_its_segments() -> None:
    assert segments("カードを {置|お}く") == (("カードを ", None), ("置", "お"), ("く", None))
    assert segments("{今|いま}{は||わ}") == (("今", "いま"), ("は", None))
    assert segments("Face") == (("Face", None),)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        (
            "カードを{動|うご}かさずにお{待|ま}ちください。",
            "カードを うごかさずに おまちください。",
        ),
        ("{顔|かお}で{は||わ}{確認|かくにん}できません", "かおでわ かくにんできません"),
        ("{情報|じょうほう}を{有効|ゆうこう}に", "じょーほーを ゆーこーに"),
        ("{停止|ていし}しています", "てーししています"),
        ("あと1{回|かい}", "あと いっかい"),
        ("「はい」{は||わ} {24時間|にじゅうよじかん}", "はい わ にじゅーよじかん"),
        ("{診療|しんりょう}・{薬|くすり}", "しんりよー、くすり"),
    ],
)
def test_japanese_as_it_sounds(text: str, sound: str) -> None:
    assert kana(text) == sound


def test_a_foreign_name_lends_the_voice_its_sound() -> None:
    title = MARKED[Language.ES].screens["place_card"].title
    assert (plain(title), spoken(title)) == (
        "Coloque su tarjeta My Number",
        "Coloque su tarjeta mai námber",
    )


# --- files that are unfit
def copied(folder: Path) -> Path:
    for path in FOLDER.glob("*.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{始|はじ}", "{始|はじ"),
        ("{写真|しゃしん}", "{写真|しゃしん|}"),
        ("ruby = true", "ruby = 1"),
        ('name = "', 'nickname = "'),
        ('delete_key = "', 'delete_key = ""#'),
        ("[hints]", "[hints"),
    ],
)
def test_an_unfit_file_is_named(tmp_path: Path, before: str, after: str) -> None:
    path = copied(tmp_path) / "ja_easy.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert before in text
    with pytest.raises(BadSettings, match=r"ja_easy\.toml"):
        read_texts(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (copied(tmp_path) / "ko.toml").unlink()
    with pytest.raises(BadSettings, match=r"ko\.toml"):
        read_texts(tmp_path)


@given(st.text(alphabet="{}|a漢かはお "))
def test_any_text_is_misspelt_or_loses_all_its_marks(text: str) -> None:
    assert misspelt(text) or not set("{|}") & set(re.sub(r"\{[a-z_]+\}", "", plain(text)))
    assert "".join(shown for shown, _ in segments(text)) == plain(text)
    kana(text)
