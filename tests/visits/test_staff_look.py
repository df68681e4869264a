"""The staff look on the real stack: wrong passcodes of one visit count in the next."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.device import WRONG_PASSCODES_FILE
from firmware.simulator.appliance import Appliance
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.staff import WRONG_TO_CLOSE
from firmware.transaction.visit import STAFF_TRIES
from firmware.words import Method, State
from hostdriver.client import Client
from hostdriver.faults import Answered

pytestmark = pytest.mark.stack

Json = dict[str, Any]


def visit(appliance: Appliance, **choices: Any) -> tuple[Json, list[str]]:
    """The result, and every state that reception heard of."""
    states: list[str] = []
    result = play(
        appliance,
        Play(find("valid"), method=Method.STAFF, **choices),
        lambda event: states.append(event.get("state", "")),
    )
    return result, states


class Restarted(Appliance):
    """It was switched off and on again while the staff look was closed."""

    def _lay_out(self) -> None:
        super()._lay_out()
        (self._folder / "firmware" / WRONG_PASSCODES_FILE).write_text(str(WRONG_TO_CLOSE))


def refused_staff_only(appliance: Appliance) -> Json:
    """What reception is told when it asks for the staff look and nothing else."""
    with (
        Client(str(appliance.addresses.socket), "staff-only") as client,
        pytest.raises(Answered) as refused,
    ):
        client.start("staff-only", methods=["staff"])
    told = refused.value.error["data"]
    assert isinstance(told, dict)
    return told


def test_a_restart_does_not_open_it(world: World) -> None:
    with Restarted(world) as appliance:
        assert refused_staff_only(appliance)["symbol"] == "staff_look_closed"


def test_five_wrong_passcodes_close_the_staff_look_for_the_next_visit(fresh: Appliance) -> None:
    for tries in (STAFF_TRIES, WRONG_TO_CLOSE - STAFF_TRIES):
        result, states = visit(fresh, staff_passcode="1357", staff_tries=STAFF_TRIES)
        assert result["cause"] == "cancelled_by_patient"  # other ways were left
        assert states.count(State.CHECKING_STAFF) == tries

    result, states = visit(fresh, nobody=True)  # with the right passcode, and no face to go by
    assert result["cause"] == "cancelled_by_patient"
    assert State.CHOOSING_METHOD in states
    assert State.WAITING_FOR_STAFF not in states

    told = refused_staff_only(fresh)
    assert told["symbol"] == "staff_look_closed"
    assert told["fallback"]

    result = play(fresh, Play(find("valid"), method=Method.PIN), lambda _event: None)
    assert (result["outcome"], result["method"]) == ("verified", "pin")
