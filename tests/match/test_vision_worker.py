"""The vision worker with real models and portraits, as a process; and what it leaves in memory."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import aiohttp
import msgspec
import pytest
from photos import precinct_bomb

from firmware.camera.frame import Frame
from firmware.camera.opening import open_camera
from firmware.camera.preview import BLANK, Picture, Preview
from firmware.faults import WorkerLost
from firmware.match import requests
from firmware.match.compare import Comparer
from firmware.match.errands import Comparing, ReadingPrint
from firmware.match.looking import Looking
from firmware.match.ocr import PrintedNumberReading
from firmware.match.photo import PhotoDecoder
from firmware.match.requests import (
    NEWS,
    REPLIES,
    REQUESTS,
    CameraSeen,
    CompareFaces,
    FacesCompared,
    ForgetFaces,
    Forgotten,
    Hinted,
    PreviewAt,
    PrintedNumber,
    ReadPrintedNumber,
    Rested,
    StartLooking,
    StopLooking,
    VisionMessage,
    VisionProblem,
)
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.template import FaceTemplate
from firmware.match.text_reader import TextReaderInBackground
from firmware.match.worker import VisionWorker
from firmware.settings import VisionSettings
from firmware.simulator.camera import NOBODY, set_scene
from firmware.simulator.card_pictures import photo_of
from firmware.simulator.world import World
from firmware.words import Hint, MatchDecision
from firmware.worker import Line, SupervisedWorker, photo_passage, preview_door

pytestmark = pytest.mark.stack

WITHIN_S = 120.0
"""A test that hangs ends here; nothing is measured by it."""
LOOK_S, READ_S = 30.0, 20.0
TODAY = "20251122"
SAME = [("person_a_2", "person_a_1"), ("person_b_2", "person_b_1")]
OTHERS = [
    (live, photo)
    for live in ("person_a_2", "person_b_2", "person_c_1", "person_d_1")
    for photo in ("person_a_1", "person_b_1", "person_c_1", "person_d_1")
    if live.split("_")[1] != photo.split("_")[1]
]


def chip_photo(portrait_id: str) -> bytes:
    """A portrait as a virtual card holds it."""
    return photo_of(World().portrait(portrait_id))


@dataclass
class Running:
    """A worker process, the card worker's end of the photo passage, and all the news."""

    worker: SupervisedWorker[VisionMessage, VisionMessage, VisionMessage]
    photos: socket.socket
    scene: Path
    news: list[VisionMessage] = field(default_factory=list)
    lost: list[WorkerLost] = field(default_factory=list)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: VisionMessage) -> VisionMessage:
        return await asyncio.wait_for(self.worker.ask(request), WITHIN_S)

    async def until(self, heard: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not heard():
                self.stirred.clear()
                await self.stirred.wait()

    def send_photo(self, visit: UUID, photo: bytes) -> None:
        self.photos.send(visit.bytes + photo)

    async def compare(self, live: str, photo: bytes, seconds: float = LOOK_S) -> VisionMessage:
        """One whole look, of a visit of its own."""
        visit = uuid4()
        set_scene(self.scene, live=live)
        await self.ask(StartLooking(visit))
        self.send_photo(visit, photo)
        answer = await self.ask(CompareFaces(visit, seconds))
        assert await self.ask(ForgetFaces()) == Forgotten()
        return answer


@asynccontextmanager
async def running(scene: Path, settings: VisionSettings) -> AsyncIterator[Running]:
    card_end, vision_end = photo_passage()
    with card_end, vision_end, preview_door() as door:
        set_scene(scene)

        def hear(news: VisionMessage) -> None:
            this.news.append(news)
            this.stirred.set()

        def lose(fault: WorkerLost) -> None:
            this.lost.append(fault)
            this.stirred.set()

        worker: SupervisedWorker[VisionMessage, VisionMessage, VisionMessage] = SupervisedWorker(
            "vision worker",
            (
                "firmware.match.worker",
                msgspec.json.encode(settings).decode(),
                "1.0",
                str(vision_end.fileno()),
                str(door.fileno()),
            ),
            REPLIES,
            NEWS,
            answer_within_s=WITHIN_S,
            on_news=hear,
            on_lost=lose,
            inherited=(vision_end.fileno(), door.fileno()),
        )
        this = Running(worker, card_end, scene)
        await worker.start()
        try:
            yield this
        finally:
            await worker.stop()


def settings_for(scene: Path) -> VisionSettings:
    return VisionSettings(
        face_camera=f"simulated:face:{scene}",
        tray_camera=f"simulated:tray:{scene}",
        models=str(models_folder()),
        liveness=False,  # there is no page that could light a face
    )


async def test_the_holder_is_accepted_and_everybody_else_refused(tmp_path: Path) -> None:
    photos = {photo: chip_photo(photo) for _, photo in SAME + OTHERS}
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        decisions = {}
        for live, photo in SAME + OTHERS:
            answer = await vision.compare(live, photos[photo])
            assert isinstance(answer, FacesCompared), answer
            decisions[live, photo] = answer.decision
    assert decisions == {
        **dict.fromkeys(SAME, MatchDecision.SAME_PERSON),
        **dict.fromkeys(OTHERS, MatchDecision.NOT_SAME_PERSON),
    }


async def test_a_visit_as_the_firmware_asks_for_it(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        visit = uuid4()
        set_scene(tmp_path, live="person_a_2", tray="valid", seed=4)
        assert await vision.ask(StartLooking(visit)) == requests.Looking()
        assert await vision.ask(ReadPrintedNumber(visit, TODAY, READ_S)) == PrintedNumber(
            b"55021720352285"
        )
        vision.send_photo(uuid4(), chip_photo("person_c_1"))  # of another visit: dropped
        vision.send_photo(visit, chip_photo("person_a_1"))
        answer = await vision.ask(CompareFaces(visit, LOOK_S))
        assert isinstance(answer, FacesCompared)
        assert answer.decision is MatchDecision.SAME_PERSON
        assert answer.frames >= 3
        assert CameraSeen(ready=True) in vision.news


async def test_nobody_there_is_no_fault(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        answer = await vision.compare(NOBODY, chip_photo("person_a_1"), seconds=0.5)
        assert isinstance(answer, FacesCompared)
        assert (answer.decision, answer.frames) == (MatchDecision.TRY_AGAIN, 0)
        assert Hinted(Hint.NO_FACE) in vision.news


async def test_a_photo_that_does_not_come_is_no_fault(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        set_scene(tmp_path, live="person_a_2")
        answer = await vision.ask(CompareFaces(uuid4(), 0.5))
        assert isinstance(answer, FacesCompared)
        assert answer.decision is MatchDecision.TRY_AGAIN


@pytest.mark.parametrize("broken", ["cut short", "no photo", "too long", "a bomb"])
async def test_a_broken_photo_is_told(tmp_path: Path, broken: str) -> None:
    content = {
        "cut short": chip_photo("person_a_1")[:200],
        "no photo": b"GIF89a" * 20,
        "too long": chip_photo("person_a_1") + bytes(70_000),
        "a bomb": precinct_bomb(),
    }
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        answer = await vision.compare("person_a_2", content[broken])
        assert isinstance(answer, VisionProblem)
        assert answer.code == "photo_unreadable"


async def test_stop_overtakes_a_comparison(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        visit = uuid4()
        await vision.ask(StartLooking(visit))
        comparing = asyncio.create_task(vision.ask(CompareFaces(visit, 1000.0)))
        await vision.until(lambda: Hinted(Hint.NO_FACE) in vision.news)
        assert not comparing.done()
        assert await vision.ask(StopLooking()) == Rested()
        answer = await comparing
        assert isinstance(answer, FacesCompared)
        assert answer.decision is MatchDecision.TRY_AGAIN
        # What was learnt stays: the same visit may look again.
        set_scene(tmp_path, live="person_a_2")
        vision.send_photo(visit, chip_photo("person_a_1"))
        answer = await vision.ask(CompareFaces(visit, LOOK_S))
        assert isinstance(answer, FacesCompared)
        assert answer.decision is MatchDecision.SAME_PERSON


async def test_a_new_worker_compares_when_the_photo_is_sent_again(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        visit = uuid4()
        set_scene(tmp_path, live="person_b_2")
        await vision.ask(StartLooking(visit))
        vision.send_photo(visit, chip_photo("person_b_1"))
        comparing = asyncio.create_task(vision.ask(CompareFaces(visit, 1000.0)))
        await asyncio.wait({comparing}, timeout=0)
        await vision.worker.replace()
        with pytest.raises(WorkerLost):
            await comparing
        await vision.ask(StartLooking(visit))
        vision.send_photo(visit, chip_photo("person_b_1"))
        answer = await vision.ask(CompareFaces(visit, LOOK_S))
        assert isinstance(answer, FacesCompared)
        assert answer.decision is MatchDecision.SAME_PERSON
        assert len(vision.lost) == 1


async def test_an_empty_tray_and_another_card_are_doubt(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        for tray in (None, "drivers_licence"):
            set_scene(tmp_path, tray=tray)
            answer = await vision.ask(ReadPrintedNumber(uuid4(), TODAY, READ_S))
            assert answer == PrintedNumber(None)


async def test_without_cameras_the_worker_stays_and_says_so(tmp_path: Path) -> None:
    settings = VisionSettings(face_camera="pi:front", models=str(models_folder()))  # no such thing
    async with running(tmp_path, settings) as vision:
        for request in (StartLooking(uuid4()), CompareFaces(uuid4(), 1.0)):
            answer = await vision.ask(request)
            assert isinstance(answer, VisionProblem)
            assert answer.code == "camera_unavailable"
        answer = await vision.ask(ReadPrintedNumber(uuid4(), TODAY, READ_S))
        assert isinstance(answer, VisionProblem)
        assert answer.code == "camera_unavailable"
        assert CameraSeen(ready=False, code="camera_unavailable") in vision.news
        assert vision.lost == []


@pytest.mark.parametrize("key, code", [(None, "model_rejected"), ("k", "models_not_signed")])
async def test_without_its_models_the_worker_stays_and_says_so(
    key: str | None, code: str, tmp_path: Path
) -> None:
    settings = VisionSettings(
        face_camera=f"simulated:face:{tmp_path}", models=str(tmp_path), models_key=key
    )
    async with running(tmp_path, settings) as vision:
        answer = await vision.ask(StartLooking(uuid4()))
        assert isinstance(answer, VisionProblem)
        assert answer.code == code
        assert vision.lost == []


# --- in this process: what is left of a visit


@contextmanager
def worker_here(
    scene: Path, preview: Preview
) -> Iterator[tuple[VisionWorker, socket.socket, socket.socket]]:
    """A worker in this process, the firmware's end of its line, the card worker's of its photos."""
    networks = OnnxNetworks(models_folder())
    ours, theirs = socket.socketpair()
    card_end, vision_end = photo_passage()
    with ours, card_end, vision_end, PhotoDecoder() as decoder:
        line: Line[VisionMessage] = Line(theirs.detach(), REQUESTS)
        yield (
            VisionWorker(
                line=line,
                photos=vision_end,
                comparer=Comparer(networks, "model", networks.operating_point),
                model_and_point=("model", networks.operating_point.id),
                decoder=decoder,
                text_reader=TextReaderInBackground(1),
                face_camera=open_camera(f"simulated:face:{scene}"),
                tray_camera=open_camera(f"simulated:tray:{scene}"),
                preview=preview,
            ),
            ours,
            card_end,
        )


def kept_of_a_visit() -> list[str]:
    """Every object alive that holds a face, a picture or a number of a patient."""
    gc.collect()
    kinds = (Frame, Picture, FaceTemplate, Looking, Comparing, ReadingPrint, PrintedNumberReading)
    return [repr(each) for each in gc.get_objects() if isinstance(each, kinds)]


def test_after_forgetting_nothing_of_the_visit_is_reachable(tmp_path: Path) -> None:
    set_scene(tmp_path, live="person_a_2", tray="valid")
    visit = uuid4()
    preview = Preview()
    with worker_here(tmp_path, preview) as (worker, firmware_end, card_end):
        firmware = Line[VisionMessage](firmware_end.detach(), REPLIES | NEWS)
        before = kept_of_a_visit()

        def answer(request: VisionMessage) -> VisionMessage:
            firmware.send(request)
            for _ in range(10_000):
                worker.turn(0.01)
                while (heard := firmware.receive(0)) is not None:
                    if isinstance(heard, REPLIES):
                        return heard
            raise AssertionError("no reply")

        page = Page(preview)
        assert answer(StartLooking(visit)) == requests.Looking()
        assert isinstance(answer(ReadPrintedNumber(visit, TODAY, READ_S)), PrintedNumber)
        card_end.send(visit.bytes + chip_photo("person_c_1"))
        assert isinstance(answer(CompareFaces(visit, LOOK_S)), FacesCompared)
        worker.turn(0)
        during = kept_of_a_visit()
        assert len(during) > len(before)  # else this test would see nothing
        assert answer(ForgetFaces()) == Forgotten()
        card_end.send(visit.bytes + chip_photo("person_a_1"))  # late, and nobody's any more
        worker.turn(0)
        page.join(WITHIN_S)  # its stream has ended
        assert page.seen > 1
        assert kept_of_a_visit() == before


class Page(Thread):
    """Watches the preview until it ends, and keeps nothing."""

    def __init__(self, preview: Preview) -> None:
        super().__init__(daemon=True)
        self.seen = 0
        self._pictures = preview.follow()
        self.start()

    def run(self) -> None:
        for _ in self._pictures:
            self.seen += 1


async def test_the_page_sees_what_the_camera_sees_while_a_visit_looks(tmp_path: Path) -> None:
    async with running(tmp_path, settings_for(tmp_path)) as vision:
        visit = uuid4()
        set_scene(tmp_path, live="person_a_2")
        await vision.ask(StartLooking(visit))
        await vision.until(lambda: any(isinstance(each, PreviewAt) for each in vision.news))
        (at,) = (each.address for each in vision.news if isinstance(each, PreviewAt))
        async with aiohttp.ClientSession() as session, session.get(at) as stream:
            parts = aiohttp.MultipartReader.from_response(stream)
            pictures = []
            async for part in parts:
                assert isinstance(part, aiohttp.BodyPartReader)
                pictures.append(bytes(await part.read()))
                if len(pictures) == 3:
                    await vision.ask(StopLooking())
        *seen, last = pictures
        assert len({*seen}) == len(seen) >= 3
        assert last == BLANK.jpeg
        async with aiohttp.ClientSession() as session, session.get(at) as stream:
            assert stream.status == 503  # nobody looks
