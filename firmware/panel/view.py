"""Everything that the page shows, as one value: the visit's screen in the visit's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from firmware.indicator.patterns import pattern_for
from firmware.panel.comfort import SITE_DEFAULT, SWITCHES, Comfort
from firmware.panel.guards import left_behind
from firmware.panel.light import LightView, light_view
from firmware.panel.page_words import PageWords
from firmware.panel.pin_pad import SHAPES, PadKind
from firmware.panel.readings import Segment, plain, segments
from firmware.panel.sayings import speech_name, speech_of
from firmware.panel.screens import (
    SCREENS,
    Button,
    ButtonKind,
    Picture,
    Screen,
    Tone,
    buttons_now,
    buttons_of,
    look_now,
)
from firmware.panel.standing import NEW_CODE, NEW_CODE_KIND, PAIR_COMMAND, Told, look_of
from firmware.panel.texts import Texts
from firmware.transaction.visit import Visit
from firmware.words import Hint, Language, Layout, Outcome, PanelLight, Standing, State

Said = str | tuple[Segment, ...]
"""A text, or its pieces with what stands above them."""


class ButtonView(msgspec.Struct, frozen=True):
    """A button as the page draws it."""

    id: str
    label: Said
    kind: ButtonKind
    chosen: bool = False
    """The language that is shown now, or a switch that is on."""
    tag: str | None = None
    """BCP 47 of a label that is in another language than the page."""
    enabled: bool = True


class PadView(msgspec.Struct, frozen=True):
    """A pad as the page draws it: a picture, keys over it, and how many digits stand there."""

    kind: PadKind
    groups: tuple[int, ...]
    typed: int
    picture: str
    """Address of the picture, relative to the page's."""
    sheet: str
    """Address of the key sheet for the keypad, likewise."""
    delete_label: Said

    @property
    def length(self) -> int:
        return sum(self.groups)


class ProgressView(msgspec.Struct, frozen=True):
    """The stages of a visit, and the one it stands in."""

    step: int
    labels: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What a view shows besides the visit: the site, the person's comfort, the camera."""

    page_words: Mapping[Language, PageWords]
    hotline: str = ""
    layout: Layout = Layout.FULL
    comfort: Comfort = SITE_DEFAULT
    preview: str | None = None
    """Address of the camera's live picture."""
    light: PanelLight = PanelLight.OFF
    pad_name: str = ""
    speaks: bool = False
    """What the screens say has been rendered."""
    told: Told | None = None
    """What the idle screen says of the device itself."""


class InUse(msgspec.Struct, frozen=True, tag="in_use"):
    """Told to a second browser, in place of a view."""

    lang: str
    title: str


class PanelView(msgspec.Struct, frozen=True, tag="view"):
    """One picture of the panel."""

    state: State
    entry: int
    language: Language
    lang: str
    title: Said
    lines: tuple[Said, ...]
    reason: Said | None
    """Why a visit was not verified; `lines` then say what to do next."""
    points: tuple[Said, ...]
    """What a consent is about, one by one."""
    picture: Picture
    tone: Tone
    busy: bool
    progress: ProgressView | None
    heading: Said | None
    """In the place of the stages, on every screen of a visit without consent: which kind it is."""
    code: str | None
    """Digits to be typed elsewhere, shown as large as can be."""
    notice: Said | None
    """A hint for the camera, or what else the patient should know now."""
    warning: Said | None
    """Time runs out."""
    insistence: int
    buttons: tuple[ButtonView, ...]
    pad: PadView | None
    preview: str | None
    """Address of the live picture, on screens where the patient looks into the camera."""
    light: LightView | None
    """What the page shines in; None: as it always is."""
    speech: str | None
    """Address of what the screen says aloud, relative to the page's."""
    sound: str | None
    """Address of the sound with which the screen begins, likewise: once for each turn."""
    stays_s: float
    """So long it can be read before one that is not urgent takes its place."""
    urgent: bool
    """Somebody waits for it; nobody waits for the rest between two visits."""
    comfort: Comfort
    layout: Layout
    words: PageWords


