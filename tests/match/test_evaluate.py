"""`kazashi-match evaluate` from pictures to report: on the six portraits, and on what is none."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

from firmware.match.command import main
from firmware.match.evaluation.card_photos import CardPhoto, read_back, with_border
from firmware.match.evaluation.groups import parse_groups
from firmware.match.evaluation.result import Evaluation
from firmware.match.jpeg2000 import photo_size

FACE = np.arange(120 * 90, dtype=np.uint8).reshape(120, 90)


def evaluated(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", "--jobs", "1", *map(str, arguments)])


@pytest.fixture(scope="module")
def portraits(build_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six, two of them twice more as a camera would see them a little nearer."""
    folder = tmp_path_factory.mktemp("portraits")
    for path in sorted((build_dir / "simulation" / "faces").glob("person_*.png")):
        pixels = cv2.imread(str(path))
        assert pixels is not None
        for number, size in enumerate((1.0, 0.9, 0.8), 1):
            # person_a_1 was taken years before person_a_2.
            name = f"{path.stem.rsplit('_', 1)[0]}_{path.stem[-1]}{number}.png"
            small = cv2.resize(pixels, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / name), small)
    return folder


@pytest.mark.stack
def test_portraits_are_measured_and_written_down(portraits: Path, tmp_path: Path) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text("identity,group\nperson_a,men\nperson_b,women\nnobody,men\n")
    done = evaluated("--faces", portraits, "--out", tmp_path, "--groups", groups, "--json")
    assert done.exit_code == 0, done.output
    found = msgspec.json.decode((tmp_path / "accuracy.json").read_bytes(), type=Evaluation)
    assert msgspec.json.decode(done.stdout.encode(), type=Evaluation) == found
    one, five, look, visit, *with_fit_photos = found.experiments
    assert [each.photos for each in found.experiments] == ["every picture"] * 4 + [
        "fit pictures"
    ] * 4
    assert [each.name for each in with_fit_photos] == [
        each.name for each in (one, five, look, visit)
    ]
    assert (one.frames, five.frames, look.frames) == ("1", "5", "3–5")
    assert (visit.frames, visit.genuine) == ("3 × 3–5", look.genuine)
    # Four people; a and b in six pictures, c and d in three.
    assert one.genuine == 2 * 6 * 5 + 2 * 3 * 2
    assert one.impostor_pairs == 18 * 18 - 2 * 36 - 2 * 9
    assert (five.genuine, five.people, five.impostor_pairs) == (12, 2, 12 * 12)
    for each in found.experiments:
        at = each.operating_point
        assert at.fmr and at.gfrr
        assert (at.fmr.errors, at.gfrr.errors) == (0, 0)
        assert 0 < at.fmr.upper_95 < 1
        assert [row.group for row in each.groups] == ["men", "women"]
    (portrait_set,) = found.sets
    assert (portrait_set.pictures, portrait_set.people, portrait_set.border) == (18, 4, 0)
    assert portrait_set.people_with_frames == {"1": 4, "5": 2}
    assert 4000 < portrait_set.photo_bytes < 5100
    page = (tmp_path / "accuracy.md").read_text(encoding="utf-8")
    assert found.operating_point["id"] in page
    assert f"| {portrait_set.name} | {one.photos} | {one.name} | men |" in page
    assert (tmp_path / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path) not in page + done.stdout  # a report says nothing of somebody's machine


@pytest.mark.stack
def test_a_photo_that_breaks_the_rules_counts_among_every_picture_and_among_all_refusals(
    portraits: Path, tmp_path: Path
) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    for name in ("person_a_11.png", "person_b_11.png", "person_b_21.png"):
        shutil.copy(portraits / name, faces)
    pixels = cv2.imread(str(portraits / "person_a_21.png"))
    cv2.imwrite(str(faces / "person_a_21.png"), (pixels * 0.15).astype(np.uint8))
    done = evaluated("--faces", faces, "--out", tmp_path, "--frames", "1")
    assert done.exit_code == 0, done.output
    found = msgspec.json.decode((tmp_path / "accuracy.json").read_bytes(), type=Evaluation)
    singles = {each.photos: each for each in found.experiments if each.frames == "1"}
    # The dark one is no live frame; as a photo it is compared only where every picture is one.
    assert {kind: (each.genuine, each.failed) for kind, each in singles.items()} == {
        "every picture": (3, 1),
        "fit pictures": (2, 2),
    }
    (faces_set,) = found.sets
    assert faces_set.failure_to_enrol.reasons == {}
    assert faces_set.unfit_photos.reasons == {"more_light": 1}


