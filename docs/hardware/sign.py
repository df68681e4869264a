"""The sign at the reader: that cards are taken here, how to lay one down, and what nobody must do.

A4, in our own words and drawing; nobody's logo is on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hardware import svg
from hardware.facts import CARD_MM, Facts

A4: Final = (210.0, 297.0)
MIDDLE: Final = A4[0] / 2
WAYS: Final = (
    ("顔", "カメラを見ます", "Look at the camera"),
    ("暗証番号", "4けたの番号を入力します", "Type your four digits"),
    ("職員", "職員がお顔を確認します", "Ask our staff"),
)


def sign(_: Facts) -> svg.Picture:
    """To be printed at its size."""
    return svg.Picture(*A4, "マイナ受付", list(_sign()), unit="mm")


def _sign() -> Iterator[str]:
    yield svg.rect(0, 0, A4[0], 68, fill=svg.DEEP)
    yield svg.text(MIDDLE, 32, "マイナ受付", size=27, bold=True, fill="#fff", anchor="middle")
    yield svg.text(
        MIDDLE, 46, "マイナンバーカードで受付できます", size=10, fill="#fff", anchor="middle"
    )
    yield svg.text(
        MIDDLE,
        57,
        "You can check in with your My Number Card",
        size=6,
        fill="#cfe0ec",
        anchor="middle",
    )
    yield from _lay_the_card(20, 80)
    yield from _ways(152)
    yield from _consent(221)
    yield svg.text(
        MIDDLE, 291,
        "カードのうら面の番号（マイナンバー）は使いません。  We never use the number on the back.",
        size=4.2, fill=svg.QUIET, anchor="middle",
    )  # fmt: skip


def _lay_the_card(x: float, y: float) -> Iterator[str]:
    yield _step(x, y + 5, "1")
    yield svg.text(x + 12, y + 8, "カードを置きます", size=9, bold=True)
    yield svg.text(x + 12, y + 15, "Lay your card down", size=5, fill=svg.QUIET)
    yield from _tray(x + 8, y + 20)
    yield svg.lines(
        x + 88, y + 32,
        ("ケースから出します", "顔写真の面を上にします", "終わるまで置いたままにします"),
        size=6.2,
    )  # fmt: skip
    yield svg.lines(
        x + 88, y + 59, ("Out of its case, photo side up,", "and leave it until you are told."),
        size=4.6, fill=svg.QUIET,
    )  # fmt: skip


def _tray(x: float, y: float) -> Iterator[str]:
    """A tray in perspective, the card over it, an arrow down."""
    yield svg.curve(
        f"M{x + 6} {y + 34}L{x + 62} {y + 34}L{x + 70} {y + 47}L{x - 2} {y + 47}Z",
        fill="#23303a", line=svg.INK, thick=0.8,
    )  # fmt: skip
    width = 46.0
    yield from _card(x + 11, y - 2, width)
    arrow = f"M{x + 34} {y + 30}v9m-4 -4 4 4 4-4"
    yield svg.curve(arrow, line="#fff", thick=3.2)
    yield svg.curve(arrow, line=svg.TOLD, thick=1.8)


def _card(x: float, y: float, width: float) -> Iterator[str]:
    """Our own drawing of a card: a photo and some lines, and nothing of the real one's print."""
    scale = width / CARD_MM[0]
    height = CARD_MM[1] * scale
    yield svg.rect(x, y, width, height, fill="#fff", line=svg.DEEP, radius=2, thick=0.8)
    yield svg.rect(x + 0.4, y + 0.4, width - 0.8, 6, fill=svg.TINT, radius=1.6)
    photo = (x + 3, y + 9, 12.0, height - 12)
    yield svg.rect(*photo, fill=svg.SOFT, line=svg.ACCENT, radius=1, thick=0.5)
    centre = photo[0] + 6
    yield svg.circle(centre, photo[1] + 6, 2.8, fill=svg.ACCENT)
    foot = photo[1] + photo[3] - 0.4
    yield svg.curve(
        f"M{centre - 4.8} {foot}c0-5 2.4-6.4 4.8-6.4s4.8 1.4 4.8 6.4z", fill=svg.ACCENT, line="none"
    )
    for row, length in enumerate((24.0, 20.0, 12.0)):
        yield svg.path(
            [(x + 18, y + 12 + 4.6 * row), (x + 18 + length, y + 12 + 4.6 * row)],
            line=svg.LINE,
            thick=0.9,
        )


