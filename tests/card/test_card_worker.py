"""The card worker as a process on a real PC/SC daemon: news, requests, and all that breaks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from worker_house import NEWS_WITHIN_S, PAYLOAD, PIN, Firmware, firmware

from firmware.card import jpki
from firmware.card.requests import (
    AreYouWell,
    CardFaceRead,
    CardGone,
    CardIdentified,
    CardProblem,
    CardReleased,
    CardSeen,
    CertificateRead,
    IdentifyCard,
    PinTries,
    PinVerified,
    PinWrong,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
    ReaderSeen,
    ReleaseCard,
    SignStatement,
    StatementSigned,
    VerifyPin,
    Well,
)
from firmware.faults import WorkerLost
from firmware.settings import CardSettings
from firmware.simulator.authorities import Authorities
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import SOCKET_VARIABLE, PcscService
from firmware.simulator.people import card_facts, collation_number_b
from firmware.simulator.slot import Pull, Silence
from firmware.simulator.world import World
from firmware.statement import to_be_signed
from firmware.words import CardKind, CardSigning, PhotoAuthenticity

pytestmark = pytest.mark.stack

VISIT = UUID(int=3)
NUMBER_B = collation_number_b(find("valid")).encode()
DIGEST = jpki.StatementDigest(hashlib.sha256(to_be_signed(PAYLOAD)).digest())


@pytest.fixture(scope="module")
def world(build_dir: Path) -> Path:
    return build_dir / "simulation"


@pytest.fixture(scope="module")
def service(world: Path) -> Iterator[PcscService]:
    with PcscService(world) as running:
        yield running


@pytest.fixture
def empty(service: PcscService) -> PcscService:
    """The reader with nothing on it, and fresh in its retry counters as far as we left them."""
    service.remove()
    return service


@pytest.fixture
def settings(world: Path, tmp_path: Path) -> CardSettings:
    Authorities(World(world).authorities).write_public(tmp_path)
    return CardSettings(
        terminal_authority=f"simulated:{World(world).authorities}",
        issuer_keys=str(tmp_path / "card-face-issuers.json"),
    )


def seen(service: PcscService) -> ReaderSeen:
    return ReaderSeen(service.reader_name)


async def test_it_tells_of_reader_and_card(empty: PcscService) -> None:
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(seen(empty))
        for _ in range(2):
            empty.insert("valid")
            await device.told(CardSeen())
            empty.remove()
            await device.told(CardGone())
        answer = await device.ask(IdentifyCard())
        assert isinstance(answer, CardProblem) and answer.code == "card_removed"


async def test_what_it_learnt_of_the_reader_serves_the_next_one(empty: PcscService) -> None:
    empty.insert("valid")
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(seen(empty), CardSeen())
        await device.ask(IdentifyCard())
        (learnt,) = device.news.learnt
        assert (learnt.reader, learnt.block_bytes) == (empty.reader_name, 65536)
        await device.worker.replace()
        assert await device.ask(IdentifyCard((learnt,))) == CardIdentified(CardKind.MY_NUMBER_CARD)
        assert device.news.learnt == [learnt]


async def test_a_card_that_lies_there_already_is_told(empty: PcscService) -> None:
    empty.insert("drivers_licence")
    async with firmware(empty.socket_path, CardSettings(reader="Kazashi*")) as device:
        await device.told(seen(empty), CardSeen())
        assert await device.ask(IdentifyCard()) == CardIdentified(CardKind.UNKNOWN)


async def test_two_cards_at_once_have_no_voice_and_one_of_them_has(empty: PcscService) -> None:
    empty.insert("two_cards")
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(seen(empty), CardSeen())
        answer = await device.ask(IdentifyCard())
        assert isinstance(answer, CardProblem) and answer.code == "card_silent"
        empty.insert("valid")
        await device.told(CardGone(), CardSeen())
        assert await device.ask(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)


async def test_no_reader_of_that_name(empty: PcscService) -> None:
    async with firmware(empty.socket_path, CardSettings(reader="Other*")) as device:
        await device.told(ReaderSeen(None, "reader_unavailable"))
        answer = await device.ask(IdentifyCard())
        assert isinstance(answer, CardProblem) and answer.code == "reader_unavailable"
        assert empty.reader_name in answer.reason


async def test_every_request(empty: PcscService, settings: CardSettings) -> None:
    """A face visit signed by the terminal authority, then one with the PIN, on one card."""
    empty.insert("valid")
    before = empty.status()
    async with firmware(empty.socket_path, settings) as device:
        await device.told(seen(empty), CardSeen())
        assert await device.ask(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)
        face = await device.ask(ReadCardFace(VISIT, NUMBER_B))
        assert face == CardFaceRead(True, PhotoAuthenticity.VERIFIED, agrees=True)
        passage = device.photos.recv(1 << 17)
        assert passage[:16] == VISIT.bytes and passage[16:28].hex() == "0000000c6a5020200d0a870a"
        assert await device.ask(ReadCardFace(VISIT, None)) == face
        assert device.photos.recv(1 << 17) == passage
        certificate = await device.ask(ReadCertificate())
        assert isinstance(certificate, CertificateRead) and certificate.certificate is not None
        by_authority = SignStatement(
            PAYLOAD, CardSigning.TERMINAL_AUTHORITY, certificate.certificate
        )
        signed = await device.ask(by_authority)
        assert isinstance(signed, StatementSigned)
        jpki.verify_signature(certificate.certificate, DIGEST, signed.signature)
        assert await device.ask(ReleaseCard()) == CardReleased()

        assert await device.ask(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)
        assert await device.ask(QueryPinTries()) == PinTries(3)
        assert await device.ask(VerifyPin(b"9999", 1)) == PinWrong(2)
        assert await device.ask(VerifyPin(PIN, 1)) == PinVerified()
        by_pin = SignStatement(PAYLOAD, CardSigning.PIN, certificate.certificate)
        assert await device.ask(by_pin) == signed  # PKCS #1 v1.5 signs alike
        assert await device.ask(ReleaseCard()) == CardReleased()
        refused = await device.ask(by_pin)
        assert isinstance(refused, CardProblem) and refused.code == "card_removed"
        status = empty.status()
        assert status.verifies_sent - before.verifies_sent == 3
        assert device.news.exchanges == status.commands - before.commands


NEIGHBOUR = """
import sys
from firmware.card.apdu import CommandApdu
from firmware.card.files import USER_AUTHENTICATION_KEY
from firmware.card.jpki import digest_info
from firmware.card.pcsc import Connection
from firmware.faults import CardFault

