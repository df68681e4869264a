"""The host is lost in mid-visit, in some states; `make cable-pulls` goes through all of them."""

from __future__ import annotations

import pytest
from cable_pulls import Loss, Trial, Way, losses

from firmware.simulator.cable import GOOD, Noise
from firmware.simulator.world import World
from firmware.words import Cause, Outcome, State

pytestmark = pytest.mark.stack

OVER_A_CABLE = ((Way.PULLED, State.ASKING_PIN), (Way.CUT, State.IDENTITY_PROVEN))
OVER_A_SOCKET = ((Way.KILLED, State.IDLE), (Way.KILLED, State.CONFIRMING))


@pytest.mark.parametrize(
    ("cable", "trials"), [(GOOD, OVER_A_CABLE), (None, OVER_A_SOCKET)], ids=["cable", "socket"]
)
def test_the_panel_explains_the_visit_ends_and_the_next_one_works(
    world: World, cable: Noise | None, trials: tuple[Trial, ...]
) -> None:
    for loss in losses(world, cable, trials):
        print(f"{loss.state}: the next visit began after {loss.begun_after_s:.1f} s")
        assert loss.is_right, loss


def test_what_is_not_confirmed_is_never_right() -> None:
    verified = Loss(State.SIGNING, Outcome.VERIFIED, None, True, True, 0.1, "verified", True)
    assert verified.is_right
    for wrong in (
        {"confirmed": False},
        {"explained": False},
        {"next_outcome": "failed"},
        {"ledger_whole": False},
        {"outcome": Outcome.FAILED, "cause": Cause.DEVICE_FAULT},
        {"outcome": None},
    ):
        assert not Loss(**{**vars(verified), **wrong}).is_right, wrong
