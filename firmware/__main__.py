"""`kazashi-firmware`: arguments, settings, run."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click

from firmware.app import App, log_to_stderr
from firmware.faults import Fault
from firmware.settings import Settings, read_settings
from firmware.worker import leave_no_dump

READY = "READY"


async def serve(settings: Settings) -> None:
    """Run the device until SIGTERM or SIGINT."""
    running = asyncio.create_task(App(settings).run(_say_ready()))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return


async def _say_ready() -> None:
    click.echo(READY, err=True)


@click.command(
    epilog="Example: kazashi-firmware --settings /etc/kazashi/firmware.toml",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    default=Path("/etc/kazashi/firmware.toml"),
    show_default=True,
    help="The site's settings, TOML.",
)
@click.version_option(package_name="kazashi")
def main(settings_file: Path) -> None:
    """The firmware of the card reader: serves visits until it is stopped."""
    leave_no_dump()
    log_to_stderr()
    try:
        asyncio.run(serve(read_settings(settings_file)))
    except Fault as fault:
        click.echo(f"kazashi-firmware: {fault}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
