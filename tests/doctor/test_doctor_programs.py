"""`kazashi-firmware doctor` and `kazashi doctor` as people run them, on whole simulated devices."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner

from firmware.__main__ import main as firmware
from firmware.doctor.examination import OF_DEVICE, examine
from firmware.doctor.facts import CHECKS, FirmwareFact, LedgerFact, SettingsFact
from firmware.doctor.judge import judge
from firmware.doctor.machine import Machine
from firmware.settings import read_settings
from firmware.simulator.appliance import Appliance
from firmware.simulator.device_key import DEVICE_ID
from firmware.simulator.world import World
from firmware.words import ClockTrust
from hostdriver.cli import main as kazashi
from hostdriver.client import Client
from hostdriver.settings import LimitSettings

pytestmark = pytest.mark.stack

WITHIN_S = 120.0
MODELS = Path(__file__).resolve().parents[2] / "models"
# What a machine that runs tests may lack or suffer, and a device does not.
OF_THIS_MACHINE = {"sound_device_missing", "memory_low", "disk_nearly_full", "overheated"}
PINS = {"GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}


@pytest.fixture(scope="module")
def appliance(build_dir: Path) -> Iterator[Appliance]:
    """One that nothing is wrong with: pins there too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PINS.items():
            patch.setenv(name, value)
        with Appliance(World(build_dir / "simulation")) as running:
            yield running


def doctor(settings: Path, *options: str, socket: str = "/nowhere") -> dict[str, Any]:
    """The report of `kazashi-firmware doctor`; its exit code says the same."""
    told = ("--settings", str(settings), "doctor", "--json", "--host-socket", socket)
    done = CliRunner().invoke(firmware, [*told, *options])
    assert done.exit_code in (0, 1), done.output
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["ok"] is (done.exit_code == 0)
    assert report["ok"] is (report["findings"] == [])
    return report


def symptoms(report: dict[str, Any]) -> set[str]:
    return {finding["symptom"] for finding in report["findings"]}


def settings_of(appliance: Appliance) -> Path:
    return appliance.addresses.folder / "firmware.toml"


# --- a healthy device
def test_nothing_is_found_on_a_healthy_device_while_it_runs(appliance: Appliance) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    asked: set[str] = set()
    while "face_camera" not in asked:  # it is looked at a moment after the start
        assert time.monotonic() < deadline_s
        report = doctor(settings_of(appliance), socket=appliance.addresses.socket)
        asked = {check["check"] for check in report["checks"] if check["asked"]}
    assert symptoms(report) <= OF_THIS_MACHINE
    assert {*asked, "pairing", "power", "heat"} == set(CHECKS)


