"""The screens: a table by state. A screen is data, a button is an event; nothing here decides.

Texts are keys of `texts/*.toml`. Where a screen says different things, its rows are tried in order
and the first whose guard holds is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from firmware.panel.guards import (
    Guard,
    all_at_once,
    alone,
    always,
    both,
    by_card,
    by_phone,
    card_lies_there,
    certificate_is,
    clock_forbids_consent,
    face_starts,
    helped,
    item_is_next,
    left_behind,
    looked_before,
    method_left,
    phones_too,
    pin_can_be_sent,
    pin_is_blocked,
    question_is_next,
    staff_is_closed,
    staff_was_refused,
    tries_are_known,
    typed,
    verified,
    warned,
    with_consent,
)
from firmware.panel.pin_pad import SHAPES, PadKind
from firmware.panel.texts import LANGUAGES
from firmware.transaction import events as e
from firmware.transaction.machine import AT_WORK
from firmware.transaction.profiles import ANSWERS
from firmware.transaction.visit import Visit
from firmware.words import Cause, CertificateWarning, ConsentItem, Method, Question
from firmware.words import State as S

Notice = tuple[Guard, str]
"""When it is shown, and its text. Of a screen's several the first whose guard holds is shown."""


class Tone(StrEnum):
    """The mood of a screen. Colour, picture and words always change together."""

    CALM = "calm"
    WORKING = "working"
    SUCCESS = "success"
    ATTENTION = "attention"


class Picture(StrEnum):
    """Which drawing of the page stands beside the text."""

    WELCOME = "welcome"
    PLACE_CARD = "place-card"
    CARD_LIES = "card-lies"
    READING = "reading"
    METHODS = "methods"
    FACE = "face"
    PAD = "pad"
    STAFF = "staff"
    WARNING = "warning"
    CONSENT = "consent"
    QUESTION = "question"
    SENDING = "sending"
    TAKE_CARD = "take-card"
    DONE = "done"


class ButtonKind(StrEnum):
    """Where a button lies and how it looks. All choices look the same: none is the default."""

    CHOICE = "choice"
    PLAIN = "plain"
    ASIDE = "aside"
    ENTER = "enter"
    CANCEL = "cancel"
    TIME = "time"
    LANGUAGE = "language"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Button:
    """A button is an event, offered while its guard holds."""

    id: str
    text: str
    event: e.Event
    kind: ButtonKind = ButtonKind.CHOICE
    needs: Guard = always


@dataclass(frozen=True, slots=True)
class Look:
    """What a screen says, and how."""

    text: str
    picture: Picture
    tone: Tone = Tone.CALM
    needs: Guard = always


@dataclass(frozen=True, slots=True)
class Screen:
    """One state as it is shown."""

    looks: tuple[Look, ...]
    """The first whose guard holds is shown; the last one's always does."""
    buttons: tuple[Button, ...] = ()
    pad: PadKind | None = None
    step: int | None = None
    """Which of the four stages is marked."""
    busy: bool = False
    """The device is at work, and the patient waits."""
    notices: tuple[Notice, ...] = ()
    tells_ending: bool = False
    """Below the title stands what the visit came to."""
    camera: bool = False
    """The patient looks into the camera: its live picture is shown."""
    stays_s: float = 0.0
    """How long it stays readable before an idle screen may take its place."""


def plain(text: str, picture: Picture, tone: Tone = Tone.CALM) -> tuple[Look, ...]:
    return (Look(text, picture, tone),)


def method_buttons(*methods: Method, kind: ButtonKind = ButtonKind.CHOICE) -> tuple[Button, ...]:
    return tuple(
        Button(f"method.{m}", f"method.{m}", e.MethodChosen(m), kind, method_left(m))
        for m in methods
    )


def of_both(text: str, picture: Picture, tone: Tone = Tone.CALM) -> tuple[Look, ...]:
    """The same look, in words of its own while a phone lies in the card's place."""
    return (Look(f"{text}_phone", picture, tone, by_phone), Look(text, picture, tone))


def enter(pad: PadKind, event: e.Event) -> Button:
    return Button("enter", "enter", event, ButtonKind.ENTER, typed(SHAPES[pad].length))


BACK = Button("back", "back", e.BackToMethods(), ButtonKind.PLAIN, by_card)
OTHER_METHODS = method_buttons(Method.PIN, Method.STAFF, kind=ButtonKind.PLAIN)

