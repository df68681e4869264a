"""One frozen `Settings`, read once from TOML. Unknown keys are refused; times are in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec

from firmware.settings_file import read_settings_file
from firmware.words import ClockTrust, Language, Layout, Method, Profile

LOOKS_OF_A_VISIT: Final = 3
ReaderPattern = Annotated[str, msgspec.Meta(min_length=1)]
"""Name of a PC/SC reader, or a pattern for it (fnmatch)."""


class CardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card reader, and how cards are read."""

    reader: ReaderPattern | Annotated[tuple[ReaderPattern, ...], msgspec.Meta(min_length=1)] = "*"
    """One, or several in order of preference. All readers that fit are watched; the one is used
    that a card is laid on first."""
    pcsc_socket: str | None = None
    """A private PC/SC daemon's socket, in place of the system's."""
    terminal_authority: str | None = None
    """`entry point:argument` of the PIN-less path. None: the card signs for a PIN only."""
    issuer_keys: str | None = None
    """JSON file of card-face issuer keys; without it photos are `unverified`."""
    allow_unverified_photo: bool = False
    """Whether a face may be compared with a photo whose issuer could not be checked."""
    block_bytes: Annotated[int, msgspec.Meta(ge=256, le=65536)] = 65536
    """The most that one read asks of a reader, which is learnt to be less where it refuses. 256 for
    a reader that falls silent over more."""
    answer_within_s: float = 3.0
    """A reader that is silent for longer in the middle of a command is given up."""

    @property
    def readers(self) -> tuple[str, ...]:
        """The patterns."""
        return (self.reader,) if isinstance(self.reader, str) else self.reader


ModelFolder = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
"""A folder's name, no path: what is signed is what lies in `models`."""


class VisionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cameras, and how faces are compared. A camera is `kind:argument`: `pi:0`, `pi:1@10`
    (its lens set to 10 cm), `images:DIR`, `video:FILE`, `v4l2:0`,
    `v4l2:/dev/v4l/by-id/NAME`, or the name of a `kazashi.cameras` entry point."""

    face_camera: str = "pi:0"
    """The camera that looks at the patient."""
    tray_camera: str | None = None
    """The camera that reads the print of the card in the tray. Without one, staff key it in."""
    models: str = "models"
    """The folder of the networks."""
    models_key: str | None = None
    """PEM file of the Ed25519 key that the folder's manifest must be signed with. Left out: the one
    that the package brings. Needed only for networks of your own."""
    detector: ModelFolder = "face-detector"
    """The folder in `models` of the network that finds faces (models/README.md)."""
    landmarks: ModelFolder = "face-landmarks"
    """The folder of the one that finds eyes, nose and mouth."""
    embedder: ModelFolder = "face-embedder"
    """The folder of the one that makes faces comparable."""
    threads: int = 1
    """How many cores a network may use at once."""
    liveness: bool = True
    """Look whether a face is alive; without it every statement says `pad: not_done`."""
    screen_light: bool = True
    """Light the face by the panel's page while the camera looks. Without it, whether a face is live
    is told by what is left, and less surely."""
    answer_within_s: float = 5.0
    """A camera or a network that is silent for longer is given up."""


Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]
"""A number of the Broadcom chip, as gpiozero counts; all on the header."""


class PinSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wired where. The inputs close a circuit to ground; left out, there is none."""

    red: Pin = 17
    """The lamp's red part. Lamp and buzzer may be on any pin: PWM is done in software."""
    green: Pin = 27
    """Its green part."""
    blue: Pin = 22
    """Its blue part."""
    buzzer: Pin = 18
    """The buzzer; a passive one, which plays notes."""
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
    """Who may look in the camera's place. One such table for each person."""

    staff_id: str
    """Stands in the record of each visit that this person let through."""
    passcode: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+\$([0-9a-f]{2})+\Z")]
    """`salt$hash` in hex, by scrypt, as `kazashi-firmware passcode` prints it."""


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
    """The folder of what the device must not forget: its key, its counter, whom it was paired with.
    Its user's alone (0700)."""
    runtime_dir: str
    """The folder of its sockets."""
    device_id: str = "kazashi-1"
    """The name in every statement that the device signs."""
    link: Annotated[str, msgspec.Meta(pattern=r"^(unix|serial):.+\Z")] = "unix:link.sock"
    """`unix:PATH` (relative to runtime_dir) or `serial:PORT`."""
    link_group: str | None = None
    """The group of the host driver's user, where that is another one than this: it may open a link
    at `unix:` too."""
    panel_group: str | None = None
    """The group of the user whose browser shows the panel, where that is another one than this: it
    may read where the panel is."""
    panel_port: int = 8770
    """The kiosk's list of allowed addresses names this one, under /etc/kazashi-kiosk/chromium. 0
    takes a free one; the address stands in runtime_dir/panel.json."""
    speech: str | None = None
    """Folder of what the panel says, as `python -m firmware.panel.speech` rendered it; None: the
    panel is silent."""
    profiles: tuple[Profile, ...] = (Profile.CLINIC,)
    """What kinds of site reception may ask for: hospital, clinic, dental, pharmacy,
    treatment_parlour, emergency, disaster."""
    methods: tuple[Method, ...] = (Method.FACE, Method.PIN, Method.STAFF)
    """How patients may prove that the card is theirs: face, pin, staff, phone."""
    language: Language = Language.JA
    """In which the panel begins: ja, ja_easy, en, zh, ko, es, pt."""
    hotline: str = "0120-95-0178"
    """The telephone number that is shown to a patient whose card or PIN needs the office's help."""
    clock_trust: ClockTrust | None = None
    """Where the time comes from, if the system is not to be asked: ntp, rtc, host, none."""
    time_scale: float = 1.0
    """All time limits times this: for emulated machines."""
    looks: int = LOOKS_OF_A_VISIT
    """Comparisons of faces in one visit."""
    look_s: float = 8.0
    """How long each of them may take."""
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
    """The settings in a TOML file. Raises `BadSettings`, which names all that is wrong."""
    return read_settings_file(path, Settings)
