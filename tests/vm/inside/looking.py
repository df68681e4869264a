"""How the units stand while they run: users, rights, files, scores, memory."""

from __future__ import annotations

import grp
import pwd
import re
import stat
import subprocess
from pathlib import Path

from desk import FIRMWARE, HOSTDRIVER, fact, main_pid, run
from report import expect

USERS = {FIRMWARE: "kazashi-firmware", HOSTDRIVER: "kazashi-hostdriver"}
LIMITS = {FIRMWARE: 1.6, HOSTDRIVER: 1.6, "kazashi-usb-gadget.service": 2.5}
FILES = {
    "/run/kazashi/hostdriver/hostdriver.sock": ("root", "kazashi", 0o660),
    "/run/kazashi/firmware/link.sock": ("kazashi-firmware", "kazashi-hostdriver", 0o660),
    "/var/lib/kazashi/firmware": ("kazashi-firmware", "kazashi-firmware", 0o700),
    "/var/lib/kazashi/hostdriver": ("kazashi-hostdriver", "kazashi-hostdriver", 0o700),
    "/var/lib/kazashi/firmware/device-key.json": ("kazashi-firmware", "kazashi-firmware", 0o600),
    "/var/lib/kazashi/hostdriver/ledger.sqlite": (
        "kazashi-hostdriver",
        "kazashi-hostdriver",
        0o600,
    ),
}


def processes(unit: str) -> list[int]:
    """All processes of a unit."""
    group = Path("/sys/fs/cgroup") / fact(unit, "ControlGroup").lstrip("/")
    return [int(line) for line in (group / "cgroup.procs").read_text().split()]


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def users() -> str:
    """Every process of a daemon, workers included."""
    seen = []
    for unit, name in USERS.items():
        wanted = str(pwd.getpwnam(name).pw_uid)
        pids = processes(unit)
        expect(main_pid(unit) in pids, f"{unit} has no main process")
        for pid in pids:
            told = _status(pid)
            expect(set(told["Uid"].split()) == {wanted}, f"{unit} {pid}: Uid {told['Uid']}")
            expect(int(told["CapEff"], 16) == 0, f"{unit} {pid}: CapEff {told['CapEff']}")
            expect(told["NoNewPrivs"] == "1", f"{unit} {pid}: may get new privileges")
            expect(told["Seccomp"] == "2", f"{unit} {pid}: no filter of system calls")
        seen.append(f"{name}: {len(pids)} processes")
    return "; ".join(seen)


def files() -> str:
    """Who may open what."""
    for path, wanted in FILES.items():
        there = Path(path).stat()
        is_so = (
            pwd.getpwuid(there.st_uid).pw_name,
            grp.getgrgid(there.st_gid).gr_name,
            stat.S_IMODE(there.st_mode),
        )
        expect(is_so == wanted, f"{path}: {is_so[0]}:{is_so[1]} {is_so[2]:o}")
    return f"{len(FILES)} as they should be"


def scores() -> str:
    """As systemd counts what the running machine exposes: smaller is better."""
    seen = []
    for unit, limit in LIMITS.items():
        told = run("systemd-analyze", "security", "--no-pager", unit).splitlines()[-1]
        match = re.search(r"([\d.]+) [A-Z]+", told)
        expect(match is not None, told)
        assert match is not None
        expect(float(match[1]) <= limit, f"{unit}: {match[1]} of {limit}")
        seen.append(f"{unit.removesuffix('.service')} {match[1]}")
    return ", ".join(seen)


def memory() -> str:
    """Photos and digits are in it."""
    for unit in USERS:
        group = Path("/sys/fs/cgroup") / fact(unit, "ControlGroup").lstrip("/")
        swap = (group / "memory.swap.max").read_text().strip()
        expect(swap == "0", f"{unit}: memory.swap.max {swap}")
        for pid in processes(unit):
            limits = Path(f"/proc/{pid}/limits").read_text()
            core = next(line for line in limits.splitlines() if line.startswith("Max core"))
            expect(core.split()[4:6] == ["0", "0"], f"{unit} {pid}: {core}")
    return "core size 0, memory.swap.max 0"


def polkit() -> str:
    """The card is for the firmware's user, and for nobody else on the machine."""
    if "polkit" not in run("pcscd", "--version"):
        return "this pcscd knows no polkit: any user of the machine may use the reader"
    asking = ("python3", "-c", "from smartcard.System import readers; print(readers())")
    as_nobody = ("systemd-run", "--quiet", "--wait", "--pipe", "-p", "User=nobody")
    asked = subprocess.run(
        (*as_nobody, *asking), capture_output=True, text=True, check=False, timeout=300
    )
    expect("Virtual" not in asked.stdout, f"nobody sees {asked.stdout}")
    expect("denied" in asked.stdout + asked.stderr, f"not refused, but: {asked.stderr[-200:]}")
    return "nobody: Access denied"
