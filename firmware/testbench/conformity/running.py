"""Runs cases against a card, and says of each whether the card conforms. Pure: the card is a port.

Two kinds of it: `StrangersCard` has no way to send anything but a `ReadOnlyCommand`; only a
`SyntheticCard` presents secrets and signs, and proves before each case that the card is nobody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from firmware.card import scripts
from firmware.card.apdu import (
    CURRENT_FILE,
    INS_SIGN,
    INS_VERIFY,
    SHORT_LE_MAX,
    CommandApdu,
    ResponseApdu,
)
from firmware.card.files import Key
from firmware.faults import ExtendedLengthRefused, MalformedResponse, UnexpectedStatus
from firmware.testbench.conformity.case import (
    Case,
    Cut,
    Harmless,
    Present,
    Recall,
    Send,
    Sign,
    Spending,
    Step,
    Whole,
)
from firmware.testbench.conformity.safe import ReadOnlyCommand
from firmware.testbench.conformity.virtual_holder import VirtualWorld, secrets_of_holder
from firmware.testbench.holder import prove_synthetic
from firmware.words import CardKind

WAKE: Final = ReadOnlyCommand(CommandApdu.get_challenge(8))
"""Sent first: a chip may answer its first command after power-up with `6F00`, whatever that is."""
NOTHING: Final = ResponseApdu(b"", 0x9000)  # what comes of a power cut


class Line(Protocol):
    """A card on a reader, under power. Its faults are those of `firmware.card.pcsc.Connection`."""

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """One command."""
        ...

    def cut_power(self) -> None:
        """Off and on: nothing is selected and no key is open afterwards."""

    def reset(self) -> None:
        """A warm reset."""


class Verdict(StrEnum):
    """What a case came to."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Result:
    """One case, run; `why` is empty where it passed."""

    case: Case
    verdict: Verdict
    why: str = ""


class Differs(Exception):
    """Ends a case; never leaves this module."""


class StrangersCard:
    """Whoever's card: what is sent to it can cost nothing."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def introduce(self) -> None:
        """Before the first case. A card that is to spend nothing need not say whose it is."""

    def begin(self, case: Case) -> None:
        """Nothing selected, no key open, awake unless the case is about that."""
        self._line.cut_power()
        if not case.asleep:
            self.send(WAKE)

    def send(self, command: ReadOnlyCommand) -> ResponseApdu:
        """One command that costs nothing."""
        return self._line.transmit(command.command)

    def perform(self, act: Harmless) -> ResponseApdu:
        """The answer; UnexpectedStatus never: a refusal is an answer like any other."""
        match act:
            case Send(command):
                return self.send(command)
            case Whole(ef):
                try:
                    content = scripts.run(
                        scripts.read_transparent_file(ef),
                        lambda command: self.send(ReadOnlyCommand(command)),
                    )
                except UnexpectedStatus as refusal:
                    return ResponseApdu(b"", refusal.status_word)
                return ResponseApdu(content, NOTHING.status_word)
            case Cut.POWER:
                self._line.cut_power()
                self.send(WAKE)
            case Cut.WARM_RESET:
                self._line.reset()
        return NOTHING


class SyntheticCard(StrangersCard):
    """A card of the simulated world, with what its holder knows."""

    def __init__(self, line: Line, world: VirtualWorld) -> None:
        """`world`: of which the card has to be."""
        super().__init__(line)
        self._world, self._issuers = world, world.issuers()
        self._secrets: Mapping[Key, bytes] = {}
        self._spending = False

    def begin(self, case: Case) -> None:
        """HolderNotSynthetic where another card lies there by now."""
        self._spending = case.spends
        super().begin(case)
        self._prove()

    def introduce(self) -> None:
        """HolderNotSynthetic before the first case, and not in the middle."""
        self._spending = True
        self._prove()

    def perform(self, act: Harmless) -> ResponseApdu:
        """A card that had no power may be another one: it is asked again who it is."""
        answer = super().perform(act)
        if act is Cut.POWER:
            self._prove()
        return answer

    def _prove(self) -> None:
        """Before a try and in the same power-up. What it selects, no such case relies on."""
        if self._spending:
            certificate = scripts.run(prove_synthetic(self._issuers), self._line.transmit)
            self._secrets = secrets_of_holder(certificate)

    def spend(self, act: Spending) -> ResponseApdu:
        """A try, a signature, or what only this world knows."""
        match act:
            case Recall(issuer):
                return ResponseApdu(self._world.key_of(issuer), NOTHING.status_word)
            case Present(key, value):
                data = self._secrets[key] if value == "right" else altered(self._secrets[key])
                command = CommandApdu(0x00, INS_VERIFY, 0x00, CURRENT_FILE, data)
            case Sign(p1, content):
                command = CommandApdu(0x80, INS_SIGN, p1, CURRENT_FILE, content, le=SHORT_LE_MAX)
        return self._line.transmit(command)


def altered(secret: bytes) -> bytes:
    """Another value of the same length: the last digit is one more."""
    return secret[:-1] + (b"0" if secret[-1:] != b"0" else b"1")


def run(cases: Collection[Case], card: StrangersCard, kind: CardKind) -> Iterator[Result]:
    """Each case with its verdict, as it is run. Faults of the line end it."""
    for case in cases:
        yield run_case(case, card, kind)


def run_case(case: Case, card: StrangersCard, kind: CardKind) -> Result:
    """One case, from power-up; a card of another kind is not even asked."""
    if kind not in case.kinds:
        return Result(case, Verdict.NOT_APPLICABLE, f"the card is {kind}")
    if case.spends and not isinstance(card, SyntheticCard):
        return Result(case, Verdict.NOT_APPLICABLE, "it needs the simulated world: --virtual")
    card.begin(case)
    heard: dict[str, ResponseApdu] = {}
    try:
        for number, step in enumerate(case.given, start=1):
            _take(step, f"given {number}", card, heard)
    except Differs as difference:
        return Result(case, Verdict.NOT_APPLICABLE, str(difference))
    except ExtendedLengthRefused as refusal:
        return Result(case, Verdict.NOT_APPLICABLE, f"the reader: {refusal}")
    try:
        for number, step in enumerate(case.steps, start=1):
            _take(step, f"step {number}", card, heard)
    except Differs as difference:
        return Result(case, Verdict.FAILED, str(difference))
    except ExtendedLengthRefused as refusal:
        return Result(case, Verdict.NOT_APPLICABLE, f"the reader: {refusal}")
    return Result(case, Verdict.PASSED)


def _take(step: Step, place: str, card: StrangersCard, heard: dict[str, ResponseApdu]) -> None:
    """Raises Differs, which says what was expected and what came."""
    try:
        answer = _answer(step, card)
    except MalformedResponse as fault:
        raise Differs(f"{place}, {step.act}: {fault}") from fault
    for check in step.expected:
        if (fault_found := check.fault(answer, heard)) is not None:
            raise Differs(f"{place}, {step.act}: expected {check}; {fault_found}")
    if step.name:
        heard[step.name] = answer


def _answer(step: Step, card: StrangersCard) -> ResponseApdu:
    match step.act:
        case Present() | Sign() | Recall():
            assert isinstance(card, SyntheticCard)
            return card.spend(step.act)
        case _:
            return card.perform(step.act)
