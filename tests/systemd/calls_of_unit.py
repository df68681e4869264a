"""Runs a program with the system calls and namespaces that a unit leaves it, and no others.

`python calls_of_unit.py UNIT PROGRAM…`: as systemd would, by libseccomp, which comes with systemd.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # SCMP_ACT_ALLOW; SCMP_ACT_ERRNO, to which a number is added
MASKED_EQUAL = 7  # SCMP_CMP_MASKED_EQ
NAMESPACES = {  # clone(2)
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class Filter:
    """One filter of this process, from when it is loaded."""

    def __init__(self, otherwise: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(otherwise)))

    def add(self, action: int, call: str, argument: int = 0, flag: int | None = None) -> None:
        """A rule; a call that this architecture has not needs none."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        comparisons = [] if flag is None else [Comparison(argument, MASKED_EQUAL, flag, flag)]
        rule = (Comparison * len(comparisons))(*comparisons)
        if number >= 0:
            self._check(
                self._library.seccomp_rule_add_array(
                    self._context, ctypes.c_uint32(action), number, len(comparisons), rule
                )
            )

    def load(self) -> None:
        self._check(self._library.seccomp_load(self._context))

    @staticmethod
    def _check(code: int) -> None:
        if code != 0:
            raise OSError(-code, os.strerror(-code))


def calls(names: Iterable[str]) -> set[str]:
    """Calls, with systemd's groups of them taken apart."""
    found = set()
    for name in names:
        if name.startswith("@"):
            command = ["systemd-analyze", "--no-pager", "syscall-filter", name]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            lines = [line.strip() for line in told.splitlines()[1:]]
            found |= calls(line for line in lines if line and not line.startswith("#"))
        else:
            found.add(name)
    return found


def values(unit: Path, key: str) -> list[list[str]]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2].split() for line in lines if line.startswith(f"{key}=")]


def confine(unit: Path) -> None:
    """This process, and whatever it becomes, from now on."""
    allowed = calls(["@default"])
    for words in values(unit, "SystemCallFilter"):
        if words[0].startswith("~"):
            allowed -= calls([words[0][1:], *words[1:]])
        else:
            allowed |= calls(words)
    (namespaces,) = values(unit, "RestrictNamespaces")
    kept = () if namespaces == ["yes"] else namespaces
    by_flag = Filter(ALLOW)
    for name, flag in NAMESPACES.items():
        if name not in kept:
            for call, argument in (("clone", 0), ("unshare", 0), ("setns", 1)):
                by_flag.add(REFUSE | errno.EPERM, call, argument, flag)
    by_flag.add(REFUSE | errno.ENOSYS, "clone3")  # its flags lie where no filter can look
    by_name = Filter(REFUSE | errno.EPERM)
    for call in sorted(allowed):
        by_name.add(ALLOW, call)
    by_flag.load()
    by_name.load()


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