def _ways(y: float) -> Iterator[str]:
    yield _step(20, y + 5, "2")
    yield svg.text(32, y + 8, "本人確認は、3つから選べます", size=9, bold=True)
    yield svg.text(32, y + 15, "Show that it is you, in the way you like", size=5, fill=svg.QUIET)
    for column, (name, says, english) in enumerate(WAYS):
        left = 20 + column * 58
        yield svg.rect(left, y + 20, 54, 41, fill=svg.SOFT, radius=4)
        yield from DRAWINGS[column](left + 27, y + 31)
        yield svg.text(left + 27, y + 47.5, name, size=7, bold=True, fill=svg.DEEP, anchor="middle")
        yield svg.text(left + 27, y + 53, says, size=4.2, anchor="middle")
        yield svg.text(left + 27, y + 58, english, size=3.8, fill=svg.QUIET, anchor="middle")


def _look(x: float, y: float) -> Iterator[str]:
    for across in (-1, 1):
        for down in (-1, 1):
            corner = f"M{x + across * 9} {y + down * 5}v{down * 4}h{-across * 4}"
            yield svg.curve(corner, line=svg.ACCENT, thick=1)
    yield svg.ellipse(x, y, 5.2, 6.6, fill="#fff", line=svg.DEEP, thick=0.8)
    yield svg.circle(x - 1.9, y - 1, 0.7, fill=svg.DEEP)
    yield svg.circle(x + 1.9, y - 1, 0.7, fill=svg.DEEP)
    yield svg.curve(f"M{x - 1.9} {y + 2.6}q1.9 1.6 3.8 0", line=svg.DEEP, thick=0.8)


def _keys(x: float, y: float) -> Iterator[str]:
    for digit in range(1, 10):
        row, column = divmod(digit - 1, 3)
        left, top = x - 8.6 + 6 * column, y - 9 + 6.2 * row
        yield svg.rect(left, top, 5.2, 5.2, fill="#fff", line=svg.DEEP, radius=1.2, thick=0.6)
        yield svg.text(
            left + 2.6, top + 4, str(digit), size=3.6, bold=True, fill=svg.DEEP, anchor="middle"
        )


def _staff(x: float, y: float) -> Iterator[str]:
    for across, size in ((-4.5, 1.0), (5.5, 0.86)):
        head, wide = (x + across, y - 4), 6 * size
        yield svg.circle(*head, 3.6 * size, fill="#fff", line=svg.DEEP, thick=0.8)
        body = f"M{x + across - wide} {y + 8.6}c0-6 3-8 {wide}-8s{wide} 2 {wide} 8z"
        yield svg.curve(body, fill="#fff", line=svg.DEEP, thick=0.8)


DRAWINGS: Final = (_look, _keys, _staff)


def _consent(y: float) -> Iterator[str]:
    yield _step(20, y + 5, "3")
    yield svg.text(32, y + 8, "情報の提供は、自由に選べます", size=9, bold=True)
    yield svg.text(32, y + 15, "Sharing your records is your choice", size=5, fill=svg.QUIET)
    yield svg.lines(
        32, y + 26,
        ("過去のお薬・診療・健診の情報を見せるかどうかを、画面で選びます。",
         "「提供しない」を選んでも、受付でき、診療を受けられます。"),
        size=5.1,
    )  # fmt: skip
    yield svg.text(
        32,
        y + 41,
        "You may say no: you can check in and be seen all the same.",
        size=4.6,
        fill=svg.QUIET,
    )
    yield svg.rect(20, y + 47, 170, 16, fill=svg.TOLD_PAPER, line=svg.TOLD, radius=3, thick=0.6)
    yield svg.text(
        MIDDLE,
        y + 54,
        "お困りのときは、職員にお声がけください。",
        size=5.6,
        bold=True,
        fill="#5c3300",
        anchor="middle",
    )
    yield svg.text(
        MIDDLE,
        y + 60,
        "Please ask our staff for help.  日本語 · English · 中文 · 한국어 · Español · Português",
        size=4,
        fill="#5c3300",
        anchor="middle",
    )


def _step(x: float, y: float, number: str) -> str:
    digit = svg.text(x + 4, y + 2.6, number, size=7.4, bold=True, fill="#fff", anchor="middle")
    return svg.circle(x + 4, y, 5.4, fill=svg.ACCENT) + "\n" + digit
