"""VirtualCard: a My Number Card as a machine that takes commands and answers them.

Pure: bytes in, bytes out, no clock, no socket. Its files come from a `CardImage`, its access
rules from `firmware.card.files`. Where real cards differ or nothing is public, it is strict.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from firmware.card import status_word as sw
from firmware.card.apdu import CURRENT_FILE, SHORT_LE_MAX, CommandApdu, ResponseApdu
from firmware.card.files import (
    CARD_FACE_CHIP_KEY,
    CARD_SERIAL,
    CARD_TEXT_CHIP_KEY,
    COMMON_CHIP_KEY,
    TERMINAL_CERTIFICATE_KEY_ID,
    USER_AUTHENTICATION_KEY,
    Aid,
    Ef,
    Key,
    SigningKey,
)
from firmware.faults import MalformedCommand
from firmware.simulator.card_image import ALL_EFS, SIGNING_KEYS, CardImage
from firmware.simulator.card_signing import compute_signature
from firmware.simulator.chip_kinds import CHIP_KINDS, ChipKind
from firmware.simulator.slot import CardReport
from firmware.simulator.terminal_dialogue import TerminalCheck
from firmware.words import CardKind

MY_NUMBER_CARD: Final = CHIP_KINDS[CardKind.MY_NUMBER_CARD]
SELECTED: Final = 0x80  # P1 of READ BINARY and P2 of VERIFY: the low five bits name a file
SHORT_ID: Final = 0x1F


class Refused(Exception):
    """Ends one command with a status word; never leaves this module."""

    def __init__(self, status_word: int) -> None:
        self.status_word = status_word


class TerminalRoot:
    """EF 0016, which `80 A2` works on: not readable, no PIN, no signature."""


Target = Ef | Key | SigningKey | TerminalRoot


def _targets() -> dict[tuple[Aid, int], Target]:
    """Everything that SELECT finds, by application and id."""
    found: dict[tuple[Aid, int], Target] = {(ef.aid, ef.ef_id): ef for ef in ALL_EFS.values()}
    found |= {(key.aid, key.ef_id): key for key in Key}
    found |= {(key.aid, key.ef_id): key for key in SIGNING_KEYS.values()}
    found[Aid.JPKI, TERMINAL_CERTIFICATE_KEY_ID] = TerminalRoot()
    return found


TARGETS: Final = _targets()
DEFAULT_KEYS: Final = {Aid.CARD_FACE: CARD_FACE_CHIP_KEY, Aid.CARD_TEXT: CARD_TEXT_CHIP_KEY}


Action = Callable[["VirtualCard", CommandApdu], ResponseApdu]


@dataclass(slots=True)
class Session:
    """What the card knows between two power cuts, or two SELECTs of an application."""

    application: Aid | None = None
    current: Target | None = None
    opened: set[Key] = field(default_factory=set)


class VirtualCard:
    """One card with its retry counters, which outlive every session."""

    def __init__(self, image: CardImage, kind: ChipKind = MY_NUMBER_CARD) -> None:
        self.atr = kind.atr
        self._image, self._kind = image, kind
        self._tries = {key: secret.tries_left for key, secret in image.secrets.items()}
        self._terminal = TerminalCheck(image.terminal_root)
        self._session = Session()
        self._commands = self._verifies_sent = 0

    def power_on(self) -> None:
        """The reader gives power: everything but the counters begins anew."""
        self.power_off()

    def power_off(self) -> None:
        """Power is gone, and with it every open key."""
        self._session = Session()
        self._terminal.forget()

    def reset(self) -> None:
        """A warm reset, which keeps selection and open keys (measured on cards, B)."""

    def report(self) -> CardReport:
        """Counters, for tests and for the control socket."""
        tries = {key.name.lower(): left for key, left in self._tries.items()}
        return CardReport(self._commands, self._verifies_sent, tries)

    def process(self, command: bytes) -> bytes:
        """Answer one command; never raises, whatever the bytes are."""
        self._commands += 1
        try:
            return self._answer(CommandApdu.decode(command)).encode()
        except MalformedCommand:
            return ResponseApdu(b"", sw.WRONG_LENGTH).encode()
        except Refused as refusal:
            return ResponseApdu(b"", refusal.status_word).encode()

    def _answer(self, command: CommandApdu) -> ResponseApdu:
        if command.cla not in (0x00, 0x80):
            other_channel = command.cla & 0x7F in (0x01, 0x02, 0x03)
            raise Refused(sw.CHANNEL_NOT_SUPPORTED if other_channel else sw.UNKNOWN_CLASS)
        action = self.COMMANDS.get((command.cla, command.ins))
        if action is None:
            raise Refused(sw.UNKNOWN_INSTRUCTION)
        return action(self, command)

    # --- SELECT, READ ------------------------------------------------------------------------
    def _select(self, command: CommandApdu) -> ResponseApdu:
        match command.p1:
            case 0x00:  # the master file: refused after a reset, later taken and without effect
                if self._session.application is None:
                    raise Refused(sw.WRONG_P1_P2)
            case 0x02:
                if len(command.data) != 2:
                    raise Refused(sw.WRONG_LENGTH)
                self._session.current = self._find(int.from_bytes(command.data, "big"))
            case 0x04:
                self._select_application(command.data)
            case _:
                raise Refused(sw.WRONG_P1_P2)
        return ResponseApdu(b"", sw.SUCCESS)

    def _select_application(self, name: bytes) -> None:
        """By the whole name or its beginning (JICSAP); closes what was open."""
        there = (aid for aid in Aid if aid in self._kind.applications)
        found = next((aid for aid in there if name and aid.value.startswith(name)), None)
        if found is None:
            raise Refused(sw.FILE_NOT_FOUND)
        self._session = Session(application=found)
        self._terminal.forget()

    def _find(self, ef_id: int) -> Target:
        application = self._session.application
        target = None if application is None else TARGETS.get((application, ef_id))
        if target is None or (isinstance(target, Ef) and target not in self._image.files):
            raise Refused(sw.FILE_NOT_FOUND)
        return target

    def _current(self) -> Target:
        if self._session.current is None:
            raise Refused(sw.NO_CURRENT_EF)
        return self._session.current

    def _read_binary(self, command: CommandApdu) -> ResponseApdu:
        if command.le is None or command.data:
            raise Refused(sw.WRONG_LENGTH)
        if command.p1 & SELECTED:
            self._session.current = self._find(command.p1 & SHORT_ID)
            offset = command.p2
        else:
            offset = command.p1 << 8 | command.p2
        ef = self._current()
        if not isinstance(ef, Ef) or ef is CARD_SERIAL:
            raise Refused(sw.WRONG_FILE_TYPE)
        content = self._readable(ef)
        if offset >= len(content):
            raise Refused(sw.WRONG_OFFSET)
        return ResponseApdu(content[offset : offset + command.le], sw.SUCCESS)

    def _read_record(self, command: CommandApdu) -> ResponseApdu:
        if command.p2 & 0x07 != 0x04:
            raise Refused(sw.WRONG_P1_P2)
        if short_id := command.p2 >> 3:
            self._session.current = self._find(short_id)
        ef = self._current()
        if ef is not CARD_SERIAL:
            raise Refused(sw.WRONG_FILE_TYPE)
        if command.p1 != 1:
            raise Refused(sw.RECORD_NOT_FOUND)
        return ResponseApdu(self._readable(CARD_SERIAL), sw.SUCCESS)

    def _readable(self, ef: Ef) -> bytes:
        """The content, if a key that opens it is open; of some, none is known."""
        opened_by = self._kind.opened_by.get(ef, ef.opened_by)
        never = ef.off_limits and not opened_by
        if never or (opened_by and self._session.opened.isdisjoint(opened_by)):
            raise Refused(sw.SECURITY_NOT_SATISFIED)
        return self._image.files[ef]

    # --- VERIFY ------------------------------------------------------------------------------
    def _verify(self, command: CommandApdu) -> ResponseApdu:
        if command.p1 != 0x00 or not command.p2 & SELECTED:
            raise Refused(sw.WRONG_P1_P2)
        if command.p2 != CURRENT_FILE:
            self._session.current = self._find(command.p2 & SHORT_ID)
        key = self._current()
        if not isinstance(key, Key):
            raise Refused(sw.WRONG_FILE_TYPE)
        if not command.data:
            # 63Cx even after a success: some cards say 9000 then, which OpenSC takes for a fault.
            raise Refused(sw.tries_status(self._tries[key]))
        self._verifies_sent += 1
        return ResponseApdu(b"", self._compare(key, command.data))

    def _compare(self, key: Key, presented: bytes) -> int:
        """One try. A wrong length costs one too (not known of real cards: the stricter guess)."""
        self._session.opened.discard(key)
        if self._tries[key] == 0:
            return sw.KEY_LOCKED
        if hmac.compare_digest(presented, self._image.secrets[key].value):
            self._tries[key] = key.initial_tries
            self._session.opened.add(key)
            return sw.SUCCESS
        self._tries[key] -= 1
        return sw.tries_status(self._tries[key])

    # --- the private keys --------------------------------------------------------------------
    def _sign(self, command: CommandApdu) -> ResponseApdu:
        key = self._signing_key(command.p2)
        if not self._is_open(key):
            raise Refused(sw.SECURITY_NOT_SATISFIED)
        if command.le is None:
            raise Refused(sw.WRONG_LENGTH)
        return compute_signature(self._image.private_keys[key], command.p1, command.data)

    def _signing_key(self, p2: int) -> SigningKey:
        """The application's own key for 00, the current file for 80, or the one that P2 names."""
        if p2 == 0x00:
            return self._default_key()
        if not p2 & SELECTED:
            raise Refused(sw.WRONG_P1_P2)
        if p2 != CURRENT_FILE:
            self._session.current = self._find(p2 & SHORT_ID)
        key = self._current()
        if not isinstance(key, SigningKey) or key is COMMON_CHIP_KEY:
            raise Refused(sw.WRONG_FILE_TYPE)
        return key

    def _default_key(self) -> SigningKey:
        application = self._session.application
        if application is None or application not in DEFAULT_KEYS:
            raise Refused(sw.REFERENCE_NOT_FOUND)
        return DEFAULT_KEYS[application]

    def _is_open(self, key: SigningKey) -> bool:
        """By one of its PINs; the user-authentication key also by a proven terminal."""
        if key is USER_AUTHENTICATION_KEY and self._terminal.proven:
            return True
        return not key.opened_by or not self._session.opened.isdisjoint(key.opened_by)

    def _internal_authenticate(self, command: CommandApdu) -> ResponseApdu:
        if self._session.application is not Aid.COMMON:
            raise Refused(sw.CONDITIONS_NOT_SATISFIED)
        if command.p2 != SELECTED | COMMON_CHIP_KEY.ef_id:
            raise Refused(sw.REFERENCE_NOT_FOUND)
        return compute_signature(self._image.private_keys[COMMON_CHIP_KEY], 0x00, command.data)

    # --- terminals ---------------------------------------------------------------------------
    def _get_challenge(self, command: CommandApdu) -> ResponseApdu:
        if command.data or command.le is None:
            raise Refused(sw.WRONG_LENGTH)
        if command.le > SHORT_LE_MAX:
            raise Refused(sw.CONDITIONS_NOT_SATISFIED)
        return ResponseApdu(self._terminal.challenge(command.le), sw.SUCCESS)

    def _terminal_certificate(self, command: CommandApdu) -> ResponseApdu:
        if not isinstance(self._current(), TerminalRoot):
            raise Refused(sw.WRONG_FILE_TYPE)
        return ResponseApdu(b"", self._terminal.receive_certificate(command))

    def _external_authenticate(self, command: CommandApdu) -> ResponseApdu:
        return ResponseApdu(b"", self._terminal.receive_proof(command.data))

    def _get_data(self, command: CommandApdu) -> ResponseApdu:
        """The objects behind GET DATA are of no use to a reader; none is modelled."""
        raise Refused(sw.REFERENCE_NOT_FOUND)

    COMMANDS: ClassVar[dict[tuple[int, int], Action]] = {  # by CLA and INS
        (0x00, 0xA4): _select,
        (0x00, 0xB0): _read_binary,
        (0x00, 0xB2): _read_record,
        (0x00, 0x20): _verify,
        (0x80, 0x2A): _sign,
        (0x00, 0x88): _internal_authenticate,
        (0x00, 0x84): _get_challenge,
        (0x80, 0xA2): _terminal_certificate,
        (0x00, 0x82): _external_authenticate,
        (0x00, 0xCA): _get_data,
    }
