"""Ours beside its peers, in the same run: speed, error rates, instructions, a Pi's limits.

\b
    python benchmarks/peers.py all [--faces DIR]
    python benchmarks/peers.py engines | pipelines | errors | jpeg2000 | instructions |
                                device | roofline

Peers are installed into environments of their own (build/peers…, from benchmarks/peers….lock); what
has no wheel here is named and left out. Findings go into benchmarks/results/peers.{json,md,png}:
each part that is run takes the place of its last run, the others stay. docs/BENCHMARKS.md says how
to read them. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from contest.engine_race import engine_tables
from contest.environment import OPENCV4_LOCK, prepared
from contest.goals import goals
from contest.graphs import networks
from contest.instructions import count_instructions
from contest.jpeg2000_race import jpeg2000_tables
from contest.macs import work_of
from contest.pipeline_race import pipeline_errors, pipeline_tables, portrait
from contest.plot import draw
from contest.report import SECTIONS, keep, page, repeatable
from contest.roofline import estimates

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for."""

    results: Path
    work: Path
    rounds: int
    as_json: bool


@click.group(help=__doc__)
@click.option("--results", type=click.Path(path_type=Path), default=ROOT / "benchmarks/results")
@click.option("--work", type=click.Path(path_type=Path), default=ROOT / "build/contest")
@click.option("--rounds", type=click.IntRange(3), default=25, help="of everybody in turn")
@click.option("--json", "as_json", is_flag=True, help="print what was found as JSON")
@click.pass_context
def main(context: click.Context, results: Path, work: Path, rounds: int, as_json: bool) -> None:
    context.obj = Run(results.resolve(), work.resolve(), rounds, as_json)


@main.command()
@click.option("--threads", type=int, multiple=True, default=(1, 2), show_default=True)
@click.pass_obj
def engines(run: Run, threads: tuple[int, ...]) -> None:
    """The same networks in ONNX Runtime, OpenCV DNN, ncnn, OpenVINO and LiteRT."""
    found = list(engine_tables(prepared(), threads, run.rounds, run.work / "engines"))
    _tell(run, "engines", found)


@main.command()
@click.pass_obj
def pipelines(run: Run) -> None:
    """Whole frames: ours, OpenCV's face modules, dlib as face_recognition calls it."""
    tables = pipeline_tables(prepared(), prepared(OPENCV4_LOCK), run.rounds, run.work / "pipelines")
    _tell(run, "pipelines", list(tables))


@main.command()
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--people", type=int, default=10_000, help="of each set, at most about so many")
@click.pass_obj
def errors(run: Run, faces: Path | None, people: int) -> None:
    """FNMR at FMR 1e-4 of those pipelines, on one folder of faces."""
    if faces is None:
        click.echo("errors: skipped, since no folder of faces was named (FACES=DIR)", err=True)
        return
    _tell(run, "errors", list(pipeline_errors(prepared(), faces, people, run.work)))


@main.command()
@click.pass_obj
def jpeg2000(run: Run) -> None:
    """JPEG 2000 decoders on a card's photo, and our decoder in its sandbox."""
    _tell(run, "jpeg2000", list(jpeg2000_tables(prepared(), run.rounds, run.work / "jpeg2000")))


@main.command()
@click.pass_obj
def instructions(run: Run) -> None:
    """Instructions of one embedding and one look, counted by callgrind (minutes)."""
    _tell(run, "instructions", count_instructions(portrait()))


@main.command()
@click.pass_obj
def roofline(run: Run) -> None:
    """What a Pi 4 and a Pi 5 could reach at best: computed, not measured."""
    _tell(
        run,
        "roofline",
        list(estimates((n.name, work_of(n.path)) for n in networks() if n.is_exact)),
    )


@main.command()
@click.option("--visits", type=int, default=10, show_default=True)
@click.pass_obj
def device(run: Run, visits: int) -> None:
    """CPU with nobody there and memory of every process, by benchmarks/idle.py."""
    idle = [sys.executable, str(ROOT / "benchmarks" / "idle.py"), "--json", "--visits", str(visits)]
    done = subprocess.run(idle, check=False, stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        raise SystemExit("device: benchmarks/idle.py measured nothing (its reason stands above)")
    _tell(run, "device", json.loads(done.stdout))


@main.command(name="all")
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--people", type=int, default=10_000, help="of each set, at most about so many")
@click.pass_context
def everything(context: click.Context, faces: Path | None, people: int) -> None:
    """Every part, one after the other."""
    parts: tuple[Callable[..., Any], ...] = (
        *(roofline, engines, pipelines, jpeg2000, instructions, device),
    )
    for part in parts:
        context.invoke(part)
    context.invoke(errors, faces=faces, people=people)
    kept = json.loads((context.obj.results / "peers.json").read_text(encoding="utf-8"))
    missed = [goal for goal in goals(kept) if not goal.kept]
    for goal in missed:
        click.echo(f"missed: {goal.text} ({goal.seen})", err=True)
    context.exit(1 if missed else 0)


def _tell(run: Run, part: str, found: Any) -> None:
    """Keep a part's findings, write page and plot anew, and print the part."""
    every = keep(run.results, part, repeatable(sys.argv[1:]), found)
    (run.results / "peers.md").write_text(page(every), encoding="utf-8")
    draw(run.results / "peers.png", every)
    if run.as_json:
        click.echo(json.dumps({part: msgspec.to_builtins(found)}, indent=1, ensure_ascii=False))
    else:
        title, body = SECTIONS[part]
        click.echo("\n".join([title, "", *body(every[part]["found"])]))


if __name__ == "__main__":
    main()
