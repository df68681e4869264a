"""How soon the local socket answers when the whole desk asks at once.

    python benchmarks/door.py [--clients N] [--seconds N] [--limit-ms MS] [--json]

The simulated appliance as it ships. Patients come one after the other, and N clients ask four times
a second, each on a connection of its own, where the visit stands. Beside every such question the
same client sends the same bytes to a bare asyncio server that sends them back: what machine, loop
and measuring program take is in both. Exit code 1 when the driver's 99th percentile is above the
limit, or its median above twice the bare server's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.reception import CLIENT
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method, Outcome

LIMIT_MS, TIMES_BARE = 5.0, 2.0
EVERY_S: Final = 0.25
ANSWERS_AT_LEAST: Final = 1000
"""Fewer have no 99th percentile."""
ECHO: Final = """
import asyncio, sys
async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
async def main():
    server = await asyncio.start_unix_server(echo, sys.argv[1])
    print("READY", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
Json = dict[str, Any]


@dataclass
class Waits:
    """Milliseconds from the first byte sent to the last byte read, by who answered."""

    driver: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    who: str
    n: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Visits:
    """Patients, one after the other, in a thread. `current` is the visit that is under way."""

    def __init__(self, appliance: Appliance) -> None:
        self.current: str | None = None
        self.ended = 0
        self.problem: str | None = None
        self._appliance = appliance
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Visits:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set() and self.problem is None:
            result = play(self._appliance, Play(find("valid"), method=Method.PIN), self._hear)
            self.ended += 1
            if result["outcome"] != Outcome.VERIFIED:
                self.problem = f"a visit ended {result['outcome']}"

    def _hear(self, event: Json) -> None:
        self.current = None if event["event"] == "finished" else event["transaction_id"]


class Asker:
    """One client: a connection to the driver, and one to the bare server."""

    def __init__(
        self, driver: tuple[asyncio.StreamReader, asyncio.StreamWriter], bare: Any
    ) -> None:
        self._driver, self._bare = driver, bare

    @classmethod
    async def open(cls, driver: str, bare: str) -> Asker:
        asker = cls(
            await asyncio.open_unix_connection(driver), await asyncio.open_unix_connection(bare)
        )
        hello = request("hello", protocol="1.0", client=CLIENT)
        await exchange(*asker._driver, hello)
        return asker

    async def ask(self, visits: Visits, waits: Waits, first_s: float, until_s: float) -> None:
        """Ask at even times; a question is left out while nobody is there to ask about."""
        at_s, loop = first_s, asyncio.get_running_loop()
        while at_s < until_s:
            await asyncio.sleep(at_s - loop.time())
            if visits.current is not None:
                line = request("transaction.status", transaction_id=visits.current)
                waits.driver.append(await exchange(*self._driver, line))
                waits.bare.append(await exchange(*self._bare, line))
            at_s = max(at_s + EVERY_S, loop.time())

    def close(self) -> None:
        self._driver[1].close()
        self._bare[1].close()


def request(method: str, **params: Any) -> bytes:
    said = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(said).encode() + b"\n"


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes
) -> float:
    """One line there, one back: milliseconds."""
    began_s = time.perf_counter()
    writer.write(line)
    answer = await reader.readline()
    waited_ms = (time.perf_counter() - began_s) * 1000
    if not answer.endswith(b"\n"):
        raise SystemExit("a connection was lost")
    return waited_ms


@contextmanager
def bare_server(path: Path) -> Iterator[str]:
    """A process that sends back what it is sent."""
    with subprocess.Popen([sys.executable, "-c", ECHO, str(path)], stdout=subprocess.PIPE) as echo:
        assert echo.stdout is not None
        echo.stdout.readline()
        try:
            yield str(path)
        finally:
            echo.terminate()


async def measured(driver: str, bare: str, visits: Visits, clients: int, seconds: float) -> Waits:
    """What every question waited for its answer."""
    waits = Waits()
    askers = [await Asker.open(driver, bare) for _ in range(clients)]
    begin_s = asyncio.get_running_loop().time() + EVERY_S
    await asyncio.gather(
        *(
            asker.ask(visits, waits, begin_s + EVERY_S * number / clients, begin_s + seconds)
            for number, asker in enumerate(askers)
        )
    )
    for asker in askers:
        asker.close()
    return waits


def row(who: str, waits_ms: list[float]) -> Row:
    p99_ms = statistics.quantiles(waits_ms, n=100)[-1]
    return Row(who, len(waits_ms), statistics.median(waits_ms), p99_ms, max(waits_ms))


def faults(driver: Row, bare: Row, limit_ms: float) -> list[str]:
    """Which limits are not kept."""
    return [
        *([f"fewer than {ANSWERS_AT_LEAST} answers"] if driver.n < ANSWERS_AT_LEAST else []),
        *([f"p99 is above {limit_ms} ms"] if driver.p99_ms > limit_ms else []),
        *(
            [f"p50 is above {TIMES_BARE:g} times the bare server's"]
            if driver.p50_ms > TIMES_BARE * bare.p50_ms
            else []
        ),
    ]


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--clients", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--limit-ms", type=float, default=LIMIT_MS)
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    with (
        Appliance(World()) as appliance,
        bare_server(appliance.addresses.folder / "bare.sock") as bare,
        Visits(appliance) as visits,
    ):
        waits = asyncio.run(
            measured(appliance.addresses.socket, bare, visits, chosen.clients, chosen.seconds)
        )
    if visits.problem is not None:
        raise SystemExit(visits.problem)
    rows = [row("host driver", waits.driver), row("bare asyncio", waits.bare)]
    broken = faults(*rows, chosen.limit_ms)
    if chosen.json:
        print(json.dumps({"rows": [asdict(line) for line in rows], "faults": broken}, indent=2))
    else:
        print(
            f"{chosen.clients} clients ask every {EVERY_S * 1000:.0f} ms during {visits.ended} "
            f"visits; ms ({platform.machine()}, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f})"
        )
        print(f"{'':<14}{'n':>7}{'p50':>9}{'p99':>9}{'max':>9}")
        for line in rows:
            print(
                f"{line.who:<14}{line.n:>7}{line.p50_ms:>9.2f}{line.p99_ms:>9.2f}"
                f"{line.max_ms:>9.2f}"
            )
    for fault in broken:
        print(fault, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
