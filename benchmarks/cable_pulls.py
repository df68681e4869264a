"""A visit in which the host is lost, at every state: what the panel says, and how soon all is well.

    python benchmarks/cable_pulls.py [--way pulled cut killed] [--states STATE …]

The whole simulated appliance, as it ships. *Pulled*: the serial cable leaves both ports. *Cut*: the
ports stay, and no byte comes through. *Killed*: the host driver gets SIGKILL, over the Unix socket.
Times are those of this machine, at the load it has.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from firmware.panel.texts import read_texts
from firmware.panel.view import InUse, PanelView
from firmware.simulator.appliance import Appliance
from firmware.simulator.cable import GOOD, Cable, Noise
from firmware.simulator.patient import Panel, ScriptedPatient, over_socket
from firmware.simulator.patients import find
from firmware.simulator.reception import Json, hold_visit
from firmware.simulator.visit import Play, play, script_of, take_away
from firmware.simulator.world import World
from firmware.words import Cause, Language, Method, Outcome, Standing, State
from hostdriver.client import Client
from hostdriver.faults import Answered, NoDriver

WORLD = World(Path(__file__).resolve().parents[1] / "build" / "simulation")
WITHIN_S = 60.0
LANGUAGE = Language.EN
WORDS = read_texts()[LANGUAGE]

FACE = Play(find("valid"), language=LANGUAGE)
PIN = replace(FACE, method=Method.PIN)
STAFF = replace(FACE, method=Method.STAFF)
NEW = replace(PIN, patient=find("unregistered"))
VISITS: dict[State, Play] = dict.fromkeys(State, PIN) | {
    State.READING_PRINT: FACE,
    State.KEYING_PRINT: FACE,
    State.READING_CARD_FACE: FACE,
    State.COMPARING_FACES: FACE,
    State.WARNING_LAST_TRY: replace(PIN, patient=find("one_try_left")),
    State.WAITING_FOR_STAFF: STAFF,
    State.CHECKING_STAFF: STAFF,
    State.OFFERING_REGISTRATION: NEW,
    State.REGISTERING: NEW,
}
"""A visit that passes each state."""
NEXT = replace(PIN, patient=find("valid"))


class Way(StrEnum):
    """How the host is lost."""

    PULLED = "pulled"
    CUT = "cut"
    KILLED = "killed"


Trial = tuple[Way, State]


@dataclass(frozen=True)
class Loss:
    """What one of them came to."""

    state: State
    outcome: Outcome | None
    """On the panel; None where no visit was under way."""
    cause: Cause | None
    confirmed: bool
    """The host has put the statement into its ledger."""
    explained: bool
    """While it lasted, the idle panel said that there is no host."""
    begun_after_s: float
    """From the return until the next visit began."""
    next_outcome: str
    ledger_whole: bool
    """Afterwards: a statement that was lost with the host is no gap."""

    @property
    def is_right(self) -> bool:
        """The visit ended, was verified only if the host confirmed it, and the next one works."""
        ended = {
            None: self.state is State.IDLE,
            Outcome.VERIFIED: self.confirmed,
            Outcome.FAILED: self.cause in {Cause.HOST_LOST, Cause.UPSTREAM_UNAVAILABLE},
        }
        goes_on = self.next_outcome == "verified" and self.ledger_whole
        return ended.get(self.outcome, False) and self.explained and goes_on


@dataclass
class Witness:
    """Somebody who looks at the panel all the time."""

    views: list[PanelView] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, address: str) -> AsyncIterator[Panel]:
        """The panel, with every picture kept."""
        async with over_socket(address) as panel:
            yield _Watched(panel, self.views)

    @property
    def ending(self) -> tuple[Outcome | None, Cause | None]:
        """How the last visit ended, told by nothing but the words on the panel."""
        ends = [v for v in self.views if v.state in {State.TAKE_CARD, State.FORGETTING}]
        if not ends:
            return None, None
        reason = next((view.reason for view in ends if view.reason), None)
        if reason is None:
            return Outcome.VERIFIED, None
        causes = [cause for cause, text in WORDS.causes.items() if text == reason]
        return Outcome.FAILED, causes[0]


@dataclass(frozen=True)
class _Watched:
    panel: Panel
    kept: list[PanelView]

    async def views(self) -> AsyncIterator[PanelView | InUse]:
        async for view in self.panel.views():
            if isinstance(view, PanelView):
                self.kept.append(view)
            yield view

    async def touch(self, touch: Any) -> None:
        await self.panel.touch(touch)


def lose(appliance: Appliance, way: Way) -> None:
    """The host is gone from now on."""
    match way:
        case Way.KILLED:
            appliance.kill_host()
        case Way.PULLED:
            _cable(appliance).pull()
        case Way.CUT:
            _cable(appliance).cut()


def bring_back(appliance: Appliance, way: Way) -> None:
    """It is there again."""
    match way:
        case Way.KILLED:
            appliance.start_host()
        case Way.PULLED:
            _cable(appliance).plug()
        case Way.CUT:
            _cable(appliance).mend()


def _cable(appliance: Appliance) -> Cable:
    assert appliance.cable is not None
    return appliance.cable


async def lose_at(appliance: Appliance, way: Way, state: State) -> Loss:
    """Play a visit, lose the host when the panel shows the state, wait for its end, and go on."""
    witness, transaction = Witness(), asyncio.get_running_loop().create_future()
    if state is State.IDLE:
        await asyncio.to_thread(lose, appliance, way)
    else:
        await _visit(appliance, way, state, witness, transaction.set_result)
    explained = await _says_that_there_is_no_host(appliance)
    back_s = time.monotonic()
    bring_back(appliance, way)  # here: what is started ends with the thread that started it
    begun_s, result = await asyncio.to_thread(next_visit, appliance)
    outcome, cause = witness.ending
    return Loss(
        state,
        outcome,
        cause,
        transaction.done() and _is_stated(appliance, transaction.result()),
        explained,
        begun_s - back_s,
        result["outcome"],
        await asyncio.to_thread(_ledger_is_whole, appliance),
    )


async def _visit(
    appliance: Appliance,
    way: Way,
    state: State,
    witness: Witness,
    note: Callable[[str], None],
) -> None:
    scene, reader = VISITS[state], appliance.card_reader
    patient_id = scene.patient.id
    appliance.show(live=patient_id, tray=None if state is State.KEYING_PRINT else patient_id)
    lost = asyncio.Event()

    async def live_through(shown: State) -> bool:
        if shown is state:
            await asyncio.to_thread(lose, appliance, way)
            lost.set()
        if shown is State.TAKE_CARD:
            await asyncio.to_thread(take_away, reader)
        if shown is State.WAITING_FOR_CARD and state is not State.WAITING_FOR_CARD:
            await asyncio.to_thread(reader.insert, patient_id)
        return not lost.is_set()

    patient = ScriptedPatient(
        witness.open(appliance.addresses.panel), script_of(scene), live_through
    )
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as both:
        both.create_task(patient.run())
        await patient.seated.wait()
        both.create_task(
            asyncio.to_thread(
                reception, appliance.addresses.socket, note, asyncio.get_running_loop()
            )
        )
    await asyncio.to_thread(take_away, reader)


def reception(socket: str, note: Callable[[str], None], loop: asyncio.AbstractEventLoop) -> None:
    """Begin a visit, and hear of it as long as there is a driver and a visit.

    A host that is lost while the visit begins is answered with an error, or not at all.
    """
    with contextlib.suppress(NoDriver, Answered), Client(socket, "cable pulls") as client:
        begun = client.start(f"lost-{time.monotonic_ns()}", language=LANGUAGE)
        loop.call_soon_threadsafe(note, begun["transaction_id"])
        for _ in client.events():
            pass
        client.ack(begun["transaction_id"])


async def _says_that_there_is_no_host(appliance: Appliance) -> bool:
    notices = {
        text for words in read_texts().values() for text in [words.standings[Standing.NO_HOST]]
    }
    async with asyncio.timeout(WITHIN_S), over_socket(appliance.addresses.panel) as panel:
        async for view in panel.views():
            if isinstance(view, PanelView) and _plain(view.notice) in notices:
                return True
    return False


def _plain(said: Any) -> str | None:
    return said if said is None or isinstance(said, str) else "".join(text for text, *_ in said)


def next_visit(appliance: Appliance) -> tuple[float, Json]:
    """Begin the next visit as soon as that can be: when it began, and its result."""
    begun_s: list[float] = []

    def hold(socket: str, options: Json, tell: Callable[[Json], None]) -> Json:
        give_up_s = time.monotonic() + WITHIN_S

        def hear(event: Json) -> None:
            begun_s.append(time.monotonic())
            tell(event)

        while True:
            try:
                return hold_visit(socket, options, hear)
            except (Answered, NoDriver):  # not yet
                if time.monotonic() > give_up_s:
                    raise

    return _first(play(appliance, NEXT, lambda _: None, reception=hold), begun_s)


def _first(result: Json, begun_s: list[float]) -> tuple[float, Json]:
    return begun_s[0], result


def _is_stated(appliance: Appliance, transaction_id: str) -> bool:
    """Whether the host's ledger holds the statement: it was confirmed."""
    ledger = appliance.addresses.folder / "host" / "ledger.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as rows:
        facts = rows.execute("SELECT facts FROM rows WHERE kind = 'statement'").fetchall()
    return any(json.loads(fact)["transaction_id"] == transaction_id for (fact,) in facts)


