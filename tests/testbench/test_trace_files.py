"""Real pcscd, OpenSC and tshark: one session in logs and in a recording, and no secret in any."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware.card import card_face, files, tlv
from firmware.simulator.card_image import load
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.people import card_facts, collation_number_b
from firmware.simulator.world import World
from firmware.testbench.comparing import compare
from firmware.testbench.player import TRACE
from firmware.testbench.private_reader import PrivateReader
from firmware.testbench.trace import read_trace

pytestmark = pytest.mark.stack

PROGRAM = (sys.executable, "-m", "firmware.testbench.command")
ROOT = Path(__file__).parents[2]
LIMIT_S = 120
PIN = card_facts(find("valid")).pin
NUMBER_B = collation_number_b(find("valid"))
PERSON = find("valid").person
# pcscd as a hardware tester starts it; what it says goes to a file of ours.
TALKING_PCSCD = """#!/bin/sh
case "$*" in *--help*) exec {pcscd} --help ;; esac
exec {pcscd} --debug --apdu "$@" >"$(mktemp {log}.XXXXXX)" 2>&1
"""


@dataclass(frozen=True)
class Session:
    """A private daemon that logs, a card on it, and a folder for what comes of it."""

    service: PcscService
    folder: Path
    world: Path

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**os.environ, **self.service.environment, **more},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            cwd=ROOT,
        )

    def bench(self, *arguments: str) -> dict[str, object]:
        done = self.run(*PROGRAM, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def path(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def session(build_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    real = shutil.which("pcscd", path=f"{os.environ['PATH']}:/usr/sbin")
    programs = tmp_path / "bin"
    programs.mkdir()
    talking = programs / "pcscd"
    talking.write_text(TALKING_PCSCD.format(pcscd=real, log=tmp_path / "pcscd.log"))
    talking.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    made = tmp_path / "made"
    made.mkdir()
    world = build_dir / "simulation"
    with PcscService(world) as service:
        service.insert("valid")
        yield Session(service, made, world)


def signs_with_opensc(session: Session, pin: str = PIN) -> tuple[str, ...]:
    """OpenSC verifies the PIN and signs: every kind of command that matters is in it."""
    digest = session.folder.parent / "digest"
    digest.write_bytes(bytes(32))
    out = str(session.folder.parent / "signature")
    return (
        *("pkcs15-crypt", "--sign", "--sha-256", "--pkcs1", "--raw", "--key", "1", "--pin", pin),
        *("--input", str(digest), "--output", out),
    )


def test_one_session_of_opensc_is_the_same_in_its_log_in_pcscds_and_recorded(
    session: Session,
) -> None:
    configuration = session.folder.parent / "opensc.conf"
    log = session.folder.parent / "opensc.log"
    configuration.write_text(f"app default {{ debug = 9; debug_file = {log}; }}\n")
    recorded = session.run(
        *PROGRAM,
        *("record", "--reader", "*", "--out", session.path("recorded.jsonl"), "--through", "--"),
        *signs_with_opensc(session),
        OPENSC_CONF=str(configuration),
    )
    assert recorded.returncode == 0, recorded.stderr
    trace = read_trace(Path(session.path("recorded.jsonl")))
    assert trace.header.context is not None
    assert trace.header.context.program == "pkcs15-crypt"
    assert session.service.status().verifies_sent == 1

    # The daemon of the card's own reader saw the session, and so did that of the private one.
    daemons = sorted(session.folder.parent.glob("pcscd.log.*"))
    assert len(daemons) == 2
    for source, name in ((log, "opensc"), *((daemon, "pcscd") for daemon in daemons)):
        assert PIN.encode().hex(" ") in source.read_text(errors="replace")  # in clear, as they do
        told = session.bench("import", str(source), "--out", session.path(f"{name}.jsonl"))
        assert (told["log"], told["secrets"], told["dropped"]) == (name, 1, [])
        found = read_trace(Path(session.path(f"{name}.jsonl")))
        assert compare(trace, found).differences == ()
        assert [each.command.text for each in found.exchanges] == [
            each.command.text for each in trace.exchanges
        ]
        assert [each.response.text for each in found.exchanges] == [
            each.response.text for each in trace.exchanges
        ]
        assert (
            session.bench("diff", session.path("recorded.jsonl"), session.path(f"{name}.jsonl"))[
                "differences"
            ]
            == []
        )
    no_secret_in(session)

    # And OpenSC finds the same card in the recording, whatever four digits it is told.
    with PrivateReader(TRACE, Path(session.path("recorded.jsonl")), session.world) as replayed:
        again = session.run(*signs_with_opensc(session, pin="0000"), **replayed.environment)
        assert again.returncode == 0, again.stderr
        assert replayed.stop()


def test_a_visit_is_recorded_replayed_shown_and_exported(session: Session) -> None:
    visit = ("record", "--reader", "*", "--collation-number-b", NUMBER_B, "--world")
    by_pin = (*visit, str(session.world), "--visit", "pin", "--pin", PIN)
    outside = session.folder.parent / "synthetic.jsonl"
    told = session.bench(*by_pin, "--synthetic-holder", "--out", str(outside))
    assert told["hidden_bytes"] == 0
    assert session.bench("replay", "--visit", str(outside)) == told["visit"]

    masked = session.path("masked.jsonl")
    assert session.bench(*by_pin, "--out", masked)["visit"] != told["visit"]  # other nonces
    again = session.run(*PROGRAM, "replay", "--visit", masked, "--json")
    assert again.returncode == 1
    ended = json.loads(again.stdout)
    assert (ended["outcome"], ended["cause"]) == ("failed", "masked_trace")

    session.bench("export", masked, "--out", session.path("masked.pcapng"))
    decoded = session.run("tshark", "-n", "-r", session.path("masked.pcapng"))
    assert decoded.returncode == 0, decoded.stderr
    for name in ("Select file", "Verify", "Read binary"):
        assert name in decoded.stdout
    for command in (("show", masked), ("diff", masked, str(outside))):
        said = session.run(*PROGRAM, *command)
        assert said.returncode == 0, said.stderr
        (session.folder / f"{command[0]}.txt").write_text(said.stdout + said.stderr)
    assert "VERIFY" in (session.folder / "show.txt").read_text()
    (session.folder / "tshark.txt").write_text(decoded.stdout)
    no_secret_in(session)
    the_canaries_sing_in(outside, session.world)


def test_a_card_of_another_hierarchy_is_sent_no_pin_and_stays_masked(
    session: Session, tmp_path: Path
) -> None:
    """As a real card: it is not issued by the authority of the world that the bench knows."""
    other = World(tmp_path / "other")
    shutil.copytree(session.world / "vpcd", other.driver)
    subprocess.run(
        (
            *(sys.executable, "-c"),
            "import sys; from pathlib import Path;"
            "from firmware.card.files import PROFILES;"
            "from firmware.simulator.authorities import Authorities;"
            "[Authorities(Path(sys.argv[1]), each).make() for each in PROFILES]",
            str(other.authorities),
        ),
        check=True,
        cwd=ROOT,
        timeout=LIMIT_S,
    )
    out = tmp_path / "none.jsonl"
    common = ("record", "--reader", "*", "--world", str(other.root), "--out", str(out))
    through = ("--synthetic-holder", "--through", "--", *signs_with_opensc(session))
    for way in (("--synthetic-holder",), ("--visit", "pin", "--pin", PIN), through):
        refused = session.run(*PROGRAM, *common, *way)
        assert refused.returncode == 1
        assert "stays masked" in refused.stderr
        assert not out.exists()
    assert session.service.status().verifies_sent == 0


def test_with_json_nothing_else_is_on_standard_output(session: Session) -> None:
    """What the recorded program prints goes to standard error."""
    out = session.path("tool.jsonl")
    told = session.run(
        *(*PROGRAM, "record", "--reader", "*", "--out", out, "--json", "--through", "--"),
        *("sh", "-c", "echo said by the program; opensc-tool --atr"),
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["trace"] == out
    assert "said by the program" in told.stderr


def test_a_program_that_fails_or_is_not_there_fails_the_recording(session: Session) -> None:
    out = session.path("tool.jsonl")
    common = (*PROGRAM, "record", "--reader", "*", "--out", out, "--through", "--")
    failed = session.run(*common, "opensc-tool", "--send-apdu", "00A4040C0AD392F000260100000001")
    assert failed.returncode == 0, failed.stderr
    assert len(read_trace(Path(out)).exchanges) >= 1
    failed = session.run(*common, "false")
    assert failed.returncode == 1
    assert "false ended with code 1" in failed.stderr
    failed = session.run(*common, "no-such-program")
    assert failed.returncode == 1
    assert "no-such-program cannot be run" in failed.stderr


def canaries(world: Path) -> list[bytes]:
    """What must be nowhere: digits as they are presented, a name, pieces of the photo."""
    face = load(World(world).cards / "valid").files[files.CARD_FACE]
    outer = tlv.read_header(face)
    body = face[outer.header_length : outer.total_length]
    photo = next(each.value for each in tlv.walk(body) if each.tag == card_face.PHOTO)
    pieces = [photo[at : at + 12] for at in range(200, len(photo) - 12, 97)]
    verified = [bytes((len(digits),)) + digits.encode() for digits in (PIN, NUMBER_B)]
    return [*verified, NUMBER_B.encode(), PERSON.name.encode(), *pieces]


def holds(content: bytes, canary: bytes) -> bool:
    """As bytes, or as any hex."""
    dump = canary.hex(" ").encode()
    forms = {canary, canary.hex().encode(), canary.hex().upper().encode(), dump, dump.upper()}
    return any(form in content for form in forms)


def no_secret_in(session: Session) -> None:
    """Every file that the bench made and a tester might send."""
    made = sorted(session.folder.iterdir())
    assert len(made) >= 3
    for path in made:
        content = path.read_bytes()
        assert [each for each in canaries(session.world) if holds(content, each)] == [], path.name


def the_canaries_sing_in(trace: Path, world: Path) -> None:
    content = trace.read_bytes()
    *_, last = pieces = canaries(world)
    assert holds(content, pieces[0]) and holds(content, last)
