"""A supervised worker: answers in order, and whatever it does, there is another one afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from parrot import Chirp, Said, Say

from firmware.faults import WorkerLost
from firmware.worker import SupervisedWorker, kill_child

Parrot = SupervisedWorker[Say, Said, Chirp]
HERE = Path(__file__).parent
FREE_DESCRIPTOR = 900


@asynccontextmanager
async def parrot(
    *inherited: int, answer_within_s: float = 30.0
) -> AsyncIterator[tuple[Parrot, list[Chirp], list[WorkerLost]]]:
    chirps: list[Chirp] = []
    losses: list[WorkerLost] = []
    worker: Parrot = SupervisedWorker(
        "parrot",
        ("parrot",),
        Said,
        Chirp,
        answer_within_s=answer_within_s,
        on_news=chirps.append,
        on_lost=losses.append,
        inherited=inherited,
        environment={**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[1]}"},
    )
    starting = asyncio.create_task(worker.start())
    try:
        yield worker, chirps, losses
    finally:
        await worker.stop()
        starting.cancel()


async def test_answers_come_in_order_and_news_beside_them() -> None:
    async with parrot() as (worker, chirps, losses):
        answers = await asyncio.gather(*(worker.ask(Say(word)) for word in "abc"))
        assert [answer.word for answer in answers] == ["a", "b", "c"]
        assert len(chirps) == 3
        assert losses == []


@pytest.mark.parametrize("word", ["die", "nonsense"])
async def test_a_worker_that_breaks_is_replaced(word: str) -> None:
    async with parrot() as (worker, _, losses):
        before = await worker.ask(Say("before"))
        with pytest.raises(WorkerLost):
            await worker.ask(Say(word))
        after = await worker.ask(Say("after"))
        assert after.process != before.process
        assert len(losses) == 1


async def test_a_mute_worker_is_killed_at_its_deadline() -> None:
    async with parrot(answer_within_s=0.2) as (worker, _, losses):
        await worker.ask(Say("warm"))
        with pytest.raises(WorkerLost):
            await worker.ask(Say("mute"))
        assert (await worker.ask(Say("again"))).word == "again"
        assert len(losses) == 1


async def test_after_a_replacement_nobody_is_answered_by_the_old_process() -> None:
    async with parrot() as (worker, _, losses):
        before = await worker.ask(Say("before"))
        await worker.replace()
        assert len(losses) == 1
        assert (await worker.ask(Say("after"))).process != before.process


async def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    """As when memory or descriptors run out for a while: here an inherited one is not there yet."""
    async with parrot(FREE_DESCRIPTOR) as (worker, _, _):
        asking = asyncio.create_task(worker.ask(Say("at last")))
        await asyncio.wait({asking}, timeout=0.5)
        assert not asking.done()
        os.dup2(1, FREE_DESCRIPTOR)
        try:
            assert (await asking).word == "at last"
        finally:
            os.close(FREE_DESCRIPTOR)


async def test_an_asker_that_is_gone_disturbs_nobody() -> None:
    async with parrot() as (worker, _, _):
        gone = asyncio.create_task(worker.ask(Say("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await worker.ask(Say("here"))).word == "here"


async def test_a_child_that_ended_by_itself_is_known_by_how_it_did() -> None:
    for _ in range(20):
        child = await asyncio.create_subprocess_exec("sh", "-c", "exit 3")
        while child.returncode is None:  # at each moment of its end
            kill_child(child)
            await asyncio.sleep(0)
        assert child.returncode in (3, -signal.SIGKILL)


async def test_a_worker_that_is_being_started_can_be_stopped() -> None:
    async with parrot() as (worker, _, losses):
        for _ in range(2):
            await asyncio.sleep(0)  # the first process is on its way, and not there yet
        await asyncio.wait_for(worker.stop(), 30.0)
        assert losses == []
