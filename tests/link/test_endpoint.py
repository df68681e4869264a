"""Two endpoints and the worst cable between them, in virtual time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import LinkLost, MalformedMessage
from firmware.link.endpoint import FRAGMENT_BYTES, LEASE_S, MAX_PAYLOAD_BYTES, Endpoint
from firmware.link.framing import wrap
from firmware.link.outbox import FIRST_WINDOW, WINDOW, Outbox

STEP_S = 0.01


@dataclass(frozen=True)
class Cable:
    """How often, of 1, each thing happens to a frame."""

    drop: float = 0.0
    duplicate: float = 0.0
    flip: float = 0.0
    reorder: float = 0.0
    insert: float = 0.0


class Line:
    """One direction: frames go in, mutilated bytes come out in slices of any length."""

    def __init__(self, cable: Cable, source: Random) -> None:
        self._cable, self._source = cable, source
        self._frames: list[bytes] = []
        self.carried = 0

    def write(self, frames: list[bytes]) -> None:
        for frame in frames:
            self.carried += 1
            self._put(frame)

    def _put(self, frame: bytes) -> None:
        source, cable = self._source, self._cable
        if source.random() < cable.drop:
            return
        for _ in range(2 if source.random() < cable.duplicate else 1):
            bent = bytearray(frame)
            if source.random() < cable.flip:
                bent[source.randrange(len(bent))] ^= 1 << source.randrange(8)
            if source.random() < cable.insert:
                at = source.randrange(len(bent))
                bent[at:at] = source.randbytes(source.randrange(1, 9))
            place = len(self._frames)
            if source.random() < cable.reorder:
                place = source.randrange(len(self._frames) + 1)
            self._frames.insert(place, bytes(bent))

    def read(self) -> bytes:
        """What arrives in this step; a reordered frame may wait for the next."""
        kept = self._frames[-1:] if self._source.random() < self._cable.reorder else []
        data = b"".join(self._frames[: len(self._frames) - len(kept)])
        self._frames = kept
        return data


class Pair:
    """Two endpoints, two lines and a clock."""

    def __init__(self, cable: Cable | None = None, seed: int = 1, lease_s: float = 2.0) -> None:
        source = Random(seed)
        self.now_s = 100.0
        self.ends = (Endpoint(11, self.now_s, lease_s), Endpoint(22, self.now_s, lease_s))
        self.lines = tuple(Line(cable or Cable(), source) for _ in self.ends)
        self.heard: tuple[list[bytes], list[bytes]] = ([], [])
        self._source = source

    def step(self) -> None:
        self.now_s += STEP_S
        for mine, end in enumerate(self.ends):
            data = self.lines[1 - mine].read()
            while data:
                cut = self._source.randrange(1, len(data) + 1)
                self.heard[mine].extend(end.feed(data[:cut], self.now_s))
                data = data[cut:]
            self.lines[mine].write(end.poll(self.now_s))

    def run(self, *sent: list[bytes], steps: int = 10_000) -> None:
        """Step until each end heard all that the other one sent."""
        for _ in range(steps):
            if all(len(heard) >= len(of) for heard, of in zip(self.heard, sent[::-1], strict=True)):
                return
            self.step()
        raise AssertionError(f"only {[len(heard) for heard in self.heard]} came")


@pytest.mark.parametrize(
    ("cable", "frames"),
    [
        (Cable(), 10_000),
        (Cable(drop=0.01, duplicate=0.01, flip=0.01, reorder=0.01, insert=0.01), 10_000),
        (Cable(drop=0.1, duplicate=0.1, flip=0.1, reorder=0.1, insert=0.1), 10_000),
        (Cable(drop=0.4), 10_000),
        (Cable(flip=0.4, insert=0.4), 10_000),
        (Cable(duplicate=0.4, reorder=0.4), 10_000),
        (Cable(drop=0.4, duplicate=0.4, flip=0.4, reorder=0.4, insert=0.4), 10_000),
    ],
    ids=["good", "1%", "10%", "drop", "bend", "shuffle", "everything"],
)
def test_nothing_wrong_is_ever_delivered(cable: Cable, frames: int) -> None:
    """What comes is what was sent, once and in order, until a session is lost or all has come.

    On the worst lines a whole lease can pass without one good frame; then a new session begins.
    """
    source = Random(2)
    carried = delivered = sessions = 0
    while carried < frames:
        sessions += 1
        pair = Pair(cable, seed=sessions)
        sent: tuple[list[bytes], list[bytes]] = ([], [])
        with suppress(LinkLost):
            while carried + sum(line.carried for line in pair.lines) < frames:
                for end, payloads in zip(pair.ends, sent, strict=True):
                    if end.backlog_bytes < 200:
                        payloads.append(source.randbytes(source.randrange(40)))
                        end.send(payloads[-1])
                pair.step()
            pair.run(*sent)
            assert pair.heard == sent[::-1]
        for heard, of in zip(pair.heard, sent[::-1], strict=True):
            assert heard == of[: len(heard)]
            delivered += len(heard)
        carried += sum(line.carried for line in pair.lines)
    assert sessions <= 10
    assert delivered > frames / 20


@given(st.lists(st.integers(0, 3 * FRAGMENT_BYTES), max_size=6), st.integers(0, 2**32))
def test_payloads_of_any_length(lengths: list[int], seed: int) -> None:
    pair = Pair(Cable(drop=0.05, reorder=0.05), seed)
    payloads = [Random(length).randbytes(length) for length in lengths]
    for payload in payloads:
        for end in pair.ends:
            end.send(payload)
    pair.run(payloads, payloads)
    assert pair.heard == (payloads, payloads)


def test_the_longest_payload_and_one_that_is_too_long() -> None:
    pair = Pair()
    longest = Random(3).randbytes(MAX_PAYLOAD_BYTES)
    for end in pair.ends:
        end.send(longest)
        with pytest.raises(MalformedMessage):
            end.send(longest + b"x")
    pair.run([longest], [longest])
    assert pair.heard == ([longest], [longest])


def test_no_more_than_a_window_is_under_way() -> None:
    pair = Pair()
    for _ in range(5):
        pair.step()
    for number in range(20):
        pair.ends[0].send(bytes([number]))
    assert len(pair.ends[0].poll(pair.now_s)) == FIRST_WINDOW
    assert pair.ends[0].poll(pair.now_s) == []


@pytest.mark.parametrize(
    ("took_s", "fills"),
    [(0.02, WINDOW), (1.0, FIRST_WINDOW)],
    ids=["quick", "slow"],
)
def test_only_a_line_that_answers_quickly_is_filled_further(took_s: float, fills: int) -> None:
    """What is put on a slow line beforehand, the next word waits for."""
    outbox, now_s = Outbox(LEASE_S), 0.0
    for number in range(6 * WINDOW):
        outbox.put(bytes([number]), last=True)
    for _ in range(4):
        sent = [sequence for sequence, _ in outbox.take(now_s)]
        now_s += took_s
        outbox.settle(sent[-1] + 1, 0, now_s)
    assert len(list(outbox.take(now_s))) == fills


def test_a_line_that_becomes_slow_is_filled_less() -> None:
    outbox = Outbox(LEASE_S)
    for took_s in (*[0.02] * 2 * WINDOW, 1.0):
        outbox.put(b"x", last=True)
        (sequence,) = (sequence for sequence, _ in outbox.take(0.0))
        outbox.settle(sequence + 1, 0, took_s)
    assert outbox.window == FIRST_WINDOW


def test_the_lease_ends_when_the_other_end_is_silent() -> None:
    pair = Pair()
    for _ in range(10):
        pair.step()
    end = pair.ends[0]
    assert end.established
    with pytest.raises(LinkLost):
        while True:
            now_s = end.due_s
            end.poll(now_s)
    assert now_s == pytest.approx(pair.now_s + 2.0, abs=0.1)


def test_an_end_that_stood_still_accuses_nobody() -> None:
    pair = Pair()
    for _ in range(3):
        for _ in range(10):
            pair.step()
        pair.now_s += 10.0
    pair.ends[0].send(b"and yet")
    pair.run([b"and yet"], [])


def test_nobody_there_is_no_loss() -> None:
    end = Endpoint(1, 0.0)
    beats = [end.poll(second / 10) for second in range(600)]
    assert 250 <= sum(map(len, beats)) <= 480, "no more than eight beats a second"
    assert not end.established


def test_heartbeats_keep_a_quiet_line() -> None:
    pair = Pair()
    for _ in range(2000):  # twenty seconds
        pair.step()
    assert pair.lines[0].carried < 200


def test_an_end_that_restarted_is_not_taken_for_the_old_one() -> None:
    pair = Pair()
    for end in pair.ends:
        end.send(b"before")
    pair.run([b"before"], [b"before"])
    old, stayed = pair.ends
    restarted = Endpoint(33, pair.now_s)
    restarted.send(b"from the new session")
    late = old.poll(pair.now_s + 0.6)
    assert late
    with pytest.raises(LinkLost):
        for _ in range(300):
            pair.now_s += STEP_S
            assert restarted.feed(b"".join(stayed.poll(pair.now_s)), pair.now_s) == []
            assert stayed.feed(b"".join(restarted.poll(pair.now_s)), pair.now_s) == []
    # A new session on the other side: late frames of the old one mean nothing to it.
    fresh = Endpoint(44, pair.now_s)
    heard: list[bytes] = []
    for _ in range(20):
        pair.now_s += STEP_S
        heard += fresh.feed(b"".join(late), pair.now_s)
        heard += fresh.feed(b"".join(restarted.poll(pair.now_s)), pair.now_s)
        restarted.feed(b"".join(fresh.poll(pair.now_s)), pair.now_s)
    assert heard == [b"from the new session"]


def test_an_echo_is_not_an_answer() -> None:
    end = Endpoint(1, 0.0)
    end.send(b"hello")
    for second in range(10):
        assert end.feed(b"".join(end.poll(second)), second) == []
    assert not end.established


def test_what_is_not_accepted_comes_again() -> None:
    pair = Pair()
    pair.ends[1].accepting = False
    for number in range(10):
        pair.ends[0].send(bytes([number]))
    for _ in range(500):
        pair.step()
    assert pair.heard[1] == []
    pair.ends[1].accepting = True
    for _ in range(200):
        pair.step()
    assert pair.heard[1] == [bytes([number]) for number in range(10)]


def test_goodbye_comes_after_everything_that_was_sent() -> None:
    pair = Pair(Cable(drop=0.1))
    for number in range(30):
        pair.ends[0].send(bytes([number]))
    pair.ends[0].close()
    with pytest.raises(LinkLost):
        for _ in range(2000):
            pair.step()
    assert pair.ends[0].closed
    assert pair.heard[1] == [bytes([number]) for number in range(30)]


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_any_frame_is_survived(bodies: list[bytes]) -> None:
    end = Endpoint(1, 0.0)
    for body in bodies:
        end.feed(wrap(body), 0.0)
        # The same as if it came from the one who is there.
        end.feed(wrap(b"\x00" + b"\0\0\0\2\0\0\0\1" + body[:10].ljust(10, b"\0") + body[10:]), 0.0)
        end.feed(wrap(b"\x01" + b"\0\0\0\2\0\0\0\1" + body[:10].ljust(10, b"\0") + body[10:]), 0.0)
        try:
            end.poll(0.0)
        except LinkLost:
            return
    assert end.backlog_bytes == 0
