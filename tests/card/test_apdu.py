"""Commands and responses: known bytes, every case of ISO 7816-4, nothing secret in print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.credential import Pin
from firmware.card.files import Aid
from firmware.faults import MalformedCommand, MalformedResponse, UnexpectedStatus

BYTE = st.integers(0, 255)
COMMANDS = st.builds(
    CommandApdu,
    cla=BYTE,
    ins=BYTE,
    p1=BYTE,
    p2=BYTE,
    data=st.binary(max_size=600) | st.just(bytes(0xFFFF)),
    le=st.none() | st.integers(1, 65536) | st.sampled_from([1, 255, 256, 257, 65535, 65536]),
)

KNOWN = {
    "select the application": (
        CommandApdu.select_application(Aid.JPKI.value),
        "00A4040C0AD392F000260100000001",
    ),
    "select the PIN": (CommandApdu.select_ef(0x0018), "00A4020C020018"),
    "read 256 bytes": (CommandApdu.read_binary(0x0100, 256), "00B0010000"),
    "read with extended Le": (CommandApdu.read_binary(0, 65536), "00B00000000000"),
    "read a record": (CommandApdu.read_record(1, 1), "00B2010C00"),
    "ask the counter": (CommandApdu.query_retry_counter(), "00200080"),
    "verify": (CommandApdu.verify(Pin.parse("1234")), "002000800431323334"),
    "sign": (CommandApdu.compute_signature(b"\xaa\xbb"), "802A008002AABB00"),
    "sign with the chip's key": (CommandApdu.internal_signature(b"\xaa"), "802A000001AA00"),
    "challenge": (CommandApdu.get_challenge(32), "0084000020"),
    "get response": (CommandApdu.get_response(256), "00C0000000"),
}


@pytest.mark.parametrize("command, encoded", KNOWN.values(), ids=KNOWN)
def test_known_bytes(command: CommandApdu, encoded: str) -> None:
    assert command.encode().hex().upper() == encoded
    assert CommandApdu.decode(command.encode()) == command


@pytest.mark.parametrize(
    "encoded, data_bytes, le",
    [
        ("00200080", 0, None),  # case 1
        ("00B0000010", 0, 16),  # 2S
        ("00B0000000", 0, 256),
        ("00200080" + "0431323334", 4, None),  # 3S
        ("802A0080" + "02AABB" + "00", 2, 256),  # 4S
        ("00B00000" + "000000", 0, 65536),  # 2E
        ("00B00000" + "000120", 0, 288),
        ("80A206C1" + "000133" + "00" * 307, 307, None),  # 3E
        ("80A200C1" + "000100" + "00" * 256 + "0000", 256, 65536),  # 4E
        ("80A200C1" + "000001" + "FF" + "0100", 1, 256),
    ],
)
def test_all_seven_cases(encoded: str, data_bytes: int, le: int | None) -> None:
    command = CommandApdu.decode(bytes.fromhex(encoded))
    assert (len(command.data), command.le) == (data_bytes, le)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "00A404",
        "00A4040C0AD392",  # fewer data than Lc
        "00A4020C02001800FF",  # more than Lc and one Le
        "00A4020C0000",  # an extended length cut short
        "00A4020C00000000",  # extended Lc of zero
        "00A4020C000002AABB00",  # extended Lc with a short Le
        "00A4020C00000301",
    ],
)
def test_lengths_that_do_not_add_up_are_refused(encoded: str) -> None:
    with pytest.raises(MalformedCommand):
        CommandApdu.decode(bytes.fromhex(encoded))


@given(COMMANDS)
def test_every_command_survives_the_wire(command: CommandApdu) -> None:
    assert CommandApdu.decode(command.encode()) == command


@given(st.binary(max_size=600))
def test_any_bytes_are_a_command_or_a_fault(encoded: bytes) -> None:
    try:
        command = CommandApdu.decode(encoded)
    except MalformedCommand:
        return
    assert CommandApdu.decode(command.encode()) == command


@pytest.mark.parametrize(
    "header, data, le",
    [
        ((256, 0, 0, 0), b"", None),
        ((0, -1, 0, 0), b"", None),
        ((0, 0, 0, 0), bytes(0x10000), None),
        ((0, 0, 0, 0), b"", 0),
        ((0, 0, 0, 0), b"", 65537),
    ],
)
def test_what_cannot_be_sent_is_refused(
    header: tuple[int, int, int, int], data: bytes, le: int | None
) -> None:
    with pytest.raises(MalformedCommand):
        CommandApdu(*header, data, le)


def test_offsets_and_challenges_have_bounds() -> None:
    assert CommandApdu.read_binary(0x7FFF, 1).encode().hex() == "00b07fff01"
    for wrong in (-1, 0x8000):
        with pytest.raises(MalformedCommand):
            CommandApdu.read_binary(wrong, 1)
    for wrong in (0, 257):
        with pytest.raises(MalformedCommand):
            CommandApdu.get_challenge(wrong)


@pytest.mark.parametrize("ins", [0x20, 0x24, 0x2C, 0x32])
@pytest.mark.parametrize("cla", [0x00, 0x80])
def test_a_secret_prints_as_its_size(cla: int, ins: int) -> None:
    shown = repr(CommandApdu(cla, ins, 0x00, 0x80, b"90817263"))
    assert "8 secret bytes" in shown
    assert "90817263" not in shown and b"90817263".hex() not in shown


def test_other_commands_print_in_full() -> None:
    assert repr(CommandApdu.compute_signature(b"\xaa")) == "CommandApdu(80 2A 00 80, AA, le=256)"
    assert repr(CommandApdu.query_retry_counter()) == "CommandApdu(00 20 00 80)"


def test_a_response_prints_as_its_size() -> None:
    assert repr(ResponseApdu(b"19800217", 0x9000)) == "ResponseApdu(8 bytes, 9000)"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_response_or_a_fault(encoded: bytes) -> None:
    if len(encoded) < 2:
        with pytest.raises(MalformedResponse):
            ResponseApdu.decode(encoded)
    else:
        assert ResponseApdu.decode(encoded).encode() == encoded


def test_a_response_is_data_or_a_fault() -> None:
    assert ResponseApdu(b"a", 0x9000).data_or_fault() == b"a"
    with pytest.raises(MalformedResponse):
        ResponseApdu(b"", 0x9000).data_or_fault()
    with pytest.raises(UnexpectedStatus) as fault:
        ResponseApdu(b"a", 0x6982).data_or_fault("reading")
    assert fault.value.status_word == 0x6982
    assert "reading (not allowed before a key is verified)" in str(fault.value)
