"""The units: what systemd's own tools say of them, and the promises that no tool knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from unit_files import (
    DAEMONS,
    INSTALLED,
    ROOT,
    SERVICES,
    UNITS,
    analyze,
    copy_units,
    program_in_tree,
    read_unit,
)

AT_MOST = {
    "kazashi-firmware": 1.6,
    "kazashi-hostdriver": 1.6,
    "kazashi-usb-gadget": 2.5,
    "kazashi-kiosk": 4.5,
}


def sysusers() -> set[str]:
    lines = [
        line.split()
        for file in sorted((INSTALLED / "usr/lib/sysusers.d").iterdir())
        for line in file.read_text().splitlines()
        if line[:1] in ("u", "g")
    ]
    return {name for _, name, *_ in lines}


# --- systemd's own judgement ----------------------------------------------------------------------
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    units = copy_units(tmp_path)
    verified = analyze("verify", "--recursive-errors=yes", *map(str, units), units=tmp_path)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_systemd_would_find_a_misspelt_key(tmp_path: Path) -> None:
    """An unknown key is a warning only, unless the right question is asked."""
    copy_units(tmp_path)
    unit = tmp_path / "kazashi-firmware.service"
    unit.write_text(unit.read_text().replace("LimitCORE=", "LimitCores="))
    verified = analyze("verify", "--recursive-errors=yes", str(unit), units=tmp_path)
    assert verified.returncode != 0
    assert "LimitCores" in verified.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_is_exposed_no_more_than_it_may(service: str) -> None:
    tenths = round(AT_MOST[service] * 10)
    unit = str(UNITS / f"{service}.service")
    scored = analyze("security", "--offline=true", f"--threshold={tenths}", unit)
    assert scored.returncode == 0, scored.stdout.splitlines()[-1:]


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_tells_the_score_that_systemd_gives(service: str) -> None:
    unit = str(UNITS / f"{service}.service")
    scored = analyze("security", "--offline=true", unit).stdout
    score = re.search(r"exposure level for .*: (\d\.\d)", scored)
    assert score
    row = re.search(
        rf"^\| `{service}\.service` .*$", (ROOT / "systemd/README.md").read_text(), re.M
    )
    assert row
    assert f"| {score[1]} |" in row[0]


# --- who runs, and as whom ------------------------------------------------------------------------
def test_every_daemon_has_a_user_of_its_own() -> None:
    users = {service: read_unit(f"{service}.service")["User"] for service in SERVICES}
    assert users.pop("kazashi-usb-gadget") == ["root"]  # configfs knows no other
    assert users == {service: [service] for service in users}


@pytest.mark.parametrize("service", SERVICES)
def test_users_and_groups_of_a_unit_are_made_by_its_own_package(service: str) -> None:
    """The other packages may not be on this machine."""
    unit = read_unit(f"{service}.service")
    named = {
        name
        for key in ("User", "Group", "SupplementaryGroups")
        for v in unit[key]
        for name in v.split()
    }
    of_debian = {"root", "video", "audio", "render"}  # base-passwd's and systemd's
    made = (
        (INSTALLED / f"usr/lib/sysusers.d/{service}.conf").read_text()
        if service != "kazashi-usb-gadget"
        else ""
    )
    assert {
        name for name in named - of_debian if not re.search(rf"^[ug]\s+{name}\s", made, re.M)
    } == set()


@pytest.mark.parametrize("service", SERVICES)
def test_programs_of_a_unit_exist(service: str) -> None:
    unit = read_unit(f"{service}.service")
    for command in [*unit["ExecStart"], *unit["ExecStop"]]:
        assert Path(program_in_tree(command.split()[0])).exists()


@pytest.mark.parametrize("service", DAEMONS)
def test_a_daemon_is_watched_and_started_again_for_ever(service: str) -> None:
    unit = read_unit(f"{service}.service")
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert float(unit["WatchdogSec"][0]) > 0
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["ExecStart"] == [f"/usr/bin/{service} --settings /etc/kazashi/{service[8:]}.toml"]


# --- what must be nowhere -------------------------------------------------------------------------
@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_dumped(service: str) -> None:
    assert read_unit(f"{service}.service")["LimitCORE"] == ["0"]


@pytest.mark.parametrize("service", [*DAEMONS, "kazashi-kiosk"])
def test_nothing_of_a_visit_is_swapped_out(service: str) -> None:
    assert read_unit(f"{service}.service")["MemorySwapMax"] == ["0"]


@pytest.mark.parametrize("service", [*DAEMONS, "kazashi-kiosk"])
def test_nothing_reaches_another_machine(service: str) -> None:
    unit = read_unit(f"{service}.service")
    assert unit["IPAddressDeny"] == ["any"]
    assert unit["IPAddressAllow"] == ["localhost"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_unit_has_a_capability(service: str) -> None:
    unit = read_unit(f"{service}.service")
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == [""]
    assert unit["NoNewPrivileges"] == ["yes"]


def test_only_the_devices_that_are_meant_can_be_opened() -> None:
    opened = {
        service: {allowed.split()[0] for allowed in read_unit(f"{service}.service")["DeviceAllow"]}
        for service in SERVICES
    }
    assert opened == {
        "kazashi-firmware": {
            *("char-video4linux", "char-media", "char-dma_heap", "char-gpiochip", "char-ttyGS")
        },
        "kazashi-hostdriver": {"char-ttyACM"},
        "kazashi-kiosk": {"char-drm", "char-tty", "char-alsa"},
        "kazashi-usb-gadget": set(),
    }
    for service in ("kazashi-firmware", "kazashi-hostdriver", "kazashi-kiosk"):
        assert read_unit(f"{service}.service")["DevicePolicy"] == ["closed"]


def test_users_are_told_apart_where_they_have_to_be() -> None:
    """Polkit and the link ask the kernel who calls; a user namespace would hide it."""
    for service in (*DAEMONS, "kazashi-kiosk"):
        assert read_unit(f"{service}.service")["PrivateUsers"] == ["no"]


# --- folders and sockets --------------------------------------------------------------------------
def test_state_is_private_and_outlives_a_stop() -> None:
    for service in DAEMONS:
        unit = read_unit(f"{service}.service")
        assert unit["StateDirectory"] == unit["RuntimeDirectory"] == [f"kazashi/{service[8:]}"]
        assert unit["StateDirectoryMode"] == ["0700"]


def test_the_local_socket_is_for_one_group_and_outlives_the_driver() -> None:
    unit = read_unit("kazashi-hostdriver.socket")
    assert unit["ListenStream"] == ["/run/kazashi/hostdriver/hostdriver.sock"]
    assert unit["FileDescriptorName"] == ["api"]
    assert (unit["SocketMode"], unit["SocketGroup"]) == (["0660"], ["kazashi"])
    assert "kazashi" in sysusers()
    assert read_unit("kazashi-hostdriver.service")["RuntimeDirectoryPreserve"] == ["yes"]


# --- the kiosk ------------------------------------------------------------------------------------
def test_chromiums_own_sandbox_stays_on() -> None:
    forbidden = re.compile(
        r"--(no-sandbox|no-zygote|disable-(setuid-|namespace-|seccomp-\S*)?sandbox|single-process)"
    )
    found = [
        path.name
        for path in INSTALLED.rglob("*")
        if path.is_file() and forbidden.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    kiosk = read_unit("kazashi-kiosk.service")
    assert kiosk["RestrictNamespaces"] == ["user pid net"]  # what it locks its processes up in
    assert {"chroot", "seccomp"} <= set(kiosk["SystemCallFilter"][0].split())


def test_the_browser_opens_the_panel_and_nothing_else() -> None:
    kept, _, looked_for = read_unit("kazashi-kiosk.service")["BindReadOnlyPaths"][0].partition(":")
    file = INSTALLED / f".{kept}/policies/managed/kazashi-kiosk.json"
    policy = json.loads(file.read_text())
    assert looked_for == "/etc/chromium"
    assert policy["URLBlocklist"] == ["*"]
    assert policy["URLAllowlist"] == [
        "http://127.0.0.1:8770",
        "file:///run/kazashi/firmware/panel.html",
    ]
    assert policy["DownloadRestrictions"] == 3  # none
    assert policy["DeveloperToolsAvailability"] == 2  # none


def test_every_other_browser_of_the_machine_stays_as_it_is() -> None:
    """And does so when the package is gone, while what was set for it is still there."""
    assert not (INSTALLED / "etc/chromium").exists()


def test_the_kiosk_lives_and_ends_with_the_firmware() -> None:
    """Each start of the firmware has a token of its own."""
    kiosk = read_unit("kazashi-kiosk.service")
    assert kiosk["BindsTo"] == ["kazashi-firmware.service"]
    assert "kazashi-firmware.service" in kiosk["After"][0].split()
    assert kiosk["WantedBy"] == ["kazashi-firmware.service"]


# --- rules ----------------------------------------------------------------------------------------
def test_polkit_lets_one_user_alone_use_the_card_reader() -> None:
    rule = (INSTALLED / "usr/share/polkit-1/rules.d/50-kazashi-firmware.rules").read_text()
    assert re.findall(r"subject\.\w+", rule) == ["subject.user"]
    assert 'subject.user === "kazashi-firmware"' in rule
    assert set(re.findall(r"org\.[\w.-]+", rule)) == {
        "org.debian.pcsc-lite.access_pcsc",
        "org.debian.pcsc-lite.access_card",
    }


def test_both_ends_of_the_cable_agree_on_what_the_gadget_is_called() -> None:
    script = (INSTALLED / "usr/lib/kazashi-firmware/usb-gadget").read_text()
    rule = (INSTALLED / "usr/lib/udev/rules.d/70-kazashi-hostdriver.rules").read_text()
    said = {
        key: value.removeprefix("0x")
        for value, key in re.findall(r'^  echo "?([^"\n]+?)"? >"\$gadget/\S*?(\w+)"$', script, re.M)
    }
    for key in ("idVendor", "idProduct", "product"):
        assert f'ATTRS{{{key}}}=="{said[key]}"' in rule
    assert 'SYMLINK+="kazashi ' in rule
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule
