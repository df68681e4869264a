"""Programs that see the virtual card through the PC/SC daemon: OpenSC's, and our own client."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.simulator.pcsc_service import PcscService

CLIENT = Path(__file__).with_name("pcsc_client.py")
LIMIT_S = 30


def run(
    service: PcscService, *command: str | Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        env={**os.environ, **service.environment},
        input=given,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )


class Client:
    """A PC/SC program on its own connection, asked line by line."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def hear(self) -> str:
        return self._stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.say(command)
        return self.hear()

    def send(self, command: CommandApdu) -> ResponseApdu:
        """What a script of `firmware.card` is run on."""
        return ResponseApdu.decode(bytes.fromhex(self.ask(command.encode().hex())))

    def say(self, command: str) -> None:
        self._stdin.write(command + "\n")
        self._stdin.flush()


@contextmanager
def connected(service: PcscService) -> Iterator[Client]:
    with subprocess.Popen(
        (sys.executable, CLIENT),
        env={**os.environ, **service.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        client = Client(program.stdin, program.stdout)
        assert client.hear() == "CONNECTED 00000000"
        yield client
        program.stdin.close()
        assert program.wait(LIMIT_S) == 0


def opensc_module() -> str:
    """OpenSC's PKCS #11 library."""
    found = sorted(Path("/usr/lib").glob("**/opensc-pkcs11.so"))
    assert found, "the package opensc-pkcs11 is missing"
    return str(found[0])
