"""Packages go in, and out again."""

from __future__ import annotations

import glob
import json
import os
import subprocess
from pathlib import Path

from desk import (
    FIRMWARE,
    HOSTDRIVER,
    SETTINGS,
    fact,
    main_pid,
    pin_visit,
    run,
    troubles,
    until_well,
    use_installed_code,
)
from report import expect, until
from rows import all_rows

PACKAGES = ("kazashi-firmware", "kazashi-hostdriver", "kazashi-simulator")
DAEMONS = (FIRMWARE, HOSTDRIVER)
UNITS = (*DAEMONS, "kazashi-hostdriver.socket")
# An emulated processor is far slower than a Raspberry Pi's; the units' comments name this cure.
EMULATED = "[Service]\nTimeoutStartSec=900\nWatchdogSec=900\n"
FOLDERS = ("/usr/lib", "/usr/bin", "/usr/share", "/etc", "/var/lib", "/var/cache", "/run")


def install() -> str:
    """As a clinic would: apt, the files, no network."""
    for unit in DAEMONS:
        drop_in = Path(f"/etc/systemd/system/{unit}.d/emulated.conf")
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text(EMULATED)
    version = _install("previous")
    use_installed_code()
    enabled = [run("systemctl", "is-enabled", unit) for unit in UNITS]
    expect(set(enabled) == {"enabled"}, f"{UNITS} are {enabled}")
    return f"{', '.join(PACKAGES)} {version}"


def _install(which: str) -> str:
    """That set of packages; its version."""
    debs = [path for name in PACKAGES for path in glob.glob(f"/material/{which}/{name}_*.deb")]
    expect(len(debs) == len(PACKAGES), f"the packages are {debs}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    quickly = ("-o", "Dpkg::Options::=--force-unsafe-io")  # no fsync for each file
    run("apt-get", "install", "-y", "--no-install-recommends", *quickly, *debs, within_s=3000)
    return run("dpkg-query", "-W", "-f=${Version}", "kazashi-firmware")


def upgrade() -> str:
    """Over the running daemons, on a day on which visits were made."""
    before, rows, settings = {unit: main_pid(unit) for unit in DAEMONS}, all_rows(), _settings()
    version = _install("debs")
    for unit in DAEMONS:
        expect(main_pid(unit) not in (0, before[unit]), f"{unit} was not restarted")
    until_well()
    expect(_settings() == settings, "the settings changed")
    expect(all_rows()[: len(rows)] == rows, "the ledger's rows changed")
    return f"to {version}; both daemons anew, {len(rows)} rows kept; {pin_visit()}"


def _settings() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in SETTINGS.iterdir()}


def bare() -> str:
    """With the settings as they came, and none of the hardware that they name."""
    until(lambda: fact(FIRMWARE, "ActiveState") == "active", 900, "the firmware up")
    until(lambda: met_but_not_set_up(set(troubles())), 900, "the reader met")
    found = doctor()
    expect({"face_camera_missing", "lights_missing"} <= found, f"the doctor finds {found}")
    return f"active; health: gateway_not_set_up; doctor: {', '.join(sorted(found))}"


def met_but_not_set_up(told: set[str]) -> bool:
    """The device is at the link; what else `health` says is of hardware that is not there."""
    return "gateway_not_set_up" in told and "reader_unavailable" not in told


def doctor() -> set[str]:
    """The symptoms that `kazashi-firmware doctor` finds."""
    told = subprocess.run(
        ("kazashi-firmware", "doctor", "--json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    return {finding["symptom"] for finding in json.loads(told.stdout)["findings"]}


def move_in() -> str:
    """Not a check of its own: simulated cameras and insured persons."""
    run("kazashi-simulator", "move-in", "--world", "/material/world", within_s=900)
    run("systemctl", "restart", FIRMWARE, HOSTDRIVER, within_s=900)
    until_well()
    return "moved in"


def remove() -> str:
    """Nothing runs any more; what the site made stays."""
    run("apt-get", "remove", "-y", *PACKAGES, within_s=900)
    for unit in UNITS:
        expect(fact(unit, "ActiveState") == "inactive", f"{unit} is {fact(unit, 'ActiveState')}")
    running = run("ps", "-eo", "user=,args=").splitlines()
    left = [line for line in running if line.startswith("kazashi")]
    expect(not left, f"still running: {left}")
    kept = ("/etc/kazashi/firmware.toml", "/var/lib/kazashi/hostdriver/ledger.sqlite")
    expect(all(Path(path).exists() for path in kept), f"not kept: one of {kept}")
    return "nothing runs; settings and ledger kept"


def purge() -> str:
    """Nothing is left but what this test put there itself."""
    run("apt-get", "purge", "-y", *PACKAGES, within_s=900)
    run("systemctl", "daemon-reload")
    left = [line for line in found() if line not in OURS]
    expect(not left, f"left: {left[:12]}")
    users = [line for line in Path("/etc/passwd").read_text().splitlines() if "kazashi" in line]
    groups = [line for line in Path("/etc/group").read_text().splitlines() if "kazashi" in line]
    expect(not users and not groups, f"left: {users} {groups}")
    units = run("systemctl", "list-unit-files", "--no-legend", "kazashi-*")
    listed = [line.split()[0] for line in units.splitlines() if "scenarios" not in line]
    expect(not listed, f"units are left: {listed}")
    return "no file, user, group or unit"


OURS = (
    *(f"/etc/systemd/system/{unit}.d" for unit in DAEMONS),
    *(f"/etc/systemd/system/{unit}.d/emulated.conf" for unit in DAEMONS),
    "/etc/systemd/system/kazashi-scenarios.service",
    "/etc/systemd/system/multi-user.target.wants/kazashi-scenarios.service",
)


def found() -> list[str]:
    """Every path with our name in it."""
    return run(
        "find", *FOLDERS, "-xdev", "-path", "*kazashi*", "-not", "-path", "/run/systemd/*"
    ).splitlines()
