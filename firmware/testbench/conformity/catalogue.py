"""Every case of the suite, in the order in which they run."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from firmware.testbench.conformity import (
    cases_behaviour,
    cases_contents,
    cases_keys,
    cases_reading,
    cases_secret,
    cases_signed,
)
from firmware.testbench.conformity.case import Case, Group

CASES: Final[tuple[Case, ...]] = (
    *cases_reading.CASES,
    *cases_keys.CASES,
    *cases_contents.CASES,
    *cases_behaviour.CASES,
    *cases_secret.CASES,
    *cases_signed.CASES,
    cases_secret.BLOCKING_CASE,
)


def cases_of(groups: Collection[Group]) -> tuple[Case, ...]:
    """The cases of these groups; all of them where none is named."""
    return tuple(case for case in CASES if not groups or case.group in groups)
