"""Folders of faces, and lists of pairs of them: who is who, and what is refused with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.faults import EvaluationRefused, MalformedPairs
from firmware.match.evaluation.face_folders import Picture, read_faces, split_by_identity
from firmware.match.evaluation.pairs import Pair, Row, parse_pairs, place, read_pairs


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"never opened here")
    return folder


def people(folder: Path, pattern: str | None = None) -> dict[str, list[tuple[str, str | None]]]:
    return {
        each.name: [(picture.person, picture.session) for picture in each.pictures]
        for each in read_faces(folder, pattern).sets
    }


def test_names_with_numbers(tmp_path: Path) -> None:
    files(tmp_path / "lfw", "Ana_de_la_Cruz_0001.jpg", "Ana_de_la_Cruz_0012.JPG", "Bo_0001.png")
    files(tmp_path / "lfw", "README.md", "list.csv", ".hidden_0001.jpg")
    ana = ("Ana_de_la_Cruz", None)
    assert people(tmp_path / "lfw") == {"lfw": [ana, ana, ("Bo", None)]}


def test_names_with_sessions(tmp_path: Path) -> None:
    files(tmp_path / "live", "0001_00_00_02_10.jpg", "0001_01_00_03_7.jpg", "0002_00_00_02_1.jpg")
    found = people(tmp_path / "live")
    assert list(found.values()) == [[("0001", "02"), ("0001", "03"), ("0002", "02")]]


def test_a_sub_folder_for_each_person(tmp_path: Path) -> None:
    files(tmp_path / "orl", "s1/1.pgm", "s1/2.pgm", "s2/2024_05.png", "Bo/Bo_0001.jpg")
    assert people(tmp_path / "orl") == {
        "orl": [("Bo", None), ("s1", None), ("s1", None), ("s2", None)]
    }


def test_several_sets_are_told_apart_and_attacks_are_left_out(tmp_path: Path) -> None:
    files(tmp_path, "lfw-grey/Ana_0001.jpg", "lfw-grey/Bo_0001.jpg", "lfw-grey-pairs.csv")
    files(
        tmp_path,
        *(f"nuaa/{kind}/000{i}_00_00_01_0.jpg" for kind in ("live", "print") for i in (1, 2)),
    )
    found = read_faces(tmp_path)
    assert [each.name for each in found.sets] == ["lfw-grey", "nuaa/live"]
    assert found.left_out == (tmp_path / "nuaa" / "print",)
    # Whoever names it means it.
    assert [each.folder.name for each in read_faces(tmp_path / "nuaa" / "print").sets] == ["print"]


def test_a_pattern_says_who_is_who(tmp_path: Path) -> None:
    files(
        tmp_path, "ward/2024-05-01/p7-a.jpg", "ward/2024-06-01/p7-b.jpg", "ward/2024-06-01/p8-a.jpg"
    )
    pattern = r"(?P<session>[\d-]+)/(?P<person>p\d+)-"
    (found,) = people(tmp_path, pattern).values()
    assert found == [("p7", "2024-05-01"), ("p7", "2024-06-01"), ("p8", "2024-06-01")]


@pytest.mark.parametrize(
    ("names", "pattern", "said"),
    [
        ((), None, "holds no pictures"),
        (("notes.txt",), None, "holds no pictures"),
        (("Bo_0001.jpg", "holiday.jpg"), None, r"holiday\.jpg: its name says neither"),
        (("Bo_0001.jpg",), "(?P<person>", "no regular expression"),
        (("Bo_0001.jpg",), "Bo", "no group"),
        (("Bo_0001.jpg",), r"(?P<person>Ana)", r"Bo_0001\.jpg: the identity pattern finds nobody"),
        ((), "(?P<person>.+)", "holds no pictures"),
    ],
)
def test_folders_without_people_are_refused(
    tmp_path: Path, names: tuple[str, ...], pattern: str | None, said: str
) -> None:
    with pytest.raises(EvaluationRefused, match=said):
        read_faces(files(tmp_path, *names), pattern)


def test_no_folder_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationRefused, match=r"there is no folder .*elsewhere"):
        read_faces(tmp_path / "elsewhere")


def test_halves_share_nobody_and_do_not_depend_on_who_else_is_there() -> None:
    everybody = [f"person {index}" for index in range(1000)]
    first, second = split_by_identity(everybody, 3)
    assert first | second == set(everybody)
    assert not first & second
    assert 400 < len(first) < 600
    assert split_by_identity(everybody[:100], 3)[0] == first & set(everybody[:100])
    assert split_by_identity(everybody, 4)[0] != first


def test_a_list_with_a_header_in_any_order_and_one_without() -> None:
    headed = parse_pairs("same,b,fold,a\n1,x_2.jpg,7,x_1.jpg\n\n0,y_1.jpg,7,x_1.jpg\n", "f")
    assert headed == (
        Row(2, "x_1.jpg", "x_2.jpg", True, "7"),
        Row(4, "x_1.jpg", "y_1.jpg", False, "7"),
    )
    assert parse_pairs("x_1.jpg x_2.jpg 1\n3\tx_1.jpg\ty_1.jpg\t0", "f") == (
        Row(1, "x_1.jpg", "x_2.jpg", True),
        Row(2, "x_1.jpg", "y_1.jpg", False, "3"),
    )


def test_the_list_of_lfw_itself() -> None:
    text = "10\t300\nAbel_Pacheco\t1\t4\nAbdel_Madi\t1\tDean_Barker\t12\n"
    assert parse_pairs(text, "pairs.txt") == (
        Row(2, "Abel_Pacheco_0001", "Abel_Pacheco_0004", True),
        Row(3, "Abdel_Madi_0001", "Dean_Barker_0012", False),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f: no pairs"),
        ("fold,a,b,same\n", "f: no pairs below"),
        ("fold,a,b,same\n0,x,y,1\n0,x,y\n", "f:3: 3 columns, fewer than the header has"),
        ("fold,a,b,same\n0,x,y,maybe\n", "f:2: 'maybe' is neither 1"),
        ("fold,a,b,same\n0,x,,1\n", "f:2: a picture without a name"),
        ("x y 1\nx x 1\n", "f:2: x is compared with itself"),
        ("x y 1\nx y 1 2 3\n", "f:2: 5 columns"),
        ("x y 1\nx y\n", "f:2: 2 columns"),
    ],
)
def test_a_line_that_says_nothing_is_named(text: str, said: str) -> None:
    with pytest.raises(MalformedPairs, match=said):
        parse_pairs(text, "f")


def test_files_that_are_no_lists_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    for name in ("absent", "binary"):
        with pytest.raises(MalformedPairs, match=name):
            read_pairs(tmp_path / name)


def test_pictures_of_a_list_are_found_by_path_name_or_stem() -> None:
    folder = Path("faces")
    pictures = [Picture(folder / name, "p") for name in ("a/x.jpg", "a/y.jpg", "b/y.jpg")]
    rows = (Row(1, "x", "a/y.jpg", True), Row(2, "x.jpg", "b/y.jpg", False), Row(3, "x", "z", True))
    placed = place(rows, pictures, folder)
    assert placed.pairs == (Pair(0, 1, True), Pair(0, 2, False))
    assert placed.missing == (3,)
    with pytest.raises(MalformedPairs, match="line 9: a name that 2 pictures have"):
        place((Row(9, "x", "y.jpg", True),), pictures, folder)
