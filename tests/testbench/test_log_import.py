"""Logs of other programs: whole exchanges are kept, the rest is told, nothing is believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import RECORDED_AT

from firmware.faults import MalformedLog
from firmware.testbench import logs
from firmware.testbench.log_formats import READERS, LogFormat, format_of
from firmware.testbench.logs import Imported, imported, read_lines
from firmware.testbench.trace import encode

OPENSC = """\
P:17; T:0x14 08:54:06.077 [tool] reader-pcsc.c:1325:pcsc_add_reader: Adding new PC/SC reader 'R 0'
P:17; T:0x14 08:54:06.097 [tool] card.c:1234:match_atr_table: ATR     : 3b:80:80:01:01
P:17; T:0x14 08:54:06.099 [tool] reader-pcsc.c:325:pcsc_transmit: reader 'R 0'
P:17; T:0x14 08:54:06.099 [tool] reader-pcsc.c:326:pcsc_transmit:
Outgoing APDU (15 bytes):
00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01 ........&.....

P:17; T:0x14 08:54:06.100 [tool] reader-pcsc.c:335:pcsc_transmit:
Incoming APDU (2 bytes):
90 00 ..

P:17; T:0x14 08:54:06.101 [tool] reader-pcsc.c:326:pcsc_transmit:
Outgoing APDU (7 bytes):
00 A4 02 0C 02 00 06 .......

P:17; T:0x14 08:54:06.102 [tool] reader-pcsc.c:335:pcsc_transmit:
Incoming APDU (2 bytes):
90 00 ..

P:17; T:0x14 08:54:06.103 [tool] reader-pcsc.c:326:pcsc_transmit:
Outgoing APDU (5 bytes):
00 B0 00 00 20 ....

P:17; T:0x14 08:54:06.107 [tool] reader-pcsc.c:335:pcsc_transmit:
Incoming APDU (34 bytes):
4A 50 4B 49 41 50 49 43 43 54 4F 4B 45 4E 32 20 JPKIAPICCTOKEN2
20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20
90 00                                           ..

P:17; T:0x14 08:54:06.110 [tool] reader-pcsc.c:326:pcsc_transmit:
Outgoing APDU (9 bytes):
00 20 00 80 04 31 32 33 34 . ...1234

P:17; T:0x14 08:54:06.111 [tool] reader-pcsc.c:335:pcsc_transmit:
Incoming APDU (2 bytes):
63 C2 c.
"""
PCSCD = """\
00000000 pcscdaemon.c:350:main() pcscd set to foreground with debug send to stdout
00000011 Card ATR: 3B 80 80 01 01
00000002 winscard.c:258:SCardConnect() Attempting Connect to R 0 using protocol: 3
00000002 [139] APDU: 00 A4 04 0C 0A D3 92 F0 00 26 01 00 00 00 01
00000142 [139] SW: 90 00
00000003 winscard.c:1649:SCardTransmit() UnrefReader() count was: 2
00000002 [139] APDU: 00 A4 02 0C 02 00 06
00002000 [139] SW: 90 00
00000002 [139] APDU: 00 B0 00 00 20
00005000 [139] SW: 4A 50 4B 49 41 50 49 43 43 54 4F 4B 45 4E 32 20 20 20 20 20 20 20 20 20 20\
 20 20 20 20 20 20 20 90 00
