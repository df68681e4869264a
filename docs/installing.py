"""The tables of INSTALL.md, OPERATION.md and RECEPTION.ja.md: wires, readers, the screen's lean,
lamp and sounds, what the device's doctor finds, and the ways out without a reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from hardware.facts import Facts, read_facts, tray_width_mm
from schema import table

from firmware.doctor.texts import doctor_texts
from firmware.indicator.gpio import NOTES
from firmware.indicator.patterns import (
    BREATHING,
    CARD_LEFT,
    INSISTENT,
    PATTERNS,
    QUICK,
    SLOW,
    STEADY,
    TAKE_CARD_VERIFIED,
    Colour,
    Pattern,
    Rhythm,
    Sound,
)
from firmware.link.messages import BothLanguages, Gravity
from hostdriver.ways_out import BROKEN, FALLBACKS

# What a lamp says: in English, in Japanese, and what the staff do.
LAMP: Final[dict[tuple[Colour, Rhythm], tuple[str, str, str]]] = {
    (Colour.NONE, STEADY): ("nobody is served", "待機中", "nothing: it waits for reception"),
    (Colour.WHITE, STEADY): ("the patient's turn", "患者さんの番", "help if it stays so for long"),
    (Colour.BLUE, SLOW): ("the device is at work", "処理中", "nothing; the card stays where it is"),
    (Colour.GREEN, BREATHING): ("it went well", "確認できました", "nothing"),
    (Colour.AMBER, QUICK): ("please read the screen", "画面をご覧ください", "look: a visit ended "
        "without success, or the last try of a PIN is near"),
    (Colour.AMBER, INSISTENT): ("a card was forgotten", "カードの置き忘れ", "hand it back"),
}  # fmt: skip
RHYTHMS: Final = {
    STEADY: "steady", SLOW: "slow blinking", QUICK: "quick blinking",
    INSISTENT: "very quick blinking", BREATHING: "swelling and fading",
}  # fmt: skip
SOUNDS: Final = {
    Sound.CARD_SEEN: "the card was noticed",
    Sound.NEEDS_YOU: "a turn of the patient begins",
    Sound.DONE: "done: take the card",
    Sound.SEE_THE_SCREEN: "read the screen",
    Sound.CARD_LEFT: "a card was forgotten; again and again",
}
KINDS: Final = {
    "contactless": "contactless", "contact": "contact", "both": "contact and contactless",
}  # fmt: skip


def wires() -> str:
    """What is wired where."""
    facts = read_facts()
    parts = (
        (str(pin), f"GPIO {gpio}", wire.part, f"`{wire.pin}`", wire.how)
        for pin, gpio, wire in sorted(facts.wired(), key=lambda row: row[0])
    )
    rails = (
        (
            ", ".join(map(str, rail.at)),
            ", ".join(dict.fromkeys(_name(facts, pin) for pin in rail.at)),
            rail.part,
            "",
            rail.how,
        )
        for rail in facts.rail
    )
    return table(("pin", "is", "part", "setting", "how"), (*parts, *rails))


def _name(facts: Facts, pin: int) -> str:
    name = facts.header.gpio[pin - 1]
    return f"GPIO {name}" if name.isdecimal() else name


def readers() -> str:
    """Which readers the card daemon knows by name."""
    return table(
        ("reader, as the list names it", "USB", "kind", "what is known with this card"),
        (
            (one.name, f"`{one.usb}`", KINDS[one.kind], one.known or "nothing yet")
            for one in read_facts().reader
        ),
    )


def leans() -> str:
    """How far the screen leans back, by counter and posture."""
    facts = read_facts()
    who = facts.patient
    postures = (("seated", who.eyes_seated), ("standing", who.eyes_standing))
    return table(
        ("counter", *(f"{name}, eyes at {eyes:.0f} mm" for name, eyes in postures)),
        (
            (f"{counter:.0f} mm", *(_lean(facts, counter, eyes) for _, eyes in postures))
            for counter in who.counters
        ),
    )


FARTHEST_LEAN_DEG: Final = 40.0


def _lean(facts: Facts, counter: float, eyes: float) -> str:
    lean = facts.lean_deg(counter, eyes)
    if lean is None or abs(lean) > FARTHEST_LEAN_DEG:
        return "not with this counter: the patient sits down, or the reader stands higher"
    return f"{abs(lean):.0f}° {'back' if lean >= 0 else 'forward'}"


def geometry() -> str:
    """Distances and angles, and where each comes from."""
    facts = read_facts()
    across, down = facts.field_of_view_deg()
    who = facts.patient
    rows = (
        ("face to lens", f"{who.nearest:.0f} to {who.farthest:.0f} mm, best {facts.best_mm():.0f}"),
        ("what the face camera sees", f"{across:.0f}° across, {down:.0f}° up and down"),
        ("lens over the upper edge of the screen", "10 to 30 mm, in the middle"),
        ("tray camera over the card", f"{facts.tray_lens_mm():.0f} mm with that lens"),
        (
            "what the tray camera sees",
            f"{tray_width_mm():.0f} mm across: the card fills four fifths of it",
        ),
    )
    return table(("what", "how much"), rows)


# --- lamp and sounds
def lamp() -> str:
    """Every light, and the states that show it."""
    shown: dict[tuple[Colour, Rhythm], list[str]] = defaultdict(list)
    for state, pattern in PATTERNS.items():
        shown[_light(pattern)].append(_state(state))
    shown[_light(TAKE_CARD_VERIFIED)].append(f"{_state('take_card')} after `verified`")
    shown[_light(CARD_LEFT)].append(f"{_state('take_card')}, long since")
    return table(
        ("lamp", "means", "意味", "the staff", "in the states"),
        (
            (
                "dark" if colour is Colour.NONE else f"**{colour}**, {RHYTHMS[rhythm]}",
                *LAMP[colour, rhythm],
                ", ".join(states),
            )
            for (colour, rhythm), states in shown.items()
        ),
    )


COLOURS_JA: Final = {
    Colour.WHITE: "白", Colour.BLUE: "青", Colour.GREEN: "緑", Colour.AMBER: "橙",
}  # fmt: skip
RHYTHMS_JA: Final = {
    STEADY: "点灯", SLOW: "ゆっくり点滅", QUICK: "速い点滅", INSISTENT: "とても速い点滅",
    BREATHING: "ふわりと明滅",
}  # fmt: skip
STAFF_JA: Final = {
    (Colour.NONE, STEADY): "受付ソフトで受付を始められます",
    (Colour.WHITE, STEADY): "長く続くときは、お手伝いします",
    (Colour.BLUE, SLOW): "カードを動かさずに待ちます",
    (Colour.AMBER, QUICK): "画面を見ます。受付ができなかったか、暗証番号の入力があと1回です",
    (Colour.GREEN, BREATHING): "結果を確認します",
    (Colour.AMBER, INSISTENT): "カードを患者さんに渡します",
}


def lamp_ja() -> str:
    """Every light, for reception."""
    return table(
        ("ランプ", "意味", "職員は"),
        (
            (
                "消灯"
                if light[0] is Colour.NONE
                else f"{COLOURS_JA[light[0]]}、{RHYTHMS_JA[light[1]]}",
                LAMP[light][1],
                STAFF_JA[light],
            )
            for light in dict.fromkeys(map(_light, (*PATTERNS.values(), CARD_LEFT)))
        ),
    )


def ways_ja() -> str:
    """The ways out while the device is broken, of those that end on no known day."""
    ways = (FALLBACKS[name] for name in BROKEN)
    return "\n".join(f"- {way.text}" for way in ways if way.valid_until is None)


def sounds() -> str:
    """Every sound."""
    return table(
        ("sound", "means"), ((_melody(NOTES[sound]), means) for sound, means in SOUNDS.items())
    )


def _light(pattern: Pattern) -> tuple[Colour, Rhythm]:
    return pattern.colour, pattern.rhythm


def _state(state: str) -> str:
    return f"[{state.replace('_', ' ')}](STATES.md#{state})"


GRAVE: Final = {
    Gravity.STOPS: "**stops** visits", Gravity.HAMPERS: "hampers",
}  # fmt: skip


def findings() -> str:
    """All that the device's doctor can find, and what to do."""
    return table(
        ("finding", "", "what is wrong", "what to do"),
        (
            (f"`{symptom}`", GRAVE[row.gravity], _both(row.wrong), _both(row.remedy))
            for symptom, row in doctor_texts().symptoms.items()
        ),
    )


def _both(said: BothLanguages) -> str:
    return f"{said.en}<br>{said.ja}"


COUNTS: Final = {1: "one note", 2: "two notes", 3: "three notes"}


def _melody(notes: Iterable[float]) -> str:
    heard = [hertz for hertz in notes if hertz]
    way = ", rising" if heard != [heard[0]] * len(heard) else ", the same" if len(heard) > 1 else ""
    return COUNTS[len(heard)] + way


PARTS: Final[dict[str, Callable[[], str]]] = {
    part.__name__: part
    for part in (wires, readers, leans, geometry, lamp, lamp_ja, ways_ja, sounds, findings)
}
