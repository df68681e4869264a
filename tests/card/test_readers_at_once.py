"""Two readers on one real PC/SC daemon: the card that came first is the visit's."""

from __future__ import annotations

import pytest
from worker_house import firmware

from firmware.card.requests import (
    CardGone,
    CardIdentified,
    CardSeen,
    CertificateRead,
    IdentifyCard,
    ReadCertificate,
    ReaderSeen,
    ReleaseCard,
    StatementSigned,
)
from firmware.settings import CardSettings
from firmware.simulator.pcsc_service import PcscService
from firmware.words import CardKind

pytestmark = pytest.mark.stack

MY_NUMBER_CARD = CardIdentified(CardKind.MY_NUMBER_CARD)
UNKNOWN = CardIdentified(CardKind.UNKNOWN)


async def test_the_reader_is_used_that_a_card_is_laid_on(empty: PcscService) -> None:
    first, second = ReaderSeen(empty.reader_name), ReaderSeen(empty.second_reader_name)
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(first)
        empty.insert("drivers_licence", slot=1)
        await device.told(second, CardSeen())
        assert await device.ask(IdentifyCard()) == UNKNOWN
        empty.remove(slot=1)
        await device.told(CardGone())
        empty.insert("valid")
        await device.told(first, CardSeen())
        assert isinstance(await device.sign_with_pin(), StatementSigned)


async def test_a_second_card_is_not_touched_until_the_first_is_gone(empty: PcscService) -> None:
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(ReaderSeen(empty.reader_name))
        empty.insert("valid")
        await device.told(CardSeen())
        assert await device.ask(IdentifyCard()) == MY_NUMBER_CARD
        before = empty.insert("no_photo", slot=1)
        assert isinstance(await device.ask(ReadCertificate()), CertificateRead)
        assert await device.ask(IdentifyCard()) == MY_NUMBER_CARD
        assert empty.status(slot=1).commands == before.commands
        await device.ask(ReleaseCard())
        empty.remove()
        await device.told(CardGone(), ReaderSeen(empty.second_reader_name), CardSeen())
        assert await device.ask(IdentifyCard()) == MY_NUMBER_CARD
        assert empty.status(slot=1).commands > before.commands


async def test_patterns_are_an_order_of_preference(empty: PcscService) -> None:
    empty.insert("valid")
    empty.insert("drivers_licence", slot=1)
    settings = CardSettings(reader=("* 00 01", "No such reader", "*"))
    async with firmware(empty.socket_path, settings) as device:
        await device.told(ReaderSeen(empty.second_reader_name), CardSeen())
        assert await device.ask(IdentifyCard()) == UNKNOWN


async def test_a_reader_that_no_pattern_fits_is_not_watched(empty: PcscService) -> None:
    empty.insert("valid")
    async with firmware(empty.socket_path, CardSettings(reader="* 00 01")) as device:
        await device.told(ReaderSeen(empty.second_reader_name))
        empty.insert("drivers_licence", slot=1)
        await device.told(CardSeen())
        assert await device.ask(IdentifyCard()) == UNKNOWN