async def test_nothing_is_found_on_a_healthy_device_without_its_firmware(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part is looked at for real; what only a Raspberry Pi has is files in a folder."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    for place, content in {
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
        "sys/class/thermal/thermal_zone0/temp": "52000\n",
        "proc/meminfo": "MemAvailable: 900000 kB\n",
        "proc/asound/cards": " 0 [vc4hdmi0]: vc4-hdmi\n",
        "usr/share/fonts/NotoSansCJK-Regular.ttc": "",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(content)
    facts = await examine(read_settings(settings_of(appliance)), machine=Machine(tmp_path))
    facts = msgspec.structs.replace(
        facts, settings=SettingsFact(), firmware=FirmwareFact(True), ledger=LedgerFact(True)
    )
    assert [found for found in judge(facts) if found.symptom not in {"disk_nearly_full"}] == []


def test_reception_hears_the_same_over_the_link(appliance: Appliance) -> None:
    told = ("--socket", appliance.addresses.socket, "doctor")
    answer = json.loads(CliRunner().invoke(kazashi, [*told, "--json"]).stdout)
    assert answer["reader"] == DEVICE_ID
    assert [check["check"] for check in answer["checks"]] == list(OF_DEVICE)
    assert symptoms(answer) <= OF_THIS_MACHINE
    shown = CliRunner().invoke(kazashi, told)
    assert shown.exit_code == (0 if answer["ok"] else 1)
    assert "ok    カードリーダー / card reader" in shown.stdout
    unknown = CliRunner().invoke(kazashi, [*told, "--reader", "nobody"])
    assert unknown.exit_code == 1
    assert "no reader of that name" in unknown.stderr


def test_only_what_is_chosen_is_asked(appliance: Appliance) -> None:
    report = doctor(settings_of(appliance), "--only", "settings", "--only", "clock")
    assert [check["check"] for check in report["checks"]] == ["settings", "clock"]
    assert CliRunner().invoke(firmware, ["doctor", "--only", "nose"]).exit_code == 2


def test_a_reader_that_the_firmware_uses_is_well(appliance: Appliance) -> None:
    """It is shared, with a card on it as without."""
    appliance.card_reader.insert("valid")
    try:
        assert symptoms(doctor(settings_of(appliance), "--only", "reader")) == set()
    finally:
        appliance.card_reader.remove()


def stops_to_look(device: Path) -> bool:
    """Whether the process that looks through the device's tray camera was found, and stands."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            said = (process / "cmdline").read_bytes()
            if b"\0tray_camera\0" in said and str(device).encode() in said:
                os.kill(int(process.name), signal.SIGSTOP)
                while (
                    state := (process / "stat").read_text().rpartition(")")[2].split()[0]
                ) in "RSD":
                    pass
                return state == "T"
    return False


def test_a_visit_that_begins_ends_the_look_through_its_camera(appliance: Appliance) -> None:
    """A look is made to last for ever, by stopping its process; each lasts two seconds at least."""
    deadline_s = time.monotonic() + WITHIN_S
    address, stopped = appliance.addresses.socket, False
    with ThreadPoolExecutor() as elsewhere, Client(address) as patient, Client(address) as asking:
        while not stopped:
            assert time.monotonic() < deadline_s
            report = elsewhere.submit(asking.call, "reader.doctor", wait_s=60.0)
            while not stopped and not report.done():
                stopped = stops_to_look(appliance.addresses.folder)
        begun = patient.start("during-the-look")
        checks = {check["check"]: check for check in report.result()["checks"]}
        assert not checks["tray_camera"]["asked"]
        assert checks["tray_camera"]["why_not"]["en"] == "a visit is under way"
        patient.cancel(begun["transaction_id"])
        while patient.call("reader.status")["state"] != "idle":
            assert time.monotonic() < deadline_s


# --- the ledger
def test_a_ledger_that_was_changed(build_dir: Path) -> None:
    with Appliance(World(build_dir / "simulation")) as changed:
        socket, settings = changed.addresses.socket, settings_of(changed)
        assert symptoms(doctor(settings, "--only", "ledger", socket=socket)) == set()
        ledger = sqlite3.connect(changed.addresses.folder / "host" / "ledger.sqlite")
        with contextlib.closing(ledger), ledger:
            for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type='trigger'"):
                ledger.execute(f"DROP TRIGGER {trigger}")
            ledger.execute("UPDATE rows SET facts = replace(facts, ':', ' :')")
        report = doctor(settings, "--only", "ledger", socket=socket)
        assert symptoms(report) == {"ledger_broken"}
        assert report["findings"][0]["detail"]


def test_a_driver_that_refuses_says_nothing_of_its_ledger(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others have taken all of its connections: the file is read."""
    ledger = appliance.addresses.folder / "host" / "ledger.sqlite"
    with contextlib.ExitStack() as others:
        for _ in range(LimitSettings().connections):
            other = others.enter_context(socket.socket(socket.AF_UNIX))
            other.connect(appliance.addresses.socket.removeprefix("unix:"))
        monkeypatch.setattr("firmware.doctor.command.HOST_LEDGER", ledger)
        told = ("--only", "ledger")
        report = doctor(settings_of(appliance), *told, socket=appliance.addresses.socket)
    assert [check["asked"] for check in report["checks"]] == [True]
    assert symptoms(report) == set()


def test_a_ledger_on_another_machine_is_not_asked(appliance: Appliance) -> None:
    if Path("/var/lib/kazashi/hostdriver/ledger.sqlite").exists():
        pytest.skip("a host driver is installed here")
    report = doctor(settings_of(appliance), "--only", "ledger")
    assert [check["asked"] for check in report["checks"]] == [False]
    assert report["ok"]


# --- a device on which much is wrong
@contextlib.contextmanager
def firmware_with(folder: Path, **settings: Any) -> Iterator[Path]:
    """A firmware of these settings, once it is ready."""
    path = folder / "firmware.toml"
    base = {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run"), "panel_port": 0}
    path.write_text(tomli_w.dumps(base | settings))
    (folder / "run").mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "firmware", "--settings", str(path)],
            stdin=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, "GPIOZERO_PIN_FACTORY": "native"},
        )
    try:
        deadline_s = time.monotonic() + WITHIN_S
        while b"READY" not in (folder / "log").read_bytes():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        yield path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN_S)


