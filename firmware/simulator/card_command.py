"""`kazashi-simulator` patients, card, authorities and prepare: the virtual card's own commands."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from firmware.card.files import NEXT_GENERATION
from firmware.faults import Fault, UnknownPatient
from firmware.simulator.authorities import SUBFOLDERS, Authorities
from firmware.simulator.card_certificates import JAPAN
from firmware.simulator.card_options import CardOptions, option_rows, options_from
from firmware.simulator.device_key import write_device_key
from firmware.simulator.expectations import EXPECTED, Expected
from firmware.simulator.expected_table import expected_table
from firmware.simulator.patients import PATIENTS, find
from firmware.simulator.pcsc_service import SOCKET_VARIABLE, PcscService
from firmware.simulator.people import Insurance, Patient, collation_number_b
from firmware.simulator.world import DEFAULT_ROOT, World
from firmware.simulator.world_making import make_world
from firmware.words import Method

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LOOK_EVERY_S: Final = 1.0

world_option = click.option(
    "--world",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    help="The simulated world that `make setup` made.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def card_options_of(
    _context: click.Context, _option: click.Parameter, words: tuple[str, ...]
) -> CardOptions:
    """`name=value` or `name`, any number of them."""
    try:
        return options_from(words)
    except msgspec.ValidationError as cause:
        names = ", ".join(row.name for row in option_rows())
        raise click.BadParameter(
            f"{cause}; there are: {names}; `kazashi-simulator card --help` has their values"
        ) from cause


card_options_option = click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME[=VALUE]",
    callback=card_options_of,
    help="How the card behaves where real cards differ; `card --help` lists the names.",
)


class PatientRow(msgspec.Struct, frozen=True):
    """One patient as `patients --json` prints it."""

    id: str
    says: str
    name: str
    kana: str
    romaji: str
    birth_date: str
    sex: str
    card_kind: str
    registration: str
    validity: str
    pin: str | None
    pin_tries_left: int | None
    collation_number_b: str | None
    gallery_portrait: str | None
    live_portrait: str
    insurances: tuple[Insurance, ...]
    expected: dict[Method, Expected]


def row_of(patient: Patient) -> PatientRow:
    """The patient's row, flattened for printing."""
    card, person = patient.card, patient.person
    return PatientRow(
        id=patient.id,
        says=patient.says,
        name=person.name,
        kana=person.kana,
        romaji=person.romaji,
        birth_date=f"{person.born:%Y-%m-%d}",
        sex=person.sex.name.lower(),
        card_kind=patient.kind.value,
        registration=patient.registration.value,
        validity=patient.validity.value,
        pin=None if card is None else card.pin,
        pin_tries_left=None if card is None else card.pin_tries_left,
        collation_number_b=None if card is None else collation_number_b(patient),
        gallery_portrait=None if card is None else card.gallery_portrait,
        live_portrait=patient.live_portrait,
        insurances=patient.insurances,
        expected=dict(EXPECTED[patient.id]),
    )


@click.command(epilog="Example: kazashi-simulator patients --json")
@json_option
def patients(as_json: bool) -> None:
    """List the virtual patients: PIN, printed number, and what a visit comes to."""
    rows = [row_of(patient) for patient in PATIENTS]
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    click.echo(f"{'id':24} {'PIN':5} {'tries':5} {'照合番号B':14}")
    for row in rows:
        tries = "-" if row.pin_tries_left is None else str(row.pin_tries_left)
        click.echo(f"{row.id:24} {row.pin or '-':5} {tries:5} {row.collation_number_b or '-'}")
        click.echo(f"{'':24} {row.says}")
    click.echo(f"\n{expected_table()}")


def _listed_options() -> str:
    """The options as `--help` shows them."""
    return "\n".join(
        f"  {row.name} ({', '.join(row.values) or 'a word'})\n      {row.says}"
        for row in option_rows()
    )


CARD_EPILOG: Final = f"""\b
Example: kazashi-simulator card --patient valid
  kazashi-simulator card --patient pin_blocked --option blocked_query=6983
  kazashi-simulator card --patient valid --option first_command_fails --option atr=contact
  kazashi-simulator card --patient valid --option line=contactless_106

\b
Options of the card (docs/VIRTUAL_CARD.md has their defaults):
{_listed_options()}
"""


@click.command(epilog=CARD_EPILOG)
@click.option("--patient", required=True, help="An id from `kazashi-simulator patients`.")
@card_options_option
@world_option
@json_option
def card(patient: str, options: CardOptions, world: Path, as_json: bool) -> None:
    """Plug a patient's card into a private PC/SC daemon, until interrupted.

    Prints the variable with which any PC/SC program sees the card, on the first line.
    """
    with refusing():
        find(patient)
    with refusing(), PcscService(world) as service:
        service.insert(patient, options)
        # Blocked only now: what the service starts must not inherit that.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        told = {**service.environment, "reader": service.reader_name, "patient": patient}
        if as_json:
            click.echo(msgspec.json.encode(told))
        else:
            click.echo(f"{SOCKET_VARIABLE}={service.socket_path}")
            click.echo(f"{patient} lies on {service.reader_name!r}; Ctrl-C takes it away", err=True)
        while signal.sigtimedwait(STOP_SIGNALS, LOOK_EVERY_S) is None:
            service.status()  # raises when the service is gone


@click.command(epilog="Example: kazashi-simulator authorities --out /tmp/authorities")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@world_option
@json_option
def authorities(out: Path, world: Path, as_json: bool) -> None:
    """Write the public side of the test authorities, to verify what virtual cards sign."""
    with refusing():
        hierarchy = Authorities(World(world).authorities)
        written = hierarchy.write_public(out)
        written += hierarchy.of(NEXT_GENERATION).write_public(out / SUBFOLDERS[NEXT_GENERATION])
        written.append(write_device_key(World(world), out))
    if as_json:
        click.echo(msgspec.json.encode([str(path) for path in written]))
    else:
        for path in written:
            click.echo(path)


@click.command(epilog="Example: kazashi-simulator prepare")
@world_option
def prepare(world: Path) -> None:
    """Make what is missing of the simulated world (part of `make setup`)."""
    with refusing():
        today = dt.datetime.now(JAPAN).date()
        make_world(world, today, lambda line: click.echo(line, err=True))


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What goes wrong becomes one line on standard error, and exit code 1; a wrong name 2."""
    try:
        yield
    except UnknownPatient as fault:
        raise click.UsageError(str(fault)) from fault
    except (Fault, OSError) as fault:
        raise click.ClickException(str(fault)) from fault


COMMANDS: Final = (patients, card, authorities, prepare)