def _ledger_is_whole(appliance: Appliance) -> bool:
    with Client(str(appliance.addresses.socket), "cable-pulls") as client:
        return bool(client.call("ledger.verify")["ok"])


def losses(world: World, cable: Noise | None, trials: Iterable[Trial]) -> Iterator[Loss]:
    """One after the other, on one appliance; only one that has a cable can lose it."""
    with Appliance(world, cable=cable) as appliance:
        for way, state in trials:
            yield asyncio.run(lose_at(appliance, way, state))


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--way", type=Way, nargs="*", default=list(Way))
    parser.add_argument("--states", type=State, nargs="*", default=list(State))
    chosen = parser.parse_args()
    print("| host | lost in | the panel says | next visit began after | and was | right |")
    print("| --- | --- | --- | --- | --- | --- |")
    wrong = 0
    for way in chosen.way:
        cable = None if way is Way.KILLED else GOOD
        for loss in losses(WORLD, cable, [(way, state) for state in chosen.states]):
            said = loss.cause or loss.outcome or "–"
            right = "yes" if loss.is_right else "**no**"
            wrong += not loss.is_right
            print(
                f"| {way} | {loss.state} | {said} | {loss.begun_after_s:.1f} s |"
                f" {loss.next_outcome} | {right} |",
                flush=True,
            )
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
