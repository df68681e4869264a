"""The card reader as the doctor sees it, on real PC/SC daemons."""

from __future__ import annotations

from pathlib import Path

import pytest
from private_pcscd import daemon_without_readers, held_by_another_program
from smartcard import scard

from firmware.card.pcsc import fault_of
from firmware.doctor import facts as f
from firmware.doctor.children import look
from firmware.doctor.facts import ReaderState
from firmware.doctor.looking import look_at_reader
from firmware.faults import CardServiceRefused
from firmware.settings import CardSettings, Settings
from firmware.simulator.pcsc_service import SOCKET_VARIABLE, PcscService

pytestmark = pytest.mark.stack


def settings_for(tmp_path: Path, socket: Path, reader: str = "*") -> Settings:
    card = CardSettings(reader=reader, pcsc_socket=str(socket))
    return Settings(state_dir=str(tmp_path), runtime_dir=str(tmp_path), card=card)


async def seen(tmp_path: Path, socket: Path, reader: str = "*") -> f.ReaderFact:
    fact: f.ReaderFact = await look("reader", settings_for(tmp_path, socket, reader))
    return fact


async def test_a_reader_is_well_with_a_card_and_without(empty: PcscService, tmp_path: Path) -> None:
    fact = await seen(tmp_path, empty.socket_path)
    assert (fact.state, fact.readers) == (ReaderState.WELL, (empty.reader_name,))
    empty.insert("valid")
    assert (await seen(tmp_path, empty.socket_path)).state is ReaderState.WELL


async def test_no_service(tmp_path: Path) -> None:
    assert (await seen(tmp_path, tmp_path / "none.comm")).state is ReaderState.NO_SERVICE


async def test_a_service_without_readers(tmp_path: Path) -> None:
    with daemon_without_readers() as socket:
        assert await seen(tmp_path, socket) == f.ReaderFact(ReaderState.NONE)


async def test_none_of_the_readers_is_the_one_in_the_settings(
    empty: PcscService, tmp_path: Path
) -> None:
    fact = await seen(tmp_path, empty.socket_path, "ACS *")
    assert fact.state is ReaderState.NONE_FITS
    assert set(fact.readers) == {empty.reader_name, empty.second_reader_name}
    assert empty.reader_name in fact.says


async def test_another_program_has_the_reader_for_itself(
    empty: PcscService, tmp_path: Path
) -> None:
    empty.insert("valid")
    with held_by_another_program(empty.reader_name, empty.environment):
        fact = await seen(tmp_path, empty.socket_path, empty.reader_name)
        assert (fact.state, fact.readers) == (ReaderState.HELD, (empty.reader_name,))
        # The other slot is free, and will do.
        assert (await seen(tmp_path, empty.socket_path)).state is ReaderState.WELL
    fact = await seen(tmp_path, empty.socket_path, empty.reader_name)
    assert fact.state is ReaderState.WELL


async def test_a_card_that_does_not_answer(empty: PcscService, tmp_path: Path) -> None:
    empty.insert("two_cards")
    fact = await seen(tmp_path, empty.socket_path, empty.reader_name)
    assert fact.state is ReaderState.CARD_SILENT


async def test_a_card_in_use_keeps_its_power_and_its_keys(
    empty: PcscService, tmp_path: Path
) -> None:
    """The firmware may be in the midst of a visit while somebody asks."""
    empty.insert("valid")
    before = empty.status()
    assert (await seen(tmp_path, empty.socket_path)).state is ReaderState.WELL
    after = empty.status()
    assert after == before, "no command, no reset, no power off"


# --- polkit: the daemon of Debian 12 has none, so its answer is given in its place
def test_polkits_refusal_is_a_fault_of_its_own() -> None:
    refused = fault_of(scard.SCARD_W_SECURITY_VIOLATION, "SCardEstablishContext")
    assert isinstance(refused, CardServiceRefused)
    assert refused.code == "card_service_unavailable", "a visit needs to know no more"


@pytest.mark.parametrize("refused", ["SCardEstablishContext", "SCardConnect"])
def test_a_daemon_that_refuses_the_firmwares_user(
    empty: PcscService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """polkit asks for two actions: `access_pcsc` for a context, `access_card` for a card."""
    monkeypatch.setenv(SOCKET_VARIABLE, str(empty.socket_path))
    answer = {
        "SCardEstablishContext": (scard.SCARD_W_SECURITY_VIOLATION, 0),
        "SCardConnect": (scard.SCARD_W_SECURITY_VIOLATION, 0, 0),
    }
    monkeypatch.setattr(scard, refused, lambda *_: answer[refused])
    fact = look_at_reader(settings_for(tmp_path, empty.socket_path))
    assert fact.state is ReaderState.REFUSED
    assert "Access denied" in fact.says