OF_CERTIFICATE: tuple[Notice, ...] = tuple(
    (certificate_is(warning), f"certificate_{warning}") for warning in CertificateWarning
)
OF_CLOCK: tuple[Notice, ...] = ((clock_forbids_consent, "clock_forbids_consent"),)
# An end without success has a reason to tell, and nothing besides.
AT_THE_END: tuple[Notice, ...] = tuple(
    (both(verified, needs), text) for needs, text in OF_CERTIFICATE + OF_CLOCK
)

SCREENS: dict[S, Screen] = {
    S.IDLE: Screen(
        (
            Look("idle_with_card", Picture.CARD_LIES, needs=card_lies_there),
            Look("idle", Picture.WELCOME),
        ),
    ),
    S.WAITING_FOR_CARD: Screen(
        plain("place_card", Picture.PLACE_CARD), step=0, notices=((phones_too, "phone_too"),)
    ),
    S.IDENTIFYING_CARD: Screen(
        plain("reading_card", Picture.READING, Tone.WORKING), step=0, busy=True
    ),
    # --- proof of identity
    S.CHOOSING_METHOD: Screen(
        (
            Look("choose_another_method", Picture.METHODS, needs=looked_before),
            Look("choose_method", Picture.METHODS, needs=face_starts),
            Look("choose_way", Picture.METHODS),
        ),
        buttons=method_buttons(Method.FACE, Method.PIN, Method.STAFF),
        step=1,
        notices=((staff_is_closed, "staff_closed"), (pin_is_blocked, "pin_blocked")),
    ),
    S.READING_PRINT: Screen(
        plain("getting_ready", Picture.FACE, Tone.WORKING),
        OTHER_METHODS,
        step=1,
        busy=True,
        camera=True,
    ),
    S.KEYING_PRINT: Screen(
        plain("key_print", Picture.READING),
        (enter(PadKind.PRINT, e.PrintRead()), *OTHER_METHODS, BACK),
        pad=PadKind.PRINT,
        step=1,
    ),
    S.READING_CARD_FACE: Screen(
        plain("getting_ready", Picture.FACE, Tone.WORKING),
        OTHER_METHODS,
        step=1,
        busy=True,
        camera=True,
    ),
    S.COMPARING_FACES: Screen(
        (
            Look("look_again", Picture.FACE, Tone.WORKING, looked_before),
            Look("look", Picture.FACE, Tone.WORKING),
        ),
        OTHER_METHODS,
        step=1,
        camera=True,
    ),
    S.ASKING_PIN: Screen(
        of_both("pin", Picture.PAD),
        (
            Button("enter", "enter", e.PinEntered(), ButtonKind.ENTER, pin_can_be_sent),
            Button("helper", "helper", e.HelperDeclared(), ButtonKind.ASIDE, alone),
            BACK,
        ),
        pad=PadKind.PIN,
        step=1,
        notices=((tries_are_known, "tries_left"), (helped, "helped")),
    ),
    S.WARNING_LAST_TRY: Screen(
        of_both("last_try", Picture.WARNING, Tone.ATTENTION),
        (
            Button("last_try.confirm", "last_try.confirm", e.LastTryConfirmed()),
            Button("last_try.back", "last_try.back", e.BackToMethods(), needs=by_card),
        ),
        step=1,
    ),
    S.VERIFYING_PIN: Screen(of_both("checking", Picture.PAD, Tone.WORKING), step=1, busy=True),
    S.WAITING_FOR_STAFF: Screen(
        plain("staff", Picture.STAFF),
        (enter(PadKind.STAFF, e.StaffPasscodeEntered()), replace(BACK, needs=with_consent)),
        pad=PadKind.STAFF,
        step=1,
        notices=((staff_was_refused, "passcode_wrong"), (always, "staff_types")),
    ),
    S.CHECKING_STAFF: Screen(plain("checking", Picture.STAFF, Tone.WORKING), step=1, busy=True),
    S.IDENTITY_PROVEN: Screen(plain("proven", Picture.DONE, Tone.SUCCESS), step=1, busy=True),
    # --- answers
    S.OFFERING_REGISTRATION: Screen(
        plain("registration", Picture.QUESTION),
        (
            Button("registration.accept", "registration.accept", e.RegistrationAccepted()),
            Button("registration.decline", "registration.decline", e.RegistrationDeclined()),
        ),
        step=2,
    ),
    S.REGISTERING: Screen(of_both("registering", Picture.SENDING, Tone.WORKING), step=2, busy=True),
    S.ASKING_CONSENT: Screen(
        (
            *(
                Look(f"consent_{item}", Picture.CONSENT, needs=item_is_next(item))
                for item in ConsentItem
            ),
            Look("consent", Picture.CONSENT),
        ),
        (
            Button("consent.all", "consent.all", e.ConsentAllAnswered(True), needs=all_at_once),
            Button("consent.each", "consent.each", e.ConsentOneByOne(), needs=all_at_once),
            Button("consent.none", "consent.none", e.ConsentAllAnswered(False), needs=all_at_once),
            *(
                Button(
                    f"consent.{item}.{word}",
                    f"consent.{word}",
                    e.ConsentAnswered(item, agreed),
                    needs=item_is_next(item),
                )
                for item in ConsentItem
                for word, agreed in (("agree", True), ("decline", False))
            ),
        ),
        step=2,
        notices=OF_CERTIFICATE,
    ),
    S.ASKING_QUESTIONS: Screen(
        tuple(
            Look(f"question_{question}", Picture.QUESTION, needs=question_is_next(question))
            for question in Question
        )
        + plain("sending", Picture.QUESTION),
        tuple(
            Button(
                f"answer.{question}.{answer}",
                f"answer.{question}.{answer}",
                e.QuestionAnswered(question, answer),
                needs=question_is_next(question),
            )
            for question, answers in ANSWERS.items()
            for answer in answers
        ),
        step=2,
        # Said first here, where the questions of consent are missed, and the other at the end.
        notices=OF_CLOCK + OF_CERTIFICATE,
    ),
    # --- signature, confirmation and the end
    S.SIGNING: Screen(of_both("signing", Picture.SENDING, Tone.WORKING), step=2, busy=True),
    S.CONFIRMING: Screen(plain("sending", Picture.SENDING, Tone.WORKING), step=2, busy=True),
    S.TAKE_CARD: Screen(
        (
            Look("phone_left", Picture.TAKE_CARD, Tone.ATTENTION, both(by_phone, left_behind)),
            Look("take_phone", Picture.TAKE_CARD, Tone.SUCCESS, both(by_phone, verified)),
            Look("take_phone_unfinished", Picture.TAKE_CARD, Tone.ATTENTION, by_phone),
            Look("card_left", Picture.TAKE_CARD, Tone.ATTENTION, left_behind),
            Look("take_card", Picture.TAKE_CARD, Tone.SUCCESS, verified),
            Look("take_card_unfinished", Picture.TAKE_CARD, Tone.ATTENTION),
        ),
        step=3,
        notices=AT_THE_END,
        tells_ending=True,
    ),
    S.FORGETTING: Screen(
        (
            Look("thanks", Picture.DONE, Tone.SUCCESS, verified),
            Look("ended", Picture.WARNING, Tone.ATTENTION),
        ),
        step=3,
        notices=AT_THE_END,  # a card in the hand already has passed by TAKE_CARD
        tells_ending=True,
        stays_s=4.0,
    ),
}

