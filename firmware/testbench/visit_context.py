"""The context of a visit: what its statement says and the card does not. Pure."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Final
from uuid import UUID

import msgspec

from firmware.card.authenticity import PRESENCE_NONCE_BYTES
from firmware.testbench.trace import Context
from firmware.transaction.stating import Facts
from firmware.words import CardSigning, Method

METHODS: Final = (Method.FACE, Method.PIN)
"""The proofs of identity in which the card has a part."""
_YEARS: Final = range(2000, 2100)  # so that no date that a visit reckons with is out of range
_MAX_COUNTER: Final = (1 << 53) - 1  # as far as every reader of JSON counts


def draw_context(seed: int, clock: dt.datetime, method: Method) -> Context:
    """Ids and nonces drawn from a seed: for the bench alone, where nobody must not know them."""
    draw = Random(seed)  # noqa: S311  what is drawn here is told in the trace
    uuids = {name: str(UUID(int=draw.getrandbits(128), version=4)) for name in ("boot", "visit")}
    nonces = ("requester", "gateway", "presence")
    return Context(
        clock=clock.replace(microsecond=0),
        seed=seed,
        method=method,
        ids={"device": "kazashi-testbench", "requester": "testbench", "counter": "1", **uuids},
        nonces={name: draw.randbytes(PRESENCE_NONCE_BYTES).hex().upper() for name in nonces},
    )


class VisitFacts(msgspec.Struct, frozen=True):
    """A visit's context, parsed."""

    clock: dt.datetime
    method: Method
    device: str
    boot: UUID
    visit: UUID
    counter: int
    requester: str
    requester_nonce: bytes
    gateway_challenge: bytes
    presence_nonce: bytes

    @classmethod
    def of(cls, context: Context) -> VisitFacts:
        """KeyError or ValueError for one that is not of a visit."""
        ids, nonces = context.ids, {n: bytes.fromhex(hx) for n, hx in context.nonces.items()}
        if context.clock is None or context.method not in METHODS:
            raise ValueError("no clock, or no method")
        if any(len(nonce) != PRESENCE_NONCE_BYTES for nonce in nonces.values()):
            raise ValueError(f"a nonce has {PRESENCE_NONCE_BYTES} bytes")
        if context.clock.year not in _YEARS:
            raise ValueError(f"the clock is not of the years {_YEARS[0]} to {_YEARS[-1]}")
        counter = int(ids["counter"])
        if not 0 <= counter <= _MAX_COUNTER:
            raise ValueError("the counter is out of range")
        return cls(
            clock=context.clock,
            method=context.method,
            device=ids["device"],
            boot=UUID(ids["boot"]),
            visit=UUID(ids["visit"]),
            counter=counter,
            requester=ids["requester"],
            requester_nonce=nonces["requester"],
            gateway_challenge=nonces["gateway"],
            presence_nonce=nonces["presence"],
        )

    def for_statement(self, certificate: bytes, signs: bool) -> Facts:
        """What the statement says beside the visit."""
        return Facts(
            device_id=self.device,
            boot_id=self.boot,
            counter=self.counter,
            requester=self.requester,
            requester_nonce=self.requester_nonce,
            gateway_challenge=self.gateway_challenge,
            card_signing=CardSigning.PIN if signs else CardSigning.NONE,
            card_certificate=certificate,
        )
