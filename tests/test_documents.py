"""The documents say what is so: generated parts are fresh, examples run, names and links exist."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import click
import pytest
from test_architecture import COMPOSITION, MAY_IMPORT

from firmware.link import messages as m
from firmware.transaction.machine import ROWS
from firmware.words import State

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fenced(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


# --- generated
def test_the_generated_documents_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_line_of_the_links_document_is_a_message() -> None:
    lines = [block.strip().encode() for block in fenced(read("docs/LINK.md"), "json")]
    assert [type(m.decode(line)) for line in lines] == list(m.MESSAGES)
    assert [m.encode(m.decode(line)) for line in lines] == lines


# --- commands, names, links
SCRIPTS: dict[str, str] = tomllib.loads(read("pyproject.toml"))["project"]["scripts"]


def quoted_commands() -> Iterator[tuple[str, str]]:
    """(document, command line): every line after a prompt, and commands in the running text."""
    starts = ("make ", *(f"{script} " for script in SCRIPTS))
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        lines = [
            line.removeprefix("$ ").partition("  #")[0].strip()
            for block in fenced(text, "console")
            for line in block.splitlines()
            if line.startswith("$ ")
        ]
        lines += [
            quoted
            for quoted in re.findall(r"`([^`\n]+)`", text)
            if quoted.removeprefix("sudo ").startswith(starts)
        ]
        for line in dict.fromkeys(lines):
            yield path.name, line


@pytest.mark.parametrize(("document", "line"), list(quoted_commands()))
def test_a_quoted_command_exists(document: str, line: str) -> None:
    program, *words = without_sudo(shlex.split(line))
    if program == "make":
        targets = re.findall(r"^([a-z0-9-]+):", read("Makefile"), re.MULTILINE)
        assert [word for word in words if "=" not in word and word not in targets] == []
    elif program in SCRIPTS:
        module, _, name = SCRIPTS[program].partition(":")
        understand(getattr(import_module(module), name), words)
    else:
        assert program in OTHERS, f"{document} quotes {line!r}"


OTHERS = {
    "git",
    "cd",
    "pip",
    "tshark",
    "apt",
    "adduser",
    "reboot",
    "sha256sum",
    "sh",
    "systemctl",
    "tar",
}


def without_sudo(words: list[str]) -> list[str]:
    """What is run as somebody else: `sudo [-u USER] PROGRAM …`."""
    if words[0] != "sudo":
        return words
    return words[3:] if words[1] == "-u" else words[1:]


def understand(command: click.Command, words: list[str]) -> None:
    """Parse a command line as click would, without running it or asking whether its files exist."""
    context = click.Context(command, resilient_parsing=True)
    _, rest, _ = command.make_parser(context).parse_args(list(words))
    if isinstance(command, click.Group) and rest:
        inner = command.commands.get(rest[0])
        assert inner is not None, f"there is no command {rest[0]!r}"
        understand(inner, rest[1:])


def every_command() -> Iterator[tuple[str, click.Command, click.Context]]:
    """(how it is called, the command, its context): each program, and what it has within it."""
    for script, place in SCRIPTS.items():
        module, _, name = place.partition(":")
        command = getattr(import_module(module), name)
        yield from with_inner(command, click.Context(command, info_name=script))


def with_inner(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    for name, inner in getattr(command, "commands", {}).items():
        yield from with_inner(inner, click.Context(inner, info_name=name, parent=context))


@pytest.mark.parametrize(
    ("command", "context"),
    [pytest.param(command, context, id=path) for path, command, context in every_command()],
)
def test_help_has_examples_that_would_run(command: click.Command, context: click.Context) -> None:
    program = context.find_root()
    lines = re.findall(
        rf"^ +(?:Example: )?(?:sudo )?({program.info_name} .*)$",
        command.get_help(context),
        re.MULTILINE,
    )
    assert any(line.startswith(context.command_path) for line in lines), lines
    for line in lines:
        understand(program.command, shlex.split(line.partition(" > ")[0])[1:])


MENTION = re.compile(r"`((?:firmware|hostdriver|docs|tests)/[\w/]+\.py): ([\w.]+(?:, [\w.]+)*)`")

PLACE = re.compile(
    r"`((?:firmware|hostdriver|docs|tests|models|benchmarks|packaging|systemd)/[\w./-]*)`"
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(path: Path) -> None:
    for file, names in MENTION.findall(path.read_text(encoding="utf-8")):
        assert (ROOT / file).is_file(), file
        defined = set(definitions(ast.parse(read(file)).body))
        missing = set(names.split(", ")) - defined
        assert not missing, f"{path.name}: {file} has no {', '.join(sorted(missing))}"
    for file in re.findall(PLACE, path.read_text(encoding="utf-8")):
        assert (ROOT / file).exists(), f"{path.name} names {file}"


def test_every_package_that_set_up_installs_is_named() -> None:
    setup = re.findall(r"^(?:PI_)?PACKAGES=\(([^)]*)\)", read("packaging/setup.sh"), re.MULTILINE)
    named = set(re.findall(r"[\w.+-]+", read("docs/DEVELOPING.md")))
    assert len(setup) == 2
    assert set(" ".join(setup).split()) - named == set()


def test_every_benchmark_is_in_the_list() -> None:
    targets = re.findall(r"^(bench[a-z-]*):", read("Makefile"), re.MULTILINE)
    assert len(targets) >= 10
    listed = set(re.findall(r"`make (bench[a-z-]*)", read("CONTRIBUTING.md")))
    assert set(targets) - listed == set()


def test_the_walk_through_the_code_names_its_functions() -> None:
    assert len(MENTION.findall(read("docs/ARCHITECTURE.md"))) >= 30


def test_every_room_is_in_the_table() -> None:
    table = read("docs/ARCHITECTURE.md").partition("## The rooms")[2].partition("\n\n## ")[0]
    named = set(re.findall(r"\w+", table))
    assert (COMPOSITION | set(MAY_IMPORT)) - {"__main__"} - named == set()


def definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """`function`, `Class`, `Class.method`, `CONSTANT`, as they are named in the documents."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name
            yield from definitions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign):
            yield from (prefix + t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield prefix + node.target.id


def anchors(path: Path) -> set[str]:
    """The headings' anchors, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{path.name} → {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{path.name} → {link}"


def test_every_decision_is_in_the_list() -> None:
    index = read("docs/adr/README.md")
    records = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    assert len(records) >= 6
    for record in records:
        number, title = record.name[:4], read(f"docs/adr/{record.name}").partition("\n")[0]
        assert f"[{number}]({record.name}) | {title.removeprefix(f'# {number} ')} |" in index


# --- the README's visit
VISITS_AT_MOST = 3


def shown_visit() -> tuple[list[str], list[str]]:
    """The README's output of `make run`: progress lines, and the result."""
    (block,) = (b for b in fenced(read("README.md"), "console") if "finished: verified" in b)
    lines = block.splitlines()
    end = next(i for i, line in enumerate(lines) if "finished:" in line)
    return lines[2:end], lines[end + 1 :]


def test_the_readmes_visit_is_a_way_through_the_table() -> None:
    progress, _ = shown_visit()
    states = [State(re.split(r"\s+", line.strip())[3]) for line in progress]
    assert states[0] is State.WAITING_FOR_CARD
    assert states[-1] is State.TAKE_CARD
    ways = {(at, row.to) for (at, _), rows in ROWS.items() for row in rows}
    assert [step for step in pairwise(states) if step not in ways] == []


@pytest.mark.stack
def test_the_readmes_result_is_what_a_visit_prints() -> None:
    """A machine that stands still may see too little light on the face, and the patient then types
    the PIN: such a visit is played again, and all are told where none went by face."""
    command = [sys.executable, "-m", "firmware.simulator.command", "visit", "--patient", "valid"]
    _, result = shown_visit()
    by_face = result[1]
    came = []
    for _ in range(VISITS_AT_MOST):
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        came.append(done.stdout + done.stderr)
        if by_face in done.stdout.splitlines():
            break
    assert done.returncode == 0, came[-1]
    assert by_face in came[-1].splitlines(), "\n\n".join(came)

    def without_times(lines: list[str]) -> list[str]:
        return [re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d+ ms", "…", line).rstrip() for line in lines]

    assert without_times(done.stdout.splitlines()) == without_times(result)
