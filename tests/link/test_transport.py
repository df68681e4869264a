"""The link over real Unix sockets: order, leases, garbage, back pressure, and who may speak."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from firmware.faults import BadSettings, LinkLost, MalformedMessage
from firmware.link.messages import MAX_MESSAGE_BYTES, Cancel, Heartbeat, Message, Refused, encode
from firmware.link.transport import INBOX_MESSAGES, Link, Peers, open_link, serve_link

ADDRESS = "unix:link.sock"
SHORT_LEASE_S = 0.4
NOBODY = 65534
SYSTEM_PYTHON = Path("/usr/bin/python3")
VISIT = UUID(int=7)


def numbered(number: int, length: int = 0) -> Refused:
    return Refused(VISIT, symbol=str(number), reason="x" * length)


class Served:
    """A server whose links can be awaited by the test."""

    def __init__(self) -> None:
        self.links: asyncio.Queue[Link] = asyncio.Queue()

    async def __call__(self, link: Link) -> None:
        await self.links.put(link)
        await link.wait_closed()


@asynccontextmanager
async def linked(
    folder: Path, lease_s: float = 2.0, peers: Peers | None = None
) -> AsyncIterator[tuple[Link, Link]]:
    """Both ends of one link."""
    served = Served()
    server = await serve_link(ADDRESS, folder, served, lease_s=lease_s, peers=peers)
    link = await open_link(ADDRESS, folder, lease_s=lease_s)
    try:
        yield link, await served.links.get()
    finally:
        link.close()
        await server.close()


@asynccontextmanager
async def raw_peer(
    folder: Path, lease_s: float = 2.0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, Link]]:
    """Our link's other end in the test's own hands."""
    served = Served()
    server = await serve_link(ADDRESS, folder, served, lease_s=lease_s)
    reader, writer = await asyncio.open_unix_connection(str(folder / "link.sock"))
    try:
        yield reader, writer, await served.links.get()
    finally:
        writer.close()
        await server.close()


async def test_messages_go_both_ways_in_order(tmp_path: Path) -> None:
    async with linked(tmp_path) as (host, device):
        for number in range(200):
            await host.send(numbered(number))
            await device.send(Cancel(UUID(int=number)))
        assert [await device.receive() for _ in range(200)] == [numbered(n) for n in range(200)]
        assert [await host.receive() for _ in range(200)] == [
            Cancel(UUID(int=n)) for n in range(200)
        ]


async def test_the_longest_message_passes_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    longest = numbered(1, MAX_MESSAGE_BYTES - len(encode(numbered(1))))
    assert len(encode(longest)) == MAX_MESSAGE_BYTES
    async with linked(tmp_path) as (host, device):
        with pytest.raises(MalformedMessage):
            await host.send(numbered(1, len(longest.reason) + 1))
        await host.send(longest)
        assert await device.receive() == longest


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(LinkLost):
        await open_link(ADDRESS, tmp_path)


@pytest.mark.parametrize("address", ["", "unix:", "link.sock", "tcp:0.0.0.0:1"])
async def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadSettings):
        await open_link(address, tmp_path)
    with pytest.raises(BadSettings):
        await serve_link(address, tmp_path, Served())


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x00\xff\xfe", b"{}", b"[1]", b'{"type":"no_such"}', b"x" * (MAX_MESSAGE_BYTES + 1)],
    ids=["nothing", "binary", "untagged", "list", "unknown", "overlong"],
)
async def test_garbage_is_told_and_the_link_stays_usable(tmp_path: Path, garbage: bytes) -> None:
    async with raw_peer(tmp_path) as (_, writer, link):
        writer.write(garbage + b"\n" + encode(numbered(1)) + b"\n")
        with pytest.raises(MalformedMessage):
            await link.receive()
        assert await link.receive() == numbered(1)


async def test_silence_ends_the_lease(tmp_path: Path) -> None:
    async with raw_peer(tmp_path, SHORT_LEASE_S) as (_, _, link):
        with pytest.raises(LinkLost, match="nothing was heard"):
            await link.receive()
        with pytest.raises(LinkLost):
            await link.send(numbered(1))


async def test_a_loop_that_stood_still_accuses_nobody(tmp_path: Path) -> None:
    async with linked(tmp_path, SHORT_LEASE_S) as (host, device):
        # Nothing else runs meanwhile: neither end can speak or hear.
        for _ in range(3):
            time.sleep(1.5 * SHORT_LEASE_S)
            await asyncio.sleep(0)
        await host.send(numbered(1))
        assert await device.receive() == numbered(1)


async def test_heartbeats_carry_a_quiet_link_over_many_leases(tmp_path: Path) -> None:
    async with raw_peer(tmp_path, SHORT_LEASE_S) as (reader, writer, link):
        for _ in range(16):  # four leases
            assert await reader.readline() == encode(Heartbeat()) + b"\n"
            writer.write(encode(Heartbeat()) + b"\n")
        writer.write(encode(numbered(1)) + b"\n")
        assert await link.receive() == numbered(1)


async def test_nothing_is_lost_or_unbounded_while_nobody_receives(tmp_path: Path) -> None:
    count = 400

    async def send_all(link: Link) -> None:
        for number in range(count):
            await link.send(numbered(number, 8000))

    async with linked(tmp_path, SHORT_LEASE_S) as (host, device):
        sending = asyncio.create_task(send_all(host))
        await asyncio.wait({sending}, timeout=3 * SHORT_LEASE_S)
        assert not sending.done(), "the sender was not held back"
        assert len(device._inbox) <= 2 * INBOX_MESSAGES
        received = [await device.receive() for _ in range(count)]
        assert [message.symbol for message in received if isinstance(message, Refused)] == [
            str(number) for number in range(count)
        ]
        await sending


async def test_what_was_sent_before_closing_arrives_and_then_the_link_is_lost(
    tmp_path: Path,
) -> None:
    async with linked(tmp_path) as (host, device):
        for number in range(50):
            await host.send(numbered(number, 2000))
        host.close()
        with pytest.raises(LinkLost, match="closed here"):
            await host.receive()
        assert [await device.receive() for _ in range(50)] == [numbered(n, 2000) for n in range(50)]
        with pytest.raises(LinkLost):
            await device.receive()


async def test_closing_the_server_ends_handlers_and_removes_the_socket(tmp_path: Path) -> None:
    ended: list[str] = []
    heard = asyncio.Event()

    async def receive_until_lost(link: Link) -> None:
        try:
            while True:
                await link.receive()
                heard.set()
        finally:
            ended.append("handler")

    server = await serve_link(ADDRESS, tmp_path, receive_until_lost)
    link = await open_link(ADDRESS, tmp_path)
    await link.send(numbered(1))
    await heard.wait()
    await server.close()
    assert ended == ["handler"]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LinkLost):
        await link.receive()


async def test_a_socket_left_behind_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "link.sock"))
    server = await serve_link(ADDRESS, tmp_path, Served())
    with pytest.raises(LinkLost, match="another process"):
        await serve_link(ADDRESS, tmp_path, Served())
    await server.close()
    (tmp_path / "link.sock").write_text("a file of somebody's")
    with pytest.raises(LinkLost, match="no socket"):
        await serve_link(ADDRESS, tmp_path, Served())


@pytest.mark.parametrize(
    ("peers", "mode"), [(None, 0o600), (Peers(gid=os.getgid()), 0o660)], ids=["alone", "group"]
)
async def test_the_socket_is_open_to_nobody_else(
    tmp_path: Path, peers: Peers | None, mode: int
) -> None:
    async with linked(tmp_path, peers=peers):
        assert stat.S_IMODE((tmp_path / "link.sock").stat().st_mode) == mode


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="needs a Python that anybody may run")
@pytest.mark.parametrize(
    ("primary_group", "welcome"), [(NOBODY, True), (NOBODY - 1, False)], ids=["named", "other"]
)
async def test_a_stranger_is_turned_away_by_its_credentials(
    primary_group: int, welcome: bool
) -> None:
    """Both callers may open the file by its group; one's primary group is not the one named."""
    caller = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.settimeout(60); sys.stdout.buffer.write(s.makefile('rb').read())"
    )

    async def greet(link: Link) -> None:
        await link.send(numbered(1))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = await serve_link(ADDRESS, folder, greet, peers=Peers(gid=NOBODY))
        answer = await asyncio.to_thread(
            subprocess.run,
            [SYSTEM_PYTHON, "-I", "-c", caller, folder / "link.sock"],
            user=NOBODY,
            group=primary_group,
            extra_groups=[NOBODY],
            stdout=subprocess.PIPE,
            cwd="/",
            timeout=120,
        )
        await server.close()
    assert answer.returncode == 0
    heard = [encode(Heartbeat()), encode(numbered(1))] if welcome else []
    assert answer.stdout.splitlines() == heard


async def test_what_is_sent_is_a_message_of_the_schema(tmp_path: Path) -> None:
    async with raw_peer(tmp_path) as (reader, _, link):
        message: Message = numbered(3)
        await link.send(message)
        assert await reader.readline() == encode(Heartbeat()) + b"\n"
        assert await reader.readline() == encode(message) + b"\n"
