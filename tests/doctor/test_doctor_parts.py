"""Cameras, lights, models and the machine as the doctor sees them, each well and each broken."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from firmware.doctor import facts as f
from firmware.doctor import machine as here
from firmware.doctor.children import SILENT, child_command, look
from firmware.doctor.examination import OF_DEVICE, examine
from firmware.doctor.facts import CameraState, Facts, Known, NotAsked, Unasked
from firmware.doctor.judge import Symptom, judge
from firmware.doctor.machine import Machine
from firmware.link.trust import Trust
from firmware.match.processor import this_processor
from firmware.match.runtime import faster_form, read_model_card
from firmware.settings import Settings, StaffMember, VisionSettings
from firmware.staff import hash_passcode
from firmware.words import ClockTrust

MODELS = Path(__file__).resolve().parents[2] / "models"
KNOWN = Known(
    idle=True, clock_trust=ClockTrust.NTP, camera_told=True, camera_code=None, lights=True
)


def settings_at(tmp_path: Path, **vision: object) -> Settings:
    return Settings(
        state_dir=str(tmp_path / "state"),
        runtime_dir=str(tmp_path),
        vision=VisionSettings(**({"models": str(MODELS)} | vision)),  # type: ignore[arg-type]
    )


# --- cameras
def pictures(folder: Path, *levels: int) -> str:
    """A camera that gives noise around these levels, again and again."""
    folder.mkdir()
    random = np.random.default_rng(7)
    for number, level in enumerate(levels):
        picture = random.integers(level, level + 3, (96, 128, 3), np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.png"), picture)
    return f"images:{folder}"


CAMERAS = {
    "moving": ("tray_camera", (90, 91, 92), CameraState.WELL),
    "frozen": ("face_camera", (90,), CameraState.FROZEN),
    "frozen tray": ("tray_camera", (90,), CameraState.FROZEN),
    "black": ("face_camera", (0, 1, 2), CameraState.BLACK),
}


@pytest.mark.parametrize(("part", "levels", "state"), CAMERAS.values(), ids=CAMERAS)
async def test_a_camera_is_seen_to_live_freeze_or_be_dark(
    tmp_path: Path, part: str, levels: tuple[int, ...], state: CameraState
) -> None:
    settings = settings_at(tmp_path, **{part: pictures(tmp_path / "pictures", *levels)})
    assert await look(part, settings) == f.CameraFact(state)


@pytest.mark.parametrize("spec", ["images:nowhere", "v4l2:77", "pi:0", "nonsense"])
async def test_a_camera_that_is_not_there(tmp_path: Path, spec: str) -> None:
    fact = await look("face_camera", settings_at(tmp_path, face_camera=spec))
    assert fact.state is CameraState.ABSENT
    assert fact.says


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (None, CameraState.WELL),
        ("camera_unavailable", CameraState.ABSENT),
        ("camera_frozen", CameraState.FROZEN),
        ("camera_black", CameraState.BLACK),
    ],
)
async def test_the_running_firmware_holds_the_face_camera_and_tells(
    tmp_path: Path, code: str | None, state: CameraState
) -> None:
    known = msgspec.structs.replace(KNOWN, camera_code=code)
    facts = await examine(settings_at(tmp_path), ("face_camera",), known=known)
    assert isinstance(facts.face_camera, f.CameraFact)
    assert facts.face_camera.state is state


async def test_what_cannot_be_looked_at_now_is_not_asked(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, tray_camera="images:nowhere")
    chosen = ("face_camera", "tray_camera")
    for known, expected in (
        ({"idle": False}, {"tray_camera": Unasked.VISIT_UNDER_WAY}),
        ({"camera_told": False, "idle": False}, {"face_camera": Unasked.JUST_STARTED}),
        ({"camera_code": "model_rejected", "idle": False}, {"face_camera": Unasked.CANNOT_TELL}),
    ):
        facts = await examine(settings, chosen, known=msgspec.structs.replace(KNOWN, **known))
        for check, why in expected.items():
            assert getattr(facts, check) == NotAsked(why)


# --- lights
async def test_lights_are_there_where_there_is_a_chip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    assert await look("lights", settings_at(tmp_path)) == f.LightsFact(there=True)


async def test_no_lights_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "lgpio")
    monkeypatch.setenv("RPI_LGPIO_CHIP", "77")
    if any(Path("/dev").glob("gpiochip*")):
        pytest.skip("this machine has a chip")
    fact = await look("lights", settings_at(tmp_path))
    assert not fact.there
    assert fact.says


# --- models
@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models as they are installed, with one that may be broken."""
    if not any((MODELS / "face-detector").glob("*.onnx")):
        pytest.skip("run `make models`")
    folder = tmp_path / "models"
    folder.mkdir()
    for each in MODELS.iterdir():
        (folder / each.name).symlink_to(each)
    for copied in ("face-detector", "face-landmarks"):
        (folder / copied).unlink()
        shutil.copytree(MODELS / copied, folder / copied)
    return folder


