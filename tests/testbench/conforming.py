"""The conformity suite on virtual cards, without a reader."""

from __future__ import annotations

from collections.abc import Collection

from personalised import Terminal, world

from firmware.card import jpki, scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.faults import ExtendedLengthRefused
from firmware.simulator.card_options import AS_USUAL, CardOptions
from firmware.testbench.conformity.case import Case
from firmware.testbench.conformity.catalogue import CASES
from firmware.testbench.conformity.running import (
    Result,
    StrangersCard,
    SyntheticCard,
    Verdict,
    run,
)
from firmware.testbench.conformity.virtual_holder import VirtualWorld

READ_ONLY = tuple(case for case in CASES if not case.spends)


class TerminalLine:
    """A virtual card as `PcscLine` has one; every command is kept as its bytes."""

    def __init__(self, terminal: Terminal, *, passes_extended: bool = True) -> None:
        self._terminal, self._passes_extended = terminal, passes_extended
        self.sent: list[bytes] = []

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if command.is_extended and not self._passes_extended:
            raise ExtendedLengthRefused("as some readers do")
        self.sent.append(command.encode())
        return self._terminal.send(command)

    def cut_power(self) -> None:
        self._terminal.card.power_on()

    def reset(self) -> None:
        self._terminal.card.reset()


class Suite:
    """One card, the suite run on it, and what came of each case."""

    def __init__(
        self,
        patient_id: str = "valid",
        options: CardOptions = AS_USUAL,
        *,
        passes_extended: bool = True,
    ) -> None:
        self.terminal = Terminal(patient_id, options)
        self.line = TerminalLine(self.terminal, passes_extended=passes_extended)

    def as_strangers(self, cases: Collection[Case] = CASES) -> list[Result]:
        return self._run(StrangersCard(self.line), cases)

    def as_synthetic(self, cases: Collection[Case] = CASES) -> list[Result]:
        return self._run(SyntheticCard(self.line, VirtualWorld(world())), cases)

    def _run(self, card: StrangersCard, cases: Collection[Case]) -> list[Result]:
        kind = scripts.run(jpki.identify(), self.line.transmit)
        return list(run(cases, card, kind))


def ids(results: Collection[Result], verdict: Verdict) -> set[str]:
    return {result.case.id for result in results if result.verdict is verdict}
