"""The kiosk's launcher and policy with the real browser: unprivileged, in its own sandbox, with the
system calls and namespaces that its unit leaves it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from service_manager import WITHIN_S
from unit_files import INSTALLED, UNITS, read_unit

NOBODY = "61001"
"""No user's number: it may open what everybody may."""
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
)
CONFINED = (
    sys.executable,
    str(Path(__file__).with_name("calls_of_unit.py")),
    str(UNITS / "kazashi-kiosk.service"),
)
WITHOUT_A_SCREEN = '#!/bin/sh\nexec "$@" --ozone-platform=headless --headless --disable-gpu\n'


def can_confine() -> bool:
    """Whether an ordinary user may make a user namespace here, and root a mount namespace."""
    probes = ([*AS_NOBODY, "unshare", "-U", "true"], ["unshare", "-m", "true"])
    return os.geteuid() == 0 and all(
        subprocess.run(probe, capture_output=True, check=False).returncode == 0 for probe in probes
    )


pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not can_confine(), reason="needs root, and user namespaces for others"),
]


class Site:
    """Two servers on loopback: the panel's, and one that the browser has no business with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = asyncio.Queue[str]()
        self.ports: dict[str, int] = {}

    async def serve(self, name: str) -> web.AppRunner:
        async def answer(request: web.Request) -> web.Response:
            self.asked.put_nowait(f"{name}{request.path}")
            text = (
                f'<iframe src="http://127.0.0.1:{self.ports["elsewhere"]}/"></iframe>'
                '<script>onload = () => fetch("/loaded")</script>'
            )
            return web.Response(text=text, content_type="text/html")

        app = web.Application()
        app.add_routes([web.get("/{path:.*}", answer)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.ports[name] = runner.addresses[0][1]
        return runner

    async def hears(self, what: str) -> list[str]:
        """All that was asked for until this was."""
        heard: list[str] = []
        async with asyncio.timeout(WITHIN_S):
            while what not in heard:
                heard.append(await self.asked.get())
        return heard


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that another user reaches."""
    with tempfile.TemporaryDirectory(prefix="kazashi-kiosk-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    made = Site(folder)
    runners = [await made.serve(name) for name in ("elsewhere", "panel")]
    yield made
    for runner in runners:
        await runner.cleanup()


@asynccontextmanager
async def kiosk(site: Site, *, allowed: tuple[str, ...] = ("panel",)) -> AsyncIterator[int]:
    """The launcher as its unit starts it, but for the screen and for the panel's port."""
    folder = site.folder
    page = folder / "panel.html"
    page.write_text(
        f'<meta http-equiv="refresh" content="0;url=http://127.0.0.1:{site.ports["panel"]}/#token">'
    )
    kept, _, looked_for = read_unit("kazashi-kiosk.service")["BindReadOnlyPaths"][0].partition(":")
    policy = json.loads((INSTALLED / f".{kept}/policies/managed/kazashi-kiosk.json").read_text())
    origins = [f"http://127.0.0.1:{site.ports[name]}" for name in allowed]
    policy["URLAllowlist"] = [*origins, f"file://{page}"]
    managed = folder / "chromium/policies/managed"
    managed.mkdir(parents=True)
    (managed / "kiosk.json").write_text(json.dumps(policy))
    shell = folder / "shell"
    shell.write_text(WITHOUT_A_SCREEN)
    shell.chmod(0o755)
    launcher = folder / "kiosk"
    launcher.write_bytes((INSTALLED / "usr/lib/kazashi-kiosk/kiosk").read_bytes())
    launcher.chmod(0o755)
    home = folder / "runtime"
    home.mkdir()
    os.chown(home, int(NOBODY), int(NOBODY))
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "sh", "-c", f'mount --bind "$0" {looked_for} && exec "$@"'),
        *(str(folder / "chromium"), *CONFINED, *AS_NOBODY, str(launcher)),
        env={
            "PATH": "/usr/bin:/bin",
            "RUNTIME_DIRECTORY": str(home),
            "KIOSK_PAGE": str(page),
            "KIOSK_SHELL": str(shell),
        },
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, 9)
        await process.wait()


def renderers(session: int) -> list[Path]:
    """The browser's processes that run a page, of one session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if int(fields[3]) == session and b"--type=renderer" in command:
                found.append(folder)
    return found


async def test_the_kiosk_shows_the_panel_and_nothing_else(site: Site) -> None:
    async with kiosk(site):
        heard = await site.hears("panel/loaded")  # which is after the frame in it
    assert "panel/" in heard
    assert "elsewhere/" not in heard


async def test_another_site_would_be_opened_but_for_the_list(site: Site) -> None:
    async with kiosk(site, allowed=("panel", "elsewhere")):
        assert "elsewhere/" in await site.hears("panel/loaded")


async def test_its_pages_are_locked_up_by_chromiums_own_sandbox(site: Site) -> None:
    async with kiosk(site) as session:
        await site.hears("panel/loaded")
        pages = renderers(session)
        assert pages
        for page in pages:
            status = (page / "status").read_text()
            (processes,) = (line for line in status.splitlines() if line.startswith("NSpid:"))
            assert len(processes.split()) > 2, "it sees the machine's processes"
            assert (page / "ns/user").readlink() != Path("/proc/self/ns/user").readlink()
            assert (page / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
