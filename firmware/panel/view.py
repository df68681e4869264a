"""Everything that the page shows, as one value: the visit's screen in the visit's language."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from firmware.panel.pin_pad import SHAPES, PadKind
from firmware.panel.screens import (
    SCREENS,
    Button,
    ButtonKind,
    Picture,
    Screen,
    Tone,
    buttons_now,
    buttons_of,
    left_behind,
    look_now,
)
from firmware.panel.texts import Texts
from firmware.transaction.visit import Visit
from firmware.words import Hint, Language, Outcome, State


class ButtonView(msgspec.Struct, frozen=True):
    """A button as the page draws it."""

    id: str
    label: str
    kind: ButtonKind
    chosen: bool = False
    """The language that is shown now."""
    enabled: bool = True


class PadView(msgspec.Struct, frozen=True):
    """A pad as the page draws it: a picture, keys over it, and how many digits stand there."""

    kind: PadKind
    groups: tuple[int, ...]
    typed: int
    picture: str
    """Address of the picture, relative to the page's."""
    delete_label: str

    @property
    def length(self) -> int:
        return sum(self.groups)


class ProgressView(msgspec.Struct, frozen=True):
    """The stages of a visit, and the one it stands in."""

    step: int
    labels: tuple[str, ...]


class PanelView(msgspec.Struct, frozen=True):
    """One picture of the panel."""

    state: State
    entry: int
    language: Language
    lang: str
    title: str
    lines: tuple[str, ...]
    points: tuple[str, ...]
    """What a consent is about, one by one."""
    picture: Picture
    tone: Tone
    busy: bool
    progress: ProgressView | None
    notice: str | None
    """A hint for the camera, or what else the patient should know now."""
    warning: str | None
    """Time runs out."""
    insistence: int
    buttons: tuple[ButtonView, ...]
    pad: PadView | None
    stays_s: float


def view(
    visit: Visit,
    texts: Mapping[Language, Texts],
    *,
    hint: Hint | None = None,
    hotline: str = "",
) -> PanelView:
    """The screen of the visit. A language without texts is shown in Japanese."""
    language = visit.language if visit.language in texts else Language.JA
    words = texts[language]
    screen, look = SCREENS[visit.state], look_now(visit)
    said = words.screens[look.text]
    lines = said.lines + (_ending_lines(visit, words) if screen.tells_ending else ())
    return PanelView(
        state=visit.state,
        entry=visit.entry,
        language=language,
        lang=words.tag,
        title=said.title,
        lines=tuple(line.replace("{hotline}", hotline) for line in lines),
        points=_points(visit, words),
        picture=look.picture,
        tone=look.tone,
        busy=screen.busy,
        progress=None if screen.step is None else ProgressView(screen.step, words.steps),
        notice=words.hints[hint] if hint is not None else _notice(visit, screen, words),
        warning=words.notices["time_runs_out"] if _time_runs_out(visit) else None,
        insistence=visit.insistence if left_behind(visit) else 0,
        buttons=tuple(_button(button, visit, texts, language) for button in _drawn(visit)),
        pad=_pad(visit, screen, words),
        stays_s=screen.stays_s,
    )


def _drawn(visit: Visit) -> tuple[Button, ...]:
    """The buttons now, and the enter key even while it does nothing."""
    now = buttons_now(visit)
    return tuple(
        button
        for button in buttons_of(visit.state)
        if button in now or button.kind is ButtonKind.ENTER
    )


def _button(
    button: Button, visit: Visit, texts: Mapping[Language, Texts], shown: Language
) -> ButtonView:
    if button.kind is ButtonKind.LANGUAGE:
        language = Language(button.id.removeprefix("language."))
        name = texts[language].name
        return ButtonView(button.id, name, button.kind, chosen=language is shown)
    label = texts[shown].buttons[button.text]
    return ButtonView(button.id, label, button.kind, enabled=button.needs(visit))


def _pad(visit: Visit, screen: Screen, words: Texts) -> PadView | None:
    if screen.pad is None:
        return None
    return PadView(
        kind=screen.pad,
        groups=SHAPES[screen.pad].groups,
        typed=visit.pin_digits,
        picture=f"pad.svg?entry={visit.entry}",
        delete_label=words.delete_key,
    )


def _points(visit: Visit, words: Texts) -> tuple[str, ...]:
    if visit.state is not State.ASKING_CONSENT or visit.one_by_one:
        return ()
    return tuple(words.items[item] for item in visit.items_open)


def _notice(visit: Visit, screen: Screen, words: Texts) -> str | None:
    said = next((words.notices[key] for needs, key in screen.notices if needs(visit)), None)
    return None if said is None else said.replace("{tries_left}", str(visit.pin_tries_left))


def _time_runs_out(visit: Visit) -> bool:
    # While the card waits to be taken nothing runs out: the title insists instead.
    return visit.warned and visit.state is not State.TAKE_CARD


def _ending_lines(visit: Visit, words: Texts) -> tuple[str, ...]:
    if visit.ending is None:
        return ()
    outcome, cause = visit.ending.outcome, visit.ending.cause
    told = () if cause is None or outcome is Outcome.VERIFIED else (words.causes[cause],)
    return told + words.next_steps[outcome]
