"""Every example of a client, through both doors: a whole visit on the real stack, and trouble."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import playwright
import pytest

from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.reception import Reception, Tell
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method
from hostdriver.client import Client

Json = dict[str, Any]
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "clients"
# Playwright brings a Node of its own, so this client is tried wherever set-up has run.
NODE = shutil.which("node") or str(Path(playwright.__file__).parent / "driver" / "node")
# Where `packaging/node_client.sh` puts the library, and a link to the example beside it.
NODE_CLIENT = EXAMPLES.parents[1] / "build" / "node-client"
PROGRAMS = {
    "shell": ("bash", str(EXAMPLES / "visit.sh")),
    "node": (NODE, "--preserve-symlinks-main", str(NODE_CLIENT / "visit.mjs")),
    "java": ("java", str(EXAMPLES / "Visit.java")),
}
NEEDS = {"shell": ("bash", "socat"), "node": (NODE,), "java": ("java", "javac")}
SET_UP = {"bash", "socat", NODE}
"""What set-up installs; Java is for whoever has it."""
WITHIN_S = "120"


def under_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"true", "1"}


def need(client: str) -> None:
    for program in NEEDS.get(client, ()):
        if shutil.which(program) is None:
            assert program not in SET_UP, f"set-up installs {program}: run `make setup`"
            pytest.skip(f"no {program} here: the {client} client is not tried")
    if client == "node" and not (NODE_CLIENT / "stamp").exists():
        if (NODE_CLIENT / "unreachable").exists():
            pytest.skip("the npm registry gave no json-rpc-2.0: the node client is not tried")
        assert not under_ci(), "`make test` fetches json-rpc-2.0 before the tests"
        pytest.skip("no json-rpc-2.0 here: run packaging/node_client.sh to try the node client")


def command(client: str, address: str) -> list[str]:
    where = address if address.startswith("tcp:") else f"unix:{address}"
    return ["timeout", WITHIN_S, *PROGRAMS[client], where, f"visit-{client}-1"]


@pytest.fixture(scope="module", params=["unix:hostdriver.sock", "tcp:0"], ids=["unix", "tcp"])
def appliance(build_dir: Path, request: pytest.FixtureRequest) -> Iterator[Appliance]:
    with Appliance(World(build_dir / "simulation"), socket=request.param) as up:
        yield up


def reception_of(client: str, token: str | None) -> Reception:
    """A program that holds a visit: each line on stderr is an event, stdout is the answer."""

    def hold(address: str, _options: Json, tell: Tell) -> Json:
        given = {} if token is None else {"KAZASHI_TOKEN": token}
        with (
            tempfile.TemporaryFile() as answer,
            subprocess.Popen(
                command(client, address),
                stdout=answer,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | given,
            ) as program,
        ):
            assert program.stderr is not None
            for line in program.stderr:
                event = re.fullmatch(r"(\d+) (progress|finished) (\w+)\n", line)
                assert event is not None, f"{line}{program.stderr.read()}"
                tell({"sequence": int(event[1]), "event": event[2], "state": event[3]})
            assert program.wait() == 0
            answer.seek(0)
            result: Json = json.load(answer)["result"]
        return result

    return hold


def python_reception(token: str | None) -> Reception:
    """`hostdriver/client.py`, used as its docstring says."""

    def hold(address: str, _options: Json, tell: Tell) -> Json:
        with Client(address, "python example", token=token) as client:
            visit = client.start("visit-python-1")
            for event in client.events():
                tell(event)
            result = client.result(visit["transaction_id"], wait_s=5)
            client.ack(visit["transaction_id"])
        return result

    return hold


@pytest.mark.stack
@pytest.mark.parametrize("client", ["python", *PROGRAMS])
def test_a_whole_visit(appliance: Appliance, client: str) -> None:
    need(client)
    token = appliance.token
    reception = python_reception(token) if client == "python" else reception_of(client, token)
    events: list[Json] = []
    scene = Play(find("valid"), method=Method.PIN)
    result = play(appliance, scene, events.append, reception=reception)
    assert (result["outcome"], result["method"]) == ("verified", "pin")
    assert result["eligibility"]["validity"] == "valid"
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["event"] for event in events].index("finished") == len(events) - 1
    states = [event["state"] for event in events]
    assert states[0] == "waiting_for_card"
    assert states.index("asking_pin") < states.index("signing") < states.index("confirming")
    with Client(appliance.addresses.socket, "witness", token=token) as witness:
        assert witness.call("health")["visits_held"] == 0  # acknowledged, and so erased


@pytest.mark.stack
@pytest.mark.parametrize("appliance", ["tcp:0"], indirect=True, ids=["tcp"])
@pytest.mark.parametrize("client", PROGRAMS)
def test_a_refusal_is_told_by_its_symbol(appliance: Appliance, client: str) -> None:
    need(client)
    code, said = complaint(client, appliance.addresses.socket, KAZASHI_TOKEN="wrong")
    assert code == 2
    assert "token_refused" in said


@pytest.mark.parametrize("client", PROGRAMS)
@pytest.mark.parametrize("address", ["/nowhere/hostdriver.sock", "tcp:1"])
def test_without_a_driver_it_says_so(client: str, address: str) -> None:
    need(client)
    code, said = complaint(client, address)
    assert code == 2
    assert said.strip()


def complaint(client: str, address: str, **environment: str) -> tuple[int, str]:
    """Exit code, and what stands on stderr."""
    done = subprocess.run(
        command(client, address),
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("[Vv]isit.*")), ids=lambda file: file.name)
def test_an_example_can_be_read_in_one_sitting(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 150
