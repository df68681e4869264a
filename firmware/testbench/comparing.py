"""How two traces differ, in words. Pure.

Compared is what card and program said; never when, nor with which reader and tool it was recorded.
A byte that either trace hides is compared by its place alone. No word here tells a byte of data.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

import msgspec

from firmware.testbench.following import SELECT
from firmware.testbench.trace import Exchange, MaskedBytes, Trace
from firmware.testbench.wording import Told, told

Row = tuple[Exchange, Told]


class Difference(msgspec.Struct, frozen=True):
    """One difference; an exchange is named by its number in each trace that has it."""

    a: int | None
    b: int | None
    says: str

    def __str__(self) -> str:
        places = [f"{name}:{n}" for name, n in (("A", self.a), ("B", self.b)) if n is not None]
        return f"{' '.join(places) or 'header':12} {self.says}"


class Comparison(msgspec.Struct, frozen=True):
    """What `diff --json` prints."""

    differences: tuple[Difference, ...]
    exchanges: tuple[int, int]
    """Of A and of B."""
    hidden_bytes: int
    """Bytes of matching exchanges that one of the traces hides, and so were not compared."""


def compare(a: Trace, b: Trace) -> Comparison:
    """Every difference, in the order of the dialogue.

    Exchanges are matched by the shape of their commands; in long traces shapes that are very common
    match only beside others, which bounds the time.
    """
    rows = list(told(a)), list(told(b))
    differences = list(_of_headers(a, b))
    hidden = 0
    shapes = [[_shape(each) for each, _ in side] for side in rows]
    matcher = SequenceMatcher(None, shapes[0], shapes[1])
    for kind, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        if kind == "equal":
            pairs = zip(range(start_a, end_a), range(start_b, end_b), strict=True)
            for at_a, at_b in pairs:
                row_a, row_b = rows[0][at_a], rows[1][at_b]
                hidden += _hidden_in_either(row_a[0], row_b[0])
                differences += (
                    Difference(at_a + 1, at_b + 1, says) for says in _of_exchanges(row_a, row_b)
                )
            continue
        differences += (
            Difference(at + 1, None, f"only in A: {rows[0][at][1]}") for at in range(start_a, end_a)
        )
        differences += (
            Difference(None, at + 1, f"only in B: {rows[1][at][1]}") for at in range(start_b, end_b)
        )
    return Comparison(tuple(differences), (len(rows[0]), len(rows[1])), hidden)


def _of_headers(a: Trace, b: Trace) -> Iterator[Difference]:
    for name, of_a, of_b in (
        ("card kind", a.header.card_kind, b.header.card_kind),
        ("ATR", a.header.atr, b.header.atr),
    ):
        if of_a != of_b:
            yield Difference(None, None, f"{name}: A has {of_a}, B has {of_b}")


def _of_exchanges(a: Row, b: Row) -> Iterator[str]:
    (sent_a, told_a), (sent_b, told_b) = a, b
    if differs := _first_difference(sent_a.command, sent_b.command):
        yield f"{told_a.asked} {told_a.place}: the commands differ {differs}"
    if told_a.status_word != told_b.status_word:
        yield (
            f"{told_a.asked} {told_a.place}: A was answered {told_a.status_word} "
            f"({told_a.meaning}), B {told_b.status_word} ({told_b.meaning})"
        )
    if told_a.came != told_b.came:
        yield f"{told_a.asked} {told_a.place}: {told_a.came} bytes came in A, {told_b.came} in B"
    elif differs := _first_difference(_data(sent_a.response), _data(sent_b.response)):
        yield f"{told_a.asked} {told_a.place}: the answers differ {differs}"


def _shape(exchange: Exchange) -> tuple[bytes, int]:
    """What matches exchanges: the command without its data, but for what SELECT names."""
    command = exchange.command.content
    names = command if command[1] == SELECT else command[:4]
    return names, len(command)


def _data(response: MaskedBytes) -> MaskedBytes:
    """Without the status word, which is compared by itself."""
    return MaskedBytes(response.content[:-2], response.hidden)


def _first_difference(a: MaskedBytes, b: MaskedBytes) -> str | None:
    hidden = a.hidden | b.hidden
    pairs = enumerate(zip(a.content, b.content, strict=False))
    at = [at for at, (of_a, of_b) in pairs if of_a != of_b and at not in hidden]
    return f"in {len(at)} bytes, the first at {at[0]}" if at else None


def _hidden_in_either(a: Exchange, b: Exchange) -> int:
    commands = len(a.command.hidden | b.command.hidden)
    return commands + len(a.response.hidden | b.response.hidden)