async def test_the_models_that_were_built_are_the_right_ones(models: Path, tmp_path: Path) -> None:
    settings = settings_at(tmp_path, models=str(models), tray_camera="v4l2:0")
    assert await look("models", settings) == f.ModelsFact()


async def test_a_model_with_one_byte_changed(models: Path, tmp_path: Path) -> None:
    (network,) = (models / "face-detector").glob("*.onnx")
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    fact = await look("models", settings_at(tmp_path, models=str(models)))
    assert fact == f.ModelsFact(wrong=(str(network),))


async def test_a_second_form_with_one_byte_changed(models: Path, tmp_path: Path) -> None:
    """Where a network has two, it is the one that this processor would load that counts."""
    folder = models / "face-landmarks"
    network = folder / faster_form(folder, read_model_card(folder), this_processor()).file
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    fact = await look("models", settings_at(tmp_path, models=str(models)))
    assert fact == f.ModelsFact(wrong=(str(network),))


async def test_a_model_or_its_card_that_is_missing(models: Path, tmp_path: Path) -> None:
    settings = settings_at(tmp_path, models=str(models))
    (network,) = (models / "face-detector").glob("*.onnx")
    network.unlink()
    assert await look("models", settings) == f.ModelsFact(missing=(str(network),))
    card = models / "face-detector" / "card.toml"
    card.write_text("model_id = 3")
    assert await look("models", settings) == f.ModelsFact(wrong=(str(card),))
    card.unlink()
    assert await look("models", settings) == f.ModelsFact(missing=(str(card),))


async def test_models_with_a_manifest_that_nobody_can_vouch_for(
    models: Path, tmp_path: Path
) -> None:
    (models / "manifest.json").write_text("{}")
    fact = await look("models", settings_at(tmp_path, models=str(models)))
    assert (fact.missing, fact.wrong) == ((), ())
    assert "manifest.json" in fact.not_signed


# --- the machine's own files
def machine_with(root: Path, **files: str) -> Machine:
    for place, content in files.items():
        path = root / PLACES[place]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Machine(root)


PLACES = {
    "throttled": "sys/devices/platform/soc/soc:firmware/get_throttled",
    "throttled_5": "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
    "heat": "sys/class/thermal/thermal_zone0/temp",
    "other_heat": "sys/class/thermal/thermal_zone1/temp",
    "memory": "proc/meminfo",
    "cards": "proc/asound/cards",
    "font": "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
}


@pytest.mark.parametrize("place", ["throttled", "throttled_5"])
def test_what_a_pi_says_of_its_supply(tmp_path: Path, place: str) -> None:
    assert Machine(tmp_path).power() == NotAsked(Unasked.CANNOT_TELL)
    assert machine_with(tmp_path, **{place: "50005\n"}).power() == f.PowerFact(0x50005)
    assert machine_with(tmp_path, **{place: "?"}).power() == NotAsked(Unasked.CANNOT_TELL)


def test_the_hottest_zone_counts(tmp_path: Path) -> None:
    assert Machine(tmp_path).heat() == NotAsked(Unasked.CANNOT_TELL)
    assert machine_with(tmp_path, heat="48200\n", other_heat="81500\n").heat() == f.HeatFact(81.5)
    assert machine_with(tmp_path, heat="48200\n", other_heat="").heat() == f.HeatFact(48.2)


def test_memory_fonts(tmp_path: Path) -> None:
    assert Machine(tmp_path).memory() == NotAsked(Unasked.CANNOT_TELL)
    assert Machine(tmp_path).fonts() == f.FontsFact(japanese=False)
    text = "MemTotal:  999 kB\nMemAvailable:   2048 kB\n"
    machine = machine_with(tmp_path, memory=text, font="")
    assert machine.memory() == f.MemoryFact(2048 * 1024)
    assert machine.fonts() == f.FontsFact(japanese=True)


def test_sound_needs_a_device_and_every_clip(tmp_path: Path, build_dir: Path) -> None:
    silent = settings_at(tmp_path)
    assert Machine(tmp_path).sound(silent) == NotAsked(Unasked.NOT_FITTED)
    spoken = msgspec.structs.replace(silent, speech=str(tmp_path / "speech"))
    assert Machine(tmp_path).sound(spoken) == f.SoundFact(clips_missing=-1, device=False)
    for cards in ("--- no soundcards ---\n", ""):
        fact = machine_with(tmp_path, cards=cards).sound(spoken)
        assert isinstance(fact, f.SoundFact)
        assert not fact.device
    machine = machine_with(tmp_path, cards=" 0 [Headphones]: bcm2835_headpho\n")
    rendered = build_dir / "speech"
    if not rendered.is_dir():
        pytest.skip("run `make setup`")
    spoken = msgspec.structs.replace(silent, speech=str(rendered))
    assert machine.sound(spoken) == f.SoundFact(clips_missing=0, device=True)
    copied = shutil.copytree(rendered, tmp_path / "copied", copy_function=os.symlink)
    next(copied.glob("*/*.wav")).unlink()
    spoken = msgspec.structs.replace(silent, speech=str(copied))
    assert machine.sound(spoken) == f.SoundFact(clips_missing=1, device=True)


