"""Starts a daemon as its unit files say, where no systemd runs: user, groups, folders, environment,
the passed socket, and readiness. Sandboxing is systemd's own and is not done here.

It runs inside the root, by the system's Python.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shlex
import shutil
import socket
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNITS: Final = Path("/usr/lib/systemd/system")
RUNTIME, STATE = Path("/run"), Path("/var/lib")
FOLDERS: Final = {"RuntimeDirectory": RUNTIME, "StateDirectory": STATE}
NOTICES: Final = RUNTIME / "notices"
FIRST_PASSED: Final = 3  # SD_LISTEN_FDS_START
# Only the process itself knows the number that LISTEN_PID must hold.
PASS_ON: Final = 'if [ "$LISTEN_FDS" ]; then export LISTEN_PID=$$; fi; exec "$@"'
READY_WITHIN_S: Final = 300.0
STOP_WITHIN_S: Final = 120.0


class NotStarted(Exception):
    """A daemon did not come up, or did not end as it should; the message says which."""


class Unit:
    """A unit file, as far as it is followed here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._said: dict[str, list[str]] = defaultdict(list)
        for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith(("#", ";")):
                for short, folder in (("%t", RUNTIME), ("%S", STATE)):
                    value = value.replace(short, str(folder))
                self._said[key.strip()].append(value.strip())

    def words(self, key: str) -> list[str]:
        """Everything said under that key."""
        return shlex.split(" ".join(self._said.get(key, ())))

    def word(self, key: str, otherwise: str) -> str:
        """What was said last under it."""
        return self._said[key][-1] if key in self._said else otherwise

    def make_folders(self) -> None:
        """The folders that systemd would make before it starts the program."""
        for key, root in FOLDERS.items():
            for name in self.words(key):
                folder = root / name
                folder.mkdir(parents=True, exist_ok=True)
                shutil.chown(folder, self.word("User", "root"), self.word("Group", "root"))
                folder.chmod(int(self.word(f"{key}Mode", "0755"), 8))


def listening(unit: Unit) -> socket.socket:
    """The socket of a socket unit, with its owner and mode."""
    place = Path(unit.word("ListenStream", ""))
    place.parent.mkdir(mode=int(unit.word("DirectoryMode", "0755"), 8), parents=True, exist_ok=True)
    line = socket.socket(socket.AF_UNIX)
    line.bind(str(place))
    shutil.chown(place, unit.word("SocketUser", "root"), unit.word("SocketGroup", "root"))
    place.chmod(int(unit.word("SocketMode", "0666"), 8))
    line.listen(int(unit.word("Backlog", "64")))
    return line


@contextlib.contextmanager
def started(unit: Unit, passed: socket.socket | None = None) -> Iterator[None]:
    """The unit's program, ready, while the block runs; then ended by SIGTERM. `NotStarted`."""
    unit.make_folders()
    notices = NOTICES / unit.name
    notices.parent.mkdir(exist_ok=True)
    environment = dict(word.split("=", 1) for word in unit.words("Environment"))
    environment |= {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NOTIFY_SOCKET": str(notices)}
    if passed is not None:
        os.dup2(passed.fileno(), FIRST_PASSED)
        environment |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "api"}
    user = unit.word("User", "root")
    groups = [grp.getgrnam(name).gr_gid for name in unit.words("SupplementaryGroups")]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(notices))
        notices.chmod(0o666)
        process = subprocess.Popen(
            ["/bin/sh", "-c", PASS_ON, "unit", *unit.words("ExecStart")],
            stdin=subprocess.DEVNULL,
            stdout=2,
            user=user,
            group=unit.word("Group", user),
            extra_groups=[*os.getgrouplist(user, pwd.getpwnam(user).pw_gid), *groups],
            umask=int(unit.word("UMask", "0022"), 8),
            cwd=unit.word("WorkingDirectory", "/"),
            env=environment,
            pass_fds=() if passed is None else (FIRST_PASSED,),
        )
        try:
            _await_ready(unit, process, line)
            yield
        finally:
            process.terminate()
            code = process.wait(STOP_WITHIN_S)
    if code:
        raise NotStarted(f"{unit.name} ended with {code}")


def _await_ready(unit: Unit, process: subprocess.Popen[bytes], line: socket.socket) -> None:
    line.settimeout(READY_WITHIN_S)
    try:
        while "READY=1" not in line.recv(4096).decode().split("\n"):
            continue
    except TimeoutError as cause:
        ended = process.poll()
        how = "is not ready" if ended is None else f"ended with {ended}"
        raise NotStarted(f"{unit.name} {how}") from cause
