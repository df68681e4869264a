"""What was measured of a device, before anybody judges it: plain values, one struct a check."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from firmware.words import ClockTrust


class Unasked(StrEnum):
    """Why a check was not made. The texts stand in texts.toml."""

    NOT_CHOSEN = "not_chosen"  # the caller wants other checks
    SETTINGS_WRONG = "settings_wrong"
    NOT_FITTED = "not_fitted"  # the site has no such part, and says so in its settings
    VISIT_UNDER_WAY = "visit_under_way"  # the part is in use
    FIRMWARE_STOPPED = "firmware_stopped"
    JUST_STARTED = "just_started"  # the running firmware has not looked yet
    NOT_HERE = "not_here"  # it is on another machine, or not for this user to read
    CANNOT_TELL = "cannot_tell"  # this machine has nothing that would know


class Fact(msgspec.Struct, frozen=True, tag=True):
    """What one check measured."""


class NotAsked(Fact, frozen=True):
    """Nothing was measured."""

    why: Unasked


class SettingsFact(Fact, frozen=True):
    """What is wrong with the settings file, a line each."""

    complaints: tuple[str, ...] = ()


class FirmwareFact(Fact, frozen=True):
    """Whether the firmware runs here; `why_not`: why it could not be asked."""

    runs: bool
    why_not: str = ""


class ReaderState(StrEnum):
    """How the card reader stands."""

    WELL = "well"  # there is one; a card on it, if any, answers
    NO_SERVICE = "no_service"  # pcscd does not answer
    REFUSED = "refused"  # pcscd will not speak to the firmware's user
    NONE = "none"
    NONE_FITS = "none_fits"  # there are readers, and none is the one in the settings
    HELD = "held"  # another program has it for itself alone
    CARD_SILENT = "card_silent"
    HANGS = "hangs"  # no answer in time


class ReaderFact(Fact, frozen=True):
    """The card reader. `says` is what the PC/SC service said."""

    state: ReaderState
    readers: tuple[str, ...] = ()
    """Names of all that are there."""
    says: str = ""


class CameraState(StrEnum):
    """How a camera stands."""

    WELL = "well"
    ABSENT = "absent"  # it cannot be opened, or gives no picture
    FROZEN = "frozen"  # the same picture again and again
    BLACK = "black"


class CameraFact(Fact, frozen=True):
    """A camera. `says` is what its driver said."""

    state: CameraState
    says: str = ""


class LightsFact(Fact, frozen=True):
    """Whether the lamp and the buzzer are on real pins."""

    there: bool
    says: str = ""


class SoundFact(Fact, frozen=True):
    """What the panel's voice needs."""

    clips_missing: int
    """Sound files that the texts ask for and that are not there; -1: there is no manifest."""
    device: bool
    """The system has a sound device."""


class ClockFact(Fact, frozen=True):
    """Where the wall time comes from."""

    trust: ClockTrust


class DiskFact(Fact, frozen=True):
    """The disk below the state folder."""

    folder: str
    writable: bool
    free_bytes: int
    total_bytes: int


class LedgerFact(Fact, frozen=True):
    """The host driver's ledger, where that runs on this machine."""

    whole: bool
    says: str = ""


class ModelsFact(Fact, frozen=True):
    """The networks that the settings choose: files that are missing, files that are others."""

    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    not_signed: str = ""
    """Why the set as a whole is not the one that was shipped."""


class PairingFact(Fact, frozen=True):
    """Whether a host is pinned for the serial line."""

    paired: bool


class PowerFact(Fact, frozen=True):
    """What the Raspberry Pi's firmware says of voltage and throttling (`get_throttled`)."""

    flags: int


class HeatFact(Fact, frozen=True):
    """The hottest thermal zone."""

    celsius: float


class MemoryFact(Fact, frozen=True):
    """Memory that could still be had."""

    available_bytes: int


class FontsFact(Fact, frozen=True):
    """Whether a font for Japanese is installed."""

    japanese: bool


class PanelFact(Fact, frozen=True):
    """Whether the panel's page answers on loopback."""

    answers: bool
    says: str = ""


UNCHOSEN = NotAsked(Unasked.NOT_CHOSEN)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one device. The fields are the checks, in the order they are told in."""

    settings: SettingsFact | NotAsked = UNCHOSEN
    firmware: FirmwareFact | NotAsked = UNCHOSEN
    reader: ReaderFact | NotAsked = UNCHOSEN
    face_camera: CameraFact | NotAsked = UNCHOSEN
    tray_camera: CameraFact | NotAsked = UNCHOSEN
    lights: LightsFact | NotAsked = UNCHOSEN
    sound: SoundFact | NotAsked = UNCHOSEN
    panel: PanelFact | NotAsked = UNCHOSEN
    fonts: FontsFact | NotAsked = UNCHOSEN
    clock: ClockFact | NotAsked = UNCHOSEN
    pairing: PairingFact | NotAsked = UNCHOSEN
    models: ModelsFact | NotAsked = UNCHOSEN
    ledger: LedgerFact | NotAsked = UNCHOSEN
    disk: DiskFact | NotAsked = UNCHOSEN
    memory: MemoryFact | NotAsked = UNCHOSEN
    power: PowerFact | NotAsked = UNCHOSEN
    heat: HeatFact | NotAsked = UNCHOSEN


CHECKS: tuple[str, ...] = Facts.__struct_fields__


class Known(msgspec.Struct, frozen=True):
    """What only the running firmware knows, because it holds the part."""

    idle: bool
    """No visit is under way."""
    clock_trust: ClockTrust
    camera_told: bool
    """The face camera was looked at since the start."""
    camera_code: str | None
    """The code of its fault; None: it is well."""
    lights: bool
    """The lamp and the buzzer are on real pins."""
