"""A settings file that is wrong is told so: every fault of it, each with its line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from firmware.__main__ import main as firmware
from firmware.faults import BadSettings, SettingsRejected
from firmware.settings import Settings, read_settings
from firmware.settings_file import complaints_about
from firmware.settings_lines import KeyPath, key_lines, line_of
from firmware.staff import hash_passcode, staff_with
from hostdriver.__main__ import main as hostdriver
from hostdriver.settings import Settings as HostSettings
from hostdriver.settings import read_settings as read_host_settings

WELL = 'state_dir = "state"\nruntime_dir = "run"\n'


def complaints(tmp_path: Path, text: str) -> list[str]:
    """What is said of a firmware's file, without the file's name."""
    path = tmp_path / "firmware.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsRejected) as caught:
        read_settings(path)
    said = [each.removeprefix(f"{path}:") for each in caught.value.complaints]
    assert str(caught.value).splitlines() == [f"{path}:{each}" for each in said]
    return said


# --- what is told
MISTAKES = {
    "unknown key": ("devise_id = 1", '3: unknown key "devise_id": did you mean "device_id"?'),
    "unlike any": ("xyzzy = 1", '3: unknown key "xyzzy"'),
    "unknown table": ("[visio]\nthreads = 1", '3: unknown key "visio": did you mean "vision"?'),
    "in a table": (
        '[vision]\nface_calmera = "pi:0"',
        '4: unknown key "vision.face_calmera": did you mean "face_camera"?',
    ),
    "before its table": ("threads = 2", '3: unknown key "threads": did you mean "vision.threads"?'),
    "wrong type": ('panel_port = "8770"', "3: panel_port must be a whole number"),
    "out of range": ("pins.red = 28", "3: pins.red must be a whole number from 0 to 27"),
    "not a word": ('language = "jp"', '3: language must be one of "ja", "ja_easy", "en", "zh"'),
    "nearly a word": (
        'methods = [\n  "face",\n  "pni",\n]',
        '"phone": did you mean "pin"?',
    ),
    "no list": ('methods = "pin"', "3: methods must be a list, of which each is one of "),
    "an empty list": ("[card]\nreader = []", "4: card.reader must be text in quotes, not empty"),
    "not a table": ("card = 1", "3: card must be a table"),
    "a table too many": ("[language]\nname = 1", "3: language must be one of"),
    "an inline table": ('card = { reder = "x" }', '3: unknown key "card.reder": did you mean "re'),
    "two parts on a pin": ("[pins]\nred = 5\ngreen = 5", "3: pins: two parts are on one pin"),
    "half a person": ('[[staff]]\nstaff_id = "a"', '3: "staff[0].passcode" is missing'),
    "a second person": (
        '[[staff]]\nstaff_id = "a"\npasscode = "00$11"\n'
        '[[staff]]\nstaff_id = 1\npasscode = "00$11"',
        "7: staff[1].staff_id must be text in quotes",
    ),
    "a passcode as it is typed": (
        '[[staff]]\nstaff_id = "a"\npasscode = "2468"',
        "5: staff[0].passcode must be text in quotes, of the form",
    ),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (only,) = complaints(tmp_path, WELL + text)
    assert said in only
    assert only[0].isdigit()
    assert "2468" not in only, "a value may be a secret"


def test_all_mistakes_are_told_at_once_in_order(tmp_path: Path) -> None:
    text = '# 1\nstate_dir = 3\n\nlokks = 3\n[card]\nreader = ""\n\n[vision] # 8\nthreads = "x"\n'
    assert complaints(tmp_path, text) == [
        '1: "runtime_dir" is missing',
        "2: state_dir must be text in quotes",
        '4: unknown key "lokks": did you mean "looks"?',
        "6: card.reader must be text in quotes, not empty, or a list of 1 or more, "
        "of which each is text in quotes, not empty",
        "9: vision.threads must be a whole number",
    ]


NO_TOML = {
    "no value": ("a =", "3:4: Invalid value: here the file ends"),
    "open quotes": ('a = "x\nb = 1', "3:7: Illegal character"),
    "twice": ("looks = 1\nlooks = 2", "4:10: Cannot overwrite a value"),
    "never closed": ("a = [1,", "3: Invalid value: here the file ends"),
    "words": ("hello", "3:6: Expected '=' after a key"),
}


@pytest.mark.parametrize(("text", "said"), NO_TOML.values(), ids=NO_TOML)
def test_what_is_no_toml_is_told_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    (only,) = complaints(tmp_path, WELL + text)
    assert only.split(":")[0] == said.split(":", maxsplit=1)[0]
    assert said.rpartition(": ")[2] in only


def test_other_bytes_than_text_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "firmware.toml"
    path.write_bytes(WELL.encode() + b'hotline = "\xff"')
    with pytest.raises(SettingsRejected, match=r":3:12: this is not UTF-8"):
        read_settings(path)


def test_tables_that_a_site_names_are_walked_too(tmp_path: Path) -> None:
    path = tmp_path / "hostdriver.toml"
    path.write_text(
        f'{WELL}[readers.front]\nlink = "usb:1"\n[readers."the back"]\nlnk = "unix:x"\n'
        "[limits]\ngrace_s = 0\n[face_folder]\n"
    )
    with pytest.raises(SettingsRejected) as caught:
        read_host_settings(path)
    assert [each.removeprefix(f"{path}:") for each in caught.value.complaints] == [
        "4: readers.front.link must be text in quotes, of the form (unix|serial):.+",
        '5: readers: "the back" must be text in quotes, of the form [A-Za-z0-9._-]{1,64}',
        '6: unknown key "readers.the back.lnk": did you mean "link"?',
        "8: limits.grace_s must be a number above 0",
        '9: "face_folder.path" is missing',
    ]


# --- whatever the file holds
@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "firmware.toml"
    path.write_bytes(content)
    with contextlib.suppress(BadSettings):
        read_settings(path)


VALUES = st.recursive(
    st.booleans()
    | st.integers(-5, 70_000)
    | st.text(max_size=5)
    | st.sampled_from(["face", "pi:0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Settings.__struct_fields__, *HostSettings.__struct_fields__, "link"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", [Settings, HostSettings])
@given(values=st.dictionaries(st.sampled_from(Settings.__struct_fields__), VALUES, max_size=6))
def test_there_is_a_complaint_exactly_when_msgspec_refuses(
    kind: type[msgspec.Struct], values: dict[str, Any]
) -> None:
    document = {"state_dir": "s", "runtime_dir": "r"} | values
    try:
        msgspec.convert(document, kind, str_keys=True)
    except msgspec.ValidationError:
        assert list(complaints_about(document, kind))
    else:
        assert list(complaints_about(document, kind)) == []


# --- where a key stands
SCALARS = st.integers() | st.text(st.sampled_from("ab\n\"'[]#= \r漢"), max_size=8) | st.booleans()
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(
            st.tuples(st.text(st.sampled_from("ab \"'.[]#=\\é漢"), max_size=3), inner), max_size=3
        ).map(lambda pairs: {f"{name}": value for name, value in pairs})
    ),
    max_leaves=12,
)


def numbered(value: Any, numbers: Iterator[int]) -> Any:
    """The same, with every key beginning with a number that no other has."""
    if isinstance(value, dict):
        return {f"k{next(numbers)}_{key}": numbered(part, numbers) for key, part in value.items()}
    return [numbered(part, numbers) for part in value] if isinstance(value, list) else value


def keys_in_tables(value: dict[str, Any], at: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key that holds no table, reached through tables alone."""
    for key, inside in value.items():
        if isinstance(inside, dict):
            yield from keys_in_tables(inside, (*at, key))
        elif not (isinstance(inside, list) and any(isinstance(part, dict) for part in inside)):
            yield (*at, key)


