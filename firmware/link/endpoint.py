"""One end of a bad cable: payloads go in, and come out at the other end once each and in order.

Each end draws a session id when it starts. A frame names both ends' sessions, so a frame of an
earlier session is nobody's; an end that restarted is noticed by the other's lease. Frames are
numbered, at most four are under way, and what is not acknowledged in time is sent again.

It is pure: bytes and times in, bytes and payloads out. `serial_port.py` puts it on a port.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from firmware.faults import LinkLost, MalformedMessage
from firmware.link.framing import FrameDecoder, wrap

LEASE_S: Final = 2.0
HEARTBEATS_PER_LEASE: Final = 4
RESENDS_PER_LEASE: Final = 20
WINDOW: Final = 4
FRAGMENT_BYTES: Final = 1024
MAX_PAYLOAD_BYTES: Final = 128 * 1024
NO_SESSION: Final = 0
"""In the place of a session that is not known yet."""

_SEQUENCES: Final = 1 << 32
# flags, sender's session, receiver's session, sequence, next one expected, those held beyond it
_HEADER: Final = struct.Struct(">BIIIIB")


class Flag(IntFlag):
    """What a frame is; none is a heartbeat. Every frame acknowledges."""

    DATA = 1
    LAST = 2
    """This fragment ends its payload."""
    BYE = 4
    """The sender has sent all it had, up to `sequence`, and closes."""


@dataclass(slots=True)
class _Fragment:
    content: bytes
    last: bool
    sent_s: float = 0.0


class Endpoint:
    """One end. Call `poll` after every `feed` and `send`, and at `due_s`."""

    def __init__(self, session: int, now_s: float, lease_s: float = LEASE_S) -> None:
        """`session` is a random number of 32 bits that is not 0; times are monotonic seconds."""
        self._session = session
        self._lease_s = lease_s
        self._resend_s = lease_s / RESENDS_PER_LEASE
        self._beat_s = lease_s / HEARTBEATS_PER_LEASE
        self.established = False
        """Both ends know each other's session; it stays true."""
        self.accepting = True
        """While False, data are left unacknowledged: the other end sends them again later."""
        self._decoder = FrameDecoder()
        self._peer = NO_SESSION
        self._heard_s = now_s
        self._spoke_s = now_s
        self._owes_word = True
        self._why_lost: str | None = None
        self._waiting: deque[_Fragment] = deque()
        self._under_way: dict[int, _Fragment] = {}
        self._next = 0
        self._expected = 0
        self._held: dict[int, _Fragment] = {}
        self._partial = bytearray()
        self._closing = False
        self.closed = False
        """After `close`: everything was acknowledged and the other end was told."""

    @property
    def backlog_bytes(self) -> int:
        """Sent and not yet acknowledged."""
        fragments = (*self._under_way.values(), *self._waiting)
        return sum(len(fragment.content) for fragment in fragments)

    @property
    def due_s(self) -> float:
        """When `poll` has something to do at the latest."""
        times = [self._spoke_s + self._beat_s]
        times += [fragment.sent_s + self._resend_s for fragment in self._under_way.values()]
        if self.established:
            times.append(self._heard_s + self._lease_s)
        return min(times)

    def send(self, payload: bytes) -> None:
        """Queue a payload. Raises `MalformedMessage` past `MAX_PAYLOAD_BYTES`."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise MalformedMessage(f"{len(payload)} bytes are more than an endpoint carries")
        for start in range(0, max(1, len(payload)), FRAGMENT_BYTES):
            last = start + FRAGMENT_BYTES >= len(payload)
            self._waiting.append(_Fragment(payload[start : start + FRAGMENT_BYTES], last))

    def close(self) -> None:
        """Say goodbye as soon as everything sent is acknowledged; see `closed`."""
        self._closing = True

    def feed(self, data: bytes, now_s: float) -> list[bytes]:
        """The payloads that are complete with these bytes, whatever their slicing."""
        payloads: list[bytes] = []
        for frame in self._decoder.feed(data):
            if len(frame) < _HEADER.size:
                continue
            flags, sender, receiver, sequence, expected, held = _HEADER.unpack_from(frame)
            if not self._is_ours(sender, receiver):
                continue
            self._heard_s = now_s
            self._settle(expected, held)
            if flags & Flag.DATA:
                fragment = _Fragment(frame[_HEADER.size :], bool(flags & Flag.LAST))
                payloads += self._accept(sequence, fragment)
            elif flags & Flag.BYE and sequence == self._expected:
                self._why_lost = "the other side closed the link"
        return payloads

    def poll(self, now_s: float) -> list[bytes]:
        """Frames to write now. Raises `LinkLost` when the lease is over or the other end closed."""
        silent_s = now_s - self._heard_s
        if self.established and silent_s >= self._lease_s:
            self._why_lost = f"nothing was heard for {silent_s:.1f} s"
        if self._why_lost is not None:
            raise LinkLost(self._why_lost)
        frames = [
            self._data_frame(sequence, fragment, now_s)
            for sequence, fragment in self._under_way.items()
            if now_s - fragment.sent_s >= self._resend_s
        ]
        while self.established and self._waiting and self._window_is_open():
            fragment = self._waiting.popleft()
            self._under_way[self._next] = fragment
            frames.append(self._data_frame(self._next, fragment, now_s))
            self._next = (self._next + 1) % _SEQUENCES
        if self._closing and not self.closed and not self._under_way and not self._waiting:
            self.closed = True
            frames.append(self._frame(Flag.BYE, self._next))
        if not frames and (self._owes_word or now_s - self._spoke_s >= self._beat_s):
            frames.append(self._frame(Flag(0), self._next))
        if frames:
            self._owes_word = False
            self._spoke_s = now_s
        return frames

    def _is_ours(self, sender: int, receiver: int) -> bool:
        """Is this frame from the other end of this session? Takes note of who is there."""
        if sender in (NO_SESSION, self._session):  # our own words, from a line that echoes
            return False
        if self.established:
            self._owes_word |= sender == self._peer and receiver == NO_SESSION
            return sender == self._peer and receiver == self._session
        if receiver not in (NO_SESSION, self._session):
            return False
        self._peer = sender
        self._owes_word = True
        # Only one who names our session is there now; a late frame of an earlier one cannot.
        self.established = receiver == self._session
        return self.established

    def _settle(self, expected: int, held: int) -> None:
        """Forget what the other end has."""
        for sequence in tuple(self._under_way):
            before = (expected - sequence - 1) % _SEQUENCES
            beyond = (sequence - expected - 1) % _SEQUENCES
            if before < WINDOW or (beyond < WINDOW and held >> beyond & 1):
                del self._under_way[sequence]

    def _accept(self, sequence: int, fragment: _Fragment) -> list[bytes]:
        """Payloads that this fragment completes; one that came before is acknowledged again."""
        self._owes_word = True
        if not self.accepting or (sequence - self._expected) % _SEQUENCES >= WINDOW:
            return []
        self._held.setdefault(sequence, fragment)
        payloads: list[bytes] = []
        while (arrived := self._held.pop(self._expected, None)) is not None:
            self._expected = (self._expected + 1) % _SEQUENCES
            self._partial += arrived.content
            if len(self._partial) > MAX_PAYLOAD_BYTES:
                self._why_lost = "the other side sent a payload without an end"
                return payloads
            if arrived.last:
                payloads.append(bytes(self._partial))
                self._partial.clear()
        return payloads

    def _window_is_open(self) -> bool:
        oldest = next(iter(self._under_way), self._next)
        return (self._next - oldest) % _SEQUENCES < WINDOW

    def _data_frame(self, sequence: int, fragment: _Fragment, now_s: float) -> bytes:
        fragment.sent_s = now_s
        flags = Flag.DATA | (Flag.LAST if fragment.last else Flag(0))
        return self._frame(flags, sequence, fragment.content)

    def _frame(self, flags: Flag, sequence: int, content: bytes = b"") -> bytes:
        held = 0
        for arrived in self._held:
            held |= 1 << (arrived - self._expected - 1) % _SEQUENCES
        header = _HEADER.pack(flags, self._session, self._peer, sequence, self._expected, held)
        return wrap(header + content)
