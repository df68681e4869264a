"""The whole simulated appliance: card reader, firmware and host driver, each as it ships. [shell]

Nothing is replaced in firmware or host driver: they read settings that name simulated cameras, a
private PC/SC daemon and the test authorities. Everything lives in one temporary folder and stops
with this process, even when that is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import glob
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import tomli_w

from firmware.device import DEVICE_KEY_FILE
from firmware.device import LINK_FOLDER as DEVICE_LINK_FOLDER
from firmware.faults import Fault
from firmware.link.trust import Trust
from firmware.panel.launcher import PanelAddress
from firmware.settings import CardSettings, Settings, StaffMember, VisionSettings
from firmware.simulator.authorities import Authorities
from firmware.simulator.before_cameras import BeforeCameras
from firmware.simulator.cable import Cable, Noise
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.simulator.device_key import DEVICE_ID, simulated_device_key, write_device_key
from firmware.simulator.insured import insured_persons
from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.world import World
from firmware.staff import hash_passcode
from firmware.words import Cause, ClockTrust, Method, Profile
from hostdriver.client import Client
from hostdriver.eligibility.adapters import GatewaySettings
from hostdriver.eligibility.answer import JAPAN
from hostdriver.eligibility.records import seed
from hostdriver.reader import LINK_FOLDER as HOST_LINK_FOLDER
from hostdriver.settings import ReaderSettings
from hostdriver.settings import Settings as HostSettings

STAFF_ID: Final = "staff-1"
STAFF_PASSCODE: Final = "2468"
READY_WITHIN_S: Final = 30.0
STOP_WITHIN_S: Final = 5.0
LOOK_EVERY_S: Final = 0.02
HOST: Final = "hostdriver"
SETTINGS: Final = {"firmware": "firmware.toml", HOST: "hostdriver.toml"}
"""Each program, in the order in which they start, and its settings."""
MODELS: Final = Path(__file__).parents[2] / "models"
_PR_SET_PDEATHSIG: Final = 1


class ApplianceNotStarted(Fault):
    """A part of the simulated appliance did not come up; the message holds what it said."""

    code = "device_fault"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the appliance can be reached."""

    panel: str
    socket: str
    """As `Client` takes it: the path of a Unix socket, or `tcp:PORT`."""
    folder: Path


