"""docs/SOCKET_API.md, held to its word: its dialogues with a real driver, its code on evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography import x509
from front_desk import Desk, Json, Site, open_site
from joserfc.jwk import OKPKey
from signing_device import WITHIN_S, card_certificate, device_key, evidence_of, statement_for

from firmware.link.messages import (
    Cancel,
    ConfirmationAnswer,
    DeviceHello,
    DoctorReported,
    DoctorRequested,
    EvidenceReady,
    StartTransaction,
    TransactionEnded,
)
from firmware.statement import Comparison, ConsentRecord
from firmware.words import (
    CardKind,
    CardSigning,
    ClockTrust,
    Language,
    MatchDecision,
    Method,
    Outcome,
    Profile,
    Purpose,
    State,
)
from hostdriver import api, translate
from hostdriver.errors import ERRORS
from hostdriver.events import EVENTS
from hostdriver.settings import LimitSettings

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "SOCKET_API.md"


def fenced(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def dialogues() -> dict[str, list[str]]:
    """The lines of each section that shows some, by its title."""
    found = {}
    for section in GUIDE.read_text(encoding="utf-8").split("\n## ")[1:]:
        lines = [line for block in fenced(section, "text") for line in block.splitlines()]
        if lines:
            found[section.partition("\n")[0]] = lines
    return found


DIALOGUES = dialogues()
LOST = "✕ the connection is lost"
VISIT_ID = "6f1c2d0e-8f0a-4f3b-9f53-0c8f5d1f6a11"
SAME = frozenset(
    {
        *("event", "sequence", "state", "outcome", "cause", "method", "card_kind", "tries_left"),
        *("code", "message", "symbol", "staff_text", "patient_text", "item", "answer"),
        *("taken_over", "cancelling", "acknowledged", "ok", "client_ref", "nonce"),
    }
)
"""Fields that the driver must say as they stand there; of others the kind must be the same."""
FREE = frozenset({"eligibility", "fallback", "device_key", "timings_ms"})
"""What is in them depends on the person, the day or the device; their schema is checked alone."""


class Dialogue:
    """One section: it says to a real driver what stands there, and compares what comes back.

    The device does whatever leads to the next event that stands there.
    """

    def __init__(self, site: Site, lines: list[str]) -> None:
        self._device, self._site = site.device, site
        self._lines = lines
        self._asked: dict[int, str] = {}
        self._start: StartTransaction | None = None
        self._visit_id = VISIT_ID

    async def hold(self) -> None:
        lines = iter(self._lines)
        while not await self._on_one_connection(lines):
            pass

    async def _on_one_connection(self, lines: Iterator[str]) -> bool:
        """False when the connection was lost, and the next one goes on."""
        async with self._site.client(hello=False) as desk:
            for line in lines:
                if line == LOST:
                    desk.hang_up()
                    return False
                await self._line(desk, line[0], line[2:])
        return True

    async def _line(self, desk: Desk, sign: str, text: str) -> None:
        told: Json = json.loads(text)
        if sign == "→":
            if not self._asked and told["method"] != "hello":
                await desk.must("hello", protocol="1.0", client="front desk")
            self._asked[told["id"]] = told["method"]
            await desk.send(text.replace(VISIT_ID, self._visit_id).encode() + b"\n")
            return
        assert sign == "←"
        if "error" not in told:
            check_schema(text, self._asked)
        await self._lead_to(told)
        came = await next_line(desk, subscribed="method" in told)
        self._visit_id = came.get("result", {}).get("transaction_id", self._visit_id)
        compare(told, came, "")

    async def _lead_to(self, told: Json) -> None:
        """Let the device do what must have happened before this line."""
        if told.get("method") == "event":
            event: Json = told["params"]
            if event["event"] == "progress":
                await self._enter(event)
            elif event["outcome"] == Outcome.VERIFIED:
                assert self._start is not None
                assert (await self._device.hear(ConfirmationAnswer)).accepted
                await self._device.end(self._start, Outcome.VERIFIED)
            else:
                await self._cancelled()
        elif "findings" in told.get("result", {}):
            await self._device.hear(DoctorRequested)
            await self._device.say(msgspec.convert(told["result"], DoctorReported))
        elif self._start is None and "reader" in told.get("result", {}):
            await self._enter({"state": State.WAITING_FOR_CARD})  # an event that nobody heard

    async def _enter(self, event: Json) -> None:
        if self._start is None:
            self._start = await self._device.hear(StartTransaction)
        facts: Json = {
            name: word and kind(word)
            for name, kind in (("card_kind", CardKind), ("method", Method), ("tries_left", int))
            for word in [event.get(name)]
        }
        await self._device.enter(self._start, State(event["state"]), **facts)
        if event["state"] == State.CONFIRMING:
            await self._state_it(self._start)

    async def _state_it(self, start: StartTransaction) -> None:
        result = next(json.loads(line[2:]) for line in self._lines if "eligibility" in line)
        self._device.numbering = self._device.numbering.made(start.transaction_id)
        statement = statement_for(
            start,
            self._device.hello,
            self._device.numbering.last,
            method=Method.FACE,
            card_signing=CardSigning.TERMINAL_AUTHORITY,
            comparison=Comparison(MatchDecision.SAME_PERSON, "a model", "a point"),
            consents=msgspec.convert(result["result"]["consents"], tuple[ConsentRecord, ...]),
            answers=result["result"]["answers"],
        )
        await self._device.say(EvidenceReady(start.transaction_id, evidence_of(statement)))

    async def _cancelled(self) -> None:
        cancel = await self._device.hear(Cancel)
        await self._device.say(
            TransactionEnded(
                transaction_id=cancel.transaction_id,
                outcome=Outcome.CANCELLED,
                cause=cancel.cause,
                method=None,
                card_kind=None,
                consents=(),
                answers={},
                evidence=None,
                language=Language.JA,
                timings_ms={},
            )
        )


async def next_line(desk: Desk, *, subscribed: bool) -> Json:
    """The next line of a visit, or the next answer; events come first to who asked for them."""
    while True:
        came = await desk.read()
        event = came.get("params", {}).get("event")
        if event is None or (subscribed and event != "reader_status"):
            return came


def check_schema(text: str, asked: dict[int, str]) -> None:
    """Every field that the schema has stands there, and no other."""
    told = json.loads(text)
    if told.get("method") == "event":
        kind: Any = EVENTS[told["params"]["event"]]
        body = told["params"]
    else:
        kind, body = api.METHODS[asked[told["id"]]].result, told["result"]
    value = msgspec.json.decode(msgspec.json.encode(body), type=kind)
    assert json.loads(msgspec.json.encode(value)) == body


def compare(told: Any, came: Any, field: str) -> None:
    """What stands there, and what the driver said."""
    if field in FREE:
        return
    if isinstance(told, dict) and isinstance(came, dict):
        assert told.keys() == came.keys(), field
        for name in told:
            compare(told[name], came[name], name)
    elif isinstance(told, list) and isinstance(came, list):
        for one, other in zip(told, came, strict=False):
            compare(one, other, field)
    elif field in SAME:
        assert told == came, field
    else:
        assert type(told) is type(came), f"{field}: {told!r}, {came!r}"


@pytest.mark.parametrize("title", DIALOGUES)
async def test_the_driver_says_what_the_guide_says(title: str, tmp_path: Path) -> None:
    patient = LimitSettings(reconnect_s=0.02, grace_s=WITHIN_S, device_answers_within_s=WITHIN_S)
    async with open_site(tmp_path, limits=patient) as site:
        async with site.client("somebody else"):
            pass  # by now the reader is there
        await Dialogue(site, DIALOGUES[title]).hold()


def test_the_guide_shows_every_method_and_some_errors() -> None:
    lines = [json.loads(line[2:]) for some in DIALOGUES.values() for line in some if line != LOST]
    asked = {line["method"] for line in lines if "method" in line}
    symbols = {line["error"]["data"]["symbol"] for line in lines if "error" in line}
    assert asked >= api.METHODS.keys()
    assert len(symbols) >= 4
    assert symbols <= ERRORS.keys()


# --- its code
class Vendor:
    """What a vendor holds: evidence, the pinned key, an authority, the nonce; and the code."""

    def __init__(self) -> None:
        (code,) = fenced(GUIDE.read_text(encoding="utf-8"), "python")
        names: dict[str, Any] = {}
        exec(compile(code, GUIDE.name, "exec"), names)
        self._statement_of = names["statement_of"]
        nonce = b"sixteen bytes or"
        start = StartTransaction(
            UUID(VISIT_ID), "front desk", nonce, None, Purpose.VISIT, Profile.CLINIC
        )
        hello = DeviceHello("1.0", "device-1", UUID(int=1), {}, (), (), (), ClockTrust.NTP, "0.1.0")
        made = translate.signed_evidence(evidence_of(statement_for(start, hello, 1)))
        self.evidence: Json = json.loads(msgspec.json.encode(made))
        self.key = translate.public_jwk(device_key())
        self.authority = x509.load_der_x509_certificate(card_certificate())
        self.nonce: str = msgspec.to_builtins(nonce)

    def statement(self) -> Json:
        told: Json = self._statement_of(self.evidence, self.key, self.authority, self.nonce)
        return told


def test_the_guides_code_accepts_what_is_true() -> None:
    assert Vendor().statement()["transaction_id"] == VISIT_ID


@pytest.mark.parametrize("lie", ["nonce", "key", "payload", "card signature", "no card signature"])
def test_the_guides_code_refuses_what_is_not(lie: str) -> None:
    vendor = Vendor()
    head, payload, tail = vendor.evidence["statement"].split(".")
    match lie:
        case "nonce":
            vendor.nonce = vendor.nonce.swapcase()
        case "key":
            vendor.key = translate.public_jwk(OKPKey.generate_key("Ed25519"))
        case "payload":
            other = ("A" if payload[40] != "A" else "B").join((payload[:40], payload[41:]))
            vendor.evidence["statement"] = f"{head}.{other}.{tail}"
        case "card signature":
            signature = vendor.evidence["card_signature"]
            vendor.evidence["card_signature"] = signature[8:16] + signature[8:]
        case _:
            vendor.evidence["card_signature"] = None
    with pytest.raises(Exception):  # noqa: B017 - the guide says: any exception is a no
        vendor.statement()