MAY_CANCEL = frozenset(AT_WORK) - {S.SIGNING}
CANCEL = Button("cancel", "cancel", e.Cancelled(Cause.CANCELLED_BY_PATIENT), ButtonKind.CANCEL)
MORE_TIME = Button("more_time", "more_time", e.MoreTime(), ButtonKind.TIME, warned)
LANGUAGE_BUTTONS = tuple(
    Button(f"language.{lang}", "language", e.LanguageChosen(lang), ButtonKind.LANGUAGE)
    for lang in LANGUAGES
)


def buttons_of(state: S) -> Iterator[Button]:
    """Every button that a state can have: its own, and those of all screens."""
    yield from SCREENS[state].buttons
    if state in AT_WORK:
        yield MORE_TIME
    if state in MAY_CANCEL:
        yield CANCEL
    if state is not S.FORGETTING:
        yield from LANGUAGE_BUTTONS


def buttons_now(visit: Visit) -> tuple[Button, ...]:
    """The buttons that the visit offers at this moment."""
    return tuple(button for button in buttons_of(visit.state) if button.needs(visit))


def look_now(visit: Visit) -> Look:
    """The first look of the state's screen whose guard holds."""
    return next(look for look in SCREENS[visit.state].looks if look.needs(visit))


def event_for(visit: Visit, button_id: str) -> e.Event | None:
    """What pressing a button means now; None where there is no such button (a late tap)."""
    return next((b.event for b in buttons_now(visit) if b.id == button_id), None)
