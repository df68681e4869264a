"""CommandApdu and ResponseApdu: what goes to the card and what comes back, as values and as bytes.

Shapes only (ISO/IEC 7816-4; commands as public clients send them to this card). Which file a
number belongs to is known by `files`, what a status word means by `status_word`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from firmware.card import status_word as sw
from firmware.card.credential import Credential
from firmware.faults import MalformedCommand, MalformedResponse, UnexpectedStatus

SHORT_LE_MAX = 256
EXTENDED_LE_MAX = 65536
OFFSET_MAX = 0x7FFF  # READ BINARY has 15 bits for it in P1-P2
SHORT_ID_MAX = 0x1E
CURRENT_FILE = 0x80  # P2 of VERIFY and of a signature: the key is the file that is selected

INS_VERIFY = 0x20
INS_SIGN = 0x2A  # PERFORM SECURITY OPERATION
# Commands whose data is a secret: VERIFY, two forms of changing a PIN, RESET RETRY COUNTER.
SECRET_INSTRUCTIONS = frozenset({INS_VERIFY, 0x24, 0x32, 0x2C})


@dataclass(frozen=True, slots=True, repr=False)
class CommandApdu:
    """One command. `le` is the number of bytes wanted, 1..65536; None asks for none.

    Raises MalformedCommand for a header byte, a length of data (65,535) or an `le` out of range.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    def __post_init__(self) -> None:
        if not all(0 <= byte <= 0xFF for byte in (self.cla, self.ins, self.p1, self.p2)):
            raise MalformedCommand("a header byte is out of range")
        if len(self.data) > 0xFFFF:
            raise MalformedCommand(f"{len(self.data)} bytes do not fit into a command")
        if self.le is not None and not 1 <= self.le <= EXTENDED_LE_MAX:
            raise MalformedCommand(f"Le {self.le} is out of range")

    def __repr__(self) -> str:
        parts = [bytes((self.cla, self.ins, self.p1, self.p2)).hex(" ").upper()]
        if self.data:
            size = f"{len(self.data)} secret bytes"
            parts.append(size if self.is_secret else self.data.hex().upper())
        if self.le is not None:
            parts.append(f"le={self.le}")
        return f"CommandApdu({', '.join(parts)})"

    @property
    def is_secret(self) -> bool:
        """Whether `data` is a PIN or a collation number: print its size, never its content."""
        return self.ins in SECRET_INSTRUCTIONS and bool(self.data)

    @property
    def is_extended(self) -> bool:
        """Whether short lengths do not suffice: not every reader passes such a command."""
        return len(self.data) > 0xFF or (self.le or 1) > SHORT_LE_MAX

    def encode(self) -> bytes:
        """The bytes on the wire: short lengths when they suffice, else extended ones."""
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        if not self.is_extended:
            lc = bytes((len(self.data),)) if self.data else b""
            le = b"" if self.le is None else bytes((self.le & 0xFF,))
            return header + lc + self.data + le
        lc = len(self.data).to_bytes(2, "big") if self.data else b""
        le = b"" if self.le is None else (self.le & 0xFFFF).to_bytes(2, "big")
        return header + b"\x00" + lc + self.data + le

    @classmethod
    def decode(cls, encoded: bytes) -> CommandApdu:
        """Read any of the seven cases 1, 2S, 3S, 4S, 2E, 3E, 4E; MalformedCommand for the rest."""
        if len(encoded) < 4:
            raise MalformedCommand("a command has at least four bytes")
        cla, ins, p1, p2 = encoded[:4]
        body = bytes(encoded[4:])
        if not body:
            return cls(cla, ins, p1, p2)
        if len(body) == 1:
            return cls(cla, ins, p1, p2, le=body[0] or SHORT_LE_MAX)
        extended = body[0] == 0
        if extended and len(body) < 3:
            raise MalformedCommand("an extended length is cut short")
        if extended and len(body) == 3:
            return cls(cla, ins, p1, p2, le=int.from_bytes(body[1:], "big") or EXTENDED_LE_MAX)
        start, le_size = (3, 2) if extended else (1, 1)
        lc = int.from_bytes(body[:start], "big")
        data, rest = body[start : start + lc], body[start + lc :]
        if lc == 0 or len(data) != lc or len(rest) not in (0, le_size):
            raise MalformedCommand("the lengths in the command do not add up")
        largest = EXTENDED_LE_MAX if extended else SHORT_LE_MAX
        return cls(
            cla, ins, p1, p2, data, (int.from_bytes(rest, "big") or largest) if rest else None
        )

    @classmethod
    def select_application(cls, aid: bytes) -> CommandApdu:
        """SELECT by AID, no answer data wanted."""
        return cls(0x00, 0xA4, 0x04, 0x0C, aid)

    @classmethod
    def select_ef(cls, ef_id: int) -> CommandApdu:
        """SELECT of an elementary file (or key) under the current application."""
        return cls(0x00, 0xA4, 0x02, 0x0C, ef_id.to_bytes(2, "big"))

    @classmethod
    def read_binary(cls, offset: int, le: int) -> CommandApdu:
        """READ BINARY of the selected file; MalformedCommand beyond offset 32,767."""
        if not 0 <= offset <= OFFSET_MAX:
            raise MalformedCommand(f"READ BINARY cannot reach offset {offset}")
        return cls(0x00, 0xB0, offset >> 8, offset & 0xFF, le=le)

    @classmethod
    def read_by_short_id(cls, short_id: int, le: int) -> CommandApdu:
        """READ BINARY from the start of the file of a short EF id, 1..30, which it selects too."""
        if not 1 <= short_id <= SHORT_ID_MAX:
            raise MalformedCommand(f"{short_id} is no short EF id")
        return cls(0x00, 0xB0, 0x80 | short_id, 0x00, le=le)

    @classmethod
    def read_record(cls, record: int, short_ef_id: int, le: int = SHORT_LE_MAX) -> CommandApdu:
        """READ RECORD by number in the file of a short EF id."""
        return cls(0x00, 0xB2, record, short_ef_id << 3 | 0x04, le=le)

    @classmethod
    def get_response(cls, le: int) -> CommandApdu:
        """GET RESPONSE: fetch what 61xx announced."""
        return cls(0x00, 0xC0, 0x00, 0x00, le=le)

    @classmethod
    def query_retry_counter(cls) -> CommandApdu:
        """The empty VERIFY: asks for the tries left of the selected key and costs none."""
        return cls(0x00, INS_VERIFY, 0x00, CURRENT_FILE)

    @classmethod
    def verify(cls, credential: Credential) -> CommandApdu:
        """VERIFY of the selected key. Costs a try: `scripts.verify` is its only caller."""
        return cls(0x00, INS_VERIFY, 0x00, CURRENT_FILE, credential.reveal())

    @classmethod
    def compute_signature(cls, data: bytes) -> CommandApdu:
        """Sign with the selected private key; the card pads whatever it gets (PKCS #1 type 1)."""
        return cls(0x80, INS_SIGN, 0x00, CURRENT_FILE, data, le=SHORT_LE_MAX)

    @classmethod
    def internal_signature(cls, data: bytes) -> CommandApdu:
        """Sign with the application's own key (内部認証); needs no PIN."""
        return cls(0x80, INS_SIGN, 0x00, 0x00, data, le=SHORT_LE_MAX)

    @classmethod
    def get_challenge(cls, length: int) -> CommandApdu:
        """GET CHALLENGE: 1..256 random bytes (the card refuses the extended form)."""
        if not 1 <= length <= SHORT_LE_MAX:
            raise MalformedCommand(f"a challenge of {length} bytes cannot be asked for")
        return cls(0x00, 0x84, 0x00, 0x00, le=length)


