"""Kazashi as it is installed on this machine, with a simulated world around it. [shell]

`move_in` gives an installed reader simulated cameras, the test authorities and the insured persons;
its programs, users, units and folders stay as the packages laid them out. `InstalledAppliance` is
then what a visit is played on.
"""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import tomli_w

from firmware.faults import BadSettings, PanelUnavailable
from firmware.panel.launcher import PanelAddress
from firmware.simulator.appliance import STAFF_ID, STAFF_PASSCODE, Addresses
from firmware.simulator.authorities import Authorities
from firmware.simulator.before_cameras import BeforeCameras
from firmware.simulator.camera import Scene, write_scene
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.insured import insured_persons
from firmware.simulator.system_reader import SystemReader
from firmware.simulator.world import World
from firmware.staff import hash_passcode
from firmware.words import Method, Profile
from hostdriver.eligibility.answer import JAPAN
from hostdriver.eligibility.records import seed

SETTINGS: Final = Path("/etc/kazashi")
STATE: Final = Path("/var/lib/kazashi")
RUNTIME: Final = Path("/run/kazashi")
STAGE: Final = Path("/var/lib/kazashi-simulation")
READERS: Final = "Virtual PCD*"
USERS: Final = {"firmware": "kazashi-firmware", "hostdriver": "kazashi-hostdriver"}


def move_in(world: World, *, time_scale: float = 1.0, liveness: bool = False) -> None:
    """Write settings, stage, trust and insured persons; the daemons must be restarted then.

    Settings of the packages stay, but for what names hardware. Raises `BadSettings`, and
    `SimulationNotPrepared` where `world` is not made.
    """
    Authorities(world.authorities).write_public(STAGE / "public")
    shutil.copytree(world.faces, STAGE / "faces", dirs_exist_ok=True)
    shutil.copytree(world.authorities, STAGE / "authorities", dirs_exist_ok=True)
    write_scene(STAGE, Scene())
    give(STAGE, USERS["firmware"])
    _change(SETTINGS / "firmware.toml", _device(time_scale, liveness))
    driver = {"time_scale": time_scale, "gateway": {"accept_without_liveness": not liveness}}
    _change(SETTINGS / "hostdriver.toml", driver)
    state = STATE / "hostdriver"
    (state / "trust").mkdir(parents=True, exist_ok=True)
    shutil.copy(STAGE / "public" / "user-authentication-ca.pem", state / "trust")
    today = dt.datetime.now(JAPAN).date()
    seed(state / "insurers.sqlite", insured_persons(world, today))
    give(state, USERS["hostdriver"])


def _device(time_scale: float, liveness: bool) -> dict[str, Any]:
    return {
        "time_scale": time_scale,
        "profiles": [profile.value for profile in Profile],
        "methods": [method.value for method in Method],
        "staff": [{"staff_id": STAFF_ID, "passcode": hash_passcode(STAFF_PASSCODE.encode())}],
        "card": {
            "reader": READERS,
            "terminal_authority": f"simulated:{STAGE / 'authorities'}",
            "issuer_keys": str(STAGE / "public" / "card-face-issuers.json"),
        },
        "vision": {
            "face_camera": f"simulated:face:{STAGE}",
            "tray_camera": f"simulated:tray:{STAGE}",
            "liveness": liveness,
        },
    }


def _change(path: Path, changed: Mapping[str, Any]) -> None:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise BadSettings(f"{path}: {cause}") from cause
    path.write_text(tomli_w.dumps(merged(settings, changed)), encoding="utf-8")


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, all else is replaced."""
    return {**old} | {
        name: merged(old.get(name, {}), value) if isinstance(value, dict) else value
        for name, value in new.items()
    }


def give(folder: Path, user: str) -> None:
    """All of it belongs to a user, who may have owned it before: no link that he left is followed,
    nor one that he puts in a folder's place meanwhile."""
    owner = pwd.getpwnam(user)
    for _, folders, files, here in os.fwalk(folder):
        os.fchown(here, owner.pw_uid, owner.pw_gid)
        for name in (*folders, *files):
            os.chown(name, owner.pw_uid, owner.pw_gid, dir_fd=here, follow_symlinks=False)


class InstalledAppliance(BeforeCameras):
    """The reader of this machine and what lies before it; a context manager. Whoever uses it must
    be able to read the panel's address, so: root."""

    def __init__(self, world: World, card_options: CardOptions = AS_USUAL) -> None:
        """After `move_in`; the world is where the cards are."""
        super().__init__()
        self.card_reader = SystemReader(world, card_options)

    def __enter__(self) -> Self:
        self.card_reader.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.card_reader.__exit__(kind, error, trace)

    @property
    def scene_folder(self) -> Path:
        """Where the cameras look."""
        return STAGE

    @property
    def addresses(self) -> Addresses:
        """Where it can be reached now. Raises `PanelUnavailable` while the firmware is down."""
        runtime = RUNTIME / "firmware"
        try:
            told = (runtime / "panel.json").read_bytes()
        except OSError as cause:
            raise PanelUnavailable(f"{cause.filename}: {cause.strerror}") from cause
        panel = msgspec.json.decode(told, type=PanelAddress)
        return Addresses(panel.address, str(RUNTIME / "hostdriver/hostdriver.sock"), runtime)
