"""The card worker as a process, and the firmware's end of its lines."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from firmware.card import requests
from firmware.card.requests import (
    CardMessage,
    CardProblem,
    CertificateRead,
    Exchanged,
    IdentifyCard,
    ReadCertificate,
    ReaderLearnt,
    SignStatement,
    VerifyPin,
)
from firmware.faults import WorkerLost
from firmware.settings import CardSettings
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import SOCKET_VARIABLE
from firmware.simulator.people import card_facts
from firmware.words import CardSigning
from firmware.worker import SupervisedWorker, photo_passage

PIN = card_facts(find("valid")).pin.encode()
PAYLOAD = b"a statement"
NEWS_WITHIN_S = 30.0
Asked = SupervisedWorker[CardMessage, CardMessage, CardMessage]


class News:
    """What the worker told unasked; exchanges are only counted, and what it learnt is apart."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[CardMessage] = asyncio.Queue()
        self.exchanges = 0
        self.learnt: list[ReaderLearnt] = []

    def put(self, news: CardMessage) -> None:
        if isinstance(news, Exchanged):
            self.exchanges += 1
        elif isinstance(news, ReaderLearnt):
            self.learnt.append(news)
        else:
            self.queue.put_nowait(news)

    async def next(self) -> CardMessage:
        return await asyncio.wait_for(self.queue.get(), NEWS_WITHIN_S)


@dataclass(frozen=True)
class Firmware:
    """The firmware's end: a worker, what it told, and the vision worker's end of the passage."""

    worker: Asked
    photos: socket.socket
    news: News
    lost: asyncio.Queue[WorkerLost]

    async def told(self, *expected: CardMessage) -> None:
        """Exactly these news come next."""
        for each in expected:
            assert await self.news.next() == each

    async def ask(self, request: CardMessage) -> CardMessage:
        return await asyncio.wait_for(self.worker.ask(request), NEWS_WITHIN_S)

    async def sign_with_pin(self) -> CardMessage:
        """A visit's requests, up to the first problem or the signature."""
        answer = await self.ask(IdentifyCard())
        for request in (VerifyPin(PIN, 1), ReadCertificate()):
            if isinstance(answer, CardProblem):
                return answer
            answer = await self.ask(request)
        if isinstance(answer, CertificateRead) and answer.certificate is not None:
            answer = await self.ask(SignStatement(PAYLOAD, CardSigning.PIN, answer.certificate))
        return answer


@asynccontextmanager
async def firmware(
    pcsc_socket: Path, settings: CardSettings, answer_within_s: float = 5.0
) -> AsyncIterator[Firmware]:
    """A running worker that has told of its reader, or of there being none."""
    cards_end, visions_end = photo_passage()
    with cards_end, visions_end:
        visions_end.setblocking(False)
        news = News()
        lost: asyncio.Queue[WorkerLost] = asyncio.Queue()
        worker: Asked = SupervisedWorker(
            "card worker",
            (
                "firmware.card.worker",
                msgspec.json.encode(settings).decode(),
                str(cards_end.fileno()),
            ),
            requests.REPLIES,
            requests.NEWS,
            answer_within_s=answer_within_s,
            on_news=news.put,
            on_lost=lost.put_nowait,
            inherited=(cards_end.fileno(),),
            environment={**os.environ, SOCKET_VARIABLE: str(pcsc_socket)},
        )
        await worker.start()
        try:
            yield Firmware(worker, visions_end, news, lost)
        finally:
            await worker.stop()
