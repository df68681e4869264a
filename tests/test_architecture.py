"""The house rules that a program can hold: who imports whom, who waits, what the tree contains."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# --- the table ------------------------------------------------------------------------------------
# Importable by all; they import nothing but each other. How a settings file is read is one way for
# both daemons.
BASE = {"faults", "words", "settings", "settings_file", "settings_lines", "settings_words"}
# May import every room that ships; `app` is made of the four beside it.
COMPOSITION = {
    *("app", "__main__", "bulletin", "checkup", "chores", "desk", "device", "doctor", "errands"),
    *("pairing", "replies", "selfcheck", "site", "staff"),
}
NOT_SHIPPED = {"simulator", "testbench"}
MAY_IMPORT: dict[str, set[str]] = {
    "worker": set(),
    "control": {"link"},  # it listens as the link does
    "clock": set(),
    "notify": set(),
    "owner": set(),
    "watchdog": {"notify"},
    "statement": set(),
    "card": {"worker", "statement"},  # the card worker adds the statement's domain tag itself
    "camera": {"worker"},
    "link": {"statement"},
    "numbering": {"statement"},
    "match": {"card", "camera", "worker"},
    "transaction": {"statement"},
    "findings": {"link"},
    "panel": {"indicator", "transaction"},  # when a sound comes is one table
    "indicator": {"transaction"},
    "hostdriver": {"link", "statement", "notify", "watchdog", "findings"},
    # Its visits are the firmware's own, played on a trace.
    "testbench": {"card", "simulator", "worker", "statement", "transaction", "replies"},
}

# Whoever imports one of these waits, or opens something.
DEVICE_LIBRARIES = {
    *("smartcard", "serial", "picamera2", "libcamera", "gpiozero", "lgpio", "RPi"),
    "onnxruntime",
    *("aiohttp", "sqlite3", "socket", "socketserver", "selectors", "select"),
    *("http.client", "http.server", "urllib.request"),
    *("subprocess", "multiprocessing", "signal", "fcntl", "termios", "pty"),
}
# A core is never a coroutine; these rooms are made of connections.
ASYNC_ROOMS = COMPOSITION | {"hostdriver"}
# A program reads its arguments, starts a loop and ends on a signal; it opens nothing by itself.
PROGRAM_LIBRARIES = {"asyncio", "signal"}
# (module, name): libraries that are pure but for one thing.
DEVICE_NAMES = {
    *(("cv2", "VideoCapture"), ("cv2", "imshow"), ("time", "sleep"), ("os", "system")),
    ("threading", "Thread"),
}


# --- reading the tree -----------------------------------------------------------------------------
def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(module: str) -> str | None:
    """The room of a dotted name, or None when it is not ours."""
    first, *rest = module.split(".")
    if first == "hostdriver":
        return "hostdriver"
    return rest[0] if first == "firmware" and rest else None


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every imported name, dotted, wherever in the file it stands."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def is_shell(path: Path) -> bool:
    """Does the docstring's first paragraph say so?"""
    return "[shell]" in (ast.get_docstring(syntax(path)) or "").split("\n\n")[0]


OURS = python_files("firmware", "hostdriver")
IDS = [name_of(path) for path in OURS]


# --- P1: imports follow the data ------------------------------------------------------------------
def test_rooms_import_only_upstream() -> None:
    reached: dict[str, dict[str, str]] = defaultdict(dict)
    for path in OURS:
        room = room_of(module_of(path))
        if room is None:
            continue
        for other in filter(None, map(room_of, imports(path))):
            reached[room].setdefault(other, name_of(path))
    faults = []
    for room, others in reached.items():
        if room == "simulator":
            continue  # it stands in for every part of the world
        allowed = {room} | BASE
        if room in COMPOSITION:
            allowed |= COMPOSITION | (MAY_IMPORT.keys() - NOT_SHIPPED)
        elif room not in BASE:
            allowed |= MAY_IMPORT.get(room, set())
        faults += [
            f"{where}: {room} reaches into {to}"
            for to, where in others.items()
            if to not in allowed
        ]
    assert faults == []


def test_every_room_has_a_row() -> None:
    rooms = {room for path in OURS if (room := room_of(module_of(path)))}
    assert rooms <= MAY_IMPORT.keys() | BASE | COMPOSITION | NOT_SHIPPED


