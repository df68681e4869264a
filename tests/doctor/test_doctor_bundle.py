"""The support bundle: it says what helps, and none of the secrets that were put everywhere."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from healthy import HEALTHY, ill_with
from hypothesis import given
from hypothesis import strategies as st

from firmware.__main__ import main as firmware
from firmware.device import Device
from firmware.doctor.bundle import FOLDER, Sources, write_bundle
from firmware.doctor.judge import Symptom
from firmware.doctor.masking import GONE, masked, masked_settings
from firmware.doctor.report import report_of
from firmware.staff import hash_passcode
from firmware.words import ClockTrust

MODELS = Path(__file__).resolve().parents[2] / "models"
NUMBER = "123456789018"
PASSCODE = hash_passcode(b"2468")
TOKEN = secrets.token_urlsafe(32)
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHN0b2xlbg\n-----END PRIVATE KEY-----"
JWS = "eyJhbGciOiJFZDI1NTE5In0.eyJ2ZXJzaW9uIjoxfQ." + base64.urlsafe_b64encode(bytes(64)).decode()
TRANSACTION = "6f1c2d0e-8f0a-4f3b-9f53-0c8f5d1f6a11"
LOG = f"""\
2026-11-22T16:25:00+0900 kazashi-firmware[812]: INFO firmware.app: the enclosure is shut
a card of {NUMBER}, also as 1234 5678 9018, 1234-5678-9018, １２３４５６７８９０１８
and 1234・5678・9018; {NUMBER}0 is no number
the print said 55021720352285; the PIN=9876 was typed; passcode: 2468; staff suzuki-hanako came
panel at http://127.0.0.1:8770/#{TOKEN} and again {TOKEN}
{PEM}
settings say {PASSCODE}; signed {JWS}; visit {TRANSACTION}
{{"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","api_token": "short-one"}}
"""
SECRETS = (
    *(NUMBER, "1234 5678 9018", "1234-5678-9018", "１２３４５６７８９０１８", "1234・5678・9018"),
    *("55021720352285", "9876", "2468", "suzuki-hanako", TOKEN, "MC4CAQAwBQYDK2VwBCIEIHN0b2xlbg"),
    *(PASSCODE, *PASSCODE.split("$"), JWS, *JWS.split("."), TRANSACTION, "short-one", "hunter-two"),
    *("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "山田太郎", "a row of the ledger", "JFIF"),
)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device's folders with a secret in every place, and programs that print some."""
    state = tmp_path / "state"
    Device("kazashi-1", state, ClockTrust.NTP).link_trust.certificate()  # real keys
    for name in ("ledger.sqlite", "socket.token", "photo.jpg", "counter", "wrong-passcodes"):
        (state / name).write_text(f"a row of the ledger {TOKEN} {NUMBER} 山田太郎 JFIF")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("journalctl", "systemctl"):
        (programs / name).write_text(f"#!/bin/sh\ncat <<'END'\n{LOG}END\n")
        (programs / name).chmod(0o755)
    told = {"ok": True, "readers": [{"name": "r", "device": {"device_key": {"x": TOKEN}}}]}
    (programs / "kazashi").write_text(f"#!/bin/sh\necho '{json.dumps(told | {'said': NUMBER})}'\n")
    (programs / "kazashi").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("KAZASHI_SECRET", TOKEN)
    (tmp_path / "firmware.toml").write_text(
        f'state_dir = "{state}"\nruntime_dir = "{tmp_path}"\ndevice_id = "of {NUMBER}"\n'
        f'hotline = "{NUMBER}"\nlooks = 3\n'
        f'[[staff]]\nstaff_id = "suzuki-hanako"\npasscode = "{PASSCODE}"\n'
        f'[card]\npcsc_socket = "{tmp_path}/none.comm"\nterminal_authority = "x:{TOKEN}"\n'
        f'[vision]\nmodels = "{MODELS}"\nface_camera = "images:nowhere"\n'
    )
    (tmp_path / "hostdriver.toml").write_text(
        f'socket = "unix:hostdriver.sock"\nowner = "山田太郎"\npassword = "hunter-two"\n'
        f'client_uids = [1000]\n[gateway]\ninstitution_code = "1312345678"\n'
        f'numbers = [{NUMBER}]\n["{NUMBER}"]\nlooks = "{NUMBER}"\n'
    )
    return tmp_path


def contents(bundle: Path) -> dict[str, str]:
    with tarfile.open(bundle) as tar:
        return {
            entry.name.removeprefix(f"{FOLDER}/"): file.read().decode()
            for entry in tar.getmembers()
            if (file := tar.extractfile(entry)) is not None
        }


def test_no_secret_is_in_it(planted: Path) -> None:
    bundle = planted / "support.tar.gz"
    sources = Sources(planted / "firmware.toml", "/nowhere", MODELS, planted / "hostdriver.toml")
    write_bundle(bundle, report_of(ill_with(Symptom.READER_MISSING)), sources)
    whole = gzip.decompress(bundle.read_bytes()).decode(errors="replace")
    # The machine's own secrets as well: every key that is in the state folder.
    keys = json.loads((planted / "state" / "device-key.json").read_text())
    identity = (planted / "state" / "link" / "identity.pem").read_text().splitlines()
    own = [keys["d"], keys["x"], *(line for line in identity if "-----" not in line)]
    assert [secret for secret in (*SECRETS, *own) if secret in whole] == []
    assert "1312345678" not in whole