@pytest.mark.stack
def test_tight_crops_get_a_border_and_two_processes_find_the_same(
    portraits: Path, tmp_path: Path
) -> None:
    tight = tmp_path / "tight"
    tight.mkdir()
    for path in portraits.glob("*1.png"):
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        height, width = pixels.shape
        crop = pixels[int(0.18 * height) : int(0.78 * height), int(0.2 * width) : int(0.8 * width)]
        cv2.imwrite(str(tight / path.name), crop)
    found = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        done = evaluated("--faces", tight, "--out", out, "--jobs", jobs, "--frames", "1")
        assert done.exit_code == 0, done.output
        found.append(json.loads((out / "accuracy.json").read_text(encoding="utf-8")))
    assert found[0] == found[1]
    assert found[0]["sets"][0]["border"] == 0.26
    assert "of the shorter side" in found[0]["sets"][0]["border_why"]


@pytest.mark.stack
def test_listed_pairs_are_reported_beside_all_pairs(portraits: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    rows = ("0,person_a_11.png,person_a_21.png,1", "0,person_a_11.png,person_b_11.png,0")
    pairs.write_text("\n".join(("fold,a,b,same", *rows)) + "\n")
    done = evaluated("--faces", portraits, "--pairs", pairs, "--out", tmp_path, "--frames", "1")
    assert done.exit_code == 0, done.output
    found = msgspec.json.decode((tmp_path / "accuracy.json").read_bytes(), type=Evaluation)
    assert [each.name for each in found.experiments[:2]] == [
        "listed pairs, 1 frame",
        "all pairs, 1 frame",
    ]
    listed, crossed = found.experiments[:2]
    assert (listed.genuine, listed.impostor_pairs) == (1, 1)
    # Nobody else is looked at: two people of six pictures.
    assert (crossed.genuine, crossed.impostor_pairs) == (2 * 6 * 5, 2 * 36)


@pytest.mark.stack
def test_what_is_no_picture_is_named_or_left_out(portraits: Path, tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    for name in ("person_a_11.png", "person_a_21.png", "person_b_11.png", "person_b_21.png"):
        shutil.copy(portraits / name, faces)
    (faces / "person_c_1.jpg").write_text("no picture")
    (faces / "person_d_1.png").write_bytes((portraits / "person_d_11.png").read_bytes()[:60])
    done = evaluated("--faces", faces, "--out", tmp_path)
    assert done.exit_code == 1
    assert "person_c_1.jpg is no picture" in done.output
    nowhere = faces / "person_c_1.jpg" / "out"  # told before anything is measured
    done = evaluated("--faces", faces, "--out", nowhere, "--skip-broken")
    assert (done.exit_code, "pictures" in done.output) == (2, False)
    done = evaluated("--faces", faces, "--out", tmp_path, "--skip-broken", "--frames", "1")
    assert done.exit_code == 0, done.output
    found = msgspec.json.decode((tmp_path / "accuracy.json").read_bytes(), type=Evaluation)
    assert (found.sets[0].pictures, found.sets[0].left_out) == (4, 2)


@pytest.mark.stack
def test_without_a_library_for_curves_the_figures_are_there(
    portraits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = evaluated("--faces", portraits, "--out", tmp_path, "--frames", "1")
    assert done.exit_code == 0, done.output
    assert "pip install 'kazashi[plots]'" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accuracy.json", "accuracy.md"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("fold,a,b,same\n0,person_a_1,person_b_1,2\n", "pairs.csv:2: '2' is neither 1"),
        ("fold,a,b,same\n0,person_a_1,person_x_1,0\n", "pairs.csv:2: a picture that is not in"),
    ],
)
def test_a_line_of_a_list_that_is_wrong_is_named(tmp_path: Path, rows: str, said: str) -> None:
    for name in ("person_a_1", "person_a_2", "person_b_1"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), FACE)
    (tmp_path / "pairs.csv").write_text(rows)
    done = evaluated("--faces", tmp_path, "--pairs", tmp_path / "pairs.csv", "--out", tmp_path)
    assert done.exit_code == 1
    assert said in done.output


