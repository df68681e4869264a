"""The gate of VERIFY: the answer to the query decides, and one VERIFY is all there is."""

import ast
from itertools import product
from pathlib import Path

import pytest
from card_dialogue import OK, Listed

import firmware
from firmware.card import scripts
from firmware.card.apdu import INS_VERIFY
from firmware.card.credential import CollationNumberB, Credential, Pin
from firmware.card.files import Key
from firmware.faults import (
    CardFault,
    CardRemoved,
    MalformedCommand,
    MalformedCredential,
    RetryCounterLow,
    UnexpectedStatus,
    VerifyRefused,
)

SELECTED = [OK, OK]  # the application, then the key
QUERY = "00200080"
VERIFY_PIN = "002000800431323334"


def pin() -> Pin:
    return Pin.parse("1234")


def number_b() -> CollationNumberB:
    return CollationNumberB.parse("55021720352285")


def test_the_dialogue() -> None:
    card = Listed(*SELECTED, "63C3", OK)
    card.play(scripts.verify(Key.USER_AUTHENTICATION_PIN, pin(), tries_kept=0))
    assert card.sent_hex == [
        "00A4040C0AD392F000260100000001",
        "00A4020C020018",
        QUERY,
        VERIFY_PIN,
    ]


@pytest.mark.parametrize("tries, kept", list(product(range(16), range(-1, 16))))
def test_the_gate_opens_only_above_what_is_kept(tries: int, kept: int) -> None:
    card = Listed(*SELECTED, f"63C{tries:X}", OK)
    script = scripts.verify(Key.USER_AUTHENTICATION_PIN, pin(), kept)
    if tries > max(kept, 0):
        card.play(script)
        assert card.sent_hex[3:] == [VERIFY_PIN]
    else:
        with pytest.raises(RetryCounterLow) as fault:
            card.play(script)
        assert fault.value.tries_left == tries
        assert card.sent_hex[3:] == []


@pytest.mark.parametrize("blocked", ["6983", "6984", "63C0"])
@pytest.mark.parametrize(
    "key, credential",
    [
        (Key.USER_AUTHENTICATION_PIN, pin),
        (Key.COLLATION_NUMBER_B, number_b),
    ],
)
def test_blocked_is_told_as_no_tries(key: Key, credential, blocked: str) -> None:
    card = Listed(*SELECTED, blocked)
    with pytest.raises(RetryCounterLow) as fault:
        card.play(scripts.verify(key, credential(), tries_kept=0))
    assert fault.value.tries_left == 0


def test_an_unknown_counter_refuses() -> None:
    with pytest.raises(RetryCounterLow) as fault:
        Listed(*SELECTED, "6300").play(scripts.verify(Key.USER_AUTHENTICATION_PIN, pin(), 0))
    assert fault.value.tries_left is None
    assert "unknown" in str(fault.value)


def test_a_key_that_is_open_still_has_to_be_verified() -> None:
    card = Listed(*SELECTED, OK, "63C2")
    with pytest.raises(VerifyRefused):
        card.play(scripts.verify(Key.USER_AUTHENTICATION_PIN, pin(), tries_kept=0))
    assert card.sent_hex[3:] == [VERIFY_PIN]


@pytest.mark.parametrize("answer, tries", [("63C9", 9), ("63C0", 0), ("6983", 0), ("6984", 0)])
def test_a_refusal_says_what_is_left(answer: str, tries: int) -> None:
    card = Listed(*SELECTED, "63CA", answer)
    with pytest.raises(VerifyRefused) as fault:
        card.play(scripts.verify(Key.COLLATION_NUMBER_B, number_b(), tries_kept=5))
    assert fault.value.tries_left == tries


@pytest.mark.parametrize("answer", ["6C04", "6104", "6F00", "6300", "6700", "6982"])
def test_verify_is_sent_once_whatever_comes_back(answer: str) -> None:
    card = Listed(*SELECTED, "63C3", answer, *[OK] * 3)
    with pytest.raises(UnexpectedStatus):
        card.play(scripts.verify(Key.USER_AUTHENTICATION_PIN, pin(), tries_kept=0))
    assert card.sent_hex.count(VERIFY_PIN) == 1
    assert len(card.sent) == 4


