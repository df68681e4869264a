"""The programs as processes: `kazashi-hostdriver`, `kazashi`, the reference client, settings."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from front_desk import Site, open_site
from signing_device import WITHIN_S, SigningDevice

from firmware.faults import BadSettings
from firmware.words import Cause, Outcome
from hostdriver import cli
from hostdriver.client import Client
from hostdriver.faults import Answered, NoDriver
from hostdriver.rendering import reader_line, result_table
from hostdriver.settings import read_settings


async def kazashi(site: Site, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command against this site."""

    def run() -> Any:
        return CliRunner().invoke(cli.main, ["--socket", site.address, *arguments])

    done = await asyncio.wait_for(asyncio.to_thread(run), WITHIN_S)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
async def ready(tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose reader is there."""
    async with open_site(tmp_path) as site:
        async with site.client():
            pass
        yield site


# --- kazashi
async def test_a_visit_prints_progress_and_its_result(ready: Site) -> None:
    playing = asyncio.create_task(ready.device.verify_one())
    code, out, err = await kazashi(ready, "visit", "--ref", "a-1")
    await playing
    assert code == 0
    assert "verified" in out
    assert "見本●子" in out
    assert "診療・薬剤" in out
    assert "  1  waiting_for_card" in err
    assert "finished: verified" in err


async def test_a_visit_as_json_is_one_object_on_stdout(ready: Site) -> None:
    async def refuse() -> None:
        start = await ready.device.accept()
        await ready.device.end(start, Outcome.REFUSED, Cause.NOT_THE_HOLDER)

    playing = asyncio.create_task(refuse())
    code, out, _ = await kazashi(ready, "visit", "--json", "--method", "face", "--language", "en")
    await playing
    result = json.loads(out)
    assert code == 1
    assert (result["outcome"], result["cause"]) == ("refused", "not_the_holder")
    assert result["fallback"][0].keys() == {"id", "text", "valid_from", "valid_until"}


async def test_a_refused_visit_says_what_to_do(ready: Site) -> None:
    ready.gateway.up = False
    code, out, err = await kazashi(ready, "visit")
    assert (code, out) == (1, "")
    assert "upstream_unavailable" in err
    assert "→" in err


async def test_wrong_use_is_two(ready: Site) -> None:
    assert (await kazashi(ready, "visit", "--ref", "12 digits?"))[0] == 2
    assert (await kazashi(ready, "visit", "--method", "magic"))[0] == 2


async def test_readers_ledger_and_health(ready: Site) -> None:
    code, out, _ = await kazashi(ready, "readers")
    assert (code, out.count("device-1")) == (0, 1)
    async with asyncio.timeout(WITHIN_S):  # the row of the device is written behind its greeting
        while (await kazashi(ready, "ledger", "verify"))[:2] != (0, "2 rows, whole\n"):
            pass
    assert (await kazashi(ready, "health"))[:2] == (0, "all is well\n")
    code, out, _ = await kazashi(ready, "health", "--json")
    assert json.loads(out)["ok"] is True


def test_without_a_driver_there_is_a_clear_text(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.main, ["--socket", str(tmp_path / "none.sock"), "health"])
    assert done.exit_code == 2
    assert "Is kazashi-hostdriver running?" in done.stderr


@pytest.mark.parametrize("address", ["tcp:front", "tcp:65536", "tcp:-1", "tcp:"])
def test_an_address_that_is_none_is_told_how_to_write(address: str) -> None:
    done = CliRunner().invoke(cli.main, ["--socket", address, "health"])
    assert (done.exit_code, "tcp:PORT" in done.stderr) == (2, True)


def test_a_file_that_holds_no_token_is_wrong_use(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_bytes(b"\xff")
    done = CliRunner().invoke(cli.main, ["--socket", "tcp:1", "--token-file", str(token), "health"])
    assert (done.exit_code, "holds no token" in done.stderr) == (2, True)


async def test_the_reference_client_follows_a_visit(ready: Site) -> None:
    def reception() -> dict[str, Any]:
        with Client(ready.address, "front desk") as client:
            visit = client.start("a-1")
            states = [event["state"] for event in client.events()]
            result = client.result(visit["transaction_id"])
            client.ack(visit["transaction_id"])
            with pytest.raises(Answered, match="no such visit"):
                client.result(visit["transaction_id"])
            return {"states": states, "result": result, "hello": client.hello()}

    playing = asyncio.create_task(ready.device.verify_one())
    told = await asyncio.wait_for(asyncio.to_thread(reception), WITHIN_S)
    await playing
    assert told["states"][:2] == ["waiting_for_card", "confirming"]
    assert told["result"]["outcome"] == "verified"
    assert told["hello"]["protocol"] == "1.0"
    assert "verified" in result_table(told["result"])


def test_a_server_that_is_no_driver_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client_side = socket.socket(socket.AF_UNIX)
        client_side.connect(str(tmp_path / "s"))
        server_side, _ = listener.accept()
        client_side.close()
        server_side.close()
    with pytest.raises(NoDriver):
        Client(str(tmp_path / "s"))


def test_a_reader_without_a_device_can_be_shown() -> None:
    absent = {"name": "r", "state": None, "card_reader": None, "camera": False, "device": None}
    absent |= {"problem": "reader_unavailable", "line": None}
    assert "reader_unavailable" in reader_line(absent)
    figures = {"sent": 200, "resent": 3, "round_trip_ms": 4.2}
    shown = reader_line(absent | {"line": figures})
    assert shown.endswith("; cable: 3 of 200 frames sent again, answers in 4.2 ms")


# --- settings
BAD_SETTINGS = {
    "unknown key": ('state_dir="s"\nruntime_dir="r"\nsoket="x"', "soket"),
    "no state_dir": ('runtime_dir="r"', "state_dir"),
    "no reader": ('state_dir="s"\nruntime_dir="r"\nreaders={}', "readers"),
    "wrong type": ('state_dir="s"\nruntime_dir="r"\ntime_scale="1"', "time_scale"),
    "a negative time": ('state_dir="s"\nruntime_dir="r"\n[limits]\ngrace_s=-1', "grace_s"),
    "no address": ('state_dir="s"\nruntime_dir="r"\nsocket="8771"', r":3: socket must be"),
    "half a pair": (
        'state_dir="s"\nruntime_dir="r"\n[gateway]\nadapter="oqs_folder"\nreq_dir="q"',
        r":3: gateway: .* res_dir",
    ),
    "not TOML": ("=", "hostdriver.toml"),
}


@pytest.mark.parametrize(("content", "named"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_bad_settings_are_named(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "hostdriver.toml"
    path.write_text(content)
    with pytest.raises(BadSettings, match=named):
        read_settings(path)


def test_absent_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.toml"):
        read_settings(tmp_path / "none.toml")


# --- kazashi-hostdriver
@asynccontextmanager
async def daemon(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hostdriver", *arguments),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def last_line(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    return (await asyncio.wait_for(process.stderr.readline(), 4 * WITHIN_S)).decode().strip()


async def test_bad_settings_end_with_two_and_a_text(tmp_path: Path) -> None:
    path = tmp_path / "hostdriver.toml"
    path.write_text('state_dir="s"\nruntime_dir="r"\nsoket="x"')
    async with daemon("--settings", str(path)) as process:
        text = await last_line(process)
        assert await process.wait() == 2
    assert text.startswith("kazashi-hostdriver: ")
    assert "soket" in text


async def test_a_driver_that_was_just_installed_begins_to_serve(tmp_path: Path) -> None:
    path = tmp_path / "hostdriver.toml"
    path.write_text(f'state_dir="{tmp_path}/state"\nruntime_dir="{tmp_path}"')
    async with daemon("--settings", str(path)) as process:
        assert "READY" in await last_line(process)


async def test_an_authority_that_cannot_be_read_ends_with_two(tmp_path: Path) -> None:
    (tmp_path / "state/trust").mkdir(parents=True)
    (tmp_path / "state/trust/ca.pem").write_bytes(b"nothing")
    path = tmp_path / "hostdriver.toml"
    path.write_text(f'state_dir="{tmp_path}/state"\nruntime_dir="{tmp_path}"')
    async with daemon("--settings", str(path)) as process:
        assert "authority" in await last_line(process)
        assert await process.wait() == 2


async def test_the_daemon_says_ready_serves_and_stops_cleanly(
    tmp_path: Path, an_authority: bytes
) -> None:
    (tmp_path / "state/trust").mkdir(parents=True)
    (tmp_path / "state/trust/ca.pem").write_bytes(an_authority)
    path = tmp_path / "hostdriver.toml"
    path.write_text(f'state_dir="{tmp_path}/state"\nruntime_dir="{tmp_path}"')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WITHIN_S)
        async with (
            SigningDevice(tmp_path),
            daemon("--settings", str(path), NOTIFY_SOCKET=str(tmp_path / "notify")) as process,
        ):
            assert await last_line(process) == f"READY unix:{tmp_path}/hostdriver.sock"
            assert systemd.recv(64) == b"READY=1\nSTATUS=serving"
            client = await asyncio.to_thread(Client, f"{tmp_path}/hostdriver.sock")
            process.terminate()
            assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0
            assert systemd.recv(64) == b"STOPPING=1"
            client.close()
    assert not (tmp_path / "hostdriver.sock").exists()
