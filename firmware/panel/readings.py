"""How a text tells its readings: the notation, and what the page and the voice make of it.

`{漢字|かんじ}` is shown as 漢字 with かんじ above it, and spoken as かんじ. `{は||わ}` is shown as
it is and spoken as わ; `{My Number||mai námber}` lends a foreign voice the sound. `{tries_left}` is
a blank, filled in before any of this. The functions take filled texts, and plain ones as they are.
"""

from __future__ import annotations

import re

Segment = tuple[str, str | None]
"""A piece of text, and what stands above it."""

MARK = re.compile(r"\{(?P<shown>[^{}|]+)\|(?P<ruby>[^{}|]*)(?:\|(?P<spoken>[^{}|]+))?\}")
BLANK = re.compile(r"\{[a-z_]+\}")
KANJI = re.compile(r"[々〇一-鿿㐀-䶿]")

HIRAGANA = "ぁ-ゖ"
# Where a word begins: kanji, katakana or a number after hiragana. お and ご belong to what follows.
# Without these breaks the voice puts its stress into the middle of words.
KANJI_HERE = "\x00"
WORD_BEGINS = re.compile(
    rf"(?<=[{HIRAGANA}])(?:(?=[おご]{KANJI_HERE})|(?<![おご])(?={KANJI_HERE})|(?=[ァ-ヺ0-9]))"
)
# Spelt as u, and said as a long vowel: じょうほう. Not after を, which is a word of its own.
LONG_U = re.compile(r"(?<=[おこそとのほもよろごぞどぼぽょうくすつぬふむゆるぐずぶぷゅ])う")
# Spelt as i, and said as a long e, in readings of kanji: ていし. Not in 〜ています.
LONG_E = re.compile(r"(?<=[えけせてねへめれげぜでべぺ])い")
# What stands between words and has no sound of its own.
SILENT = str.maketrans({"・": "、", ":": "。", "：": "。", **dict.fromkeys("「」『』", " ")})
SPACES = re.compile(r"\s+")
# A number and its counter that melt into another sound.
COUNTS = (("1かい", "いっかい"),)

# espeak-ng 1.51 says りょ as "rya-o" and りゅ as "rya-u"; spelt so, it comes close.
VOICE_SLIPS = (("りょ", "りよ"), ("りゅ", "りゆ"))


def plain(text: str) -> str:
    """The text as it is shown without readings."""
    return MARK.sub(lambda mark: mark["shown"], text)


def segments(text: str) -> tuple[Segment, ...]:
    """The text in pieces, each with the reading that stands above it or None."""
    pieces: list[Segment] = []
    end = 0
    for mark in MARK.finditer(text):
        pieces += [(text[end : mark.start()], None), (mark["shown"], mark["ruby"] or None)]
        end = mark.end()
    pieces.append((text[end:], None))
    joined: list[Segment] = []
    for shown, ruby in pieces:
        if joined and ruby is None and joined[-1][1] is None:
            joined[-1] = (joined[-1][0] + shown, None)
        else:
            joined.append((shown, ruby))
    return tuple(piece for piece in joined if piece[0])


def spoken(text: str) -> str:
    """The text as a voice reads it aloud."""
    return MARK.sub(lambda mark: mark["spoken"] or mark["ruby"] or mark["shown"], text)


def kana(text: str) -> str:
    """A Japanese text as it sounds: no kanji, long vowels written long, a space between words."""

    def read(mark: re.Match[str]) -> str:
        if not mark["ruby"]:
            return mark["spoken"] or mark["shown"]
        return KANJI_HERE + LONG_E.sub("ー", mark["spoken"] or mark["ruby"])

    said = WORD_BEGINS.sub(" ", MARK.sub(read, text)).replace(KANJI_HERE, "")
    for spelt, sound in (*COUNTS, *VOICE_SLIPS):
        said = said.replace(spelt, sound)
    return SPACES.sub(" ", LONG_U.sub("ー", said).translate(SILENT)).strip()


def unread(text: str) -> str:
    """The kanji of a Japanese text that have no reading."""
    return "".join(KANJI.findall(kana(text)))


def misspelt(text: str) -> bool:
    """Is there a brace or a bar that belongs to no mark and no blank?"""
    return any(sign in BLANK.sub("", plain(text)) for sign in "{|}")
