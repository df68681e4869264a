"""One end of a bad cable: payloads go in, and come out at the other end once each and in order.

Each end draws a session id when it starts. A frame names both ends' sessions, so a frame of an
earlier session is nobody's; an end that restarted is noticed by the other's lease. Frames are
numbered, and what is lost is sent again (`outbox.py`).

It is pure: bytes and times in, bytes and payloads out. `serial_port.py` puts it on a port.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from firmware.faults import LinkLost, MalformedMessage
from firmware.link.framing import FrameDecoder, wrap
from firmware.link.outbox import SEQUENCES, WINDOW, Fragment, Outbox

LEASE_S: Final = 2.0
HEARTBEATS_PER_LEASE: Final = 16
FRAGMENT_BYTES: Final = 1024
MAX_PAYLOAD_BYTES: Final = 128 * 1024
NO_SESSION: Final = 0
"""In the place of a session that is not known yet."""

# flags, sender's session, receiver's session, sequence, next one expected, those held beyond it
_HEADER: Final = struct.Struct(">BIIIII")


class Flag(IntFlag):
    """What a frame is; none is a heartbeat. Every frame acknowledges."""

    DATA = 1
    LAST = 2
    """This fragment ends its payload."""
    BYE = 4
    """The sender has sent all it had, up to `sequence`, and closes."""


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """What one end counted since its session began."""

    sent: int
    """Fragments, each sending of one."""
    resent: int
    """Of these, those that had been sent before."""
    heard: int
    """Frames of the other end."""
    dropped: int
    """Parts between delimiters that were no frame."""
    again: int
    """Fragments that had come before."""
    round_trip_s: float | None


class Endpoint:
    """One end. Call `poll` after every `feed` and `send`, and at `due_s`."""

    def __init__(self, session: int, now_s: float, lease_s: float = LEASE_S) -> None:
        """`session` is a random number of 32 bits that is not 0; times are monotonic seconds."""
        self._session = session
        self._lease_s = lease_s
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
        self._outbox = Outbox(lease_s)
        self._expected = 0
        self._held: dict[int, Fragment] = {}
        self._heard = self._again = 0
        self._partial = bytearray()
        self._closing = False
        self.closed = False
        """After `close`: everything was acknowledged and the other end was told."""

    @property
    def backlog_bytes(self) -> int:
        """Sent and not yet acknowledged."""
        return self._outbox.backlog_bytes

    @property
    def window_bytes(self) -> int:
        """With less than this sent and not yet acknowledged, the line may stand idle."""
        return self._outbox.window * FRAGMENT_BYTES

    @property
    def figures(self) -> LinkFigures:
        """How the line has behaved."""
        outbox = self._outbox
        return LinkFigures(
            sent=outbox.sent,
            resent=outbox.resent,
            heard=self._heard,
            dropped=self._decoder.dropped,
            again=self._again,
            round_trip_s=outbox.round_trip.smoothed_s,
        )

    @property
    def due_s(self) -> float:
        """When `poll` has something to do at the latest."""
        due_s = min(self._spoke_s + self._beat_s, self._outbox.due_s)
        return min(due_s, self._heard_s + self._lease_s) if self.established else due_s

    def send(self, payload: bytes) -> None:
        """Queue a payload. Raises `MalformedMessage` past `MAX_PAYLOAD_BYTES`."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise MalformedMessage(f"{len(payload)} bytes are more than an endpoint carries")
        for start in range(0, max(1, len(payload)), FRAGMENT_BYTES):
            last = start + FRAGMENT_BYTES >= len(payload)
            self._outbox.put(payload[start : start + FRAGMENT_BYTES], last=last)

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
            self._heard += 1
            self._outbox.settle(expected, held, now_s)
            if flags & Flag.DATA:
                fragment = Fragment(frame[_HEADER.size :], bool(flags & Flag.LAST))
                payloads += self._accept(sequence, fragment)
            elif flags & Flag.BYE and sequence == self._expected:
                self._why_lost = "the other side closed the link"
        return payloads

    def poll(self, now_s: float) -> list[bytes]:
        """Frames to write now. Raises `LinkLost` when the lease is over or the other end closed."""
        # For as long as this comes late nobody listened: that silence is ours.
        self._heard_s = min(now_s, self._heard_s + max(0.0, now_s - self.due_s))
        if self.established and now_s >= self._heard_s + self._lease_s:
            self._why_lost = f"nothing was heard for {now_s - self._heard_s:.1f} s"
        if self._why_lost is not None:
            raise LinkLost(self._why_lost)
        frames = []
        if self.established:
            frames = [self._data_frame(*sent) for sent in self._outbox.take(now_s)]
        if self._closing and not self.closed and self._outbox.is_empty:
            self.closed = True
            frames.append(self._frame(Flag.BYE, self._outbox.next))
        if not frames and (self._owes_word or now_s >= self._spoke_s + self._beat_s):
            frames.append(self._frame(Flag(0), self._outbox.next))
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

    def _accept(self, sequence: int, fragment: Fragment) -> list[bytes]:
        """Payloads that this fragment completes; one that came before is acknowledged again."""
        self._owes_word = True
        if (sequence - self._expected) % SEQUENCES >= WINDOW or sequence in self._held:
            self._again += 1
            return []
        if not self.accepting:
            return []
        self._held[sequence] = fragment
        payloads: list[bytes] = []
        while (arrived := self._held.pop(self._expected, None)) is not None:
            self._expected = (self._expected + 1) % SEQUENCES
            self._partial += arrived.content
            if len(self._partial) > MAX_PAYLOAD_BYTES:
                self._why_lost = "the other side sent a payload without an end"
                return payloads
            if arrived.last:
                payloads.append(bytes(self._partial))
                self._partial.clear()
        return payloads

    def _data_frame(self, sequence: int, fragment: Fragment) -> bytes:
        flags = Flag.DATA | (Flag.LAST if fragment.last else Flag(0))
        return self._frame(flags, sequence, fragment.content)

    def _frame(self, flags: Flag, sequence: int, content: bytes = b"") -> bytes:
        held = 0
        for arrived in self._held:
            held |= 1 << (arrived - self._expected - 1) % SEQUENCES
        header = _HEADER.pack(flags, self._session, self._peer, sequence, self._expected, held)
        return wrap(header + content)
