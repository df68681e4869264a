"""The table of what the virtual patients' visits come to, as text. Pure.

`kazashi-simulator patients` prints it, and a run of the tests prints it beside what came; the
document of the patients has its columns.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

from firmware.simulator.expectations import EXPECTED, WAYS, Expected, Json, Way, came_to

HEADINGS: Final = (
    *("patient", "chooses", "comes to", "cause", "proven by", "qualification", "consent"),
    "ways out",
)
AS_EXPECTED: Final = "ok"
NOT_AS_EXPECTED: Final = "NOT"


def facts(row: Expected) -> tuple[str, ...]:
    """What a row says, up to the ways out."""
    consent = "" if row.validity is None else "asked" if row.asked else "not asked"
    return (row.outcome, row.cause or "", row.method or "", row.validity or "", consent)


def expected_table() -> str:
    """Every row of the table; of the ways out their number."""
    return aligned([HEADINGS, *(_line(way, _row(way)) for way in WAYS)])


def compared_table(results: Mapping[Way, Json]) -> str:
    """Every row that was played, `ok`, or `NOT` and below it what came instead."""
    lines: list[tuple[str, ...]] = [(*HEADINGS, "came")]
    for way, result in results.items():
        row = _row(way)
        if (got := came_to(result, row)) == row:
            lines.append((*_line(way, row), AS_EXPECTED))
        else:
            lines += [(*_line(way, row), NOT_AS_EXPECTED), (*_line(way, got), "<- came")]
    return aligned(lines)


def aligned(lines: Iterable[tuple[str, ...]], to_the_right: Container[str] = ()) -> str:
    """Columns as wide as their widest cell, two blanks apart; the first line has the headings.

    `to_the_right`: the headings of the columns whose cells end below each other.
    """
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [">" if heading in to_the_right else "<" for heading in rows[0]]
    return "\n".join(
        "  ".join(map(format, row, map("{}{}".format, sides, widths))).rstrip() for row in rows
    )


def _row(way: Way) -> Expected:
    patient_id, method = way
    return EXPECTED[patient_id][method]


def _line(way: Way, row: Expected) -> tuple[str, ...]:
    return (*way, *facts(row), str(len(row.fallback) or ""))
