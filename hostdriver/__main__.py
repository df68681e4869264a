"""`kazashi-hostdriver`: arguments, settings, run until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

import click

from firmware import notify
from firmware.faults import BadSettings, Fault
from firmware.notify import sd_notify, status
from firmware.watchdog import SERVING
from hostdriver.driver import running
from hostdriver.passed_socket import passed_socket
from hostdriver.settings import Settings, read_settings

EPILOG = """\b
Examples:
  kazashi-hostdriver --settings /etc/kazashi/hostdriver.toml
  kazashi-hostdriver --settings /etc/kazashi/hostdriver.toml --check
  kazashi --socket /run/kazashi/hostdriver/hostdriver.sock health
"""


@click.command(epilog=EPILOG)
@click.option(
    "--settings",
    "path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings, a TOML file.",
)
@click.option("--check", is_flag=True, help="Only look whether the settings can be used.")
@click.option("--verbose", is_flag=True, help="Say more on stderr.")
@click.version_option(package_name="kazashi")
def main(path: Path, check: bool, verbose: bool) -> None:
    """The host driver: joins reception software, the reader and the eligibility service.

    It writes READY and the socket's address to stderr (and tells systemd) when it can be used, and
    stops cleanly at SIGTERM or SIGINT. Exit code 2: the settings cannot be used; each thing that is
    wrong with the file is named with its line.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    try:
        settings = read_settings(path)
        if check:
            click.echo(f"{path}: nothing is wrong")
        else:
            asyncio.run(_run(settings))
    except Fault as fault:
        for line in str(fault).splitlines():
            click.echo(f"kazashi-hostdriver: {line}", err=True)
        sd_notify(status(str(fault)))
        sys.exit(2 if isinstance(fault, BadSettings) else 1)


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows' loop; its own handler wakes the loop instead
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with running(settings, passed=passed_socket()) as address:
        click.echo(f"READY {address}", err=True)
        sd_notify(notify.READY, status(SERVING))
        await stop.wait()
        sd_notify(notify.STOPPING)


if __name__ == "__main__":
    main()