class Appliance(BeforeCameras):
    """One simulated appliance; a context manager. Several can run side by side."""

    def __init__(
        self,
        world: World,
        *,
        time_scale: float = 1.0,
        cable: Noise | None = None,
        clock_trust: ClockTrust = ClockTrust.NTP,
        methods: tuple[Method, ...] = tuple(Method),
        socket: str = "unix:hostdriver.sock",
        card_options: CardOptions = AS_USUAL,
        liveness: bool = False,
    ) -> None:
        """`cable`: join firmware and host driver by a serial cable instead of a Unix socket.
        `clock_trust`: what the device takes its own clock for. `methods`: what the device offers.
        `socket`: the driver's setting. `card_options`: how every card that is put down behaves.
        `liveness`: whether it looks if a face is alive, which takes a page that lights the face."""
        super().__init__()
        self._world = World(world.root.resolve())
        self.cable = Cable(cable) if cable is not None else None
        self._time_scale, self._clock_trust = time_scale, clock_trust
        self._methods, self._socket, self._liveness = methods, socket, liveness
        self._service = PcscService(self._world.root, card_options)
        self._folder = Path()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.addresses = Addresses("", "", Path())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def card_reader(self) -> PcscService:
        """The reader and what lies on it."""
        return self._service

    @property
    def token(self) -> str | None:
        """What clients of a TCP socket say in hello; None where there is none to say."""
        path = self._folder / "host" / "socket.token"
        return path.read_text(encoding="ascii").strip() if path.exists() else None

    def start(self) -> None:
        """Returns once a visit could begin. Raises `ApplianceNotStarted` and the world's faults."""
        self._folder = Path(tempfile.mkdtemp(prefix="kazashi-appliance-"))
        try:
            self._service.start()
            if self.cable is not None:
                self.cable.plug()
            self._lay_out()
            self._write_settings()
            for package, name in SETTINGS.items():
                self._run(package, self._folder / name)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything that was started; may be called again."""
        processes, self._processes = list(self._processes.values()), {}
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.cable is not None:
            self.cable.close()
        self._service.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill_host(self) -> None:
        """The host driver gets no time to say goodbye, as when its machine loses power."""
        process = self._processes.pop(HOST)
        process.kill()
        process.wait()

    def start_host(self) -> None:
        """Start the host driver again, on what it left; returns at once. It ends with the thread
        that calls this."""
        self._run(HOST, self._folder / SETTINGS[HOST])

    # --- laying out
    @property
    def _machine_scale(self) -> float:
        """Who hurries people hurries no driver."""
        return max(1.0, self._time_scale)

    @property
    def scene_folder(self) -> Path:
        """Where the cameras look."""
        return self._folder / "scene"

    def _lay_out(self) -> None:
        for name in ("scene", "firmware", "host", "run"):
            (self._folder / name).mkdir(mode=0o700)
        (self.scene_folder / "faces").symlink_to(self._world.faces)
        self.show(live=None, tray=None)
        Authorities(self._world.authorities).write_public(self._folder / "authorities")
        device = self._folder / "firmware" / DEVICE_KEY_FILE
        shutil.copy(simulated_device_key(self._world), device)
        if self.cable is not None:
            self._pair()
        trust = self._folder / "host" / "trust"
        trust.mkdir()
        shutil.copy(self._folder / "authorities" / "user-authentication-ca.pem", trust)
        today = dt.datetime.now(JAPAN).date()
        seed(self._folder / "host" / "insurers.sqlite", insured_persons(self._world, today))

    def _pair(self) -> None:
        """What `kazashi pair` leaves behind at both ends of the cable."""
        device = Trust(self._folder / "firmware" / DEVICE_LINK_FOLDER, "host")
        host = Trust(self._folder / "host" / HOST_LINK_FOLDER, DEVICE_ID)
        device.pin(host.certificate())
        host.pin(device.certificate())

    def _write_settings(self) -> None:
        self._write(SETTINGS["firmware"], self._firmware_settings())
        self._write(SETTINGS[HOST], self._host_settings())

    def _firmware_settings(self) -> Settings:
        speech = self._world.root.parent / "speech"  # beside the simulated world, by set-up
        return Settings(
            state_dir=str(self._folder / "firmware"),
            runtime_dir=str(self._folder / "run"),
            device_id=DEVICE_ID,
            link=self._link(0),
            panel_port=0,
            speech=str(speech) if speech.is_dir() else None,
            profiles=tuple(Profile),
            methods=self._methods,
            clock_trust=self._clock_trust,
            time_scale=self._time_scale,
            staff=(StaffMember(STAFF_ID, hash_passcode(STAFF_PASSCODE.encode())),),
            card=CardSettings(
                reader=glob.escape(self._service.reader_name),
                pcsc_socket=str(self._service.socket_path),
                terminal_authority=f"simulated:{self._world.authorities}",
                issuer_keys=str(self._folder / "authorities" / "card-face-issuers.json"),
            ),
            vision=VisionSettings(
                face_camera=f"simulated:face:{self.scene_folder}",
                tray_camera=f"simulated:tray:{self.scene_folder}",
                models=str(MODELS),
                liveness=self._liveness,
            ),
        )

    def _link(self, end: int) -> str:
        return f"serial:{self.cable.ends[end]}" if self.cable else "unix:link.sock"

    def _host_settings(self) -> HostSettings:
        device_key = write_device_key(self._world, self._folder / "authorities")
        return HostSettings(
            state_dir=str(self._folder / "host"),
            runtime_dir=str(self._folder / "run"),
            socket=self._socket,
            readers={DEVICE_ID: ReaderSettings(self._link(1), str(device_key))},
            gateway=GatewaySettings(accept_without_liveness=not self._liveness),
            time_scale=self._machine_scale,
        )

    def _write(self, name: str, settings: msgspec.Struct) -> None:
        path = self._folder / name
        path.write_text(tomli_w.dumps(_without_nothing(msgspec.to_builtins(settings))))

    def _unexpected(self, problems: list[str]) -> list[str]:
        """What keeps a visit from beginning; a clock that is meant to be untrusted does not."""
        meant = f": {Cause.CLOCK_UNTRUSTED}" if self._clock_trust is ClockTrust.NONE else None
        return [problem for problem in problems if meant is None or not problem.endswith(meant)]

    # --- running
    def _run(self, package: str, settings: Path) -> None:
        with self._log(package).open("wb") as log:
            self._processes[package] = subprocess.Popen(
                [sys.executable, "-m", package, "--settings", str(settings)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: everything is stopped in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no locks
            )

    def _log(self, package: str) -> Path:
        return self._folder / f"{package}.log"

    def _wait_until_ready(self) -> None:
        """Every program says READY on stderr, the driver together with its address."""
        deadline_s = time.monotonic() + READY_WITHIN_S * self._machine_scale
        for package, process in self._processes.items():
            while b"READY" not in (said := self._log(package).read_bytes()):
                if process.poll() is not None or time.monotonic() > deadline_s:
                    told = said.decode(errors="replace").strip() or "it said nothing"
                    raise ApplianceNotStarted(f"{package} did not come up: {told}")
                time.sleep(LOOK_EVERY_S)
        # What was said last, the driver said.
        panel = msgspec.json.decode(
            (self._folder / "run" / "panel.json").read_bytes(), type=PanelAddress
        )
        self.addresses = Addresses(
            panel=panel.address,
            socket=said.decode().rpartition("READY ")[2].split()[0].removeprefix("unix:"),
            folder=self._folder,
        )
        with Client(self.addresses.socket, "kazashi-simulator", token=self.token) as client:
            while problems := self._unexpected(client.call("health")["problems"]):
                if time.monotonic() > deadline_s:
                    raise ApplianceNotStarted("; ".join(problems))
                time.sleep(LOOK_EVERY_S)


def _without_nothing(value: Any) -> Any:
    """TOML has no null: what is not set is not written."""
    if isinstance(value, dict):
        return {name: _without_nothing(part) for name, part in value.items() if part is not None}
    return value


def _die_with_parent() -> None:
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
