"""What can be told of the Debian packages without building one: locks, contents, scripts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
sys.path.insert(0, str(PACKAGING))

import stage  # noqa: E402
from deb import Build, is_dirty  # noqa: E402
from suites import PLATFORMS, SUITES  # noqa: E402

SCRIPTS = sorted(
    path
    for path in (PACKAGING / "debian").glob("kazashi-*")
    if path.suffix in {".postinst", ".prerm", ".postrm"}
)
LOCKS = {"firmware": ("firmware",), "hostdriver": ("host",), "simulator": ()}
SYSTEMS_OWN = {"pyscard", "lgpio"}
"""Of these Debian has the one that fits the machine."""
NEVER_INSTALLED = {"simulator", "testbench"}


@cache
def locked(path: Path) -> dict[str, set[tuple[str, str]]]:
    """Package → its (version, marker)s; every one of them must have hashes."""
    found: dict[str, set[tuple[str, str]]] = {}
    for entry in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        if not entry or entry.startswith("#"):
            continue
        line = entry.split("\\\n", 1)[0].strip()
        assert "--hash=sha256:" in entry, f"{line} in {path.name} has no hash"
        pinned, _, marker = line.partition(" ; ")
        name, version = pinned.split("==")
        found.setdefault(canonicalize_name(name), set()).add((version.strip(), marker))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_vendored_is_what_was_tested(lock: str) -> None:
    """A version in a package is the one in requirements.lock, which CI runs with."""
    tested = locked(ROOT / "requirements.lock")
    for name, versions in locked(PACKAGING / f"{lock}.lock").items():
        if name in tested:
            assert {v for v, _ in versions} <= {v for v, _ in tested[name]}, name
        else:  # for the Pi's pins and camera alone
            assert name in {"rpi-lgpio", "simplejpeg"}


@pytest.mark.parametrize("lock", ["firmware", "hostdriver"])
def test_every_dependency_of_the_project_is_vendored_or_the_systems(lock: str) -> None:
    project = stage.PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in LOCKS[lock] for line in project["optional-dependencies"][extra]),
    ]
    vendored = locked(PACKAGING / f"{lock}.lock")
    for line in wanted:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name in SYSTEMS_OWN:
            continue
        versions = {version for version, _ in vendored.get(name, ())}
        assert versions, f"{line} is not in {lock}.lock: make lock"
        assert all(version in requirement.specifier for version in versions), line


def test_no_package_is_for_tests_only() -> None:
    dev = {
        canonicalize_name(Requirement(line).name)
        for line in stage.PROJECT["project"]["optional-dependencies"]["dev"]
    }
    assert not dev & (
        locked(PACKAGING / "firmware.lock").keys() | locked(PACKAGING / "hostdriver.lock").keys()
    )


# --- contents
def test_the_device_gets_no_simulation() -> None:
    rooms = {path.relative_to(ROOT / "firmware").parts[0] for path in stage.firmware_files()}
    assert not rooms & NEVER_INSTALLED
    assert {"card", "camera", "match", "panel", "transaction", "app.py"} <= rooms


def test_every_module_is_in_one_package() -> None:
    device, testers = set(stage.firmware_files()), set(stage.simulator_files())
    assert not device & testers
    assert device | testers >= set((ROOT / "firmware").rglob("*.py"))


def test_the_host_driver_gets_all_that_it_imports() -> None:
    """It starts with nothing else of this tree in reach."""
    modules = [path.relative_to(ROOT) for path in stage.hostdriver_files()]
    assert set((ROOT / "hostdriver").rglob("*.py")) == {
        ROOT / path for path in modules if path.parts[0] == "hostdriver"
    }
    of_firmware = {str(path) for path in modules if path.parts[0] == "firmware"}
    assert "firmware/link/messages.py" in of_firmware
    assert not [
        path for path in of_firmware if path.startswith(("firmware/card", "firmware/match"))
    ]


def test_modules_load_without_the_packages_that_are_left_out() -> None:
    """ONNX Runtime and colorzero name more than they use; LEFT_OUT of the Makefile lists it."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    match = re.search(r"^LEFT_OUT := (.*(?:\\\n.*)*)", makefile, re.MULTILINE)
    assert match
    names = set(match[1].replace("\\\n", " ").split()) - SYSTEMS_OWN
    program = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(names | {'pkg_resources'})!r}))\n"
        "for name in sys.stdin.read().split(): importlib.import_module(name)\n"
    )
    files = [*stage.firmware_files(), *stage.hostdriver_files()]
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files
        if path.suffix == ".py" and path.stem not in {"__main__", "photo_child"}
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=" ".join(sorted(modules)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("installed", "package"),
    [
        ("usr/lib/systemd/system/kazashi-firmware.service", "kazashi-firmware"),
        ("usr/lib/systemd/system/kazashi-usb-gadget.service", "kazashi-firmware"),
        ("usr/share/polkit-1/rules.d/50-kazashi-firmware.rules", "kazashi-firmware"),
        ("usr/lib/systemd/system/kazashi-hostdriver.socket", "kazashi-hostdriver"),
        ("etc/kazashi/hostdriver.toml", "kazashi-hostdriver"),
        ("etc/kazashi-kiosk/chromium/policies/managed/kazashi-kiosk.json", "kazashi-kiosk"),
        ("usr/lib/kazashi-kiosk/kiosk", "kazashi-kiosk"),
    ],
)
def test_each_file_of_the_system_has_its_package(installed: str, package: str) -> None:
    assert (ROOT / "systemd" / installed).is_file()
    assert stage.package_of(Path(installed)) == package


