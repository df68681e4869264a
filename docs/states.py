"""STATES.md: the diagram and one table per state, drawn from the transaction's own tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from schema import table

from firmware.transaction import events as e
from firmware.transaction.effects import Do
from firmware.transaction.guards import End, always
from firmware.transaction.machine import ALWAYS_POSSIBLE, BEFORE_NO_RETURN, ON_ENTER, STEPS, Row
from firmware.transaction.timeouts import FACE_STARTS_AFTER_S, LIMITS
from firmware.transaction.visit import Visit
from firmware.words import Cause, State

INTRODUCTION: Final = f"""\
# The states of a visit

Written by `make docs` from `ROWS`, `ON_ENTER` and `LIMITS` in `firmware/transaction/`; edit those.

A visit stands in one state. An event that arrives is first learnt (`learn.py`: facts go into the
visit, whatever comes next); then the rows for this state and this kind of event are tried from
above, and the first whose guard holds is taken. No row: the event is ignored, and counted. Guards,
and endings that are not fixed, are the functions of that name in `firmware/transaction/guards.py`.

Effects belong to the state that is entered, never to the way there
([ADR 0003](adr/0003-effects-belong-to-states.md)); *stays* changes neither state nor entry. Every
entry sets the state's timers afresh, and a timer of another entry is ignored. All times are
seconds, and are stretched by the setting `time_scale`.

**The point of no return** lies between `signing` and `confirming`: before it, a removed card or a
lost host ends the visit, never with success; after it, the gateway's answer decides, whatever
happens to the card.

`offer_face` lets the face start by itself {FACE_STARTS_AFTER_S:g} s later, unless the patient has
chosen or faces were compared already.
"""
PROBE: Final = Cause.MASKED_TRACE
"""A cause that no row of the table sets by itself."""


def states_document() -> str:
    """The whole of STATES.md."""
    parts = [
        INTRODUCTION,
        "## The diagram\n\n"
        "What is possible in every state at work is left out; it stands "
        "[below](#always-possible).\n\n"
        f"```mermaid\n{diagram()}```\n",
        *(_section(state) for state in State),
        "## Always possible\n\nA row of a state's own table goes before these.\n\n"
        + _always_possible(),
    ]
    return "\n".join(parts)


def diagram() -> str:
    """Mermaid: one arrow for all the rows that lead from one state to another."""
    arrows: dict[tuple[State, State], list[str]] = defaultdict(list)
    for (state, event), rows in STEPS.items():
        for row in rows:
            if row.to is not None:
                label = _label(event, row)
                labels = arrows[state, row.to]
                if label not in labels:
                    labels.append(label)
    lines = ["stateDiagram-v2", f"    [*] --> {State.IDLE}"]
    lines += [
        f"    {start} --> {end}: {'<br/>'.join(labels)}" for (start, end), labels in arrows.items()
    ]
    return "\n".join(lines) + "\n"


def _label(event: type[e.Event], row: Row) -> str:
    name = row.guard.__name__
    guarded = f" [{name}]" if name != always.__name__ else ""
    return f"{event.__name__}{guarded}"


def _section(state: State) -> str:
    enters = ", ".join(f"`{_effect(do)}`" for do in ON_ENTER[state]) or "nothing"
    rows = [
        line
        for (at, event), rows in STEPS.items()
        if at is state
        for line in _lines(f"`{event.__name__}`", rows)
    ]
    return f"## {state}\n\nEntering sets going: {enters}. {_time(state)}\n\n{_rows_table(rows)}\n"


def _rows_table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = list(rows)
    if not lines:
        return "No rows of its own."
    return table(("event", "guard", "goes to", "the visit ends as"), lines)


def _lines(event: str, rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        to = f"[{row.to}](#{row.to})" if row.to is not None else "stays"
        if row.effects:
            to += "; sets going " + ", ".join(f"`{_effect(do)}`" for do in row.effects)
        yield event, f"`{row.guard.__name__}`", to, _ending(row.end)
        event = ""


def _ending(end: End | None) -> str:
    """How a row ends the visit: asked of the function itself, with a cause that is told by none."""
    if end is None:
        return ""
    if end.__name__ != "<lambda>":
        return f"`{end.__name__}`"
    told = end(Visit(), e.Cancelled(PROBE))
    if told.cause is not PROBE:
        return f"{told.outcome}" + (f", `{told.cause}`" if told.cause else "")
    otherwise = end(Visit(), e.BackToMethods()).cause
    return f"{told.outcome}, the cause it brings, or `{otherwise}`"


def _time(state: State) -> str:
    match LIMITS[state].warn_s, LIMITS[state].end_s:
        case None, None:
            return "No time limit."
        case warn_s, None:
            return f"The patient is asked again every {warn_s:g} s, without end."
        case None, end_s:
            return f"Time is up after {end_s:g} s."
        case warn_s, end_s:
            return f"A warning after {warn_s:g} s; time is up after {end_s:g} s."


def _always_possible() -> str:
    """Rows that are alike in several states, told once with those states."""
    alike: dict[tuple[str, tuple[tuple[str, ...], ...]], list[State]] = defaultdict(list)
    for (state, event), rows in ALWAYS_POSSIBLE.items():
        if (state, event) not in STEPS:
            alike[event.__name__, tuple(_lines("", rows))].append(state)
    lines: list[tuple[str, ...]] = []
    for (name, (first, *others)), states in alike.items():
        lines.append((f"`{name}`", _which(states), *first[1:]))
        lines += [("", "", *other[1:]) for other in others]
    return table(("event", "in", "guard", "goes to", "the visit ends as"), lines) + "\n"


def _which(states: list[State]) -> str:
    if len(states) <= len(BEFORE_NO_RETURN) // 2:
        return ", ".join(states)
    missing = [state for state in State if state not in states]
    return "all but " + ", ".join(missing)


def _effect(do: Do) -> str:
    return do.name.lower()