card = Connection(sys.argv[1])
print("connected", flush=True)
input()
try:
    card.begin_transaction()
    card.transmit(CommandApdu.select_ef(USER_AUTHENTICATION_KEY.ef_id))
    print(card.transmit(CommandApdu.compute_signature(digest_info(bytes(32)))).status_word)
except CardFault as fault:
    print(fault.code)
"""


async def test_a_neighbour_inherits_no_open_key(empty: PcscService) -> None:
    """It waits while a PIN has opened the key, and would sign with it if it were let."""
    empty.insert("no_photo")
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(seen(empty), CardSeen())
        await device.ask(IdentifyCard())
        neighbour = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", NEIGHBOUR, empty.reader_name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, SOCKET_VARIABLE: str(empty.socket_path)},
        )
        assert neighbour.stdin is not None and neighbour.stdout is not None
        assert await asyncio.wait_for(neighbour.stdout.readline(), NEWS_WITHIN_S) == b"connected\n"
        pin = card_facts(find("no_photo")).pin.encode()
        assert await device.ask(VerifyPin(pin, 1)) == PinVerified()
        neighbour.stdin.write(b"now\n")
        assert isinstance(await device.ask(ReadCertificate()), CertificateRead)
        await device.ask(ReleaseCard())
        said, _ = await asyncio.wait_for(neighbour.communicate(), NEWS_WITHIN_S)
        assert said == b"card_reset\n"


async def test_a_reset_by_another_program_is_seen(empty: PcscService) -> None:
    empty.insert("valid")
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.ask(IdentifyCard())
        await asyncio.to_thread(empty.reset)
        answer = await device.ask(ReadCertificate())
        assert isinstance(answer, CardProblem) and answer.code == "card_reset"
        assert await device.ask(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)


async def test_a_card_that_falls_silent_costs_the_worker_and_no_more(empty: PcscService) -> None:
    empty.insert("valid")
    async with firmware(empty.socket_path, CardSettings(), answer_within_s=3.0) as device:
        await device.told(seen(empty), CardSeen())
        await device.ask(IdentifyCard())
        empty.arrange(Silence())
        with pytest.raises(WorkerLost, match="was replaced"):
            await device.ask(ReadCertificate())
        await asyncio.wait_for(device.lost.get(), NEWS_WITHIN_S)
        empty.remove()
        await device.told(seen(empty))
        empty.insert("valid")
        while await device.news.next() != CardSeen():
            pass  # the old worker's last words may come first
        assert await device.ask(IdentifyCard()) == CardIdentified(CardKind.MY_NUMBER_CARD)


async def test_a_card_that_leaves_at_any_command_signs_nothing(empty: PcscService) -> None:
    """Every index of a visit with a PIN; those of the card face are in the desk's test."""
    async with firmware(empty.socket_path, CardSettings()) as device:
        await device.told(seen(empty))
        empty.insert("valid")
        await device.told(CardSeen())
        assert isinstance(await device.sign_with_pin(), StatementSigned)
        commands = device.news.exchanges
        assert commands > 8
        await device.ask(ReleaseCard())
        empty.remove()
        await device.told(CardGone())
        for index in range(commands):
            empty.insert("valid")
            await device.told(CardSeen())
            device.news.exchanges = 0
            empty.arrange(Pull(after=index))
            answer = await device.sign_with_pin()
            assert isinstance(answer, CardProblem), index
            assert answer.code in {"card_removed", "card_unreadable"}, (index, answer)
            assert device.news.exchanges == index
            await device.told(CardGone())
            await device.ask(ReleaseCard())
        empty.insert("valid")
        await device.told(CardSeen())
        assert isinstance(await device.sign_with_pin(), StatementSigned)
        assert empty.status().tries_left["user_authentication_pin"] == 3


