"""The corpus stays without a finding, meets the parsers' lines, and the fuzzer finds known bugs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import HERE, ROOT, fuzz
from seeds import seeds
from targets import CORPUS, TARGETS

LEAST_COVERED_PERCENT = 95
LARGEST_CORPUS_BYTES = 400_000
# Each patch takes one line of care away; the target that has to notice.
BUGS = {
    "length_reaches_past_the_end": "tlv",
    "dates_of_any_bytes": "card_face",
    "tries_that_nobody_counted": "answers",
}
LIMIT_S = 240  # each takes less than 60 s on a quiet machine; the first finding ends it

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine"
)


def test_every_target_has_a_corpus_and_the_corpus_is_small() -> None:
    assert set(TARGETS) == {path.name for path in CORPUS.iterdir()}
    assert sum(path.stat().st_size for path in CORPUS.glob("*/*")) < LARGEST_CORPUS_BYTES


def test_the_corpus_finds_nothing_and_meets_the_parsers(tmp_path: Path) -> None:
    data, report = tmp_path / "data", tmp_path / "report.json"
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", f"--data-file={data}", "--source=firmware,hostdriver"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*run, str(HERE / "replay.py")], check=True, cwd=ROOT, env=environment)
    subprocess.run(
        [*coverage, "json", "--quiet", f"--data-file={data}", "-o", str(report)],
        check=True,
        cwd=ROOT,
    )
    files = json.loads(report.read_bytes())["files"]
    modules = [module for target in TARGETS.values() for module in target.modules]
    percents = {
        module: files[module.replace(".", "/") + ".py"]["summary"]["percent_covered"]
        for module in modules
    }
    assert {name: part for name, part in percents.items() if part < LEAST_COVERED_PERCENT} == {}


@needs_atheris
@pytest.mark.parametrize(("bug", "name"), BUGS.items())
def test_a_known_bug_is_found_from_one_right_input(tmp_path: Path, bug: str, name: str) -> None:
    for package in ("firmware", "hostdriver"):
        shutil.copytree(ROOT / package, tmp_path / package)
    patch = HERE / "bugs" / f"{bug}.patch"
    subprocess.run(["git", "apply", str(patch)], check=True, cwd=tmp_path)
    right = next(content for target, content in seeds() if target == name)
    (tmp_path / "corpus" / name).mkdir(parents=True)
    (tmp_path / "corpus" / name / "right").write_bytes(right)
    report = fuzz(
        name, LIMIT_S, tmp_path / "out", seed=1, root=tmp_path, corpus=tmp_path / "corpus"
    )
    assert report.finding, f"{report.runs} runs found nothing"


@needs_atheris
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run_finds_nothing(tmp_path: Path, name: str) -> None:
    report = fuzz(name, 2, tmp_path, seed=1)
    assert not report.finding, report.finding
    assert report.runs > len(list((CORPUS / name).iterdir()))


@needs_atheris
def test_a_process_that_cannot_even_start_is_no_clean_run(tmp_path: Path) -> None:
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "__init__.py").write_text('raise RuntimeError("a broken tree")\n')
    assert "a broken tree" in fuzz("tlv", 1, tmp_path / "out", root=tmp_path).finding