00000002 [139] APDU: 00 20 00 80 04 31 32 33 34
00004000 [139] SW: 63 C2
"""
LOGS = {LogFormat.OPENSC: OPENSC, LogFormat.PCSCD: PCSCD}
both = pytest.mark.parametrize("kind", LOGS)


def numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.splitlines(), start=1))


def read(kind: LogFormat, text: str) -> Imported:
    assert format_of(numbered(text), "log") is kind
    return imported(READERS[kind](numbered(text)), "log", RECORDED_AT)


@both
def test_both_logs_tell_the_same_dialogue(kind: LogFormat) -> None:
    found = read(kind, LOGS[kind])
    header, exchanges = found.trace.header, found.trace.exchanges
    assert (header.reader, header.atr, header.card_kind) == ("R 0", "3B80800101", "my_number_card")
    assert header.synthetic_holder is False
    assert [(each.command.text, each.response.text) for each in exchanges] == [
        ("00A4040C0AD392F000260100000001", "9000"),
        ("00A4020C020006", "9000"),
        ("00B0000020", "4A504B494150494343544F4B454E32" + "20" * 17 + "9000"),
        ("0020008004XXXXXXXX", "63C2"),
    ]
    assert [each.at_ms for each in exchanges] == [0, 2, 7, 11]
    assert (found.secrets, found.dropped) == (1, ())


@both
def test_a_log_cut_anywhere_keeps_whole_exchanges_and_tells_the_rest(
    kind: LogFormat, tmp_path: Path
) -> None:
    whole = read(kind, LOGS[kind]).trace.exchanges
    log, content, kept = tmp_path / "cut.log", LOGS[kind].encode(), set()
    for end in range(content.index(b"90 00") + 9, len(content) + 1):
        log.write_bytes(content[:end])
        found = imported(READERS[kind](read_lines(log)), "log", RECORDED_AT)
        count = len(found.trace.exchanges)
        assert found.trace.exchanges == whole[:count]
        assert len(found.dropped) <= 1
        kept.add(count)
    assert kept == {1, 2, 3, 4}


@both
def test_what_follows_a_gap_is_masked(kind: LogFormat) -> None:
    """A SELECT whose answer is missing may have selected anything."""
    lines = LOGS[kind].splitlines()
    second = [n for n, line in enumerate(lines) if "90 00" in line][1]
    found = read(kind, "\n".join(lines[:second] + lines[second + 1 :]))
    assert len(found.dropped) == 1
    label = found.trace.exchanges[1]
    assert label.command.text == "00B0000020"
    assert label.response.text == "XX" * 32 + "9000"
    assert label.fresh


def test_an_answer_that_is_no_hex_to_its_end_is_dropped() -> None:
    found = read(LogFormat.PCSCD, PCSCD.replace("20 20 90 00", "20 20 ..."))
    assert found.dropped == ("line 9: the log cuts this exchange short",)
    assert len(found.trace.exchanges) == 3


def test_another_process_of_opensc_begins_with_nothing_selected() -> None:
    first, its_command, rest = OPENSC.partition("P:17; T:0x14 08:54:06.103")
    other = first + (its_command + rest).replace("P:17;", "P:18;")
    exchanges = read(LogFormat.OPENSC, other).trace.exchanges
    assert exchanges[2].fresh and exchanges[2].response.text == "XX" * 32 + "9000"


CLEAR = bytes(range(0x41, 0x61))  # a person's, as it were


def test_an_answer_is_never_taken_for_that_of_another_process() -> None:
    """Two processes in one log of OpenSC: the SELECT of one, and what the other has read."""
    text = (
        OPENSC[: OPENSC.index("P:17; T:0x14 08:54:06.103")]
        + f"""\
P:18; T:0x14 08:54:06.102 [tool] reader-pcsc.c:326:pcsc_transmit:
Outgoing APDU (5 bytes):
00 B0 00 00 20 ....
P:17; T:0x14 08:54:06.103 [tool] reader-pcsc.c:326:pcsc_transmit:
Outgoing APDU (7 bytes):
00 A4 02 0C 02 00 02 .......
P:18; T:0x14 08:54:06.107 [tool] reader-pcsc.c:335:pcsc_transmit:
Incoming APDU (34 bytes):
{CLEAR[:16].hex(" ")} x
{CLEAR[16:].hex(" ")} x
90 00 ..
"""
    )
    for others in (text, text.replace("P:18; T:0x14", "P:17; T:0x15")):
        found = read(LogFormat.OPENSC, others)
        assert CLEAR.hex().upper() not in encode(found.trace).decode()
        assert len(found.trace.exchanges) == 2
        assert [why.partition(": ")[2] for why in found.dropped] == [
            "a command without an answer",
            "a command without an answer",
            "an answer without a command",
        ]


def test_an_answer_is_never_taken_for_that_of_another_program_of_pcscd() -> None:
    text = (
        PCSCD[: PCSCD.index("00000002 [139] APDU: 00 B0")]
        + f"""\
