"""The host driver on a socket that is passed to it, by systemd's own program for that."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from service_manager import WITHIN_S, ServiceManager

from firmware import notify
from hostdriver import passed_socket as passing
from hostdriver.client import Client
from hostdriver.faults import SocketNotOpened
from hostdriver.passed_socket import passed_socket

AS_SYSTEMD_STARTS = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def settings_file(folder: Path) -> Path:
    file = folder / "hostdriver.toml"
    for place in ("req", "res"):
        (folder / place).mkdir()
    file.write_text(
        f'state_dir = "{folder}/state"\nruntime_dir = "{folder}"\nsocket = "unix:own.sock"\n'
        f'[gateway]\nadapter = "oqs_folder"\nreq_dir = "{folder}/req"\nres_dir = "{folder}/res"\n'
    )
    return file


async def greet(path: Path) -> None:
    """Say hello, and be answered."""
    client = await asyncio.wait_for(asyncio.to_thread(Client, str(path)), WITHIN_S)
    client.close()


@asynccontextmanager
async def activated(manager: ServiceManager, folder: Path) -> AsyncIterator[Path]:
    """`systemd-socket-activate`'s socket, behind which the driver starts at the first client."""
    path = folder / "activated.sock"
    passed_on = {**manager.asked, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    process = await asyncio.create_subprocess_exec(
        *("systemd-socket-activate", f"--listen={path}", "--fdname=api"),
        *(f"--setenv={name}={value}" for name, value in passed_on.items()),
        *(sys.executable, "-m", "hostdriver", "--settings", str(settings_file(folder))),
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            while not path.exists():
                await asyncio.sleep(0.01)
        yield path
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), WITHIN_S)


async def test_the_driver_serves_the_socket_that_is_passed(tmp_path: Path) -> None:
    with ServiceManager(tmp_path, watchdog_s=4.0) as manager:
        async with activated(manager, tmp_path) as path:
            await greet(path)
            await manager.hears(notify.READY)
            await manager.hears(notify.WELL)
            assert not (tmp_path / "own.sock").exists()
        await manager.hears(notify.STOPPING)
        assert stat.S_ISSOCK(path.stat().st_mode)  # it is not the driver's to remove


@asynccontextmanager
async def driver_on(listener: socket.socket, folder: Path) -> AsyncIterator[None]:
    """A driver that gets this socket as systemd's third descriptor; killed in the end."""
    handed = listener.fileno()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", AS_SYSTEMD_STARTS, str(handed)),
        *(sys.executable, "-m", "hostdriver", "--settings", str(folder / "hostdriver.toml")),
        env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "api"},
        pass_fds=(handed,),
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_a_client_that_calls_while_the_driver_is_replaced_waits(tmp_path: Path) -> None:
    settings_file(tmp_path)
    path = tmp_path / "held.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        async with driver_on(listener, tmp_path):
            await greet(path)
        calling = asyncio.create_task(greet(path))  # nobody is there
        async with driver_on(listener, tmp_path):
            await calling


# --- what was passed, and what was not
@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A listening socket where systemd would put the first."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(tmp_path / "s"))
    made.listen()
    monkeypatch.setattr(passing, "_FIRST", made.fileno())
    return made


def said(process: int | None = None, **changed: str) -> dict[str, str]:
    process = os.getpid() if process is None else process
    return {"LISTEN_PID": str(process), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "api", **changed}


def test_a_passed_socket_is_taken_and_no_child_believes_it_too(listener: socket.socket) -> None:
    environ = said(OTHER="stays")
    taken = passed_socket(environ)
    assert taken is not None
    assert taken.fileno() == listener.detach()
    assert not taken.get_inheritable()
    assert environ == {"OTHER": "stays"}
    taken.close()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        said(1),  # meant for another process
        said(LISTEN_FDS="0"),
        said(LISTEN_FDS="many"),
        said(LISTEN_FDNAMES="other"),
    ],
)
def test_without_one_the_driver_makes_its_own(
    environ: dict[str, str], listener: socket.socket
) -> None:
    with listener:
        assert passed_socket(environ) is None


def test_a_socket_that_does_not_listen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        monkeypatch.setattr(passing, "_FIRST", silent.fileno())
        with pytest.raises(SocketNotOpened):
            passed_socket(said())


def test_what_is_no_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr(passing, "_FIRST", file.fileno())
        with pytest.raises(SocketNotOpened):
            passed_socket(said())


def test_a_socket_on_a_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as wide:
        monkeypatch.setattr(passing, "_FIRST", wide.fileno())
        with pytest.raises(SocketNotOpened):
            passed_socket(said())
