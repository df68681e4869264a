"""`kazashi-simulator`: virtual patients, cards and a whole appliance, with no hardware."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import webbrowser
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from firmware.simulator.appliance import Appliance
from firmware.simulator.bench_server import Served, served_bench
from firmware.simulator.cable import BAD, GOOD
from firmware.simulator.card_command import (
    COMMANDS,
    STOP_SIGNALS,
    card_options_option,
    json_option,
    refusing,
    world_option,
)
from firmware.simulator.card_options import CardOptions
from firmware.simulator.installed import InstalledAppliance, move_in
from firmware.simulator.patient import Consent
from firmware.simulator.patients import find, live_portrait
from firmware.simulator.presentation_species import Species
from firmware.simulator.visit import AnyAppliance, Play, play
from firmware.simulator.world import World
from firmware.words import ConsentItem, Language, Method, NoConsentReason, Outcome, Profile, State
from hostdriver.rendering import progress_line, result_table

EPILOG: Final = """\b
Examples:
  kazashi-simulator patients
  kazashi-simulator visit --patient valid
  kazashi-simulator visit --patient valid --method pin --consent medication,checkup --json
  kazashi-simulator serve --open
  kazashi-simulator card --patient valid
"""
CABLES: Final = {"good": GOOD, "bad": BAD}
VISIT_EPILOG: Final = """\b
Examples:
  kazashi-simulator visit --patient valid --json
  kazashi-simulator visit --patient valid --live-face impostor --pin 9999
  kazashi-simulator visit --patient valid --remove-card-at asking_consent
  kazashi-simulator visit --patient valid --profile emergency --reason unconscious
  kazashi-simulator visit --patient valid --option line=contactless_424
  kazashi-simulator visit --patient valid --presentation print:7

A presentation is what is held before the camera in the person's place, and the number of one of
many: a likeness of whoever --live-face names, or of the holder. The camera is not told what it is.
"""


@click.group(epilog=EPILOG)
@click.version_option(package_name="kazashi")
def main() -> None:
    """The simulated world of Kazashi: everything works with no hardware at all."""


E = TypeVar("E", bound=StrEnum)


class OneOf(click.Choice[str]):
    """A choice among the words of an enum, by the words on the wire."""

    def __init__(self, words: type[E]) -> None:
        super().__init__([word.value for word in words])
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The enum's member."""
        return self._words(super().convert(value, param, ctx))


def consent_of(_context: click.Context, _option: click.Parameter, value: str) -> Consent:
    """`all`, `none`, or items with commas between them."""
    if value in ("all", "none"):
        return "all" if value == "all" else "none"
    try:
        return tuple(ConsentItem(item) for item in value.split(","))
    except ValueError as cause:
        items = ", ".join(ConsentItem)
        raise click.BadParameter(f"write all, none, or some of {items}") from cause


