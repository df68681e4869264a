"""The conformity suite: whole on a card that is right, exact on one that is wrong, and harmless."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conforming import READ_ONLY, Suite, TerminalLine, ids
from hypothesis import given
from hypothesis import strategies as st
from personalised import Terminal, world

from firmware.card import files
from firmware.card.apdu import INS_VERIFY, SECRET_INSTRUCTIONS, CommandApdu, ResponseApdu
from firmware.card.files import PROFILES, Aid, Key
from firmware.card.jpki import digest_info
from firmware.faults import HolderNotSynthetic, MalformedCommand
from firmware.simulator.authorities import Authorities
from firmware.simulator.card_options import options_from
from firmware.simulator.other_cards import CHIPS, OtherCard, other_card
from firmware.simulator.world import World
from firmware.testbench.conformity.case import Group, Send, Spending, Whole
from firmware.testbench.conformity.catalogue import CASES, cases_of
from firmware.testbench.conformity.report import junit, listed, report, row
from firmware.testbench.conformity.running import StrangersCard, SyntheticCard, Verdict, run
from firmware.testbench.conformity.safe import ReadOnlyCommand
from firmware.testbench.conformity.virtual_holder import VirtualWorld
from firmware.words import CardKind

PHONE_CASE = "ACC.7"  # of a card that is none, on a card


# --- the catalogue --------------------------------------------------------------------------------
def test_every_case_has_a_number_of_its_own_and_something_to_expect() -> None:
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []
    assert {case.group for case in CASES} == set(Group)
    assert all(any(step.expected for step in case.steps) for case in CASES)
    assert all(listed(case).startswith(case.id) for case in CASES)


def test_a_group_is_taken_whole() -> None:
    assert {case.group for case in cases_of([Group.SELECT, Group.JPKI])} == {
        Group.SELECT,
        Group.JPKI,
    }
    assert cases_of([]) == CASES


# --- a card that is right -------------------------------------------------------------------------
def test_a_virtual_card_conforms_in_everything() -> None:
    results = Suite().as_synthetic()
    assert ids(results, Verdict.FAILED) == set()
    assert ids(results, Verdict.NOT_APPLICABLE) == {PHONE_CASE}
    assert all(result.why in row(result) for result in results)


@pytest.mark.parametrize(
    "patient",
    ["phone", "iphone", "resident_card", "next_generation", "certificate_missing", "pin_blocked"],
)
def test_what_another_card_does_not_have_is_not_asked_of_it(patient: str) -> None:
    results = Suite(patient).as_strangers()
    assert ids(results, Verdict.FAILED) == set()
    assert len(ids(results, Verdict.PASSED)) > 40


@pytest.mark.parametrize(
    "options",
    ["open_query=9000", "blocked_try=6983", "blocked_query=6984", "wrong_length_is_free", "seed=x"],
)
def test_a_difference_that_is_known_of_real_cards_is_no_failure(options: str) -> None:
    assert ids(Suite(options=options_from([options])).as_synthetic(), Verdict.FAILED) == set()


def test_a_reader_that_passes_no_extended_length_is_not_the_cards_fault() -> None:
    results = Suite(passes_extended=False).as_strangers()
    assert ids(results, Verdict.FAILED) == set()
    assert {"RDB.15", "RDB.16", "CHL.4"} <= ids(results, Verdict.NOT_APPLICABLE)


# --- a card that is wrong -------------------------------------------------------------------------
P1_FORMS = {f"SIG.{number}" for number in (21, 22, 23, 25, 26, 27, 28, 29)}
WRONG = {
    "first_command_fails": {"STA.1"},
    "select_keeps_keys": {"STA.23", "STA.24"},
    "reset_closes_keys": {"STA.22"},
    "short_lengths_only": {"RDB.15", "RDB.16", "CHL.4"},
    "short_read=6282": {"RDB.7", "RDB.15"},
    "short_read=6Cxx": {"RDB.7"},
    "broken=user_ca_certificate": {"JPK.5"},
    "broken=signature_ca_certificate": {"JPK.6"},
    "broken=user_key": P1_FORMS,
    "broken=signature_key": {"SIG.33"},
    "broken=signature_certificate": {"SIG.33"},
    "broken=face": {"VIS.21"},
    "broken=face_issuer": {"VIS.26"},
    "broken=text_issuer": {"TXT.26"},
    "broken=face_chip": {"VIS.24", "VIS.25"},
    "broken=age_record": {"VIS.22"},
    "broken=number_image": {"VIS.23"},
    "broken=text_integrity": {"TXT.22"},
    "broken=text_public_key": {"TXT.23"},
    "broken=text_chip": {"TXT.4", "TXT.24"},
}


@pytest.mark.parametrize("option", WRONG)
def test_what_is_wrong_fails_its_cases_and_no_others(option: str) -> None:
    results = Suite(options=options_from([option])).as_synthetic()
    assert ids(results, Verdict.FAILED) == WRONG[option]
    for result in results:
        if result.verdict is Verdict.FAILED:
            assert re.match(r"step \d+, .+: expected .+; .+", result.why)
            assert result.case.reference in row(result)


def test_a_certificate_of_another_authority_is_seen_without_a_secret() -> None:
    suite = Suite(options=options_from(["broken=user_certificate"]))
    assert ids(suite.as_strangers(), Verdict.FAILED) == {"JPK.4"}


class Spendthrift(TerminalLine):
    """A card on which asking for the counter costs a try."""

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        answer = super().transmit(command)
        if command.ins == INS_VERIFY and not command.data and answer.status_word & 0xFFF0 == 0x63C0:
            queries = sum(each[1] == INS_VERIFY for each in self.sent)
            return ResponseApdu(b"", 0x63C0 | (queries % 4))
        return answer


def test_a_card_that_charges_for_the_question_fails() -> None:
    card = StrangersCard(Spendthrift(Terminal()))
    failed = ids(list(run(CASES, card, CardKind.MY_NUMBER_CARD)), Verdict.FAILED)
    assert {f"VFY.{number}" for number in range(1, 12)} <= failed


# --- a card of nobody's ---------------------------------------------------------------------------
def test_nearly_nothing_applies_to_a_licence() -> None:
    for name in CHIPS:
        results = list(run(CASES, StrangersCard(Stranger(other_card(name))), CardKind.UNKNOWN))
        assert ids(results, Verdict.FAILED) == set()
        assert ids(results, Verdict.PASSED) == {f"ERR.{number}" for number in range(1, 7)}


class Stranger:
    """Another card on a reader."""

    def __init__(self, card: OtherCard) -> None:
        self._card = card

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.decode(self._card.process(command.encode()))

    def cut_power(self) -> None:
        self._card.power_on()

    def reset(self) -> None:
        self._card.reset()


class Babbler:
    """It answers anything with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def transmit(self, _command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.decode(self._answer)

    def cut_power(self) -> None:
        """It does not notice."""

    def reset(self) -> None:
        """Nor that."""


@given(st.binary(max_size=300), st.sampled_from([0x9000, 0x6282, 0x6100, 0x6C10, 0x63C2, 0x6982]))
def test_whatever_a_card_answers_is_a_verdict(data: bytes, status_word: int) -> None:
    babbler = Babbler(data + status_word.to_bytes(2, "big"))
    for kind in (CardKind.MY_NUMBER_CARD, CardKind.PHONE_ANDROID):
        results = list(run(READ_ONLY, StrangersCard(babbler), kind))
        assert ids(results, Verdict.FAILED)


# --- harmless by construction ---------------------------------------------------------------------
def test_no_case_spends_a_try_of_a_strangers_card() -> None:
    suite = Suite()
    before = suite.terminal.card.report()
    results = suite.as_strangers()
    after = suite.terminal.card.report()
    assert after.tries_left == before.tries_left
    assert after.verifies_sent == 0
    for encoded in suite.line.sent:
        command = CommandApdu.decode(encoded)
        assert not command.is_secret
        assert command.ins not in SECRET_INSTRUCTIONS - {INS_VERIFY}
        assert command.ins != INS_VERIFY or len(encoded) == 4
    skipped = {result.case.id for result in results if "--virtual" in result.why}
    assert skipped == {case.id for case in CASES if case.spends}


def test_a_case_without_virtual_reads_no_number_and_asks_no_trap() -> None:
    """The Individual Number is in two files, and one key is blocked from birth."""
    forbidden = {
        (Aid.CARD_FACE, files.NUMBER_IMAGE.ef_id),
        (Aid.CARD_TEXT, files.NUMBER_TEXT.ef_id),
        (Aid.CARD_TEXT, Key.TEXT_BLOCKED.ef_id),
    }
    by_name = {aid.value: aid for aid in Aid}
    for case in READ_ONLY:
        application: Aid | None = None
        for step in (*case.given, *case.steps):
            assert not isinstance(step.act, Spending)
            if isinstance(step.act, Whole):
                assert not step.act.ef.off_limits
            if not isinstance(step.act, Send):
                continue
            command = step.act.command.command
            if command.ins == 0xA4 and command.p1 == 0x04:
                application = by_name.get(command.data, application)
            elif command.ins == 0xA4 and command.p1 == 0x02:
                selected = int.from_bytes(command.data, "big")
                assert (application, selected) not in forbidden
            elif command.ins in (0xB0, INS_VERIFY) and command.p1 | command.p2 > 0x80:
                short = (command.p1 if command.ins == 0xB0 else command.p2) & 0x1F
                assert (application, short) not in forbidden


@pytest.mark.parametrize(
    "encoded",
    [
        "00200080 04 31323334",  # VERIFY
        "00200080 00",  # of nothing, but with a length
        "00210080 04 31323334",
        "00240180 04 31323334",  # CHANGE REFERENCE DATA, both forms
        "80320080 04 31323334",
        "002C0080 04 31323334",  # RESET RETRY COUNTER
        "00D60000 01 00",  # UPDATE BINARY
        "00DC0104 01 00",  # UPDATE RECORD
        "000E0000",  # ERASE BINARY
        "00440000",  # ACTIVATE FILE
        "00820000 04 31323334",  # EXTERNAL AUTHENTICATE
        "80A206C1 02 0000",  # a terminal's certificate
        "80AE0000 02 0000",  # session keys
        "80E60000",  # GlobalPlatform INSTALL
        "802A0080 01 5A 00",  # a signature of something else than the suite's own words
        "80200080",  # VERIFY of another class
    ],
)
def test_a_command_that_may_cost_something_cannot_be_made(encoded: str) -> None:
    with pytest.raises(MalformedCommand):
        ReadOnlyCommand(CommandApdu.decode(bytes.fromhex(encoded)))


@given(st.binary(min_size=4, max_size=80))
def test_nothing_that_carries_a_secret_is_read_only(encoded: bytes) -> None:
    try:
        command = ReadOnlyCommand(CommandApdu.decode(encoded)).command
    except MalformedCommand:
        return
    assert command.ins not in SECRET_INSTRUCTIONS or command.encode() == encoded[:4]


def test_somebodys_statement_is_not_signed() -> None:
    statement = CommandApdu.compute_signature(digest_info(bytes(32)))
    with pytest.raises(MalformedCommand):
        ReadOnlyCommand(statement)


# --- secrets: to nobody's card alone --------------------------------------------------------------
def test_a_real_holders_card_is_never_asked_to_spend(tmp_path: Path) -> None:
    """Its certificate is of an authority that is not ours, though it bears the same name."""
    others = World(tmp_path)
    for profile in PROFILES:
        Authorities(others.authorities, profile).make()
    suite = Suite()
    card = SyntheticCard(suite.line, VirtualWorld(others))
    with pytest.raises(HolderNotSynthetic):
        card.introduce()
    with pytest.raises(HolderNotSynthetic):
        list(run(CASES, card, CardKind.MY_NUMBER_CARD))
    assert suite.terminal.card.report().verifies_sent == 0


def test_every_try_is_preceded_by_a_proof_in_the_same_power_up() -> None:
    """So that a card that is put in the other's place in between is asked first who it is."""

    class Swapped(TerminalLine):
        """After so many power-ups another card lies there, which no test authority knows."""

        def __init__(self, ours: Terminal, theirs: Terminal, after: int) -> None:
            super().__init__(ours)
            self._theirs, self._left = theirs, after

        def cut_power(self) -> None:
            self._left -= 1
            if self._left == 0:
                self._terminal = self._theirs
            super().cut_power()

    spending = [case for case in CASES if case.spends]
    for after in (1, 2, 10, 30):
        theirs = Terminal(options=options_from(["broken=user_certificate"]))
        line = Swapped(Terminal(), theirs, after)
        card = SyntheticCard(line, VirtualWorld(world()))
        with pytest.raises(HolderNotSynthetic):
            list(run(spending, card, CardKind.MY_NUMBER_CARD))
        assert theirs.card.report().verifies_sent == 0


def test_the_suite_leaves_every_key_but_one_as_it_was() -> None:
    suite = Suite()
    before = dict(suite.terminal.card.report().tries_left)
    suite.as_synthetic()
    after = dict(suite.terminal.card.report().tries_left)
    assert after.pop("common_pin") == 0 < before.pop("common_pin")
    assert after == before
    assert ids(suite.as_synthetic(), Verdict.NOT_APPLICABLE) == {PHONE_CASE, "VFY.40"}


# --- what is told ---------------------------------------------------------------------------------
def test_build_servers_see_what_failed_and_what_did_not_apply() -> None:
    suite = Suite(options=options_from(["first_command_fails"]))
    results = suite.as_synthetic()
    told = report(results, reader="R", atr=b"\x3b", kind=CardKind.MY_NUMBER_CARD, tool="conform 1")
    assert (told.passed, told.failed, told.not_applicable) == (len(CASES) - 2, 1, 1)
    root = ET.fromstring(junit(told))
    assert root.attrib["tests"] == str(len(CASES))
    assert {suite.attrib["name"] for suite in root} == set(Group)
    (failure,) = root.iter("failure")
    assert failure.attrib["message"].startswith("step 1, 00A4040C")
    assert "one careful public source" in (failure.text or "")
    (skipped,) = root.iter("skipped")
    assert skipped.attrib["message"] == "the card is my_number_card"
