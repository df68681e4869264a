"""One frozen `Settings`, read once from TOML. Unknown keys are refused; times are in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec

from firmware.faults import BadSettings
from firmware.words import ClockTrust, Language, Layout, Method, Profile

LOOKS_OF_A_VISIT: Final = 3
ReaderPattern = Annotated[str, msgspec.Meta(min_length=1)]
"""Name of a PC/SC reader, or a pattern for it (fnmatch)."""


class CardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card worker's."""

    reader: ReaderPattern | Annotated[tuple[ReaderPattern, ...], msgspec.Meta(min_length=1)] = "*"
    """One, or several in order of preference. All readers that fit are watched; the one is used
    that a card is laid on first."""
    pcsc_socket: str | None = None
    """A private PC/SC daemon's socket, in place of the system's."""
    terminal_authority: str | None = None
    """`entry point:argument` of the PIN-less path; None: the card signs for a PIN only."""
    issuer_keys: str | None = None
    """JSON file of card-face issuer keys; without it photos are `unverified`."""
    allow_unverified_photo: bool = False
    block_bytes: Annotated[int, msgspec.Meta(ge=256, le=65536)] = 65536
    """The most that one read asks of a reader, which is learnt to be less where it refuses. 256 for
    a reader that falls silent over more."""
    answer_within_s: float = 3.0

    @property
    def readers(self) -> tuple[str, ...]:
        """The patterns."""
        return (self.reader,) if isinstance(self.reader, str) else self.reader


class VisionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vision worker's. A camera is `kind:argument`: `pi:0`, `images:DIR`, `video:FILE`,
    `v4l2:0`, or the name of a `kazashi.cameras` entry point."""

    face_camera: str = "pi:0"
    tray_camera: str | None = None
    models: str = "models"
    detector: str = "face-detector"
    landmarks: str = "face-landmarks"
    embedder: str = "face-embedder"
    """Which folders in `models` the networks are taken from (models/README.md)."""
    threads: int = 1
    liveness: bool = True
    """Look whether a face is alive; without it every statement says `pad: not_done`."""
    screen_light: bool = True
    """Light the face by the panel's page while the camera looks. Without it, whether a face is live
    is told by what is left, and less surely."""
    answer_within_s: float = 5.0


Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]
"""A number of the Broadcom chip, as gpiozero counts; all on the header."""


class PinSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wired where. The inputs close a circuit to ground; None: there is no such part."""

    red: Pin = 17
    green: Pin = 27
    blue: Pin = 22
    buzzer: Pin = 18
    """Lamp and buzzer: gpiozero does PWM in software on any pin."""
    staff_button: Pin | None = None
    """Pressed, it says that the staff are here."""
    tamper_switch: Pin | None = None
    """Closed while the enclosure is shut. Never name a pin that nothing is wired to: it would read
    as an open enclosure, and no visit would begin."""

    def __post_init__(self) -> None:
        wired = [pin for pin in msgspec.structs.astuple(self) if pin is not None]
        if len(set(wired)) != len(wired):
            raise ValueError("two parts are on one pin")


class StaffMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may look in the camera's place. `passcode` is `salt$hash` in hex, by scrypt."""

    staff_id: str
    passcode: str


class PanelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the panel looks before anybody has touched it; each person can change the comforts."""

    layout: Layout = Layout.FULL
    """`low` keeps every control in the lower half, for a screen that hangs high."""
    large: bool = False
    """Large type."""
    contrast: bool = False
    """High contrast."""
    shuffle_keys: bool = False
    """Keys of the pads in a new order each time: hides the PIN from an onlooker, and makes it hard
    for whoever types by habit or cannot see well."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a site can set."""

    state_dir: str
    runtime_dir: str
    device_id: str = "kazashi-1"
    link: str = "unix:link.sock"
    """`unix:PATH` (relative to runtime_dir) or `serial:PORT`."""
    panel_port: int = 8770
    """0 takes a free one; the address stands in runtime_dir/panel.json."""
    speech: str | None = None
    """Folder of what the panel says, as `python -m firmware.panel.speech` rendered it; None: the
    panel is silent."""
    profiles: tuple[Profile, ...] = (Profile.CLINIC,)
    methods: tuple[Method, ...] = (Method.FACE, Method.PIN, Method.STAFF)
    language: Language = Language.JA
    hotline: str = "0120-95-0178"
    clock_trust: ClockTrust | None = None
    """None asks the system."""
    time_scale: float = 1.0
    """All time limits times this: for emulated machines."""
    looks: int = LOOKS_OF_A_VISIT
    """Comparisons of faces in one visit."""
    look_s: float = 8.0
    staff: tuple[StaffMember, ...] = ()
    panel: PanelSettings = PanelSettings()
    pins: PinSettings = PinSettings()
    card: CardSettings = CardSettings()
    vision: VisionSettings = VisionSettings()

    @property
    def machine_scale(self) -> float:
        """The factor for what workers and link must keep: hurrying people hurries no machine."""
        return max(1.0, self.time_scale)


def read_settings(path: Path) -> Settings:
    """The settings in a TOML file. Raises `BadSettings`, which names the key."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise BadSettings(f"{path}: {cause}") from cause
