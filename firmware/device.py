"""Who this device is: its key, its boot, its counter, and how far to trust its clock. [shell]"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from firmware.clock import MADE_AT, SystemClock
from firmware.faults import BadSettings, StorageUnavailable
from firmware.link.trust import Trust, put_private
from firmware.numbering import Numbering, numbering_of
from firmware.transaction.visit import Now
from firmware.words import ClockTrust

DEVICE_KEY_FILE = "device-key.json"
LINK_FOLDER = "link"
WRONG_PASSCODES_FILE = "wrong-passcodes"
WORN_OUT_AT = MADE_AT.replace(year=MADE_AT.year + 30)
ROOM_BYTES = 64 * 1024
"""Less is no room: a file is written anew before the old one goes, and a disk wants its own."""


class Device:
    """Everything that a device says of itself. Its key never leaves `state_dir`."""

    def __init__(
        self,
        device_id: str,
        state_dir: Path,
        clock_trust: ClockTrust | None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Makes a key at the first start. Raises `BadSettings` when `state_dir` cannot be used."""
        self.device_id = device_id
        self.boot_id: UUID = uuid4()
        self.clock = SystemClock(clock_trust)
        self._monotonic, self._wall = monotonic, wall
        self._host_said: tuple[datetime, float] | None = None
        """The paired host's time, and when it came by the clock that nobody sets."""
        self._state_dir = state_dir
        self.link_trust = Trust(state_dir / LINK_FOLDER, "host")
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.key = _read_or_make_key(state_dir / DEVICE_KEY_FILE)
            self._counter_file = state_dir / "counter"
            text = self._counter_file.read_text() if self._counter_file.exists() else "0"
            self.numbering = self._kept_numbering = numbering_of(text)
            self._wrong_file = state_dir / WRONG_PASSCODES_FILE
            self.wrong_passcodes = _read_wrong_passcodes(self._wrong_file)
            """How many wrong staff passcodes must not be forgotten by a restart."""
        except (OSError, ValueError, JoseError) as cause:
            raise BadSettings(f"state_dir {state_dir} cannot be used: {cause}") from cause

    @property
    def public_key(self) -> dict[str, str]:
        """The public JWK that a host pins."""
        return {name: str(value) for name, value in self.key.as_dict(private=False).items()}

    def count(self, transaction_id: UUID) -> None:
        """Give the next number to that visit's statement, on disk before it is signed: none is
        used twice. Raises `StorageUnavailable`.
        """
        self._keep(self.numbering.made(transaction_id))

    def statement_answered(self) -> None:
        """The host has the last statement on record; `keep_answered` puts that on disk."""
        self.numbering = self.numbering.answered()

    def keep_answered(self) -> None:
        """Put on disk what was answered. Raises `StorageUnavailable`."""
        if self.numbering != self._kept_numbering:
            self._keep(self.numbering)

    def _keep(self, numbering: Numbering) -> None:
        try:
            put_private(self._counter_file, msgspec.json.encode(numbering))
        except OSError as cause:
            raise StorageUnavailable(
                f"the statement's number cannot be kept: {cause.strerror}"
            ) from cause
        self.numbering = self._kept_numbering = numbering

    @property
    def has_room(self) -> bool:
        """Whether what must not be forgotten can be kept: the disk has room, and is writable."""
        try:
            disk = os.statvfs(self._state_dir)
        except OSError:
            return False
        free_bytes = disk.f_bavail * disk.f_frsize
        return free_bytes >= ROOM_BYTES and not disk.f_flag & os.ST_RDONLY

    def keep_wrong_passcodes(self, count: int) -> None:
        """Put that number on disk, if it is another one."""
        if count == self.wrong_passcodes:
            return
        try:
            put_private(self._wrong_file, str(count).encode())
        except OSError as cause:
            raise StorageUnavailable(
                f"wrong passcodes cannot be counted: {cause.strerror}"
            ) from cause
        self.wrong_passcodes = count

    def now(self) -> Now:
        """The wall time and its trust: our own clock's, else what the paired host said."""
        own = self.clock.trust(self._wall())
        if own is ClockTrust.NONE and self._host_said is not None:
            said, at_s = self._host_said
            return Now(said + timedelta(seconds=self._monotonic() - at_s), ClockTrust.HOST)
        return Now(self._wall(), own)

    def hear_host_time(self, said: datetime) -> None:
        """The paired host's time, which counts while our own clock is not to be trusted.

        One that no device of ours will live in is wrong, and might leave no room to count on from.
        """
        if MADE_AT <= said < WORN_OUT_AT:
            self._host_said = (said.astimezone(UTC), self._monotonic())

    @property
    def clock_trust(self) -> ClockTrust:
        """Whom the time comes from."""
        return self.now().trust


def _read_or_make_key(path: Path) -> OKPKey:
    if path.exists():
        return OKPKey.import_key(msgspec.json.decode(path.read_bytes()))
    key = OKPKey.generate_key("Ed25519")
    put_private(path, msgspec.json.encode(key.as_dict(private=True)))
    return key


def _read_wrong_passcodes(path: Path) -> int:
    count = int(path.read_text()) if path.exists() else 0
    if count < 0:
        raise ValueError(f"{path.name} is below zero")
    return count