@given(st.lists(TREES, min_size=1, max_size=4), st.booleans())
def test_every_key_is_on_the_line_that_is_told(trees: list[Any], multiline: bool) -> None:
    document = numbered({str(at): tree for at, tree in enumerate(trees)}, count(1000))
    text = tomli_w.dumps(document, multiline_strings=multiline)
    lines, written = key_lines(text), text.split("\n")
    for path in keys_in_tables(document):
        own = str(path[-1]).partition("_")[0]
        assert written[lines[path] - 1].lstrip("\"'").startswith(own)
    for path, number in lines.items():
        named = [key.partition("_")[0] for key in path if isinstance(key, str)]
        assert any(name in written[number - 1] for name in named)


def test_lines_of_every_way_to_write_a_key() -> None:
    text = (
        "a = 1\n"  # 1
        'b.c = """\n'  # 2
        "d = 1\n"
        '[e]\n"""\n'
        "\n"
        "[f]  # g = 1\n"  # 7
        "list = [\n  1,  # ]\n  { h = 1 },\n]\n"  # 8
        "[[i]]\n"  # 12
        "k = 1\n"
        "[i.l]\n"  # 14
        "m = 1\n"
        "[[i]]\r\n"  # 16
        "'k' = 2\n"
        '[[i."n.o"]]\n'  # 18
        "p = 1"
    )
    expected: dict[KeyPath, int] = {
        ("a",): 1,
        ("b", "c"): 2,
        ("f",): 7,
        ("f", "list"): 8,
        ("f", "list", 1, "h"): 8,
        ("i", 0): 12,
        ("i", 0, "k"): 13,
        ("i", 0, "l"): 14,
        ("i", 0, "l", "m"): 15,
        ("i", 1): 16,
        ("i", 1, "k"): 17,
        ("i", 1, "n.o", 0, "p"): 19,
    }
    lines = key_lines(text)
    assert {path: lines[path] for path in expected} == expected
    assert ("d",) not in lines
    assert line_of(("f", "nothing", "there"), lines) == 7
    assert line_of(("nowhere",), lines) == 1


