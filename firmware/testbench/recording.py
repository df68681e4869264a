"""[shell] The three ways to use a card while it is recorded: the firmware's reads, a whole visit,
any other program."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TextIO, TypeAlias

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.authenticity import PRESENCE_NONCE_BYTES
from firmware.card.credential import CollationNumberB
from firmware.card.pcsc import Connection
from firmware.faults import HolderNotSynthetic, ProgramFailed
from firmware.simulator.world import World
from firmware.testbench.digits import Digits
from firmware.testbench.holder import issuers_of, prove_synthetic
from firmware.testbench.player import RELAY
from firmware.testbench.private_reader import PrivateReader
from firmware.testbench.reader import connect
from firmware.testbench.reading import firmware_reads
from firmware.testbench.record import Recorder
from firmware.testbench.relay import CardHeld, CardRelay
from firmware.testbench.trace import Context
from firmware.testbench.visiting import BenchVisit, Visited

Proof: TypeAlias = Callable[[CardHeld], None]
"""Asked of every connection before it is recorded; raises `HolderNotSynthetic`."""


def look_at_card(reader: str) -> bytes:
    """The ATR of the card that lies there, which is off again afterwards; `CardRemoved`."""
    with closing(connect(reader)) as connection:
        return connection.atr


def proof_of_synthetic(world: World) -> Proof:
    """`HolderNotSynthetic` unless a card is one of this world's."""
    issuers = issuers_of(world)

    def prove(card: CardHeld) -> None:
        def transmit(command: CommandApdu) -> ResponseApdu:
            return ResponseApdu.decode(card.exchange(command.encode()))  # which nobody hears

        scripts.run(prove_synthetic(issuers), transmit)

    return prove


def take_any(_card: CardHeld) -> None:
    """The proof where none is asked for: what is recorded is masked, whosever card it is."""


def record_reads(
    reader: str, recorder: Recorder, prove: Proof, number: CollationNumberB | None
) -> None:
    """What the firmware reads of the card; faults of `firmware.card` end it."""
    with closing(_proven(reader, recorder, prove)) as connection:
        reads = firmware_reads(number, {}, secrets.token_bytes(PRESENCE_NONCE_BYTES))
        scripts.run(reads, connection.transmit)


def record_visit(
    reader: str, recorder: Recorder, prove: Proof, context: Context, digits: Digits
) -> Visited:
    """A whole visit, as `visiting` plays it."""
    refused: list[HolderNotSynthetic] = []

    def connect_proven() -> Connection:
        try:
            return _proven(reader, recorder, prove)
        except HolderNotSynthetic as fault:  # to the visit, it is one more card that is unfit
            refused.append(fault)
            raise

    visited = BenchVisit(connect_proven, context, digits).play()
    if refused:
        raise refused[0]
    return visited


def record_program(
    reader: str,
    recorder: Recorder,
    prove: Proof,
    program: tuple[str, ...],
    world: World,
    *,
    stdout: TextIO | None = None,
) -> None:
    """Whatever a program does with the card, which it sees on a private reader.

    What it prints goes to `stdout`, or to ours. `ProgramFailed` when it ends with another code
    than 0; the fault of the card, if that left.
    """
    relay = CardRelay(lambda: connect(reader), prove, recorder)
    try:
        with relay, PrivateReader(RELAY, relay.path, world.root) as private:
            ended = _run(program, {**os.environ, **private.environment}, stdout)
    finally:
        if relay.fault is not None:  # whatever else broke, broke of it
            raise relay.fault
    if ended != 0:
        raise ProgramFailed(f"{Path(program[0]).name} ended with code {ended}")


def _run(program: tuple[str, ...], environment: dict[str, str], stdout: TextIO | None) -> int:
    """Its exit code; `ProgramFailed` if it cannot be run."""
    try:
        return subprocess.run(program, env=environment, stdout=stdout, check=False).returncode
    except OSError as cause:
        raise ProgramFailed(f"{program[0]} cannot be run: {cause.strerror}") from cause


def _proven(reader: str, recorder: Recorder, prove: Proof) -> Connection:
    """The card on a reader, recorded from the proof on, and on the same connection: PC/SC ends it
    when the card is changed."""
    connection = connect(reader, recorder.hear)
    try:
        prove(connection)
    except BaseException:
        connection.close()
        raise
    return connection