def test_it_says_what_helps(planted: Path) -> None:
    bundle = planted / "support.tar.gz"
    sources = Sources(planted / "firmware.toml", "/nowhere", MODELS, planted / "hostdriver.toml")
    write_bundle(bundle, report_of(ill_with(Symptom.READER_MISSING)), sources)
    told = contents(bundle)
    assert set(told) == {
        *("README.txt", "report.json", "versions.json", "settings.json", "health.json"),
        *("models.json", "units.txt", "log.txt"),
    }
    assert json.loads(told["report.json"])["findings"][0]["symptom"] == "reader_missing"
    versions = json.loads(told["versions.json"])
    assert versions["kazashi"]
    assert versions["libraries"]["msgspec"]
    settings = json.loads(told["settings.json"])
    assert settings["firmware"]["looks"] == 3
    assert settings["firmware"]["card"]["pcsc_socket"] == f"{planted}/none.comm"
    assert settings["firmware"]["staff"] == [{"staff_id": GONE, "passcode": GONE}]
    assert settings["hostdriver"]["socket"] == "unix:hostdriver.sock"
    assert json.loads(told["health.json"])["ok"] is True
    assert json.loads(told["models.json"])["face-detector"]["id"]
    assert "2026-11-22T16:25:00+0900" in told["log.txt"]
    assert "INFO firmware.app: the enclosure is shut" in told["log.txt"]
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


def test_the_command_writes_it_beside_its_report(planted: Path) -> None:
    bundle = planted / "support.tar.gz"
    told = ("--settings", str(planted / "firmware.toml"), "doctor", "--host-socket", "/nowhere")
    done = CliRunner().invoke(firmware, [*told, "--bundle", str(bundle)])
    assert done.exit_code == 1, done.output
    report = json.loads(contents(bundle)["report.json"])
    assert {each["symptom"] for each in report["findings"]} >= {"card_service_missing"}
    whole = gzip.decompress(bundle.read_bytes()).decode(errors="replace")
    assert [secret for secret in SECRETS if secret in whole] == []
    nowhere = CliRunner().invoke(firmware, [*told, "--only", "clock", "--bundle", "/proc/x.tar.gz"])
    assert nowhere.exit_code == 2


def test_nothing_is_there_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    broken = tmp_path / "firmware.toml"
    broken.write_text(f"staff = {NUMBER} {TOKEN}")
    sources = Sources(broken, "/nowhere", None, tmp_path / "none.toml")
    write_bundle(tmp_path / "support.tar.gz", report_of(HEALTHY), sources)
    told = contents(tmp_path / "support.tar.gz")
    assert json.loads(told["settings.json"]) == {
        "firmware": "not read: it is no TOML",
        "hostdriver": "not read: No such file or directory",
    }
    assert told["log.txt"] == "not asked: there is no journalctl here\n"
    assert json.loads(told["models.json"]) == {}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["firmware.toml", "support.tar.gz"]


# --- masking
SEPARATORS = st.sampled_from(["", " ", "-", ".", "・", "　", " - "[:2], "/", "_", ","])
DIGITS = st.sampled_from("0123456789０１２３４５６７８９")


@given(st.lists(st.tuples(DIGITS, SEPARATORS), min_size=12, max_size=20), st.text(max_size=5))
def test_no_number_of_twelve_digits_passes(parts: list[tuple[str, str]], around: str) -> None:
    number = "".join(digit + separator for digit, separator in parts)[:-1] + "1"
    assert number not in masked(f"{around} {number} {around}")


@given(st.binary(min_size=24, max_size=64))
def test_no_key_passes_in_any_common_form(key: bytes) -> None:
    hexed = key.hex()
    assert hexed not in masked(f"key {hexed}.")
    for encoded in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()):
        kinds = [any(map(test, encoded)) for test in (str.isdigit, str.isupper, str.islower)]
        if all(kinds):
            assert encoded not in masked(f"key {encoded} ")


@given(st.recursive(
    st.text(max_size=8) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
))  # fmt: skip
def test_text_of_unknown_keys_is_never_told(value: Any) -> None:
    shown = json.dumps(masked_settings({"unknown": ["x-secret-x", value, {"deep": "x-secret-x"}]}))
    assert "x-secret-x" not in shown


def test_what_is_no_secret_stays_readable() -> None:
    for line in (
        "2026-11-22T16:25:00+0900 kazashi-firmware[812]: WARNING firmware.app: camera: frozen",
        "/usr/lib/kazashi-firmware/lib/python3.11/site-packages/firmware/app.py:12: unknown key",
        "ACS ACR39U ICC Reader 00 00: Access denied. (0x8010006A)",
        "get_throttled=0x50005, 81.5 °C, 12 MB / 31998 MB",
    ):
        assert masked(line) == line


def test_a_long_line_is_masked_in_time() -> None:
    """Whoever writes a log must not be able to keep this waiting."""
    for sign in ("a", "pin", "http://", "-----BEGIN ", "aB", "=", "-"):
        masked(sign * 20_000)
    assert masked("1" * 200_000) == GONE