# --- the programs
def test_both_daemons_tell_every_mistake_and_end_with_two(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('sttae_dir = "x"\nruntime_dir = 1\n')
    for program, main, extra in (
        ("kazashi-firmware", firmware, []),
        ("kazashi-hostdriver", hostdriver, []),
        ("kazashi-hostdriver", hostdriver, ["--check"]),
    ):
        done = CliRunner().invoke(main, ["--settings", str(path), *extra])
        assert done.exit_code == 2
        assert done.stderr.splitlines() == [
            f'{program}: {path}:1: "state_dir" is missing',
            f'{program}: {path}:1: unknown key "sttae_dir": did you mean "state_dir"?',
            f"{program}: {path}:2: runtime_dir must be text in quotes",
        ]


def test_the_host_drivers_settings_are_checked_without_starting_it(tmp_path: Path) -> None:
    path = tmp_path / "hostdriver.toml"
    path.write_text(f'state_dir = "{tmp_path}/state"\nruntime_dir = "{tmp_path}/run"\n')
    done = CliRunner().invoke(hostdriver, ["--settings", str(path), "--check"])
    assert (done.exit_code, done.output) == (0, f"{path}: nothing is wrong\n")
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_passcode_is_made_as_the_settings_take_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(firmware, ["passcode"], input="2468\n2468\n")
    assert done.exit_code == 0
    line = done.stdout.strip()
    path = tmp_path / "firmware.toml"
    path.write_text(f'{WELL}[[staff]]\nstaff_id = "tanaka"\n{line}\n')
    assert staff_with(b"2468", read_settings(path).staff) == "tanaka"
    assert staff_with(b"2469", read_settings(path).staff) is None
    assert hash_passcode(b"2468") not in line, "salted anew each time"
    assert CliRunner().invoke(firmware, ["passcode"], input="24\n24\n").exit_code == 2