def pin_of(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Four digits."""
    if value is not None and not (value.isascii() and value.isdigit() and len(value) == 4):
        raise click.BadParameter("a PIN has four digits")
    return value


def presentation_of(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[Species, int] | None:
    """A species, and after a colon the seed of one of its presentations."""
    if value is None:
        return None
    name, _, seed = value.partition(":")
    try:
        return Species(name), int(seed or "0")
    except ValueError as cause:
        names = ", ".join(Species)
        raise click.BadParameter(f"write one of {names}, and perhaps :NUMBER") from cause


@main.command(epilog=VISIT_EPILOG)
@click.option("--patient", "patient_id", default="valid", show_default=True)
@click.option("--method", type=OneOf(Method), help="What the patient chooses.")
@click.option("--pin", callback=pin_of, help="What the patient types if asked.")
@click.option("--live-face", help="Whose face is before the camera: a patient, impostor, nobody.")
@click.option(
    "--presentation", callback=presentation_of, help="What is held there: SPECIES[:SEED]."
)
@click.option("--consent", callback=consent_of, default="all", help="all, none, or ITEM,ITEM…")
@click.option("--profile", type=OneOf(Profile), help="What kind of site asks.")
@click.option("--reason", type=OneOf(NoConsentReason), help="Why no consent can be obtained.")
@click.option("--language", type=OneOf(Language), default=Language.JA.value)
@click.option("--remove-card-at", type=OneOf(State), help="Take the card away there.")
@click.option("--installed", is_flag=True, help="On the reader of this machine, after move-in.")
@click.option("--cable", type=click.Choice(list(CABLES)), help="Join the two daemons by serial.")
@card_options_option
@world_option
@json_option
def visit(
    *,
    patient_id: str,
    live_face: str | None,
    presentation: tuple[Species, int] | None,
    world: Path,
    installed: bool,
    cable: str | None,
    options: CardOptions,
    as_json: bool,
    **choices: Any,
) -> None:
    """Start the whole simulated stack, play one visit, stop. Exit code 0: verified.

    With --installed nothing is started: the visit is played on the reader of this machine.
    """

    def tell(event: dict[str, Any]) -> None:
        click.echo(f"{time.monotonic() - began_s:6.2f} s {progress_line(event)}", err=True)

    with refusing():
        scene = Play(
            patient=find(patient_id),
            live_face=None if live_face == "nobody" else live_face,
            nobody=live_face == "nobody",
            presented=presentation,
            **choices,
        )
        pictures = pictures_line(scene)  # a face that nobody has is told before anything starts
        with _appliance(World(world), installed, cable, options) as appliance:
            began_s = time.monotonic()
            result = play(appliance, scene, tell)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        click.echo(result_table(result))
        click.echo(pictures)
    sys.exit(0 if result["outcome"] == Outcome.VERIFIED else 1)


def _appliance(
    world: World, installed: bool, cable: str | None, options: CardOptions
) -> AnyAppliance:
    if installed:
        return InstalledAppliance(world, options)
    click.echo("starting card reader, firmware and host driver …", err=True)
    joined = CABLES[cable] if cable else None
    return Appliance(world, cable=joined, card_options=options, liveness=True)


def pictures_line(scene: Play) -> str:
    """Which photographs were compared: the card's and the live one are never the same."""
    card = scene.patient.card
    on_card = (card and card.gallery_portrait) or "none"
    live = "nobody" if scene.nobody else live_portrait(scene.live_face or scene.patient.id)
    held = "" if scene.presented is None else " by {}:{}".format(*scene.presented)
    return f"pictures        card {on_card}, camera {live}{held}"


SERVE_EPILOG: Final = """\b
Examples:
  kazashi-simulator serve --open
  kazashi-simulator serve --json
  kazashi-simulator serve --option broken=face
"""


@main.command(epilog=SERVE_EPILOG)
@click.option("--open", "opens", is_flag=True, help="Open the bench in this machine's browser.")
@card_options_option
@world_option
@json_option
def serve(world: Path, as_json: bool, opens: bool, options: CardOptions) -> None:
    """Keep a simulated appliance up until Ctrl-C, and print its three addresses.

    The bench is a page for you: cards, faces, mishaps, reception. The panel is the patient's page.
    The socket is where reception software connects.
    """
    with refusing(), Appliance(World(world), card_options=options, liveness=True) as appliance:

        def announce(bench: Served) -> None:
            addresses = {
                "bench": bench.address,
                "panel": appliance.addresses.panel,
                "socket": appliance.addresses.socket,
            }
            if as_json:
                click.echo(json.dumps(addresses))
            else:
                click.echo("\n".join(f"{name:8}{at}" for name, at in addresses.items()))
                click.echo("Open the bench in a browser; Ctrl-C ends.", err=True)
            if opens:
                webbrowser.open(bench.launcher.as_uri())

        asyncio.run(_serve(appliance, announce))


@main.command("move-in", epilog="Example: kazashi-simulator move-in --world build/simulation")
@click.option("--time-scale", type=click.FloatRange(min=0, min_open=True), default=1.0)
@click.option("--liveness", is_flag=True, help="Look whether a face is alive.")
@world_option
def move_into(world: Path, time_scale: float, liveness: bool) -> None:
    """Give the Kazashi that is installed here simulated cameras, authorities and insured persons.

    For a test machine alone: it rewrites /etc/kazashi. Its reader must be vpcd's, in the system's
    PC/SC daemon. Restart both daemons afterwards.
    """
    with refusing():
        move_in(World(world), time_scale=time_scale, liveness=liveness)


async def _serve(appliance: Appliance, announce: Callable[[Served], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for stop_signal in STOP_SIGNALS:
        loop.add_signal_handler(stop_signal, stop.set)
    async with served_bench(appliance) as bench:
        announce(bench)
        await stop.wait()


for command in COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main()
