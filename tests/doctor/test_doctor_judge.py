"""Facts and what is made of them: each symptom by its own fact, none on a healthy device."""

from __future__ import annotations

import re
import unicodedata

import msgspec
import pytest
from healthy import CHECK_OF, HEALTHY, ILL, ill_with

from firmware.doctor import facts as f
from firmware.doctor.facts import CHECKS, Facts, NotAsked, ReaderState, Unasked
from firmware.doctor.judge import JUDGES, Found, Symptom, judge
from firmware.doctor.report import LONGEST_DETAIL, report_of
from firmware.doctor.texts import doctor_texts
from firmware.findings import finding_lines
from firmware.link import messages as m

TEXTS = doctor_texts()


def test_nothing_is_found_on_a_healthy_device() -> None:
    assert judge(HEALTHY) == ()
    assert report_of(HEALTHY).ok


@pytest.mark.parametrize("symptom", Symptom)
def test_each_symptom_is_found_by_its_fact_and_nothing_else(symptom: Symptom) -> None:
    assert [(found.check, found.symptom) for found in judge(ill_with(symptom))] == [
        (CHECK_OF[symptom], symptom)
    ]


def test_every_check_is_judged_and_every_symptom_belongs_to_one() -> None:
    assert tuple(JUDGES) == CHECKS
    assert ILL.keys() == set(Symptom)
    assert set(CHECK_OF.values()) == set(CHECKS)


def test_what_was_not_asked_is_never_found() -> None:
    nothing = Facts(**dict.fromkeys(CHECKS, NotAsked(Unasked.CANNOT_TELL)))
    assert judge(nothing) == ()
    report = report_of(nothing)
    assert [check.check for check in report.checks] == list(CHECKS)
    assert not any(check.asked for check in report.checks)
    assert report_of(Facts()).checks == ()


@pytest.mark.parametrize(
    ("flags", "symptoms"),
    [
        (0x0, []),
        (0x1, [Symptom.UNDER_VOLTAGE]),
        (0x50005, [Symptom.UNDER_VOLTAGE]),
        (0x50000, [Symptom.UNDER_VOLTAGE_BEFORE]),
        (0x8, [Symptom.OVERHEATED]),
        (0xE000E, [Symptom.OVERHEATED]),
        (0xE0008, [Symptom.OVERHEATED]),
        (0x80008, [Symptom.OVERHEATED]),
        (0x80000, [Symptom.OVERHEATED_BEFORE]),
        (0x20002, [Symptom.SLOWED_DOWN]),
        (0xD0009, [Symptom.UNDER_VOLTAGE, Symptom.OVERHEATED]),
        (0x90000, [Symptom.UNDER_VOLTAGE_BEFORE, Symptom.OVERHEATED_BEFORE]),
    ],
)
def test_voltage_and_heat_are_read_from_the_pis_own_bits(
    flags: int, symptoms: list[Symptom]
) -> None:
    facts = msgspec.structs.replace(HEALTHY, power=f.PowerFact(flags))
    assert [found.symptom for found in judge(facts)] == symptoms
    assert all(hex(flags) in found.detail for found in judge(facts))


def test_everything_wrong_at_once_is_told_in_the_order_of_the_checks() -> None:
    worst = {CHECK_OF[symptom]: fact for symptom, fact in ILL.items()}
    found = judge(Facts(**worst))
    order = [CHECKS.index(each.check) for each in found]
    assert order == sorted(order)
    assert {each.check for each in found} == set(CHECKS)


def test_what_a_driver_says_is_kept_short_and_the_report_fits_a_message() -> None:
    long = f.ReaderFact(ReaderState.NONE, says="x" * 100_000)
    finding = report_of(msgspec.structs.replace(HEALTHY, reader=long)).findings[0]
    assert finding.detail == "x" * LONGEST_DETAIL
    worst = report_of(Facts(**{CHECK_OF[symptom]: fact for symptom, fact in ILL.items()}))
    said = m.encode(m.DoctorReported(worst.checks, worst.findings))
    assert len(said) < m.MAX_MESSAGE_BYTES / 2
    assert m.decode(said) == m.DoctorReported(worst.checks, worst.findings)


# --- the texts
def test_there_is_a_text_for_everything_and_for_nothing_else() -> None:
    assert tuple(TEXTS.checks) == CHECKS
    assert TEXTS.unasked.keys() == set(Unasked)
    assert TEXTS.symptoms.keys() == set(Symptom)


def every_text() -> list[m.BothLanguages]:
    told = [text for symptom in TEXTS.symptoms.values() for text in (symptom.wrong, symptom.remedy)]
    return [*TEXTS.checks.values(), *TEXTS.unasked.values(), *told]


@pytest.mark.parametrize("text", every_text(), ids=lambda text: text.en[:30])
def test_both_languages_say_something(text: m.BothLanguages) -> None:
    assert any(unicodedata.name(sign, "").startswith(("CJK", "HIRA", "KATA")) for sign in text.ja)
    assert text.en.isprintable()
    assert not re.search("[぀-ヿ一-鿿]", text.en)
    assert text.ja.strip() == text.ja
    assert text.en.strip() == text.en


COMMAND = re.compile(r"systemctl|journalctl|apt|sudo|lsusb|rpicam-hello|kazashi[\w-]*|/\w[\w/-]+")


@pytest.mark.parametrize("symptom", Symptom)
def test_a_remedy_names_the_same_commands_in_both_languages(symptom: Symptom) -> None:
    remedy = TEXTS.symptoms[symptom].remedy
    assert set(COMMAND.findall(remedy.ja)) == set(COMMAND.findall(remedy.en))


# --- how it reads
def shown(facts: Facts) -> str:
    report = report_of(facts)
    return "\n".join(finding_lines(report.checks, report.findings))


def test_a_healthy_device_reads_as_one() -> None:
    text = shown(HEALTHY)
    assert text.count("ok") == len(CHECKS)
    assert "異常は見つかりませんでした / nothing is wrong" in text


@pytest.mark.parametrize("symptom", Symptom)
def test_a_finding_reads_in_both_languages_with_what_to_do(symptom: Symptom) -> None:
    text = shown(ill_with(symptom))
    told = TEXTS.symptoms[symptom]
    for part in (told.wrong, told.remedy):
        assert part.ja in text
        assert part.en in text
    stops = "no visit can go well" in text
    assert stops is (told.gravity is m.Gravity.STOPS)


def test_several_lines_of_one_symptom_stand_together() -> None:
    facts = Facts(settings=f.SettingsFact(("a.toml:1: x", "a.toml:2: y")))
    text = shown(facts)
    assert text.index("a.toml:1: x") < text.index("a.toml:2: y") < text.index("→")
    assert text.count(TEXTS.symptoms[Symptom.SETTINGS_WRONG].wrong.en) == 1


def test_a_strangers_name_moves_no_cursor() -> None:
    facts = Facts(reader=f.ReaderFact(ReaderState.NONE_FITS, ("evil\x1b[2J\r\nok",)))
    assert judge(facts)[0] == Found("reader", Symptom.READER_NOT_NAMED, "evil\x1b[2J\r\nok")
    assert "evil?[2J??ok" in shown(facts)