def test_programs_are_those_of_the_project() -> None:
    shared_out = sorted(name for names in stage.PROGRAMS.values() for name in names)
    assert shared_out == sorted(stage.PROJECT["project"]["scripts"])


# --- versions
def test_a_package_of_changes_that_are_in_no_commit_says_so(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        who = ("-c", "user.name=nobody", "-c", "user.email=nobody@kazashi.example")
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True, capture_output=True)

    assert not is_dirty(tmp_path)  # unpacked from an archive
    git("init")
    (tmp_path / "committed").write_text("before")
    git("add", "committed")
    git("commit", "--no-gpg-sign", "-m", "first")
    assert not is_dirty(tmp_path)
    (tmp_path / "committed").write_text("after")
    assert is_dirty(tmp_path)
    git("checkout", "--", "committed")
    assert not is_dirty(tmp_path)
    (tmp_path / "new").write_text("")
    assert is_dirty(tmp_path)


@pytest.mark.parametrize("suite", SUITES)
def test_apt_takes_the_commits_own_package_in_the_place_of_a_dirty_one(suite: str) -> None:
    clean, dirty = (
        Build(SUITES[suite], "amd64", "1.2.3", 0, dirty=dirty) for dirty in (False, True)
    )
    assert (clean.version, dirty.version) == ("1.2.3", "1.2.3+dirty")
    order = (dirty.debian_version, "lt", clean.debian_version)
    subprocess.run(["dpkg", "--compare-versions", *order], check=True)
    assert all("~dirty" in name for name in dirty.names)


# --- control file and scripts
def control() -> dict[str, dict[str, str]]:
    """Package → its fields."""
    text = (PACKAGING / "debian/control").read_text(encoding="utf-8")
    found = {}
    for paragraph in text.split("\n\n")[1:]:
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        found[fields["Package"]] = fields
    return found


def test_the_packages_are_the_four() -> None:
    assert tuple(control()) == stage.PACKAGES
    for fields in control().values():
        assert fields["Architecture"] in {" ".join(PLATFORMS), "all"}


def test_the_systems_own_libraries_are_asked_for() -> None:
    fields = control()["kazashi-firmware"]
    assert {"python3-pyscard", "pcscd", "libccid"} <= set(fields["Depends"].split(", "))
    assert {"python3-picamera2", "python3-lgpio"} <= set(fields["Recommends"].split(", "))
    assert "fonts-noto-cjk" in control()["kazashi-kiosk"]["Depends"]


@pytest.mark.parametrize("suite", SUITES)
def test_extension_modules_meet_their_own_python_only(suite: str) -> None:
    major, minor = SUITES[suite].python
    wanted = f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})"
    assert SUITES[suite].python_dependency == wanted
    for package in ("kazashi-firmware", "kazashi-hostdriver", "kazashi-simulator"):
        assert "${kazashi:Python}" in control()[package]["Depends"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_maintainer_scripts_are_shell_and_stop_at_a_fault(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\nset -e\n")
    assert "#DEBHELPER#" in text
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.mark.parametrize("package", ["kazashi-firmware", "kazashi-hostdriver", "kazashi-kiosk"])
def test_data_goes_by_purge_alone_and_is_named_first(package: str) -> None:
    text = (PACKAGING / f"debian/{package}.postrm").read_text(encoding="utf-8")
    before, purge = text.split('if [ "$1" = purge ]; then')
    assert "rm -rf" not in before
    assert purge.index("echo") < purge.index("rm -rf")
    state = f"/var/lib/kazashi/{package.removeprefix('kazashi-')}"
    assert state in purge.splitlines()[1], "says what it removes"
    assert f"rm -rf {state} " in purge


def test_compiled_modules_go_before_their_sources() -> None:
    for script in SCRIPTS:
        if script.suffix == ".prerm":
            assert f"py3clean -p {script.stem}" in script.read_text(encoding="utf-8")


def test_the_package_list_of_a_network_names_where_it_came_from() -> None:
    from sbom import _model

    for card in sorted((ROOT / "models").glob("*/card.toml")):
        said = json.loads(json.dumps(_model(card)))
        assert said["hashes"][0]["alg"] == "SHA-256"
        assert re.fullmatch("[0-9a-f]{64}", said["hashes"][0]["content"])
        assert said["pedigree"]["ancestors"][0]["purl"].startswith(("pkg:pypi/", "pkg:npm/"))


def test_the_package_list_names_the_other_forms_of_a_network_that_are_shipped(
    tmp_path: Path,
) -> None:
    from sbom import _model

    card = shutil.copy(ROOT / "models/face-embedder/card.toml", tmp_path)
    assert _model(Path(card))["components"] == []
    said = tomllib.loads(Path(card).read_text(encoding="utf-8"))
    shipped = []
    for name in ("blocked", "quantised"):
        (tmp_path / f"sface-{name}.onnx").write_bytes(b"")
        shipped.append([{"alg": "SHA-256", "content": said[name]["sha256"]}])
        assert [form["hashes"] for form in _model(Path(card))["components"]] == shipped


def test_each_kind_of_machine_gets_the_forms_that_it_may_run() -> None:
    from stage import model_files

    shipped = {arch: {path.name for path in model_files(arch)} for arch in ("amd64", "arm64")}
    assert {"sface.onnx", "sface-quantised.onnx"} <= shipped["arm64"] < shipped["amd64"]
    assert all(name.endswith("-blocked.onnx") for name in shipped["amd64"] - shipped["arm64"])
