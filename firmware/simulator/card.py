"""VirtualCard: a My Number Card as a machine that takes commands and answers them.

Bytes in, bytes out, no clock, no socket. Its files come from a `CardImage`, its access rules from
`firmware.card.files`. Where real cards differ, `CardOptions` choose; where nothing is public, it is
strict.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from firmware.card import status_word as sw
from firmware.card.apdu import (
    CURRENT_FILE,
    INS_SIGN,
    INS_VERIFY,
    SHORT_LE_MAX,
    CommandApdu,
    ResponseApdu,
    is_extended,
)
from firmware.card.files import (
    CARD_FACE_CHIP_KEY,
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
from firmware.simulator.card_atr import ATRS, PUPI_BYTES, Atr, atr_with_pupi
from firmware.simulator.card_forgery import forged
from firmware.simulator.card_image import ALL_EFS, RECORD_EFS, SIGNING_KEYS, CardImage
from firmware.simulator.card_keys import KeyRing
from firmware.simulator.card_objects import data_object
from firmware.simulator.card_options import AS_USUAL, CardOptions
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


def source_of_chance(seed: str | None) -> Callable[[int], bytes]:
    """Where the card takes n random bytes from: for ever the same ones by a tester's word."""
    return secrets.token_bytes if seed is None else random.Random(seed).randbytes  # noqa: S311


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
    """What is selected, between two power cuts or two SELECTs of an application."""

    application: Aid | None = None
    current: Target | None = None


class VirtualCard:
    """One card with its retry counters, which outlive every session."""

    def __init__(
        self, image: CardImage, kind: ChipKind = MY_NUMBER_CARD, options: CardOptions = AS_USUAL
    ) -> None:
        self._image = image if options.broken is None else forged(image, options.broken)
        self._kind, self._options = kind, options
        self._draw = source_of_chance(options.seed)
        self._keys = KeyRing(image.secrets, options)
        self._terminal = TerminalCheck(image.terminal_root, self._draw)
        self._session = Session()
        self._commands = self._verifies_sent = 0
        self._awake = False
        self.atr = self._answer_to_reset()

    def _answer_to_reset(self) -> bytes:
        atr = self._options.atr
        if atr is Atr.CONTACTLESS_PUPI:
            return atr_with_pupi(self._draw(PUPI_BYTES))
        return self._kind.atr if atr is None else ATRS[atr]

    def power_on(self) -> None:
        """The reader gives power: everything but the counters begins anew."""
        self.power_off()
        self.atr = self._answer_to_reset()

    def power_off(self) -> None:
        """Power is gone, and with it every open key."""
        self._forget()
        self._awake = False

    def reset(self) -> None:
        """A warm reset, which keeps selection and open keys (measured on cards, B)."""
        if self._options.reset_closes_keys:
            self._forget()

    def _forget(self) -> None:
        self._session = Session()
        self._keys.close()
        self._terminal.forget()

    def report(self) -> CardReport:
        """Counters, for tests and for the control socket."""
        tries = {key.name.lower(): left for key, left in self._keys.tries_left.items()}
        return CardReport(self._commands, self._verifies_sent, tries)

    def process(self, command: bytes) -> bytes:
        """Answer one command; never raises, whatever the bytes are."""
        self._commands += 1
        if self._options.first_command_fails and not self._awake:
            self._awake = True
            return ResponseApdu(b"", sw.NO_DIAGNOSIS).encode()
        if self._options.short_lengths_only and is_extended(command):
            return ResponseApdu(b"", sw.WRONG_LENGTH).encode()
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
        """By the whole name or its beginning (JICSAP); closes what was open, but for an option."""
        there = (aid for aid in Aid if aid in self._kind.applications)
        found = next((aid for aid in there if name and aid.value.startswith(name)), None)
        if found is None:
            raise Refused(sw.FILE_NOT_FOUND)
        if not self._options.select_keeps_keys:
            self._forget()
        self._session = Session(application=found)

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
        if not isinstance(ef, Ef) or ef in RECORD_EFS:
            raise Refused(sw.WRONG_FILE_TYPE)
        content = self._readable(ef)
        if offset >= len(content):
            raise Refused(sw.WRONG_OFFSET)
        return self._part(content[offset : offset + command.le], command.le)

    def _part(self, part: bytes, wanted: int) -> ResponseApdu:
        """What there is of a file, where `wanted` bytes were asked for."""
        if len(part) < wanted:
            match self._options.short_read:
                case "6282":
                    return ResponseApdu(part, sw.END_OF_FILE)
                case "6Cxx" if len(part) <= SHORT_LE_MAX:
                    return ResponseApdu(b"", sw.exact_length_status(len(part)))
        return ResponseApdu(part, sw.SUCCESS)

    def _read_record(self, command: CommandApdu) -> ResponseApdu:
        if command.p2 & 0x07 != 0x04:
            raise Refused(sw.WRONG_P1_P2)
        if short_id := command.p2 >> 3:
            self._session.current = self._find(short_id)
        ef = self._current()
        if not isinstance(ef, Ef) or ef not in RECORD_EFS:
            raise Refused(sw.WRONG_FILE_TYPE)
        if command.p1 != 1:
            raise Refused(sw.RECORD_NOT_FOUND)
        return ResponseApdu(self._readable(ef), sw.SUCCESS)

    def _readable(self, ef: Ef) -> bytes:
        """The content, if a key that opens it is open; of some, none is known."""
        opened_by = self._kind.opened_by.get(ef, ef.opened_by)
        never = ef.off_limits and not opened_by
        if never or (opened_by and not self._keys.any_open(opened_by)):
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
            return ResponseApdu(b"", self._keys.query(key))
        self._verifies_sent += 1
        return ResponseApdu(b"", self._keys.present(key, command.data))

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
        return not key.opened_by or self._keys.any_open(key.opened_by)

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

    def _session_keys(self, command: CommandApdu) -> ResponseApdu:
        """Secure messaging: how its keys are made is not public, so it is never begun."""
        raise Refused(sw.NO_SESSION_KEYS)

    def _last_command(self, command: CommandApdu) -> ResponseApdu:
        """How one kind of phone is told goodbye; a card refuses it by its length (measured, B)."""
        raise Refused(sw.WRONG_LENGTH)

    # --- the card itself ---------------------------------------------------------------------
    def _get_data(self, command: CommandApdu) -> ResponseApdu:
        """Before any application is selected (some cards answer only after; B)."""
        value = data_object(self._image, command.p1 << 8 | command.p2)
        if value is None or self._session.application not in (None, Aid.ISSUER_SECURITY_DOMAIN):
            raise Refused(sw.REFERENCE_NOT_FOUND)
        return ResponseApdu(value, sw.SUCCESS)

    COMMANDS: ClassVar[dict[tuple[int, int], Action]] = {  # by CLA and INS
        (0x00, 0xA4): _select,
        (0x00, 0xB0): _read_binary,
        (0x00, 0xB2): _read_record,
        (0x00, INS_VERIFY): _verify,
        (0x80, INS_SIGN): _sign,
        (0x00, 0x88): _internal_authenticate,
        (0x00, 0x84): _get_challenge,
        (0x80, 0xA2): _terminal_certificate,
        (0x80, 0xAE): _session_keys,
        (0x80, 0xFC): _last_command,
        (0x00, 0x82): _external_authenticate,
        (0x00, 0xCA): _get_data,
    }
