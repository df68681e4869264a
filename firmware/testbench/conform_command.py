"""`kazashi-testbench conform`: the conformity suite against the card that lies on a reader."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from firmware.card import jpki, scripts
from firmware.simulator.world import World
from firmware.testbench.conformity.case import Case, Group
from firmware.testbench.conformity.catalogue import cases_of
from firmware.testbench.conformity.pcsc_line import PcscLine
from firmware.testbench.conformity.report import Report, junit, listed, report, row, total
from firmware.testbench.conformity.running import Result, StrangersCard, SyntheticCard, run
from firmware.testbench.conformity.virtual_holder import VirtualWorld
from firmware.testbench.options import (
    in_a_folder,
    json_option,
    refusing,
    wait_option,
    world_option,
    write,
)
from firmware.testbench.reader import find_reader
from firmware.testbench.record import TOOL
from firmware.words import CardKind


@click.command("conform")
@click.option("--reader", help="The PC/SC reader's name, or a pattern of it such as '*ACR*'.")
@click.option(
    "--only",
    "groups",
    type=click.Choice([group.value for group in Group], case_sensitive=False),
    multiple=True,
    help="Only the cases of this group; may be given again.",
)
@click.option("--list", "listing", is_flag=True, help="Print the cases, and use no card.")
@click.option(
    "--virtual",
    is_flag=True,
    help="Also present PINs and sign: only to a card that proves to be of the simulated world. "
    "One PIN of it is blocked afterwards.",
)
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=in_a_folder,
    help="Write the verdicts as JUnit XML too.",
)
@world_option
@wait_option
@json_option
def conform_command(
    *,
    reader: str | None,
    groups: tuple[str, ...],
    listing: bool,
    virtual: bool,
    junit_file: Path | None,
    world: Path,
    wait_s: float,
    as_json: bool,
) -> None:
    """Ask a card numbered questions, and tell where it answers otherwise than is known of it.

    Without --virtual nothing is presented, written, opened or blocked: no command is sent that
    could cost a try. Exit codes: 0 every case passed or does not apply, 1 some failed or the card
    is none of these, 2 wrong use.

    \b
    Examples:
      kazashi-testbench conform --list
      kazashi-testbench conform --reader '*ACR*' --junit card.xml
      kazashi-testbench conform --reader '*' --only RDB --only VFY
      kazashi-testbench conform --reader '*' --virtual --json
    """
    cases = cases_of([Group(group) for group in groups])
    if listing:
        click.echo("\n".join(map(listed, cases)))
        return
    cases = tuple(case for case in cases if virtual or not case.spends)
    if reader is None:
        raise click.UsageError("--reader is needed, or --list.")
    with refusing():
        found = find_reader(reader, wait_s)
        with PcscLine(found) as line:
            card = (
                SyntheticCard(line, VirtualWorld(World(world))) if virtual else StrangersCard(line)
            )
            kind = scripts.run(jpki.identify(), line.transmit)
            card.introduce()
            results = _run(cases, card, kind, as_json=as_json)
            told = report(results, reader=found, atr=line.atr, kind=kind, tool=TOOL)
    _tell(told, junit_file, as_json=as_json)


def _run(
    cases: tuple[Case, ...], card: StrangersCard, kind: CardKind, *, as_json: bool
) -> list[Result]:
    """Each verdict is told as it comes, or counted where standard output is a program's."""
    results: list[Result] = []
    coming: Iterable[Result] = run(cases, card, kind)
    if as_json:
        with click.progressbar(
            coming, length=len(cases), label="conform", file=sys.stderr
        ) as counted:
            results.extend(counted)
        return results
    for result in coming:
        click.echo(row(result))
        results.append(result)
    return results


def _tell(told: Report, junit_file: Path | None, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(told) if as_json else total(told))
    if junit_file is not None:
        write(junit_file, junit(told))
    if told.card_kind is CardKind.UNKNOWN:
        raise click.ClickException("this is no card that the firmware knows")
    if told.failed:
        raise click.exceptions.Exit(1)
