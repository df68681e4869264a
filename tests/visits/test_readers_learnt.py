"""What one card worker learns of a reader, the next one knows: a visit with a PIN replaces it."""

from __future__ import annotations

from pathlib import Path

from desk_of_card import Desk
from fussy_reader import FussyReader, lose_the_card_over_long_answers
from personalised import PIN
from test_staff_gate import ASLEEP

from firmware.card import requests as card
from firmware.device import Device
from firmware.errands import CardWorker, Errands, VisionWorker
from firmware.match import requests as vision
from firmware.settings import Settings
from firmware.staff import StaffGate
from firmware.transaction import events as e
from firmware.transaction.visit import Visit
from firmware.words import CardKind, Cause, ClockTrust


class AtTheReader(CardWorker):
    """A card worker in this process: a new desk each time that it is replaced."""

    def __init__(self, reader: FussyReader) -> None:
        super().__init__("card", (), card.REPLIES, card.NEWS, **ASLEEP)
        self._reader = reader
        self.desk = Desk(reader)
        self.replaced = 0

    async def ask(self, request: card.CardMessage) -> card.CardMessage:
        return self.desk.ask(request)

    async def replace(self) -> None:
        self.replaced += 1
        self.desk = Desk(self._reader)


class WithoutFaces(VisionWorker):
    """A vision worker that has nothing to forget."""

    async def ask(self, request: vision.VisionMessage) -> vision.VisionMessage:
        assert isinstance(request, vision.ForgetFaces)
        return vision.Forgotten()


async def by_pin(errands: Errands, worker: AtTheReader) -> e.Event | None:
    """A visit up to its certificate; then its end."""
    assert await errands.identify_card() == e.CardIdentified(CardKind.MY_NUMBER_CARD)
    assert await errands.verify_pin(Visit()) == e.PinAccepted()
    came = await errands.read_certificate()
    for learnt in worker.desk.learnt:
        errands.note_reader(learnt)
    await errands.forget()
    return came


async def test_a_reader_that_breaks_over_long_answers_costs_one_visit_by_pin(
    tmp_path: Path,
) -> None:
    reader = FussyReader(lose_the_card_over_long_answers)
    worker = AtTheReader(reader)
    errands = Errands(
        Settings(state_dir=str(tmp_path), runtime_dir=str(tmp_path)),
        Device("reader", tmp_path, ClockTrust.NTP),
        worker,
        WithoutFaces("vision", (), vision.REPLIES, vision.NEWS, **ASLEEP),
        lambda: bytearray(PIN.encode()),
        staff_gate=StaffGate(),
    )
    assert await by_pin(errands, worker) == e.CardFailed(Cause.CARD_REMOVED)
    assert [await by_pin(errands, worker) for _ in range(2)] == [None, None]
    assert (worker.replaced, reader.verifies) == (3, 3)
