"""A Debian 12 of arm64 in a folder, run by QEMU's user emulation. [shell]

It is made once and kept as a tar file; each run unpacks a fresh one. Every command in it gets
mounts and processes of its own, and no network unless it asks: all are gone when it ends, whatever
it started.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

SUITE: Final = "bookworm"
BINFMT: Final = Path("/proc/sys/fs/binfmt_misc")
EMULATOR: Final = "qemu-aarch64"
NEEDED: Final = {
    "qemu-aarch64-static": "qemu-user-static",
    "update-binfmts": "binfmt-support",
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "dh": "debhelper",
    "lintian": "lintian",
    "ip": "iproute2",
}
"""Programs of this machine, and the Debian packages that they come from."""
INCLUDED: Final = (
    *("fonts-noto-cjk", "libccid", "pcscd", "python3", "python3-pyscard"),
    *("systemd", "udev", "iproute2"),
)
"""Beside Debian's required ones: what our packages ask for, so that no run fetches it again."""
# vpcd is unpacked, never installed: it listens on every interface of its machine.
VPCD: Final = "/srv/vpcd"
FETCH_VPCD: Final = (
    "cd /tmp && apt-get download -qq vsmartcard-vpcd && dpkg -x vsmartcard-vpcd_*.deb unpacked"
    f" && mkdir {VPCD} && cp -L unpacked/usr/lib/pcsc/drivers/serial/libifdvpcd.so {VPCD}"
    " && rm -r unpacked vsmartcard-vpcd_*.deb"
)
# No init runs in there: Debian's own way to say that nothing is to be started at installation.
START_NOTHING: Final = "#!/bin/sh\nexit 101\n"
# /run and /tmp are as after a boot. The kernel holds the emulator open (flag F): it need not lie
# in the root.
ENTER: Final = """
set -e
[ "$NETWORK" ] || ip link set lo up
mount --bind "$1" "$1"; cd "$1"; shift
mount -t tmpfs -o mode=755 none run; mount -t tmpfs -o mode=1777 none tmp
mount --rbind /dev dev; mount -t proc proc proc
mount --bind /sys sys; mount -o remount,bind,ro sys
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root \
  DEBIAN_FRONTEND=noninteractive chroot . "$@"
"""


class Failed(Exception):
    """What was to be seen was not; the message says what was."""


class Arm64Root:
    """One unpacked root."""

    def __init__(self, folder: Path, log: Path) -> None:
        """`log` is told every command and what it said."""
        self.folder, self._log = folder, log

    def __truediv__(self, path: str) -> Path:
        """Where a path of the root lies on this machine."""
        return self.folder / path.lstrip("/")

    def run(self, *words: str, network: bool = False) -> str:
        """Run to its end in there, as root; what it wrote to stdout and stderr.

        Raises `Failed` with it, for any exit code but 0.
        """
        apart = [] if network else ["--net"]
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", *apart),
                *("sh", "-c", ENTER, "enter", str(self.folder), *words),
            ],
            env={**os.environ, "NETWORK": "yes" if network else ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {shlex.join(words)}\n{done.stdout}\n")
        if done.returncode != 0:
            raise Failed(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout


def missing_packages() -> list[str]:
    """Debian packages that this machine lacks for all this."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [package for program, package in NEEDED.items() if not shutil.which(program, path=path)]


def let_kernel_emulate() -> None:
    """Register the emulator with the kernel, if it is not. Raises `CalledProcessError`."""
    if not (BINFMT / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=True)
    if not (BINFMT / EMULATOR).exists():
        subprocess.run(["update-binfmts", "--enable", EMULATOR], check=True)


def make_tar(tar: Path, arch: str = "arm64", suite: str = SUITE) -> None:
    """Install Debian and keep it: 4 minutes for arm64. Raises `CalledProcessError`."""
    tar.parent.mkdir(parents=True, exist_ok=True)
    part = tar.with_suffix(".part.tar")
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", f"--arch={arch}", "--variant=minbase"),
            f"--include={','.join(INCLUDED)}",
            f'--customize-hook=chroot "$1" sh -c "{FETCH_VPCD}"',
            *(suite, str(part)),
        ],
        check=True,
    )
    part.replace(tar)


def unpack(tar: Path, folder: Path, log: Path) -> Arm64Root:
    """A fresh root in `folder`; what was there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-C", str(folder), "--numeric-owner", "-xpf", str(tar)], check=True)
    root = Arm64Root(folder, log)
    shutil.copy("/etc/resolv.conf", root / "/etc/resolv.conf")
    policy = root / "/usr/sbin/policy-rc.d"
    policy.write_text(START_NOTHING)
    policy.chmod(0o755)
    return root