@pytest.mark.parametrize(
    "path", [p for p in OURS if room_of(module_of(p)) not in NOT_SHIPPED], ids=name_of
)
def test_what_ships_never_names_what_does_not(path: Path) -> None:
    """Not in an import, and not as text for a later one: settings name an entry point."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]
    named = [
        text
        for text in [*imports(path), *texts]
        if re.match(r"firmware\.(simulator|testbench)", text)
    ]
    assert named == []


# --- P2: pure core, thin shell --------------------------------------------------------------------
@pytest.mark.parametrize("path", [p for p in OURS if not is_shell(p)], ids=name_of)
def test_only_shells_touch_the_world(path: Path) -> None:
    forbidden = DEVICE_LIBRARIES | {"asyncio"}
    if room_of(module_of(path)) in ASYNC_ROOMS:
        forbidden -= {"asyncio"}
    if path.stem in {"__main__", "cli"} or path.stem.endswith("command"):
        forbidden -= PROGRAM_LIBRARIES
    touched = {
        name
        for name in imports(path)
        if name.split(".")[0] in forbidden or ".".join(name.split(".")[:2]) in forbidden
    }
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = (node.value.id, node.attr)
            touched |= {".".join(used)} if used in DEVICE_NAMES else set()
    touched |= {name for name in imports(path) if tuple(name.split(".")) in DEVICE_NAMES}
    assert touched == set(), (
        f"say [shell] in the docstring's first paragraph, or move it: {name_of(path)}"
    )


def test_what_calls_itself_pure_imports_no_shell() -> None:
    shells = {module_of(path) for path in OURS if is_shell(path)}
    pure = [path for path in OURS if "Pure" in (ast.get_docstring(syntax(path)) or "")]
    reached = {
        f"{name_of(path)}: {name}"
        for path in pure
        for name in imports(path)
        if name in shells or name.rpartition(".")[0] in shells
    }
    assert pure
    assert reached == set()


# --- P9: what can lock a card passes one gate -----------------------------------------------------
def test_verify_is_called_in_one_place_and_in_no_loop() -> None:
    callers = []
    for path in OURS:
        parents = {
            child: node for node in ast.walk(syntax(path)) for child in ast.iter_child_nodes(node)
        }
        for node in ast.walk(syntax(path)):
            if not (isinstance(node, ast.Attribute) and node.attr == "verify"):
                continue
            if not (isinstance(node.value, ast.Name) and node.value.id == "CommandApdu"):
                continue
            above: ast.AST | None = node
            while above is not None:
                assert not isinstance(
                    above, ast.For | ast.While | ast.AsyncFor | ast.comprehension
                ), path
                above = parents.get(above)
            callers.append(name_of(path))
    assert callers == ["firmware/card/scripts.py"]


# --- the host driver's few needs ------------------------------------------------------------------
IMPORT_THE_HOST = """
import builtins, importlib, pkgutil, sys

FOREIGN = {"numpy", "onnxruntime", "smartcard", "cv2", "aiohttp", "PIL", "gpiozero", "picamera2",
           "onnx"}
UNIX_ONLY = {"fcntl", "pwd", "grp", "termios", "resource", "tty", "pty", "syslog"}
real_import = builtins.__import__

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    first = name.partition(".")[0]
    by_us = (globals or {}).get("__name__", "").partition(".")[0] in {"hostdriver", "firmware"}
    if level == 0 and (first in FOREIGN or (by_us and first in UNIX_ONLY)):
        raise ImportError(f"{(globals or {}).get('__name__')} imports {name}")
    return real_import(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
import hostdriver
names = ["hostdriver", *(m.name for m in pkgutil.walk_packages(hostdriver.__path__, "hostdriver."))]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in FOREIGN)
assert not loaded, loaded
print(len(names))
"""


def test_the_host_driver_imports_without_the_firmwares_libraries() -> None:
    """On a reception PC there is no numpy and, under Windows, no fcntl, pwd, grp or termios."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_THE_HOST],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(python_files("hostdriver"))


# --- every file -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", python_files("firmware", "hostdriver", "models", "benchmarks"), ids=name_of
)
def test_a_module_says_what_it_knows_and_ends_in_time(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.name != "__init__.py" or lines:
        assert ast.get_docstring(syntax(path)), "the first line of a module says what it knows"
    assert len(lines) <= 400, f"{len(lines)} lines: split it by fact"


@pytest.fixture(scope="module")
def tree() -> list[Path]:
    """Every file that git holds or would take."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip(f"not a git working copy: {listed.stderr.strip()}")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def is_binary(path: Path) -> bool:
    fuzzed = path.is_relative_to(ROOT / "tests" / "fuzz" / "corpus")
    return fuzzed or b"\0" in path.read_bytes()[:8192]


def test_no_large_binary_and_no_weights(tree: list[Path]) -> None:
    weights = {".onnx", ".tflite", ".jp2", ".pt", ".pb"}
    assert [name_of(p) for p in tree if p.suffix in weights] == []
    sheets = ROOT / "docs" / "screens"  # each holds every screen of a language
    limit = {p: 400_000 if p.parent == sheets else 100_000 for p in tree if is_binary(p)}
    assert [name_of(p) for p in limit if p.stat().st_size > limit[p]] == []


# A place on somebody's machine, or a package index: written so that this file holds neither.
ELSEWHERE = re.compile(
    r"(?<![\w.])/(?:work|root|mnt|Users)/[\w.]|(?<![\w.])/home/\w"
    r"|pypi\.or[g]/simple|files\.pythonhosted\.or[g]|registry\.npmjs\.or[g]|[-.]pkg\.de[v]\b"
)


def test_the_tree_names_no_machine_and_no_package_index(tree: list[Path]) -> None:
    found = [
        f"{name_of(path)}: {match.group()}"
        for path in tree
        if not is_binary(path)
        for match in ELSEWHERE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_module_is_named_after_nothing() -> None:
    without_fact = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert [name_of(path) for path in OURS if path.stem in without_fact] == []
