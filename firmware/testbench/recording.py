"""[shell] The three ways to use a card while it is recorded: the firmware's reads, a whole visit,
any other program."""

from __future__ import annotations

import os
import secrets
import subprocess
from contextlib import closing
from pathlib import Path

from firmware.card import scripts
from firmware.card.credential import CollationNumberB
from firmware.faults import ProgramFailed
from firmware.simulator.world import World
from firmware.testbench.digits import Digits
from firmware.testbench.holder import issuers_of, prove_synthetic
from firmware.testbench.player import RELAY
from firmware.testbench.private_reader import PrivateReader
from firmware.testbench.reader import connect
from firmware.testbench.reading import NONCE_BYTES, firmware_reads
from firmware.testbench.record import Recorder
from firmware.testbench.relay import CardRelay
from firmware.testbench.trace import Context
from firmware.testbench.visiting import BenchVisit, Visited


def look_at_card(reader: str) -> bytes:
    """The ATR of the card that lies there, which is off again afterwards; `CardRemoved`."""
    with closing(connect(reader)) as connection:
        return connection.atr


def prove_holder_synthetic(reader: str, world: World) -> None:
    """`HolderNotSynthetic` unless the card is one of this world's; unrecorded, and off again."""
    authorities = issuers_of(world)
    with closing(connect(reader)) as connection:
        scripts.run(prove_synthetic(authorities), connection.transmit)


def record_reads(reader: str, recorder: Recorder, number: CollationNumberB | None) -> None:
    """What the firmware reads of the card; faults of `firmware.card` end it."""
    with closing(connect(reader, recorder.hear)) as connection:
        reads = firmware_reads(number, {}, secrets.token_bytes(NONCE_BYTES))
        scripts.run(reads, connection.transmit)


def record_visit(reader: str, recorder: Recorder, context: Context, digits: Digits) -> Visited:
    """A whole visit, as `visiting` plays it."""
    return BenchVisit(lambda: connect(reader, recorder.hear), context, digits).play()


def record_program(reader: str, recorder: Recorder, program: tuple[str, ...], world: World) -> None:
    """Whatever a program does with the card, which it sees on a private reader.

    `ProgramFailed` when it ends with another code than 0; the fault of the card, if that left.
    """
    with (
        CardRelay(lambda: connect(reader), recorder) as relay,
        PrivateReader(RELAY, relay.path, world.root) as private,
    ):
        try:
            ended = subprocess.run(program, env={**os.environ, **private.environment}, check=False)
        except OSError as cause:
            raise ProgramFailed(f"{program[0]} cannot be run: {cause.strerror}") from cause
    if relay.fault is not None:
        raise relay.fault
    if ended.returncode != 0:
        raise ProgramFailed(f"{Path(program[0]).name} ended with code {ended.returncode}")