00000002 [140] APDU: 00 B0 00 00 20
00000002 [139] APDU: 00 A4 02 0C 02 00 02
00005000 [140] SW: {CLEAR.hex(" ")} 90 00
00000002 [139] SW: 90 00
00000002 [139] APDU: 00 B0 00 00 20
00005000 [139] SW: {CLEAR.hex(" ")} 90 00
"""
    )
    found = read(LogFormat.PCSCD, text)
    assert CLEAR.hex().upper() not in encode(found.trace).decode()
    assert [each.command.text[2:4] for each in found.trace.exchanges] == ["A4", "A4", "B0"]
    assert len(found.dropped) == 4


@both
def test_a_log_of_two_readers_is_refused(kind: LogFormat) -> None:
    """One card at a time: an exchange does not say which it is of."""
    names_it = {LogFormat.OPENSC: "pcsc_transmit: reader", LogFormat.PCSCD: "SCardConnect"}[kind]
    lines = LOGS[kind].splitlines()
    line = next(line for line in lines if names_it in line)
    label = next(n for n, line in enumerate(lines) if "00 B0" in line) - 2 * (
        kind is LogFormat.OPENSC
    )

    def with_more(*more: str) -> str:
        return "\n".join((*lines[:label], *more, *lines[label:])) + "\n"

    with pytest.raises(MalformedLog, match=r"^log: two readers"):
        read(kind, with_more(line.replace("R 0", "R 1")))
    assert read(kind, with_more(line)).trace == read(kind, LOGS[kind]).trace


@pytest.mark.parametrize("why", ["Direct access: no protocol selected", "Card Not Inserted"])
def test_a_reader_that_was_looked_at_alone_is_no_second_one(why: str) -> None:
    """As OpenSC looks at every reader before it uses one."""
    first, connects, rest = PCSCD.partition("00000002 winscard.c:258")
    looks = f"{connects}:SCardConnect() Attempting Connect to R 1 using protocol: 3\n"
    looks += f"00000001 winscard.c:444:SCardConnect() {why}\n"
    assert read(LogFormat.PCSCD, first + looks + connects + rest).trace.header.reader == "R 0"
    between = (
        first
        + connects
        + rest.replace("00000002 [139] APDU: 00 B0", looks + "00000002 [139] APDU: 00 B0")
    )
    assert read(LogFormat.PCSCD, between).trace == read(LogFormat.PCSCD, PCSCD).trace


def test_a_log_past_midnight_goes_on() -> None:
    late = OPENSC.replace("08:54:06.100", "23:59:59.999").replace("08:54:06.102", "00:00:00.001")
    assert [each.at_ms for each in read(LogFormat.OPENSC, late).trace.exchanges[:2]] == [0, 2]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (LogFormat.OPENSC, OPENSC.replace("ATR     :", "ATR"), "does not tell the card's ATR"),
        (LogFormat.PCSCD, PCSCD.replace("Card ATR", "Card"), "does not tell the card's ATR"),
        (LogFormat.PCSCD, PCSCD.replace("3B 80 80 01 01", "3B"), "does not tell the card's ATR"),
        (LogFormat.OPENSC, OPENSC[: OPENSC.index("Outgoing")], "no command with its answer"),
        (LogFormat.PCSCD, PCSCD[: PCSCD.index("[139]")], "no command with its answer"),
        (LogFormat.PCSCD, PCSCD.replace("SW: ", "SW:"), "no command with its answer"),
    ],
)
def test_a_log_without_a_dialogue_is_refused(kind: LogFormat, text: str, says: str) -> None:
    with pytest.raises(MalformedLog, match=f"^log: .*{says}"):
        read(kind, text)


@pytest.mark.parametrize("text", ["", "no log\n", "{}\n" * 500, "\0" * 100])
def test_what_is_neither_log_is_refused(text: str) -> None:
    with pytest.raises(MalformedLog, match="neither"):
        format_of(numbered(text), "log")


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    endless = tmp_path / "endless.log"
    with endless.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(MalformedLog, match=f"larger than {logs.MAX_LOG_BYTES}"):
        list(read_lines(endless))
    one_line = tmp_path / "line.log"
    one_line.write_bytes(b"x" * (logs.MAX_LOG_LINE_BYTES + 1))
    with pytest.raises(MalformedLog, match=r"line\.log:1: a line of over"):
        list(read_lines(one_line))
    with pytest.raises(MalformedLog, match="No such file"):
        list(read_lines(tmp_path / "none"))


HEX = st.builds(lambda content, between: content.hex(between), st.binary(), st.sampled_from(" :"))
LINES = (
    st.sampled_from([*OPENSC.splitlines(), *PCSCD.splitlines()])
    | st.text(max_size=60)
    | HEX
    | st.builds("00000001 {}: {}".format, st.sampled_from(["APDU", "SW", "Card ATR"]), HEX)
    | st.builds("Outgoing APDU ({} bytes):".format, st.integers(0, 40))
)


@given(st.sampled_from(LogFormat), st.lists(LINES, max_size=40))
def test_any_lines_are_a_dialogue_or_malformed(kind: LogFormat, lines: list[str]) -> None:
    """And the PIN is in none of it, however the lines are thrown together."""
    try:
        found = imported(READERS[kind](enumerate(lines, start=1)), "log", RECORDED_AT)
    except MalformedLog as fault:
        assert str(fault).startswith("log: ")
    else:
        assert b"0020008004" + b"31323334" not in encode(found.trace)
