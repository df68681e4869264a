"""Consent as it is recorded: an answer, a time, a time limit and the wording's version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from firmware.statement import ConsentRecord
from firmware.words import ConsentAnswer, ConsentItem

VALID_FOR = timedelta(hours=24)  # official: information may be viewed for 24 hours after consent
TEXT_VERSION = "consent-2026-11"  # of panel/texts; a new wording is a new version


def recorded(item: ConsentItem, agreed: bool, at: datetime) -> ConsentRecord:
    """The record of one answer; a granted item carries its time limit."""
    return ConsentRecord(
        item=item,
        answer=ConsentAnswer.GRANTED if agreed else ConsentAnswer.REFUSED,
        at=at,
        until=at + VALID_FOR if agreed else None,
        text_version=TEXT_VERSION,
    )


def unobtainable(item: ConsentItem, at: datetime) -> ConsentRecord:
    """The record of an item that nobody could be asked for: no wording was shown, nothing ends."""
    return ConsentRecord(item=item, answer=ConsentAnswer.UNOBTAINABLE, at=at)


def complete(records: Iterable[ConsentRecord]) -> tuple[ConsentRecord, ...]:
    """One record for every item there is, in a fixed order; what was not asked says so."""
    given = {record.item: record for record in records}
    return tuple(
        given.get(item, ConsentRecord(item=item, answer=ConsentAnswer.NOT_ASKED))
        for item in ConsentItem
    )