def test_the_collation_number_keeps_half() -> None:
    card = Listed(*SELECTED, "63C5")
    with pytest.raises(RetryCounterLow):
        card.play(
            scripts.verify(Key.COLLATION_NUMBER_B, number_b(), Key.COLLATION_NUMBER_B.tries_kept)
        )


@pytest.mark.parametrize("credential", [pin, number_b])
def test_a_credential_fits_its_own_keys_alone(credential) -> None:
    for key in set(Key) - credential().opens:
        card = Listed()
        with pytest.raises(MalformedCommand):
            card.play(scripts.verify(key, credential(), tries_kept=0))


def is_wiped(credential: Credential) -> bool:
    try:
        credential.reveal()
    except MalformedCredential:
        return True
    return False


@pytest.mark.parametrize(
    "answers",
    [
        ["6A82"],
        [OK, "6A82"],
        [*SELECTED, "63C1"],
        [*SELECTED, "63C3", "63C2"],
        [*SELECTED, "63C3", OK],
    ],
)
def test_the_credential_is_wiped_whatever_happens(answers: list[str]) -> None:
    credential = pin()
    try:
        Listed(*answers).play(scripts.verify(Key.USER_AUTHENTICATION_PIN, credential, 1))
    except CardFault:
        assert answers[-1] != OK
    assert is_wiped(credential)


@pytest.mark.parametrize("step", range(4))
def test_it_is_wiped_when_the_card_leaves(step: int) -> None:
    credential = pin()
    card = Listed(*SELECTED, "63C3", OK)

    def transmit(command):
        if len(card.sent) == step:
            raise CardRemoved("gone")
        return card(command)

    with pytest.raises(CardRemoved):
        scripts.run(scripts.verify(Key.USER_AUTHENTICATION_PIN, credential, 1), transmit)
    assert is_wiped(credential)


def calls_of_verify(tree: ast.AST) -> list[ast.Call]:
    """Calls of `CommandApdu.verify`, or of `verify` on whatever name the class was imported as."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "verify"
        and ast.unparse(node.func.value).split(".")[-1] == "CommandApdu"
    ]


def test_verify_has_one_caller_and_no_loop_around_it() -> None:
    root = Path(firmware.__file__).parent
    callers = {
        path.relative_to(root).as_posix(): len(calls)
        for path in sorted(root.rglob("*.py"))
        if (calls := calls_of_verify(ast.parse(path.read_text("utf-8"))))
    }
    assert callers == {"card/scripts.py": 1}
    loops = [
        node
        for node in ast.walk(ast.parse((root / "card/scripts.py").read_text("utf-8")))
        if isinstance(node, ast.For | ast.While | ast.comprehension)
    ]
    assert loops
    assert not any(calls_of_verify(loop) for loop in loops)


def spells_verify(call: ast.Call) -> bool:
    """Whether this builds a command whose instruction is VERIFY."""
    ins = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "ins")]
    return ast.unparse(call.func).split(".")[-1] == "CommandApdu" and any(
        (isinstance(each, ast.Constant) and each.value == INS_VERIFY)
        or ast.unparse(each).endswith("INS_VERIFY")
        for each in ins
    )


@pytest.mark.parametrize(
    "source, expected",
    [
        ("CommandApdu(0, 0x20, 0, 0x80, pin)", True),
        ("apdu.CommandApdu(0, ins=apdu.INS_VERIFY, p1=0, p2=0)", True),
        ("CommandApdu(0x20, 0xA4, 0x20, 0)", False),
    ],
)
def test_the_detector_detects(source: str, expected: bool) -> None:
    (call,) = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    assert spells_verify(call) is expected


def test_no_room_that_ships_spells_verify_by_hand() -> None:
    root = Path(firmware.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in {"simulator", "testbench"}:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                assert not (isinstance(node, ast.Call) and spells_verify(node)), path