@pytest.mark.stack
@pytest.mark.parametrize("names", [("a_1", "a_2"), ("a_1", "b_1", "c_1")])
def test_too_few_people_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        cv2.imwrite(str(tmp_path / f"{name}.png"), FACE)
    done = evaluated("--faces", tmp_path, "--out", tmp_path / "out")
    assert (done.exit_code, "too few people" in done.output) == (1, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.stack
def test_pictures_without_faces_are_refused(tmp_path: Path) -> None:
    for name in ("a_1", "a_2", "b_1"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), FACE)
    done = evaluated("--faces", tmp_path, "--out", tmp_path / "out")
    assert (done.exit_code, "of nobody were two pictures fit" in done.output) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--faces", "nowhere"),
        ("--faces", ".", "--frames", "0"),
        ("--faces", ".", "--frames", "1,five"),
        ("--faces", ".", "--border", "wide"),
        ("--faces", ".", "--photo-bytes", "10"),
        ("--faces", ".", "--pairs", "nothing.csv"),
    ],
)
def test_wrong_use_is_said_before_any_work(arguments: tuple[str, ...]) -> None:
    assert evaluated(*arguments).exit_code == 2


def test_help_has_examples() -> None:
    shown = evaluated("--help").output
    assert "kazashi-match evaluate --faces lfw-grey --pairs lfw-grey-pairs.csv" in shown


@pytest.mark.parametrize("file_bytes", [1500, 5000])
def test_a_stored_photo_has_about_the_bytes_and_exactly_the_pixels(file_bytes: int) -> None:
    noisy = np.random.default_rng(1).integers(0, 256, (300, 240), np.uint8)
    stored = CardPhoto(file_bytes, 240, 320).store(noisy)
    assert 0.8 * file_bytes < len(stored) < 1.1 * file_bytes
    size = photo_size(stored)
    assert (size.width, size.height) == (240, 320)
    assert read_back(stored).shape == (320, 240)


def test_a_shape_that_does_not_fit_gets_bars_and_is_not_stretched() -> None:
    white = np.full((100, 100), 255, np.uint8)
    photo = read_back(CardPhoto(60_000, 100, 200).store(white))
    assert photo[:40].mean() == pytest.approx(127, abs=3)
    assert photo[60:140].mean() == pytest.approx(255, abs=3)


@pytest.mark.parametrize("shape", [(1, 1), (4000, 1), (1, 4000), (3, 2000), (7, 9)])
def test_pictures_of_any_shape_can_be_stored(shape: tuple[int, int]) -> None:
    height, width = read_back(CardPhoto().store(np.zeros(shape, np.uint8))).shape
    assert width == 240
    assert 16 <= height <= 720


def test_a_border_is_grey_and_as_wide_as_asked_for() -> None:
    bordered = with_border(FACE, 0.25)
    assert bordered.shape == (180, 150)
    assert (bordered[:30] == 127).all()
    assert (bordered[30:150, 30:120] == FACE).all()


def test_groups_are_lists_of_people_and_wrong_lines_are_named() -> None:
    groups = parse_groups("identity,group\na,old\nb,old\na,men\n\n", "f")
    assert groups == {"old": {"a", "b"}, "men": {"a"}}
    for text, said in (("a\n", "f:1"), ("a,b\nc,\n", "f:2"), ("", "nobody")):
        with pytest.raises(Exception, match=said):
            parse_groups(text, "f")