def is_extended(encoded: bytes) -> bool:
    """Whether a command's bytes have extended lengths, also where short ones would have done."""
    return len(encoded) > 5 and not encoded[4]


@dataclass(frozen=True, slots=True, repr=False)
class ResponseApdu:
    """One response: data and the status word. It prints as a size: files hold a person's data."""

    data: bytes
    status_word: int

    def __repr__(self) -> str:
        return f"ResponseApdu({len(self.data)} bytes, {self.status_word:04X})"

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return self.data + self.status_word.to_bytes(2, "big")

    @classmethod
    def decode(cls, encoded: bytes) -> ResponseApdu:
        """Split off the status word; MalformedResponse without one."""
        if len(encoded) < 2:
            raise MalformedResponse("a response without a status word")
        return cls(bytes(encoded[:-2]), int.from_bytes(encoded[-2:], "big"))

    @property
    def is_ok(self) -> bool:
        """Whether the status word is 9000."""
        return self.status_word == sw.SUCCESS

    def ok_or_fault(self, doing: str) -> None:
        """UnexpectedStatus unless the status word is 9000; `doing` names the step."""
        if not self.is_ok:
            raise UnexpectedStatus(self.status_word, f"{doing} ({sw.describe(self.status_word)})")

    def data_or_fault(self, doing: str = "a read") -> bytes:
        """The data of a successful response; UnexpectedStatus, or MalformedResponse if empty."""
        self.ok_or_fault(doing)
        if not self.data:
            raise MalformedResponse(f"the card sent no data to {doing}")
        return self.data


T = TypeVar("T")
# A dialogue: it yields commands, is sent responses, and returns what it learnt.
Script: TypeAlias = Generator[CommandApdu, ResponseApdu, T]
