"""Statements that got lost on their way, told from rows that were taken away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from firmware.numbering import Numbering, numbering_of
from firmware.statement import MOST_UNANSWERED, Unanswered
from hostdriver.chain import STATEMENT, UNANSWERED, VISIT_BEGUN, Entry, Walk, next_row
from hostdriver.entries import statement_unanswered

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def begun(visit: int) -> Entry:
    return Entry(VISIT_BEGUN, {"transaction_id": str(UUID(int=visit))})


def stated(visit: int, counter: int) -> Entry:
    facts = {"transaction_id": str(UUID(int=visit)), "device_id": "d", "counter": counter}
    return Entry(STATEMENT, facts)


def unanswered(visit: int, counter: int) -> Entry:
    return statement_unanswered("d", Unanswered(counter, UUID(int=visit)))


def gaps(entries: Iterable[Entry]) -> list[tuple[int, int]]:
    walk = Walk()
    for entry in entries:
        walk.take(next_row(walk.head, entry, NOW))
    return [(gap.expected, gap.found) for gap in walk.gaps]


FIRST = (begun(1), stated(1, 1))


@pytest.mark.parametrize(
    ("between", "found"),
    [
        pytest.param((begun(2), begun(3), unanswered(2, 2)), [], id="its visit is told of"),
        pytest.param((begun(3),), [(2, 3)], id="nobody names it"),
        pytest.param((begun(3), unanswered(2, 2)), [(2, 3)], id="its visit was taken away too"),
        pytest.param((begun(3), unanswered(1, 2)), [(2, 3)], id="a visit that has a statement"),
        pytest.param((begun(2), begun(3), unanswered(2, 7)), [(2, 3)], id="another number"),
    ],
)
def test_a_number_that_is_not_there(between: tuple[Entry, ...], found: object) -> None:
    assert gaps((*FIRST, *between, stated(3, 3))) == found


def test_several_that_were_lost_one_after_the_other() -> None:
    lost = (begun(2), begun(3), begun(4), unanswered(2, 2), unanswered(3, 3))
    assert gaps((*FIRST, *lost, stated(4, 4))) == []


def test_one_whose_answer_got_lost_is_there_and_called_unanswered() -> None:
    assert gaps((*FIRST, begun(2), unanswered(1, 1), stated(2, 2))) == []


def test_a_row_that_names_nothing_does_not_belong_there() -> None:
    with pytest.raises(Exception, match="lacks facts"):
        gaps([Entry(UNANSWERED, {"transaction_id": "x"})])


# --- at the device
def test_a_statement_is_unanswered_until_it_is_answered() -> None:
    numbering = Numbering(last=8).made(UUID(int=1)).made(UUID(int=2))
    assert numbering.last == 10
    assert numbering.before(UUID(int=2)) == (Unanswered(9, UUID(int=1)),)
    assert numbering.answered() == Numbering(last=10)


def test_a_host_that_never_answers_fills_no_disk() -> None:
    numbering = Numbering()
    for visit in range(MOST_UNANSWERED + 5):
        numbering = numbering.made(UUID(int=visit))
    assert numbering.last == MOST_UNANSWERED + 5
    assert [one.counter for one in numbering.unanswered] == list(range(6, numbering.last + 1))


def test_what_is_kept_is_read_again_and_so_is_an_older_versions_number() -> None:
    numbering = Numbering().made(UUID(int=1))
    assert numbering_of(msgspec.json.encode(numbering).decode()) == numbering
    assert numbering_of("41") == Numbering(last=41)


@pytest.mark.parametrize("text", ["", "nine", "-1", '{"last":-1}', '{"last":1,"unanswered":3}'])
def test_a_file_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no numbering"):
        numbering_of(text)
