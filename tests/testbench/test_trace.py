"""The trace file: what is written comes back, and what is no trace names its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import reading_of

from firmware.faults import MalformedTrace, NewerTrace
from firmware.testbench.record import trace_of
from firmware.testbench.trace import (
    MAX_EXCHANGES,
    MAX_LINE_BYTES,
    MAX_TRACE_BYTES,
    MaskedBytes,
    decode,
    encode,
    read_trace,
)

HEADER = (
    '{"format":"kazashi-trace","version":1,"reader":"R","atr":"3B80","card_kind":"unknown",'
    '"tool":"t","recorded_at":"2026-04-01T09:30:00Z","synthetic_holder":true}'
)
LINE = '{"n":1,"at_ms":0,"command":"00A40000","response":"6A82","note":""}'


def parse(*lines: str) -> None:
    decode("\n".join(lines).encode(), "some.jsonl")


@pytest.mark.parametrize("synthetic_holder", [True, False])
def test_a_trace_survives_its_file(tmp_path: Path, synthetic_holder: bool) -> None:
    trace = reading_of(synthetic_holder=synthetic_holder)
    path = tmp_path / "card.jsonl"
    path.write_bytes(encode(trace))
    assert read_trace(path) == trace
    assert len(trace.exchanges) > 10
    assert [each.at_ms for each in trace.exchanges[:3]] == [0, 2, 4]
    assert all(line.isascii() for line in path.read_text().splitlines())


def test_the_smallest_trace() -> None:
    parse(HEADER)
    parse(HEADER, LINE)


@pytest.mark.parametrize(
    ("lines", "at", "says"),
    [
        (("",), 1, "truncated"),
        (("[]",), 1, "object"),
        ((HEADER.replace("kazashi", "other"),), 1, "format"),
        ((HEADER.replace('version":1', 'version":0'),), 1, "version"),
        ((HEADER.replace('version":1', 'version":"1"'),), 1, "version"),
        ((HEADER.replace("true}", 'true,"context":{"pin":"1234"}}'),), 1, "unknown field"),
        ((HEADER.replace("true}", 'true,"context":{"nonces":{"a":"XX"}}}'),), 1, "regex"),
        ((HEADER.replace("3B80", "3B8"),), 1, "atr"),
        ((HEADER.replace("Z", ""),), 1, "recorded_at"),
        ((HEADER.replace('"tool"', '"pin":"1234","tool"'),), 1, "unknown field"),
        ((HEADER, ""), 2, "truncated"),
        ((HEADER, LINE, ""), 3, "truncated"),
        ((HEADER, LINE, LINE), 3, "exchange 1 stands where 2"),
        ((HEADER, LINE.replace("00A40000", "00A4000")), 2, "pairs"),
        ((HEADER, LINE.replace("00A40000", "00a40000")), 2, "pairs"),
        ((HEADER, LINE.replace("00A40000", "00A400")), 2, "four bytes"),
        ((HEADER, LINE.replace("00A40000", "00XX0000")), 2, "hidden"),
        ((HEADER, LINE.replace("6A82", "82")), 2, "status word"),
        ((HEADER, LINE.replace("6A82", "00XX82")), 2, "hidden"),
        ((HEADER, LINE.replace('"at_ms":0', '"at_ms":-1')), 2, "at_ms"),
    ],
)
def test_what_is_no_trace_names_its_line(lines: tuple[str, ...], at: int, says: str) -> None:
    with pytest.raises(MalformedTrace, match=rf"^some\.jsonl:{at}: .*{says}"):
        decode("\n".join(lines).encode() + b"\n", "some.jsonl")


@pytest.mark.parametrize("version", [2, 3, 10**9])
def test_a_newer_version_is_told_as_such(version: int) -> None:
    """Whatever else its header holds."""
    newer = HEADER.replace('version":1', f'version":{version},"more":[1,{{}}]')
    with pytest.raises(NewerTrace, match=rf"some\.jsonl:1: version {version}, .* up to 1"):
        parse(newer, "{}")


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    long_line = LINE.replace('"note":""', f'"note":"{"x" * MAX_LINE_BYTES}"')
    with pytest.raises(MalformedTrace, match=r"jsonl:2: a line of \d+ bytes"):
        parse(HEADER, long_line)
    with pytest.raises(MalformedTrace, match=f"more than {MAX_EXCHANGES} exchanges"):
        decode(HEADER.encode() + b"\n" * (MAX_EXCHANGES + 2), "some.jsonl")
    endless = tmp_path / "endless.jsonl"
    with endless.open("wb") as file:
        file.truncate(1 << 40)  # sparse: takes no room, and would take all memory
    with pytest.raises(MalformedTrace, match=f"larger than {MAX_TRACE_BYTES} bytes"):
        read_trace(endless)


def test_what_is_written_can_be_read_up_to_the_limits_and_beyond_them_is_not_written() -> None:
    one = decode(f"{HEADER}\n{LINE}\n".encode(), "one.jsonl")
    most = replace(one, exchanges=one.exchanges * MAX_EXCHANGES)
    content = encode(most)
    assert len(content) <= MAX_TRACE_BYTES
    assert len(decode(content, "most.jsonl").exchanges) == MAX_EXCHANGES
    with pytest.raises(MalformedTrace, match=f"at most {MAX_EXCHANGES} exchanges"):
        encode(replace(one, exchanges=one.exchanges * (MAX_EXCHANGES + 1)))
    long = replace(one.exchanges[0], response=MaskedBytes(bytes(65538)))
    with pytest.raises(MalformedTrace, match=f"at most {MAX_TRACE_BYTES} bytes"):
        encode(replace(one, exchanges=(long,) * (MAX_TRACE_BYTES // 65538 // 2 + 1)))


HOSTILE = ("\x1b]0;x\x07", "a\x9b2J", "a\nb", "b\n", "\x7f", "\u202egnp", "\u2028")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["reader", "tool", "program", "id", "name", "note", "unknown"])
def test_nothing_in_a_trace_reaches_the_terminal_as_a_command(text: str, place: str) -> None:
    escaped = json.dumps(text)
    context = {
        "program": {"program": text},
        "id": {"ids": {"a": text}},
        "name": {"ids": {text: ""}},
    }
    header = json.loads(HEADER) | {"context": context.get(place)}
    if place in header:
        header[place] = text
    line = LINE.replace('"note":""', f'"note":{escaped}') if place == "note" else LINE
    if place == "unknown":
        line = LINE.replace('"note":""', f'"note":"",{escaped}:0')
    with pytest.raises(MalformedTrace) as refused:
        parse(json.dumps(header), line)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_reader_is_called_is_written_so_that_it_can_be_read(text: str) -> None:
    trace = reading_of()
    header = trace_of([], reader=text, atr=b"\x3b\x80", recorded_at=trace.header.recorded_at).header
    assert header.reader.replace("\N{REPLACEMENT CHARACTER}", "").isprintable()
    again = replace(trace, header=header)
    assert decode(encode(again), "again.jsonl") == again


@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"n":', '{"context":{"ids":{"a":'])
def test_deep_nesting_is_malformed(bracket: str) -> None:
    deep = bracket * (MAX_LINE_BYTES // len(bracket))
    for lines in ((deep,), (HEADER[:-1] + ',"more":' + deep,), (HEADER, deep)):
        with pytest.raises(MalformedTrace):
            parse(*lines)


def test_the_largest_exchange_fits_into_a_line() -> None:
    command = "00D60000" + "00FFFF" + "5A" * 65535 + "0000"
    largest = LINE.replace("00A40000", command).replace("6A82", "5A" * 65536 + "9000")
    parse(HEADER, largest.replace('"note":""', '"note":"UPDATE BINARY"'))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MalformedTrace, match=r"none\.jsonl: No such file"):
        read_trace(tmp_path / "none.jsonl")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_trace_or_malformed(content: bytes) -> None:
    for begun in (content, HEADER.encode() + b"\n" + content):
        try:
            decode(begun, "some.jsonl")
        except MalformedTrace as fault:
            assert str(fault).startswith("some.jsonl:")


@given(st.binary(max_size=40), st.frozensets(st.integers(0, 39)))
def test_masked_bytes_forget_what_they_hide(content: bytes, places: frozenset[int]) -> None:
    hidden = frozenset(at for at in places if at < len(content))
    masked = MaskedBytes.hiding(content, hidden)
    assert MaskedBytes.parse(masked.text) == masked
    assert len(masked.content) == len(content)
    assert all(
        masked.content[at] == (0x30 if at in hidden else content[at]) for at in range(len(content))
    )
