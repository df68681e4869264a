"""Evidence that was forged, replayed, crossed or kept too long, before the insurers."""

from __future__ import annotations

import base64
import random
from datetime import timedelta

import msgspec
import pytest
from office import (
    NOW,
    OTHER_VISIT,
    VISIT,
    Office,
    confirmed,
    device_key,
    evidence_of,
    good_certificate,
    refused,
    statement,
)

from firmware.faults import MalformedStatement
from firmware.statement import Evidence, verify


# --- forged in transit
def flips(content: bytes, source: random.Random) -> list[bytes]:
    """`content` with one bit flipped, once in every byte."""
    return [
        content[:at] + bytes([content[at] ^ 1 << source.randrange(8)]) + content[at + 1 :]
        for at in range(len(content))
    ]


def forgeries(evidence: Evidence, part: str) -> list[Evidence]:
    source = random.Random(20260105)
    parts = dict(
        zip(("header", "payload", "signature"), evidence.statement.split("."), strict=True)
    )
    if part in parts:
        decoded = base64.urlsafe_b64decode(parts[part] + "==")
        return [
            msgspec.structs.replace(
                evidence,
                statement=".".join(
                    {**parts, part: base64.urlsafe_b64encode(flipped).decode().rstrip("=")}.values()
                ),
            )
            for flipped in flips(decoded, source)
        ]
    return [
        msgspec.structs.replace(evidence, **{part: flipped})
        for flipped in flips(getattr(evidence, part), source)
    ]


PARTS = ["header", "payload", "signature", "card_certificate", "card_signature"]


@pytest.mark.parametrize("part", PARTS)
def test_every_flipped_bit_breaks_the_evidence(part: str) -> None:
    evidence = evidence_of(statement(bytes(32), good_certificate()), good_certificate())
    assert verify(evidence, device_key()).counter == 1
    for forged in forgeries(evidence, part):
        with pytest.raises(MalformedStatement):
            verify(forged, device_key())


@pytest.mark.parametrize("part", PARTS)
async def test_forged_evidence_is_refused_and_the_true_one_still_counts(
    office: Office, part: str
) -> None:
    challenge = await office.gateway.challenge(VISIT)
    evidence = evidence_of(statement(challenge, good_certificate()), good_certificate())
    for forged in random.Random(part).sample(forgeries(evidence, part), 12):
        assert refused(await office.gateway.confirm(VISIT, forged, device_key()))
    assert (await office.gateway.confirm(VISIT, evidence, device_key())).accepted


async def test_another_devices_key(office: Office) -> None:
    challenge = await office.gateway.challenge(VISIT)
    evidence = evidence_of(statement(challenge, good_certificate()), good_certificate())
    assert refused(await office.gateway.confirm(VISIT, evidence, device_key("another")))


async def test_a_signature_of_another_card(office: Office) -> None:
    challenge = await office.gateway.challenge(VISIT)
    stated = statement(challenge, good_certificate())
    evidence = evidence_of(stated, good_certificate(), holder="another")
    assert refused(await office.gateway.confirm(VISIT, evidence, device_key()))


async def test_a_signature_left_out(office: Office) -> None:
    challenge = await office.gateway.challenge(VISIT)
    evidence = evidence_of(statement(challenge, good_certificate()), good_certificate())
    for changes in ({"card_signature": None}, {"card_signature_algorithm": None}):
        forged = msgspec.structs.replace(evidence, **changes)
        assert refused(await office.gateway.confirm(VISIT, forged, device_key()))


# --- replayed, crossed, stale
async def test_evidence_counts_once(office: Office) -> None:
    challenge = await office.gateway.challenge(VISIT)
    evidence = evidence_of(statement(challenge, good_certificate()), good_certificate())
    assert (await office.gateway.confirm(VISIT, evidence, device_key())).accepted
    assert refused(await office.gateway.confirm(VISIT, evidence, device_key()))


async def test_a_challenge_counts_once_with_any_counter(office: Office) -> None:
    challenge = await office.gateway.challenge(VISIT)
    for counter, accepted in ((1, True), (2, False)):
        stated = statement(challenge, good_certificate(), counter=counter)
        evidence = evidence_of(stated, good_certificate())
        answer = await office.gateway.confirm(VISIT, evidence, device_key())
        assert answer.accepted is accepted


async def test_the_devices_counter_must_grow(office: Office) -> None:
    seen = []
    for counter in (5, 5, 4, -1, 6, 2**63, 2**70, 7):
        seen.append((await confirmed(office, counter=counter)).accepted)
    assert seen == [True, False, False, False, True, False, False, True]


@pytest.mark.parametrize("challenge", [None, bytes(32), bytes(16)])
async def test_a_wrong_challenge(office: Office, challenge: bytes | None) -> None:
    assert refused(await confirmed(office, gateway_challenge=challenge))


async def test_a_challenge_lives_ten_minutes(office: Office) -> None:
    for late, accepted in (
        (timedelta(minutes=10), True),
        (timedelta(minutes=10, seconds=1), False),
    ):
        office.now = NOW
        challenge = await office.gateway.challenge(VISIT)
        stated = statement(challenge, good_certificate(), counter=1 + late.seconds)
        office.now = NOW + late
        answer = await office.gateway.confirm(
            VISIT, evidence_of(stated, good_certificate()), device_key()
        )
        assert answer.accepted is accepted


async def test_a_second_challenge_takes_the_place_of_the_first(office: Office) -> None:
    first = await office.gateway.challenge(VISIT)
    second = await office.gateway.challenge(VISIT)
    assert len({first, second}) == 2
    assert {len(first), len(second)} == {32}
    for challenge, accepted in ((first, False), (second, True)):
        stated = statement(challenge, good_certificate())
        evidence = evidence_of(stated, good_certificate())
        assert (await office.gateway.confirm(VISIT, evidence, device_key())).accepted is accepted


async def test_evidence_of_one_visit_is_none_of_another(office: Office) -> None:
    """Two open visits, and every way to cross their challenge, statement and confirmation."""
    challenges = {visit: await office.gateway.challenge(visit) for visit in (VISIT, OTHER_VISIT)}
    counter = 0
    for asked in (VISIT, OTHER_VISIT):
        for stated_visit in (VISIT, OTHER_VISIT):
            for challenge_of in (VISIT, OTHER_VISIT):
                counter += 1
                if asked == stated_visit == challenge_of:
                    continue
                stated = statement(
                    challenges[challenge_of],
                    good_certificate(),
                    transaction_id=stated_visit,
                    counter=counter,
                )
                evidence = evidence_of(stated, good_certificate())
                assert refused(await office.gateway.confirm(asked, evidence, device_key()))
