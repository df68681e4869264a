"""One virtual machine: QEMU without acceleration, two disks, two serial ports.

The journal goes into a file, by the console; the scenarios' lines come here. Nothing is connected
to any network. TCG only: guests hang under a nested /dev/kvm.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

MEMORY_MIB: Final = 2048
# The journal goes to the console, and nothing else; a getty would hang up the line.
TOLD: Final = (
    "quiet systemd.show_status=0 systemd.mask=serial-getty@ttyS0.service "
    "systemd.journald.forward_to_console=1"
)


class MachineSilent(Exception):
    """The machine said nothing for longer than it may."""


CPU = "Nehalem"
"""A processor without AVX: QEMU 7.2 gets an instruction of AVX2 wrong that OpenCV moves pixels
with, and simulated faces came out bent. Without AVX2 alone, programs that expect no such end."""


@dataclass(frozen=True, slots=True)
class Disks:
    """Where a machine boots from. `system` is written to, and keeps what was written."""

    image: Path
    """The folder that image.sh filled."""
    system: Path
    material: Path


def fresh_disk(image: Path, at: Path) -> None:
    """A disk that begins as the image is; the image stays as it was."""
    at.unlink(missing_ok=True)
    backing = ("-b", str((image / "disk.img").resolve()), "-F", "raw")
    subprocess.run(("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(at)), check=True)


class Machine:
    """A machine that is on while the block runs; leaving the block is pulling the plug."""

    def __init__(self, disks: Disks, boot: str, console: Path) -> None:
        """`boot`: which scenarios it is to run."""
        append = f"root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1 {TOLD} kazashi.boot={boot}"
        self._command = (
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", CPU),
            *("-smp", "2", "-m", str(MEMORY_MIB), "-display", "none", "-monitor", "none"),
            *("-no-reboot", "-nic", "none"),
            *("-kernel", str(disks.image / "vmlinuz"), "-initrd", str(disks.image / "initrd.img")),
            *("-append", append),
            *("-drive", f"file={disks.system},if=virtio,format=qcow2"),
            *("-drive", f"file={disks.material},if=virtio,format=raw,readonly=on"),
            *("-serial", f"file:{console}", "-serial", "stdio"),
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._qemu = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._qemu.kill()
        self._qemu.wait()

    def _read(self) -> None:
        assert self._qemu.stdout is not None
        for line in self._qemu.stdout:
            self._lines.put(line.strip())
        self._lines.put(None)

    def lines(self, silent_s: float) -> Iterator[str]:
        """What it says, until it is off. Raises `MachineSilent`."""
        while True:
            try:
                line = self._lines.get(timeout=silent_s)
            except queue.Empty as cause:
                raise MachineSilent(f"nothing was said for {silent_s:.0f} s") from cause
            if line is None:
                return
            yield line