# --- disk, pairing, panel
SMALL_DISK = """
mount -t tmpfs -o size=1m tmpfs "$0" && mkdir "$0/state" && {after}
exec "$1" -c '
import sys, msgspec
from firmware.doctor.machine import disk
from firmware.settings import Settings
print(msgspec.json.encode(disk(Settings(sys.argv[1] + "/state", "run"))).decode())' "$0"
"""


@pytest.mark.parametrize(
    ("after", "symptoms"),
    [
        ("true", [Symptom.DISK_NEARLY_FULL]),
        ('mount -o remount,ro "$0"', [Symptom.DISK_READ_ONLY, Symptom.DISK_NEARLY_FULL]),
    ],
    ids=["small", "read-only"],
)
def test_a_disk_that_is_nearly_full_or_read_only(
    tmp_path: Path, after: str, symptoms: list[Symptom]
) -> None:
    script = SMALL_DISK.replace("{after}", after + "\n")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-ec", script, str(tmp_path), sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(MODELS.parent)},
    )
    assert done.returncode == 0, done.stderr
    fact = msgspec.json.decode(done.stdout, type=f.DiskFact)
    assert fact.total_bytes == 1024**2
    assert [found.symptom for found in judge(Facts(disk=fact))] == symptoms


@pytest.mark.parametrize("folder", ["not/yet", "n" * 300], ids=["not yet", "nobody can look"])
def test_a_disk_is_looked_at_before_its_folder_is_there(tmp_path: Path, folder: str) -> None:
    fact = here.disk(Settings(str(tmp_path / folder), "run"))
    assert fact.total_bytes > 0
    assert list(tmp_path.iterdir()) == [], "whoever examines leaves nothing behind"


def test_only_a_serial_line_needs_to_be_paired(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    assert here.pairing(settings) == NotAsked(Unasked.NOT_FITTED)
    serial = msgspec.structs.replace(settings, link="serial:/dev/ttyGS0")
    assert here.pairing(serial) == f.PairingFact(paired=False)
    assert list(tmp_path.iterdir()) == []
    Trust(tmp_path / "state" / "link", "host").pin(b"a certificate")
    assert here.pairing(serial) == f.PairingFact(paired=True)


def test_the_panels_page_is_asked_for_on_loopback_alone(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    assert here.panel(settings) == NotAsked(Unasked.FIRMWARE_STOPPED)
    told = tmp_path / "panel.json"
    told.write_text("{}")
    assert here.panel(settings) == NotAsked(Unasked.NOT_HERE)
    for address in (
        "http://127.0.0.1:1/#token",
        "http://127.0.0.1:99999/#token",
        "http://127.0.0.1:1@example.com/#token",
        "http://example.com/#token",
        "file:///etc/passwd",
    ):
        told.write_text(f'{{"address": "{address}"}}')
        fact = here.panel(settings)
        assert isinstance(fact, f.PanelFact)
        assert not fact.answers
        assert "token" not in fact.says


def test_a_page_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """Root may be asking: whoever answers in the page's place must not send it anywhere."""
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/well" else 302)
            self.send_header("Location", "/well")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for path, fact in (
            ("/", f.PanelFact(answers=False, says="it says 302")),
            ("/well", f.PanelFact(answers=True)),
        ):
            address = f"http://127.0.0.1:{server.server_port}{path}#token"
            (tmp_path / "panel.json").write_text(f'{{"address": "{address}"}}')
            assert here.panel(settings_at(tmp_path)) == fact
        server.shutdown()
    assert asked == ["/", "/well"]


async def test_a_clock_that_nobody_vouches_for(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(settings_at(tmp_path), clock_trust=ClockTrust.NONE)
    alone = await examine(settings, ("clock",))
    assert [found.symptom for found in judge(alone)] == [Symptom.CLOCK_UNTRUSTED]
    hosts = msgspec.structs.replace(KNOWN, clock_trust=ClockTrust.HOST)
    assert judge(await examine(settings, ("clock",), known=hosts)) == ()


# --- children
async def test_a_child_that_says_nothing_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera's driver that never comes back, as some do when a cable is loose."""
    monkeypatch.setattr("firmware.doctor.children.LOOK_WITHIN_S", 0.0)
    async with asyncio.timeout(30):
        for part, fact in SILENT.items():
            assert await look(part, settings_at(tmp_path)) == fact
            assert len(judge(Facts(**{part: fact}))) == 1


def test_passcodes_are_not_among_a_childs_arguments(tmp_path: Path) -> None:
    member = StaffMember("tanaka", hash_passcode(b"2468"))
    settings = msgspec.structs.replace(settings_at(tmp_path), staff=(member,))
    command = " ".join(child_command("reader", settings))
    assert str(tmp_path) in command
    assert member.passcode not in command
    assert "tanaka" not in command


def test_the_firmware_makes_every_check_but_those_of_other_programs() -> None:
    assert set(f.CHECKS) - set(OF_DEVICE) == {"settings", "firmware", "ledger"}
