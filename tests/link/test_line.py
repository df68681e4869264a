"""What the endpoints make of a line of a given rate: how much is left of it, and what is right."""

from __future__ import annotations

import pytest
from link_line import BAD_DAY, carried_once, goodput

from firmware.simulator.line import FAST, SLOW, Conversation, LineKind, Spoils

SECONDS = {FAST: 2.0, SLOW: 60.0}


@pytest.mark.parametrize("kind", [FAST, SLOW], ids=["1 MB/s", "115,200 bit/s"])
@pytest.mark.parametrize(("lost", "share"), [(0.0, 0.9), (0.1, 0.8)], ids=["whole", "10% lost"])
def test_most_of_the_line_is_left(kind: LineKind, lost: float, share: float) -> None:
    assert goodput(kind, lost, SECONDS[kind]) >= share * (1 - lost)


def test_a_slow_line_is_not_asked_twice_for_what_is_on_its_way() -> None:
    conversation = Conversation(SLOW, seed=1)
    sender = conversation.ends[0]
    sender.send(bytes(60_000))
    while not conversation.heard[1]:
        conversation.step()
    assert sender.figures.sent == 59
    assert sender.figures.resent == 0


def test_whoever_does_not_take_is_not_flooded() -> None:
    conversation = Conversation(FAST, seed=1)
    sender, busy = conversation.ends
    while not sender.established:
        conversation.step()
    busy.accepting = False
    sender.send(bytes(10_000))
    until_s = conversation.now_s + 10
    while conversation.now_s < until_s:
        conversation.step()
    assert sender.figures.sent < 250, "a fiftieth of what the line would carry"
    busy.accepting = True
    while not conversation.heard[1]:
        conversation.step()
    assert conversation.heard[1] == [bytes(10_000)]


@pytest.mark.parametrize(("seed", "kind"), [(1, FAST), (2, SLOW)], ids=["1 MB/s", "115,200 bit/s"])
def test_every_message_comes_once_over_a_bad_line(seed: int, kind: LineKind) -> None:
    frames, messages, sessions = carried_once(10_000, BAD_DAY, seed, kind)
    assert frames >= 10_000
    assert messages > frames / 4
    assert sessions == 1


def test_the_figures_tell_what_the_line_did() -> None:
    conversation = Conversation(FAST, Spoils(flipped=0.1, doubled=0.1), seed=3)
    sender, hearer = conversation.ends
    for _ in range(100):
        sender.send(bytes(5000))
    while len(conversation.heard[1]) < 100:
        conversation.step()
    assert sender.figures.sent - sender.figures.resent == 500
    assert sender.figures.resent > 20
    assert hearer.figures.dropped > 20
    assert hearer.figures.again > 20
    assert sender.figures.round_trip_s == pytest.approx(0.02, abs=0.02)
