"""What is said of each check and each symptom, in Japanese and in English: texts.toml, checked."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from firmware.doctor.facts import Unasked
from firmware.doctor.judge import Symptom
from firmware.link.messages import BothLanguages, Gravity


class SymptomText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One symptom: how grave, what is wrong, what to do."""

    gravity: Gravity
    wrong: BothLanguages
    remedy: BothLanguages


class DoctorTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    checks: dict[str, BothLanguages]
    unasked: dict[Unasked, BothLanguages]
    symptoms: dict[Symptom, SymptomText]


@cache
def doctor_texts() -> DoctorTexts:
    """The texts that were installed with this module."""
    return msgspec.toml.decode(
        Path(__file__).with_name("texts.toml").read_bytes(), type=DoctorTexts
    )
