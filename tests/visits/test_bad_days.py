"""Bad days on the real stack: whatever breaks, a typed outcome, never `verified`, and then idle."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firmware.card.apdu import INS_SIGN
from firmware.panel.view import InUse, PanelView
from firmware.simulator.appliance import Appliance
from firmware.simulator.cable import BAD, GOOD, Noise
from firmware.simulator.panel_line import line_to
from firmware.simulator.patient import Panel, SocketPanel
from firmware.simulator.patients import find
from firmware.simulator.people import collation_number_b
from firmware.simulator.slot import CutShort, OddStatus, PowerLoss, Pull, Silence
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method, State
from hostdriver.client import Client
from hostdriver.faults import Answered

pytestmark = pytest.mark.stack

Json = dict[str, Any]
SOMEWHERE = (0, 3, 9)  # commands into the dialogue: label, card face, certificate


def on(appliance: Appliance, patient: str = "valid", **choices: Any) -> Json:
    return play(appliance, Play(find(patient), **choices), lambda _event: None)


def breaking(
    appliance: Appliance, state: State, break_it: Callable[[], object], **choices: Any
) -> Json:
    """A visit in which something is broken when reception hears of a state, and before the patient
    sees it: who is quick could be done with it otherwise."""
    broken = threading.Event()

    def tell(event: Json) -> None:
        if event.get("state") == state:
            break_it()
            broken.set()

    class Late(SocketPanel):
        async def views(self) -> AsyncIterator[PanelView | InUse]:
            async for view in super().views():
                if isinstance(view, PanelView) and view.state is state:
                    assert await asyncio.to_thread(broken.wait, 30)
                yield view

    @asynccontextmanager
    async def late(address: str) -> AsyncIterator[Panel]:
        async with line_to(address, "panel") as socket:
            yield Late(socket)

    return play(appliance, Play(find("valid"), **choices), tell, late)


def test_nobody_puts_a_card_down(world: World) -> None:
    with Appliance(world, time_scale=0.15) as impatient:
        result = on(impatient, card_stays_home=True)
    assert (result["outcome"], result["cause"]) == ("cancelled", "card_not_presented")


@pytest.mark.parametrize("after", SOMEWHERE)
@pytest.mark.parametrize("mishap", [Pull, PowerLoss, CutShort, OddStatus])
def test_a_card_that_fails_in_mid_dialogue_is_no_proof(
    fresh: Appliance, mishap: type[Any], after: int
) -> None:
    facts: Json = {CutShort: {"length": 1}, OddStatus: {"status_word": 0x6F00}}.get(mishap, {})
    result = on(fresh, method=Method.PIN, mishap=mishap(after=after, **facts))
    if result["outcome"] == "verified":  # the card recovered, and the dialogue was whole
        assert result["evidence"]["card_signature"] is not None
    else:
        assert result["outcome"] == "failed"
        assert result["cause"] in {"card_removed", "card_reset", "card_unreadable"}
        assert result["evidence"] is None
        assert result["fallback"]
    again = on(fresh, method=Method.PIN)
    assert again["outcome"] == "verified"


def test_a_card_that_is_lifted_as_it_signs_leaves_no_gap_in_the_ledger(fresh: Appliance) -> None:
    for mishap in (None, Pull(ins=INS_SIGN), None):
        result = on(fresh, method=Method.PIN, mishap=mishap)
        assert (result["outcome"] == "verified") is (mishap is None)
    with Client(str(fresh.addresses.socket), "test") as client:
        report = client.call("ledger.verify")
    assert report["ok"], report


def test_a_mute_card_costs_a_worker_and_not_the_device(world: World) -> None:
    with Appliance(world) as appliance:
        result = on(appliance, method=Method.PIN, mishap=Silence(after=2))
        assert (result["outcome"], result["cause"]) == ("failed", "device_fault")
        assert on(appliance, method=Method.PIN)["outcome"] == "verified"


def test_the_card_service_dies_in_a_visit(fresh: Appliance) -> None:
    result = breaking(fresh, State.ASKING_CONSENT, fresh.card_reader.stop)
    assert result["outcome"] == "failed"
    assert result["cause"] in {"card_removed", "card_service_unavailable", "reader_unavailable"}


def test_without_a_card_service_no_visit_begins(fresh: Appliance) -> None:
    fresh.card_reader.stop()
    with Client(str(fresh.addresses.socket), "test") as client:
        while client.call("health")["ok"]:
            pass  # the watch looks every half second
        with pytest.raises(Answered) as refused:
            client.start("no-service")
    assert refused.value.error["data"]["symbol"] == "reader_unavailable"
    assert refused.value.error["data"]["fallback"]


def test_the_client_dies_and_the_next_one_is_served(shared: Appliance) -> None:
    with Client(str(shared.addresses.socket), "dying") as client:
        client.start("dies")
        next(client.events())
    with Client(str(shared.addresses.socket), "next") as client:
        while client.call("reader.list")["readers"][0]["state"] != State.IDLE:
            pass  # two seconds of grace
    assert on(shared, method=Method.PIN)["outcome"] == "verified"


@pytest.mark.parametrize("module", ["firmware.match.worker", "firmware.card.worker"])
def test_a_worker_that_is_killed_is_replaced(fresh: Appliance, module: str) -> None:
    def kill() -> None:
        os.kill(process_of(fresh, module), signal.SIGKILL)

    result = breaking(fresh, State.ASKING_CONSENT, kill, method=Method.PIN)
    expected = ("verified", None) if "match" in module else ("failed", "device_fault")
    assert (result["outcome"], result["cause"]) == expected
    assert on(fresh)["method"] == "face"


def test_the_vision_worker_may_die_while_it_compares(fresh: Appliance) -> None:
    def kill() -> None:
        os.kill(process_of(fresh, "firmware.match.worker"), signal.SIGKILL)

    result = breaking(fresh, State.READING_CARD_FACE, kill)
    assert result["outcome"] == "verified"
    fresh.card_reader.insert("valid")
    assert fresh.card_reader.status().verifies_sent <= 2  # 照合番号B once, the PIN at most once


def test_nothing_is_left_running_and_nothing_private_is_left_lying(world: World) -> None:
    with Appliance(world) as appliance:
        on(appliance, pin="9999", live_face="impostor")
        assert on(appliance)["outcome"] == "verified"
        folder = appliance.addresses.folder
        secret = collation_number_b(find("valid")).encode()
        name = find("valid").person.name.encode()
        for path in (path for path in folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            assert secret not in content, path
            assert b"jP  \r\n\x87\n" not in content, path
            assert name not in content or path.name.startswith("insurers.sqlite"), path
    assert not folder.exists()
    assert not [path for path in processes() if str(folder) in commandline(path)]


def processes() -> list[Path]:
    return [path for path in Path("/proc").iterdir() if path.name.isdigit()]


def commandline(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it ended between two looks
        return ""


def process_of(appliance: Appliance, module: str) -> int:
    (found,) = (
        int(path.name)
        for path in processes()
        if f"-m {module} " in (line := commandline(path))
        and str(appliance.addresses.folder) in line
    )
    return found


@pytest.mark.parametrize("noise", [GOOD, BAD], ids=["good", "bad"])
def test_a_visit_over_a_serial_cable(world: World, noise: Noise) -> None:
    with Appliance(world, cable=noise, time_scale=3.0) as appliance:
        assert on(appliance, method=Method.PIN)["outcome"] == "verified"