async def test_the_daemons_death_and_return(world: Path, tmp_path: Path) -> None:
    """The worker survives it: no replacement, no lost request."""
    daemon_socket = tmp_path / "pcscd.comm"
    first, second = PcscService(world), PcscService(world)
    with first:
        daemon_socket.symlink_to(first.socket_path)
        first.insert("valid")
        async with firmware(daemon_socket, CardSettings()) as device:
            await device.told(seen(first), CardSeen())
            await device.ask(IdentifyCard())
            first.stop()
            await device.told(CardGone(), ReaderSeen(None, "card_service_unavailable"))
            for request in (ReadCertificate(), IdentifyCard()):
                answer = await device.ask(request)
                assert isinstance(answer, CardProblem)
                assert answer.code == "card_service_unavailable"
            assert await device.ask(ReleaseCard()) == CardReleased()
            with second:
                daemon_socket.unlink()
                daemon_socket.symlink_to(second.socket_path)
                await device.told(seen(second))
                second.insert("valid")
                await device.told(CardSeen())
                assert isinstance(await device.sign_with_pin(), StatementSigned)
            assert device.lost.empty()


# --- the watch
async def test_a_reader_watch_that_hangs_in_pcsc_is_told_by_whoever_answers(tmp_path: Path) -> None:
    """A daemon that takes callers and says nothing: the call never comes back."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "pcscd.comm"))
        silent.listen()
        async with firmware(tmp_path / "pcscd.comm", CardSettings(), NEWS_WITHIN_S) as device:
            async with asyncio.timeout(4 * NEWS_WITHIN_S):
                while (await well(device)).watch_silent_s < 2.0:  # four turns
                    await asyncio.sleep(0.1)
            assert device.news.queue.empty()


async def test_a_reader_watch_without_a_daemon_turns(tmp_path: Path) -> None:
    async with firmware(tmp_path / "none.comm", CardSettings(), NEWS_WITHIN_S) as device:
        assert isinstance(await device.news.next(), ReaderSeen)
        async with asyncio.timeout(4 * NEWS_WITHIN_S):
            before_s = (await well(device)).watch_silent_s
            while (later_s := (await well(device)).watch_silent_s) >= before_s:
                before_s = later_s


async def well(device: Firmware) -> Well:
    answer = await device.ask(AreYouWell())
    assert isinstance(answer, Well)
    return answer
