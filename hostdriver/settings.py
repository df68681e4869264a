"""The host driver's settings, read once from TOML. Unknown keys are refused; times are seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from firmware.settings_file import read_settings_file
from firmware.words import Profile
from hostdriver.eligibility.adapters import GatewaySettings
from hostdriver.eligibility.face_folder import FaceFolderSettings

ReaderName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class ReaderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reader and the way to it."""

    link: Annotated[str, msgspec.Meta(pattern=r"^(unix|serial):.+\Z")] = "unix:link.sock"
    """`unix:PATH` (relative to runtime_dir) or `serial:PORT`."""
    device_key: str | None = None
    """File with the device's public key (JWK), pinned by hand.

    Without it the key of the first device that answers is kept in state_dir/devices/ and every
    other key is refused from then on. Over a Unix socket both ends are on one machine; over a
    serial line only the device answers with which `kazashi pair` was done.
    """


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long, how much. `time_scale` stretches every time below but `result_kept_s`."""

    device_answers_within_s: Seconds = 5.0
    """After a start or a cancel."""
    gateway_answers_within_s: Seconds = 15.0
    """The eligibility service."""
    overdue_s: Seconds = 30.0
    """Past its own timeout_s a visit is given up."""
    grace_s: Seconds = 2.0
    """A client's lost connection cancels its visit after this, until CONFIRMING."""
    result_kept_s: Seconds = 600.0
    """A result that nobody acknowledges."""
    reconnect_s: Seconds = 0.5
    """Between two tries to reach a device."""
    hello_within_s: Seconds = 10.0
    """A client that says nothing is disconnected after this."""
    connections: Annotated[int, msgspec.Meta(ge=1)] = 64
    """Clients at a time."""
    requests_in_flight: Annotated[int, msgspec.Meta(ge=1)] = 16
    """On one connection."""
    lines_waiting: Annotated[int, msgspec.Meta(ge=4)] = 256
    """For one client to read them; a slower one is disconnected."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a site can set."""

    state_dir: str
    """The folder of what the driver must not forget: the ledger, its key, the readers' keys. Its
    user's alone (0700)."""
    runtime_dir: str
    """The folder of its socket."""
    socket: Annotated[str, msgspec.Meta(pattern=r"^(unix:.+|tcp:[0-9]{1,5})\Z")] = (
        "unix:hostdriver.sock"
    )
    """`unix:PATH` (relative to runtime_dir), or `tcp:PORT`: loopback only, with the token in
    state_dir/socket.token. `tcp:0` takes a free port; the READY line tells it."""
    socket_group: str | None = None
    """The group that may connect (the socket is 0660). None: the driver's own."""
    client_uids: tuple[int, ...] = ()
    """User ids that may connect; empty: whoever the socket's mode lets in."""
    profile: Profile = Profile.CLINIC
    """What kind of site this is, where a request does not say."""
    readers: Annotated[dict[ReaderName, ReaderSettings], msgspec.Meta(min_length=1)] = (
        msgspec.field(default_factory=lambda: {"kazashi-1": ReaderSettings()})
    )
    gateway: GatewaySettings = GatewaySettings()
    face_folder: FaceFolderSettings | None = None
    limits: LimitSettings = LimitSettings()
    time_scale: Seconds = 1.0
    """All time limits times this: for emulated machines."""


def read_settings(path: Path) -> Settings:
    """The settings in a TOML file. Raises `BadSettings`, which names all that is wrong."""
    return read_settings_file(path, Settings)
