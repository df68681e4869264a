"""Whole visits with cards that behave unlike most: taken all the same, or refused by name."""

from __future__ import annotations

import pytest

from firmware.simulator.appliance import Appliance
from firmware.simulator.card_atr import Atr
from firmware.simulator.card_forgery import Broken
from firmware.simulator.card_options import CardOptions
from firmware.simulator.expectations import EXPECTED
from firmware.simulator.patients import find
from firmware.simulator.visit import Play, play
from firmware.simulator.world import World
from firmware.words import Method

pytestmark = pytest.mark.stack

CONTRARY = CardOptions(
    atr=Atr.CONTACTLESS_PUPI,
    blocked_try="6983",
    blocked_query="6984",
    open_query="9000",
    first_command_fails=True,
    select_keeps_keys=True,
    short_read="6Cxx",
)


def test_a_contrary_card_is_taken_like_any_other(world: World) -> None:
    with Appliance(world, card_options=CONTRARY) as appliance:
        for method in (Method.FACE, Method.PIN):
            result = play(appliance, Play(find("valid"), method=method), lambda _event: None)
            assert (result["outcome"], result["method"]) == ("verified", method)
        blocked = play(appliance, Play(find("pin_blocked"), method=Method.PIN), lambda _event: None)
        expected = EXPECTED["pin_blocked"][Method.PIN]
        assert (blocked["outcome"], blocked["cause"], blocked["method"]) == (
            expected.outcome,
            expected.cause,
            expected.method,
        )


def test_a_face_with_a_wrong_signature_is_refused_and_the_pin_still_holds(world: World) -> None:
    with Appliance(world, card_options=CardOptions(broken=Broken.FACE)) as appliance:
        by_face = play(appliance, Play(find("valid")), lambda _event: None)
        assert (by_face["outcome"], by_face["cause"]) == ("refused", "photo_not_authentic")
        assert by_face["evidence"] is None
        by_pin = play(appliance, Play(find("valid"), method=Method.PIN), lambda _event: None)
        assert by_pin["outcome"] == "verified"
