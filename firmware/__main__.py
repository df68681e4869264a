"""`kazashi-firmware`: arguments, settings, run."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from firmware import notify
from firmware.app import App, log_to_stderr
from firmware.control import ask
from firmware.doctor.command import doctor
from firmware.faults import ControlUnavailable, Fault, PairingRefused
from firmware.notify import sd_notify, status
from firmware.owner import become_owner_of
from firmware.pairing import PairingTold, let_a_host_pair
from firmware.settings import Settings, read_settings
from firmware.staff import hash_passcode
from firmware.watchdog import SERVING
from firmware.worker import leave_no_dump

READY = "READY"


async def serve(settings: Settings) -> None:
    """Run the device until SIGTERM or SIGINT."""
    running = asyncio.create_task(App(settings).run(_say_ready()))

    def stop() -> None:
        sd_notify(notify.STOPPING)
        running.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        return


async def _say_ready() -> None:
    click.echo(READY, err=True)
    sd_notify(notify.READY, status(SERVING))


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  kazashi-firmware --settings /etc/kazashi/firmware.toml
  kazashi-firmware --settings /etc/kazashi/firmware.toml pair
  kazashi-firmware doctor
  kazashi-firmware passcode
""",
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
@click.pass_context
def main(context: click.Context, settings_file: Path) -> None:
    """The firmware of the card reader: serves visits until it is stopped."""
    leave_no_dump()
    context.obj = settings_file
    if context.invoked_subcommand is None:
        log_to_stderr()
        with _told():
            asyncio.run(serve(read_settings(settings_file)))


main.add_command(doctor)


@main.command(epilog="\b\nExample:\n  sudo kazashi-firmware pair")
@click.pass_obj
def pair(settings_file: Path) -> None:
    """Let a host be paired over the serial line: shows six digits to be typed there.

    The panel shows them as well. The new host takes the old one's place. Exit code 1 when nobody
    was paired within three tries or ten minutes, 2 when it cannot begin: during a visit, say.
    """
    with _told():
        settings = read_settings(settings_file)
        try:
            paired = asyncio.run(_pair(settings))
        except PairingRefused as fault:
            click.echo(f"kazashi-firmware: {fault}", err=True)
            sys.exit(1)
    came_to = "paired" if paired else "no host said that it was paired: begin anew, unless one does"
    click.echo(came_to, err=True)
    sys.exit(0 if paired else 1)


async def _pair(settings: Settings) -> bool:
    """By the firmware that runs, else here, as its user. Raises as both do."""
    shown = False
    try:
        asking = ask(Path(settings.runtime_dir), "pair", PairingTold)
        async with contextlib.aclosing(asking) as answers:
            async for told in answers:
                if told.code is not None:
                    shown = True
                    _show_code(told.code)
                if told.paired is not None:
                    return told.paired
    except ControlUnavailable:
        if shown:
            return False
        become_owner_of(Path(settings.state_dir))
        return await let_a_host_pair(settings, _show_code)
    return False  # it was stopped meanwhile


@main.command(epilog="\b\nExample:\n  kazashi-firmware passcode")
def passcode() -> None:
    """Ask for a member of staff's four digits, and print them as the settings keep them."""
    digits = click.prompt("Four digits", hide_input=True, confirmation_prompt=True, err=True)
    if not re.fullmatch("[0-9]{4}", digits):
        raise click.UsageError("a passcode has four digits")
    click.echo(f'passcode = "{hash_passcode(digits.encode())}"')


def _show_code(code: str) -> None:
    click.echo("Type these digits at the host, after: kazashi pair", err=True)
    click.echo(code)


@contextmanager
def _told() -> Iterator[None]:
    """A fault becomes a line on stderr, or a line for each complaint, and exit code 2."""
    try:
        yield
    except Fault as fault:
        for line in str(fault).splitlines():
            click.echo(f"kazashi-firmware: {line}", err=True)
        sd_notify(status(str(fault)))
        sys.exit(2)


if __name__ == "__main__":
    main()