def view(
    visit: Visit,
    texts: Mapping[Language, Texts],
    around: Around,
    *,
    hint: Hint | None = None,
) -> PanelView:
    """The screen of the visit, in its language. `texts` carry their readings."""
    language = visit.language
    words = texts[language]
    told = around.told if visit.state is State.IDLE else None
    own_look = look_of(told)
    screen, look = SCREENS[visit.state], own_look or look_now(visit)
    said = words.screens[look.text]
    reason = _reason(visit, words, around.hotline) if screen.tells_ending else None
    steps = _next_steps(visit, words) if screen.tells_ending else ()
    return PanelView(
        state=visit.state,
        entry=visit.entry,
        language=language,
        lang=words.tag,
        title=_said(said.title, words),
        lines=tuple(_said(line, words) for line in said.lines + steps),
        reason=reason,
        points=_points(visit, words),
        picture=look.picture,
        tone=look.tone,
        busy=screen.busy,
        progress=_progress(visit, screen, words),
        heading=_heading(visit, words),
        code=None if told is None else told.code,
        notice=_notice(visit, screen, words, hint, told),
        warning=_said(words.notices["time_runs_out"], words) if _time_runs_out(visit) else None,
        insistence=visit.insistence if left_behind(visit) else 0,
        buttons=(
            *(_button(button, visit, texts, language) for button in _drawn(visit)),
            *_of_device(told, words),
            *_switches(around.comfort, around.page_words[language]),
        ),
        pad=_pad(visit, screen, words, around.pad_name),
        preview=around.preview if screen.camera else None,
        light=light_view(around.light),
        speech=_speech(visit, words, hint) if around.speaks and own_look is None else None,
        sound=_sound(visit),
        stays_s=screen.stays_s,
        urgent=visit.state is not State.IDLE,
        comfort=around.comfort,
        layout=around.layout,
        words=around.page_words[language],
    )


def _speech(visit: Visit, words: Texts, hint: Hint | None) -> str:
    clips = speech_of(visit, words, hint=hint)
    return f"speech/{visit.language}/{speech_name(visit.language, clips)}.wav"


def _sound(visit: Visit) -> str | None:
    sound = pattern_for(visit).sound
    return None if sound is None else f"sound/{sound}.wav"


def _said(text: str, words: Texts) -> Said:
    """A filled text as this language shows it."""
    return segments(text) if words.ruby else plain(text)


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
        its_own = texts[language]
        name = _said(its_own.name, its_own)
        return ButtonView(button.id, name, button.kind, language is shown, tag=its_own.tag)
    label = _said(texts[shown].buttons[button.text], texts[shown])
    return ButtonView(button.id, label, button.kind, enabled=button.needs(visit))


def _of_device(told: Told | None, words: Texts) -> Iterator[ButtonView]:
    if told is not None and told.standing is Standing.NOT_PAIRED:
        yield ButtonView(NEW_CODE, _said(words.new_code, words), NEW_CODE_KIND)


def _switches(comfort: Comfort, words: PageWords) -> Iterator[ButtonView]:
    for switch in SWITCHES:
        label = getattr(words, switch.text(comfort))
        yield ButtonView(switch.id, label, ButtonKind.SWITCH, chosen=switch.is_on(comfort))


def _progress(visit: Visit, screen: Screen, words: Texts) -> ProgressView | None:
    ending = visit.ending
    broken_off = ending is not None and ending.outcome is not Outcome.VERIFIED
    if screen.step is None or broken_off or visit.without_consent:
        return None  # none of the stages is where it stands
    return ProgressView(screen.step, tuple(_said(step, words) for step in words.steps))


def _heading(visit: Visit, words: Texts) -> Said | None:
    # Written and never spoken: it is for the staff, and no business of the waiting room.
    if visit.request is None or not visit.without_consent:
        return None
    return _said(words.headings[visit.request.profile], words)


def _pad(visit: Visit, screen: Screen, words: Texts, name: str) -> PadView | None:
    if screen.pad is None:
        return None
    return PadView(
        kind=screen.pad,
        groups=SHAPES[screen.pad].groups,
        typed=visit.pin_digits,
        picture=f"pad/{name}.svg",
        sheet=f"pad/{name}.json",
        delete_label=_said(words.delete_key, words),
    )


def _points(visit: Visit, words: Texts) -> tuple[Said, ...]:
    if visit.state is not State.ASKING_CONSENT or visit.one_by_one:
        return ()
    return tuple(_said(words.items[item], words) for item in visit.items_open)


def _notice(
    visit: Visit, screen: Screen, words: Texts, hint: Hint | None, told: Told | None
) -> Said | None:
    if hint is not None:
        return _said(words.hints[hint], words)
    if told is not None:
        return _said(words.standings[told.standing].replace("{command}", PAIR_COMMAND), words)
    text = next((words.notices[key] for needs, key in screen.notices if needs(visit)), None)
    if text is None:
        return None
    return _said(text.replace("{tries_left}", str(visit.pin_tries_left)), words)


def _time_runs_out(visit: Visit) -> bool:
    # While the card waits to be taken nothing runs out: the title insists instead.
    return visit.warned and visit.state is not State.TAKE_CARD


def _reason(visit: Visit, words: Texts, hotline: str) -> Said | None:
    ending = visit.ending
    if ending is None or ending.cause is None or ending.outcome is Outcome.VERIFIED:
        return None
    return _said(words.causes[ending.cause].replace("{hotline}", hotline), words)


def _next_steps(visit: Visit, words: Texts) -> tuple[str, ...]:
    return () if visit.ending is None else words.next_steps[visit.ending.outcome]
