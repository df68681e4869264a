"""PATIENTS.md: the virtual patients and what their visits come to, from the simulator's tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schema import table

from firmware.simulator.expectations import EXPECTED, WAYS
from firmware.simulator.expected_table import HEADINGS, facts
from firmware.simulator.patients import PATIENTS

INTRODUCTION: Final = """\
# The virtual patients

Written by `make docs` from `firmware/simulator/patients.py` and
`firmware/simulator/expectations.py`; edit those.

Everybody here is invented. Each patient is real data of the simulated world: a card with keys and
certificates of the test authorities, and a row in the database of the synthetic insurers. The
second table is written from the public rules, and a test plays every row of it on the whole stack
(`tests/visits/test_catalogue.py`). It holds when the right PIN is typed, the patient's own face is
before the camera, the staff's passcode is right and every offer is accepted.

```console
$ kazashi-simulator patients
$ kazashi-simulator visit --patient certificate_suspended --method pin --json
```
"""


def patients_document() -> str:
    """The whole of PATIENTS.md."""
    people = table(
        ("patient", "PIN", "tries left", "what is special"),
        (
            (
                f"`{patient.id}`",
                f"`{patient.card.pin}`" if patient.card else "",
                str(patient.card.pin_tries_left) if patient.card else "",
                patient.says,
            )
            for patient in PATIENTS
        ),
    )
    outcomes = table(HEADINGS, _outcomes())
    return f"{INTRODUCTION}\n## Who they are\n\n{people}\n\n## What comes of it\n\n{outcomes}\n"


def _outcomes() -> Iterator[tuple[str, ...]]:
    for patient_id, way in WAYS:
        row = EXPECTED[patient_id][way]
        ways_out = ", ".join(f"`{way_out}`" for way_out in row.fallback)
        yield (f"`{patient_id}`", way, *facts(row), ways_out)
