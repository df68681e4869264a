"""`kazashi-firmware doctor`: examines this device and says in plain words what to do. [shell]

It asks the firmware that runs here, which holds the parts; where none runs it looks for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec.structs import replace

from firmware.control import ask
from firmware.doctor import facts as f
from firmware.doctor.bundle import Sources, write_bundle
from firmware.doctor.examination import OF_DEVICE, examine
from firmware.doctor.facts import CHECKS, Facts, NotAsked, Unasked
from firmware.doctor.report import Report, report_of
from firmware.faults import BadSettings, ControlUnavailable, Fault, SettingsRejected
from firmware.findings import finding_lines
from firmware.settings import Settings, read_settings

ANSWERS_WITHIN_S: Final = 90.0
HELD: Final = frozenset({"face_camera", "tray_camera", "lights"})
"""Parts that a running firmware has for itself, whether or not it says how they are."""
LEDGER_WITHIN_S: Final = 120.0
HOST_SOCKET: Final = "/run/kazashi/hostdriver/hostdriver.sock"
HOST_LEDGER: Final = Path("/var/lib/kazashi/hostdriver/ledger.sqlite")
WHOLE, BROKEN = 0, 1
UNREADABLE: Final = ("ledger_unavailable: ", "kazashi: ")
"""How the driver, or `kazashi` of a file, begins to say that the ledger cannot be read. Whatever
else a driver refuses with (it is busy, it is stopping) says nothing of the ledger."""

EPILOG: Final = """\b
Examples:
  kazashi-firmware doctor
  kazashi-firmware doctor --only settings
  kazashi-firmware doctor --only reader --only face_camera --json
  kazashi-firmware --settings /tmp/new.toml doctor --only settings
  kazashi-firmware doctor --bundle support.tar.gz

Exit codes: 0 nothing is wrong, 1 something is, 2 wrong use.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--only", "chosen", multiple=True, type=click.Choice(CHECKS), help="Make this check alone."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--host-socket",
    default=HOST_SOCKET,
    show_default=True,
    envvar="KAZASHI_SOCKET",
    help="The host driver's socket, where it runs on this machine: for its ledger.",
)
@click.option(
    "--bundle",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a support bundle as well: versions, settings, report and log, without secrets.",
)
@click.pass_obj
def doctor(
    settings_file: Path,
    chosen: tuple[str, ...],
    as_json: bool,
    host_socket: str,
    bundle: Path | None,
) -> None:
    """Examine this device: what is wrong, and what to do about it.

    It works while the firmware runs and takes nothing from a visit. Run it as root, or as the
    firmware's own user.
    """
    facts = asyncio.run(facts_here(settings_file, frozenset(chosen or CHECKS), host_socket))
    report = report_of(facts)
    if as_json:
        encoded = msgspec.json.encode(report)
        click.echo(msgspec.json.format(encoded, indent=2).decode())
    else:
        click.echo("\n".join(finding_lines(report.checks, report.findings)))
    if bundle is not None:
        _write(bundle, report, Sources(settings_file, host_socket, _models_of(settings_file)))
    sys.exit(0 if report.ok else 1)


def _write(bundle: Path, report: Report, sources: Sources) -> None:
    try:
        write_bundle(bundle, report, sources)
    except OSError as cause:
        raise click.UsageError(f"{bundle}: {cause.strerror}") from cause
    click.echo(f"{bundle} に書きました。送る前に中身を確認できます / written", err=True)


def _models_of(settings_file: Path) -> Path | None:
    try:
        return Path(read_settings(settings_file).vision.models)
    except BadSettings:
        return None


async def facts_here(settings_file: Path, chosen: frozenset[str], host_socket: str) -> Facts:
    """All the facts about this machine that are asked for."""
    told: dict[str, Any] = {}
    try:
        settings = read_settings(settings_file)
        told["settings"] = f.SettingsFact()
    except SettingsRejected as fault:
        settings, told["settings"] = None, f.SettingsFact(fault.complaints)
    except BadSettings as fault:
        settings, told["settings"] = None, f.SettingsFact((str(fault),))
    told["ledger"] = await _ledger(host_socket) if "ledger" in chosen else f.UNCHOSEN
    if settings is None:
        untold = NotAsked(Unasked.SETTINGS_WRONG)
        of_device = Facts(**dict.fromkeys(OF_DEVICE, untold))
        told["firmware"] = untold
    else:
        of_device, told["firmware"] = await _device(settings, chosen)
    told |= {check: getattr(of_device, check) for check in OF_DEVICE}
    return Facts(**{check: told[check] if check in chosen else f.UNCHOSEN for check in CHECKS})


async def _device(
    settings: Settings, chosen: frozenset[str]
) -> tuple[Facts, f.FirmwareFact | NotAsked]:
    """What the running firmware finds out, or what is seen without it."""
    if chosen <= {"settings", "ledger"}:
        return Facts(), f.UNCHOSEN
    within_s = ANSWERS_WITHIN_S * settings.machine_scale
    try:
        asked = ask(Path(settings.runtime_dir), "doctor", Facts, within_s)
        async with contextlib.aclosing(asked) as answers:
            return await anext(answers), f.FirmwareFact(runs=True)
    except ControlUnavailable as fault:
        return await examine(settings, chosen), f.FirmwareFact(runs=False, why_not=str(fault))
    except (Fault, StopAsyncIteration) as fault:
        why_not = str(fault) or "it hung up"
        seen = await examine(settings, chosen - HELD)
        held = dict.fromkeys(chosen & HELD, NotAsked(Unasked.CANNOT_TELL))
        return replace(seen, **held), f.FirmwareFact(runs=True, why_not=why_not)


async def _ledger(host_socket: str) -> f.LedgerFact | NotAsked:
    """What `kazashi ledger verify` says: through the driver, else of the files."""
    program = shutil.which("kazashi") or shutil.which("kazashi", path=str(_beside_python()))
    if program is None:
        return NotAsked(Unasked.NOT_HERE)
    for arguments in (
        ("--socket", host_socket, "ledger", "verify", "--json"),
        ("ledger", "verify", str(HOST_LEDGER), "--json"),
    ):
        done = await asyncio.to_thread(_run, program, *arguments)
        if done is not None and (fact := _judged(done)) is not None:
            return fact
    return NotAsked(Unasked.NOT_HERE)


def _judged(done: subprocess.CompletedProcess[str]) -> f.LedgerFact | None:
    """None where the ledger was not checked."""
    if done.returncode == WHOLE:
        return f.LedgerFact(whole=True)
    if done.returncode != BROKEN:
        return None
    try:
        report = msgspec.json.decode(done.stdout, type=dict[str, Any])
    except msgspec.DecodeError:  # refused in words
        says = done.stderr.strip()
        return f.LedgerFact(whole=False, says=says) if says.startswith(UNREADABLE) else None
    return f.LedgerFact(whole=False, says=str(report.get("reason") or "gaps between statements"))


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LEDGER_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _beside_python() -> Path:
    return Path(sys.executable).parent