def until_told(settings: Path, wanted: set[str]) -> set[str]:
    """The symptoms, as soon as these are among them: a camera is watched for a while first."""
    deadline_s = time.monotonic() + WITHIN_S
    while not wanted <= (found := symptoms(doctor(settings))):
        assert time.monotonic() < deadline_s, found
    return found


def one_picture(folder: Path) -> str:
    folder.mkdir()
    grey = np.random.default_rng(7).integers(80, 170, (96, 128, 3), np.uint8)
    assert cv2.imwrite(str(folder / "same.png"), grey)
    return f"images:{folder}"


def test_each_thing_that_is_wrong_is_named_by_the_running_firmware(tmp_path: Path) -> None:
    wrong = {
        "card_service_missing",
        "face_camera_frozen",
        "tray_camera_missing",
        "lights_missing",
        "clock_untrusted",
    }
    with firmware_with(
        tmp_path,
        clock_trust=ClockTrust.NONE.value,
        card={"pcsc_socket": str(tmp_path / "none.comm")},
        vision={
            "models": str(MODELS),
            "face_camera": one_picture(tmp_path / "frozen"),
            "tray_camera": "images:nowhere",
        },
    ) as settings:
        assert until_told(settings, wanted=wrong) - OF_THIS_MACHINE == wrong
        shown = subprocess.run(
            [sys.executable, "-m", "firmware", "--settings", str(settings), "doctor"],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert shown.returncode == 1
        assert "カード読み取りサービス(pcscd)が応答しません。" in shown.stdout
        assert "→ Look whether pcscd is installed" in shown.stdout


def test_each_thing_that_is_wrong_is_named_without_the_firmware(tmp_path: Path) -> None:
    path = tmp_path / "firmware.toml"
    path.write_text(
        tomli_w.dumps(
            {
                "state_dir": str(tmp_path / "state"),
                "runtime_dir": str(tmp_path),
                "link": "serial:/dev/ttyGS0",
                "speech": str(tmp_path),
                "card": {"pcsc_socket": str(tmp_path / "none.comm")},
                "vision": {"models": str(tmp_path), "face_camera": "v4l2:77"},
            }
        )
    )
    found = symptoms(doctor(path))
    assert found >= {
        "firmware_stopped",
        "card_service_missing",
        "face_camera_missing",
        "speech_missing",
        "not_paired",
        "model_missing",
    }
    assert sorted(each.name for each in tmp_path.iterdir()) == ["firmware.toml"]


def test_a_mistake_in_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "firmware.toml"
    path.write_text('state_dir = "s"\nruntime_dir = "r"\n[vision]\nface_calmera = "pi:0"\n')
    report = doctor(path)
    assert symptoms(report) == {"settings_wrong"}
    assert report["findings"][0]["detail"] == (
        f'{path}:4: unknown key "vision.face_calmera": did you mean "face_camera"?'
    )
    assert [check["check"] for check in report["checks"] if check["asked"]] == ["settings"]
    path.unlink()
    assert symptoms(doctor(path, "--only", "settings")) == {"settings_wrong"}
