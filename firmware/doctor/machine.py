"""What the machine's own files tell: voltage, heat, memory, disk, sound, fonts, pairing. [shell]

`Machine` stands for the root of the file system; a test gives another folder.
"""

from __future__ import annotations

import http.client
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from firmware.device import LINK_FOLDER
from firmware.doctor import facts as f
from firmware.doctor.facts import NotAsked, Unasked
from firmware.faults import BadSettings, SpeechUnavailable
from firmware.link.trust import Trust
from firmware.panel.launcher import PanelAddress
from firmware.panel.speech import read_manifest, wanted_clips
from firmware.panel.texts import read_marked_texts
from firmware.settings import Settings

PANEL_WITHIN_S: Final = 5.0
PANEL_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:(?P<port>[0-9]{1,5})(?P<path>/[!-~]*)")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that is examined."""

    root: Path = Path("/")

    def power(self) -> f.PowerFact | NotAsked:
        """The Raspberry Pi's `get_throttled`; every other machine has none."""
        for file in sorted(self.root.glob("sys/devices/platform/soc*/soc*:firmware/get_throttled")):
            flags = _number(file, 16)
            if flags is not None:
                return f.PowerFact(flags)
        return NotAsked(Unasked.CANNOT_TELL)

    def heat(self) -> f.HeatFact | NotAsked:
        """The hottest zone that the kernel knows."""
        zones = [_number(file) for file in self.root.glob("sys/class/thermal/*/temp")]
        known = [zone for zone in zones if zone is not None]
        return f.HeatFact(max(known) / 1000) if known else NotAsked(Unasked.CANNOT_TELL)

    def memory(self) -> f.MemoryFact | NotAsked:
        """What the kernel thinks could be had without swapping."""
        try:
            lines = (self.root / "proc/meminfo").read_text().splitlines()
            row = next(line.split() for line in lines if line.startswith("MemAvailable:"))
            return f.MemoryFact(int(row[1]) * 1024)
        except (OSError, StopIteration, ValueError, IndexError):
            return NotAsked(Unasked.CANNOT_TELL)

    def fonts(self) -> f.FontsFact:
        """The font that the panel's page is set in."""
        return f.FontsFact(any((self.root / "usr/share/fonts").rglob("NotoSansCJK*")))

    def sound(self, settings: Settings) -> f.SoundFact | NotAsked:
        """The voice's files, and something to play them on; nothing where the site wants none."""
        if settings.speech is None:
            return NotAsked(Unasked.NOT_FITTED)
        try:
            cards = (self.root / "proc/asound/cards").read_text()
        except OSError:
            cards = ""
        device = bool(cards.strip()) and "no soundcards" not in cards
        return f.SoundFact(_clips_missing(Path(settings.speech)), device)


def disk(settings: Settings) -> f.DiskFact:
    """The file system that the state folder is on, or will be."""
    folder = Path(settings.state_dir).absolute()
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    stands = os.statvfs(there)
    return f.DiskFact(
        folder=str(folder),
        writable=not stands.f_flag & os.ST_RDONLY,
        free_bytes=stands.f_bavail * stands.f_frsize,
        total_bytes=stands.f_blocks * stands.f_frsize,
    )


def pairing(settings: Settings) -> f.PairingFact | NotAsked:
    """Whom the device was paired with; nobody needs to be where both daemons are on one Pi."""
    if not settings.link.startswith("serial:"):
        return NotAsked(Unasked.NOT_FITTED)
    try:
        pinned = Trust(Path(settings.state_dir) / LINK_FOLDER, "host").pinned()
    except BadSettings:
        return NotAsked(Unasked.NOT_HERE)
    return f.PairingFact(pinned is not None)


def panel(settings: Settings) -> f.PanelFact | NotAsked:
    """Ask for the panel's page as the kiosk's browser does."""
    try:
        content = (Path(settings.runtime_dir) / "panel.json").read_bytes()
        address, _, _token = msgspec.json.decode(content, type=PanelAddress).address.partition("#")
    except FileNotFoundError:
        return NotAsked(Unasked.FIRMWARE_STOPPED)
    except (OSError, msgspec.MsgspecError):
        return NotAsked(Unasked.NOT_HERE)
    if not (told := PANEL_ADDRESS.fullmatch(address)):
        return f.PanelFact(answers=False, says="its address is not on loopback")
    # Root may be asking, at an address that another user wrote: nowhere else than there.
    page = http.client.HTTPConnection("127.0.0.1", int(told["port"]), timeout=PANEL_WITHIN_S)
    try:
        page.request("GET", told["path"])
        status = page.getresponse().status
    except (http.client.HTTPException, OSError) as cause:
        return f.PanelFact(answers=False, says=str(cause))
    finally:
        page.close()
    if status != http.HTTPStatus.OK:
        return f.PanelFact(answers=False, says=f"it says {status}")
    return f.PanelFact(answers=True)


def _clips_missing(folder: Path) -> int:
    """How many sound files the texts ask for in vain; -1 without a manifest."""
    try:
        said = read_manifest(folder).clips
    except SpeechUnavailable:
        return -1
    return sum(
        key not in said.get(language, {}) or not (folder / language / f"{key}.wav").is_file()
        for language, clips in wanted_clips(read_marked_texts()).items()
        for key in clips
    )


def _number(file: Path, base: int = 10) -> int | None:
    try:
        return int(file.read_text().strip(), base)
    except (OSError, ValueError):
        return None
