"""`kazashi-testbench read`: what the firmware would read of a card."""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path

import click
import msgspec

from firmware.card import scripts
from firmware.card.authenticity import PRESENCE_NONCE_BYTES
from firmware.card.credential import CollationNumberB
from firmware.card.worker import read_issuer_keys
from firmware.testbench.options import (
    FILE,
    json_option,
    number_option,
    reader_option,
    refusing,
    wait_option,
)
from firmware.testbench.reader import connect, find_reader
from firmware.testbench.reading import Reading, firmware_reads
from firmware.words import CardKind


@click.command("read")
@reader_option
@number_option
@click.option("--issuer-keys", type=FILE, help="JSON file of the card-face issuers' keys.")
@click.option("--pem", is_flag=True, help="Print the certificate too (--json always does).")
@wait_option
@json_option
def read_command(
    *,
    reader: str,
    number: CollationNumberB | None,
    issuer_keys: Path | None,
    pem: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Tell what the firmware would read of a card: sizes and verdicts, never names or digits.

    \b
    Examples:
      kazashi-testbench read --reader 'ACS ACR1252 Reader 00 00'
      kazashi-testbench read --reader '*' --json --pem
      kazashi-testbench read --reader '*' --collation-number-b - --issuer-keys issuers.json
    """
    with refusing(), closing(connect(find_reader(reader, wait_s))) as connection:
        issuers = read_issuer_keys(str(issuer_keys) if issuer_keys else None)
        nonce = secrets.token_bytes(PRESENCE_NONCE_BYTES)
        reading = scripts.run(firmware_reads(number, issuers, nonce), connection.transmit)
    click.echo(msgspec.json.encode(reading) if as_json else spoken(reading, pem=pem))
    if reading.kind is CardKind.UNKNOWN:
        raise click.ClickException("this is no card that the firmware knows")


def spoken(reading: Reading, *, pem: bool) -> str:
    """A reading for people."""
    lines = [f"kind            {reading.kind}"]
    if reading.pin_tries_left is not None:
        lines.append(f"PIN             {reading.pin_tries_left} tries left")
    if (certificate := reading.certificate) is not None:
        lines += [
            f"certificate     {certificate.subject}",
            f"  issuer        {certificate.issuer}",
            f"  serial        {certificate.serial}",
            f"  valid         {certificate.not_before} to {certificate.not_after}",
            f"  SHA-256       {certificate.sha256}",
        ]
        lines += [certificate.pem.rstrip()] if pem else []
    if reading.certificate_problem:
        lines.append(f"certificate     none: {reading.certificate_problem}")
    if (face := reading.face) is not None:
        photo = face.photo
        size = "none" if photo is None else f"{photo.type}, {photo.bytes} bytes"
        if photo is not None and photo.width is not None:
            size += f", {photo.width} × {photo.height} pixels"
        lines += [f"photo           {size}", f"authenticity    {face.authenticity} ({face.reason})"]
    return "\n".join(lines)
