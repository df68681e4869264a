"""The capture as a second program reads it: real tshark, not our own reading of what we wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from personalised import NUMBER_B, PIN
from recorded import Bench, reading_of

from firmware.testbench.pcapng import export
from firmware.testbench.trace import Trace
from firmware.words import Method

LIMIT_S = 120
LIKE_AN_ATR = b"\x3b\x3f"  # with these a response begins that tshark takes for one


def tshark(trace: Trace, folder: Path, *options: str) -> list[str]:
    """What it prints of the capture; nothing may be malformed to it."""
    program = shutil.which("tshark")
    if program is None:
        missing = "run `make setup`: there is no tshark"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    capture = folder / "trace.pcapng"
    capture.write_bytes(export(trace))
    done = subprocess.run(
        (program, "-n", "-r", str(capture), *options),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    assert "malformed" not in done.stdout.lower() + done.stderr.lower()
    return done.stdout.splitlines()


def test_tshark_names_every_command_and_its_answer(tmp_path: Path) -> None:
    bench = Bench(passes_extended=False)  # so that there are offsets, and short ids
    bench.visit(Method.PIN)
    trace = bench.trace()
    lines = tshark(trace, tmp_path)
    assert len(lines) == 2 * len(trace.exchanges)
    names = {"A4": "Select file", "20": "Verify", "B0": "Read binary"}
    seen = set()
    for n, each in enumerate(trace.exchanges):
        sent, came = lines[2 * n], lines[2 * n + 1]
        assert "ISO 7816" in sent and "Interface → Card" in sent
        assert "ISO 7816" in came and "Card → Interface" in came
        if (name := names.get(each.command.text[2:4])) is not None:
            seen.add(name)
            assert name in sent
            if each.response.content[0] in LIKE_AN_ATR:
                continue
            assert f"Response APDU (to {name})" in came
    assert seen == set(names.values())
    assert any("Read binary, offset 256" in line for line in lines)


def test_directions_times_lengths_and_comments(tmp_path: Path) -> None:
    trace = reading_of()
    fields = ("frame.time_epoch", "frame.len", "exported_pdu.prot_name", "frame.comment")
    options = ("-T", "fields", "-E", "separator=|", *(f"-e{field}" for field in fields))
    rows = [line.split("|") for line in tshark(trace, tmp_path, *options)]
    began_s = trace.header.recorded_at.timestamp()
    for n, each in enumerate(trace.exchanges):
        for row, content in zip(
            rows[2 * n : 2 * n + 2], (each.command, each.response), strict=True
        ):
            at_s, length, name, comment = row
            assert float(at_s) == pytest.approx(began_s + each.at_ms / 1000, abs=1e-5)
            assert int(length) == len(content.content) + 24  # dissector, direction, end of tags
            assert name == "iso7816"
            told = f"{len(content.hidden)} bytes are hidden"
            assert (told in comment) == bool(content.hidden)


def test_the_bytes_are_those_of_the_trace(tmp_path: Path) -> None:
    trace = reading_of(synthetic_holder=True)
    (tmp_path / "whole").mkdir()
    pdus = tshark(trace, tmp_path / "whole", "-T", "fields", "-e", "exported_pdu.exported_pdu")
    sent_and_came = [
        content.content.hex()
        for each in trace.exchanges
        for content in (each.command, each.response)
    ]
    assert [pdu.replace(":", "") for pdu in pdus] == sent_and_came


def test_what_is_hidden_is_in_no_capture() -> None:
    bench = Bench()
    bench.visit(Method.PIN)
    capture = export(bench.trace())
    for secret in (PIN, NUMBER_B):
        assert b"\x00\x20\x00\x80" + bytes((len(secret),)) + secret.encode() not in capture
