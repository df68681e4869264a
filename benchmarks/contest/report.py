"""What a run found, kept as JSON part by part, and written as a page and a plot for people."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from contest.engine_race import machine
from contest.goals import goals
from contest.ring import ROOT

Json = dict[str, Any]
FOLDERS = ("--faces", "--results", "--work")
TITLE = """\
# Ours beside its peers

Written by `make bench`; `docs/BENCHMARKS.md` says how to read it. Every table comes from one run in
which all contestants took turns, each in a process of its own. A ratio is the median over the
rounds of two times within one round; what stands in brackets are the quartiles. CPU time leaves out
the time in which other programs had the processor, so it is the steadier one on a busy machine.
"""


def repeatable(arguments: Sequence[str]) -> str:
    """The command as anybody may give it: folders of this machine are named DIR, or left out."""
    told, rest = ["python", "benchmarks/peers.py"], iter(arguments)
    for argument in rest:
        name, equals, _ = argument.partition("=")
        if name not in FOLDERS:
            told.append(argument)
            continue
        if not equals:
            next(rest, None)
        if name == "--faces":
            told += [name, "DIR"]
    return shlex.join(told)


def keep(results: Path, part: str, command: str, found: Any) -> Json:
    """Put a part's findings into peers.json, with commit and machine; all parts so far."""
    file = results / "peers.json"
    every: Json = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    every[part] = {
        "command": command,
        "commit": commit(),
        "machine": machine(),
        "found": msgspec.to_builtins(found),
    }
    results.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(every, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return every


def commit() -> str:
    """The commit of the working copy, and whether there is more in it than that."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True
    ).stdout.strip()
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", "firmware", "models", "benchmarks/contest"],
        check=False,
        capture_output=True,
        text=True,
    ).stdout
    return f"{name} with changes" if changed else name or "no commit"


def page(every: Json) -> str:
    """The whole report in Markdown."""
    parts = [TITLE, "![Ratios and error rates](peers.png)\n"]
    parts += [*_goals(every), ""]
    parts += [_section(name, every[name]) for name in SECTIONS if name in every]
    return "\n".join(parts)


def _goals(every: Json) -> Iterator[str]:
    yield "| goal | seen | |"
    yield "|---|---|---|"
    for goal in goals(every):
        yield f"| {goal.text} | {goal.seen} | {'kept' if goal.kept else '**missed**'} |"


def _section(name: str, part: Json) -> str:
    title, body = SECTIONS[name]
    lines = [f"## {title}\n", *body(part["found"])]
    lines.append(f"\n`{part['command']}` at commit {part['commit']}; {part['machine']}.\n")
    return "\n".join(lines)


def spread(ratio: Json) -> str:
    """A median and its quartiles."""
    return f"**{ratio['median']:.2f}** ({ratio['low']:.2f}–{ratio['high']:.2f})"


def _rows(standings: list[Json]) -> Iterator[str]:
    yield "| | ms | CPU ms | to the best | to the best in CPU time |"
    yield "|---|---|---|---|---|"
    for row in standings:
        yield (
            f"| {row['name']} | {row['wall_ms']:.2f} | {row['cpu_ms']:.2f} "
            f"| {spread(row['to_best'])} | {spread(row['to_best_cpu'])} |"
        )


def _race(title: str, table: Json) -> Iterator[str]:
    yield f"### {title}, {table['rounds']} rounds\n"
    yield from _rows(table["standings"])
    yield ""


def _absent(absent: Json) -> Iterator[str]:
    for name, reason in absent.items():
        yield f"- left out: {name} ({reason})"


def _engines(tables: list[Json]) -> Iterator[str]:
    yield (
        "The same networks, in fp32 and in int8, outputs compared with ours first.\n"
        "Ours is timed from the grey picture on, in the form for its processor, the others from\n"
        "the finished input. Of the forms that an engine was given (as shipped, with max(x, a·x);\n"
        "with PRelu) the faster one counts.\n"
    )
    for table in tables:
        threads = "one thread" if table["threads"] == 1 else f"{table['threads']} threads"
        yield from _race(f"{table['network']}, {threads}", table)
        if table["differences"]:
            greatest = max(table["differences"].values())
            yield f"Outputs: at most {greatest:.1e} of the greatest value from ours.\n"
        yield from _absent(table["absent"])
        yield ""


def _pipelines(tables: list[Json]) -> Iterator[str]:
    yield (
        "One frame of 480 × 640 with one face, as a user would call each: ours (`Comparer.look`:\n"
        "detector, mesh, quality, embedding), OpenCV (FaceDetectorYN at the frame's size,\n"
        "alignCrop, FaceRecognizerSF, on the weights that we ship), dlib (what face_recognition\n"
        "calls: HOG on the frame twice as large, five points, ResNet). One thread each. OpenCV\n"
        "is release 5, OpenCV 4 the last one of release 4.\n"
    )
    for table in tables:
        yield from _race(table["part"], table)
        for peer, ratio in table["ours_to_each"].items():
            cpu = table["ours_to_each_cpu"][peer]
            yield f"- ours to {peer}: {spread(ratio)} on the clock, {spread(cpu)} in CPU time"
        yield from _absent(table["absent"])
        yield ""


def _errors(rows: list[Json]) -> Iterator[str]:
    yield (
        "FNMR where FMR is 10⁻⁴ on these very trials, for each pipeline by its own score, with\n"
        "its two-sided 95 % interval (people drawn again, threshold found anew). The reference is\n"
        "a grey JPEG 2000 of 5 kB; live pictures are in colour where the set has colour and the\n"
        "pipeline takes it. Five frames: the mean of the templates, for everybody. *All refusals*\n"
        "counts attempts in that came to no template; *common* leaves out, for everybody, each\n"
        "picture of which one of them made none. The border that suits OpenCV and us is left away\n"
        "for dlib.\n"
    )
    yield (
        "| faces | frames | pipeline | people | genuine | strangers | FNMR at FMR 10⁻⁴ "
        "| common | all refusals | no template |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in sorted(rows, key=lambda row: (row["faces"], row["frames"])):
        yield (
            f"| {row['faces']} | {row['frames']} | {row['pipeline']} | {row['people']} "
            f"| {row['genuine']:,} | {row['impostors']:,} | {share(row['fnmr'])} "
            f"| {share(row['fnmr_of_common'])} | {share(row['all_refusals'])} "
            f"| {row['no_template']:.2%} |"
        )


def share(found: Json | None) -> str:
    """An error rate with its interval."""
    if found is None:
        return "too few strangers"
    return f"**{found['value']:.2%}** ({found['low']:.2%}–{found['high']:.2%})"


def _jpeg2000(tables: list[Json]) -> Iterator[str]:
    for table in tables:
        yield f"### {table['photo']}, {table['rounds']} rounds\n"
        yield from _rows(table["standings"])
        yield ""
        if table["sandbox_to_pillow"]:
            yield (
                f"Ours, size checked, decoded by Pillow in a child that may die of it, there and\n"
                f"back: {table['sandbox_ms']:.1f} ms, {spread(table['sandbox_to_pillow'])} times "
                f"Pillow in process.\n"
            )
        yield from _absent(table["absent"])
        yield ""


def _instructions(found: Json | str) -> Iterator[str]:
    if isinstance(found, str):
        yield f"Not counted: {found}."
        return
    yield "| call | instructions |"
    yield "|---|---|"
    yield f"| one embedding | {found['embedding'] / 1e6:,.1f} million |"
    yield f"| one whole look | {found['look'] / 1e6:,.1f} million |"
    yield ""
    yield f"Counted by {found['tool']}."
    if found["hides_avx512"]:
        yield (
            "valgrind hides this processor's AVX-512 units, so these are the instructions of ONNX\n"
            "Runtime's AVX2 kernels, which are not the ones timed above; the first embedder is in\n"
            "int8 here, which a processor with AVX2 alone would not be given."
        )


def _roofline(found: list[Json]) -> Iterator[str]:
    yield (
        "**An estimate, computed and not measured**: nobody ran this on a Pi. Limit =\n"
        "max(2 · MACs / peak, bytes of weights / bandwidth), one core, fp32; expected = half of\n"
        "the peak in dense layers, 18 % of it in depthwise ones. Peaks: Pi 4 1.8 GHz × 8 =\n"
        "14.4 GFLOP/s, Pi 5 2.4 GHz × 16 = 38.4 GFLOP/s, 4 GB/s.\n"
    )
    yield "| network | MMAC | of them depthwise | weights | board | limit | expected |"
    yield "|---|---|---|---|---|---|---|"
    for row in found:
        work = row["work"]
        yield (
            f"| {row['network']} | {work['macs'] / 1e6:.0f} | {work['depthwise_macs'] / 1e6:.0f} "
            f"| {work['weight_bytes'] / 1e6:.1f} MB | {row['board']} | {row['limit_ms']:.1f} ms "
            f"| {row['expected_ms']:.1f} ms |"
        )


def _device(found: Json) -> Iterator[str]:
    yield (
        "The simulated appliance as it ships, camera on at presence rate, the panel up, nobody\n"
        "there; then visits by face and by PIN in turn. Memory is RSS; a peak of several is the\n"
        "sum of theirs. Browser and simulated card are not counted.\n"
    )
    yield "| | idle CPU, % of a core | MB idle | MB after the visits | MB at the peak |"
    yield "|---|---|---|---|---|"
    for row in found["rows"]:
        yield (
            f"| {row['role']} | {row['percent']:.2f} | {row['idle_mb']:.0f} "
            f"| {row['whole_mb']:.0f} | {row['peak_mb']:.0f} |"
        )
    yield ""
    yield "| budget | limit | seen | |"
    yield "|---|---|---|---|"
    for budget in found["budgets"]:
        verdict = "kept" if budget["kept"] else "**missed**"
        promise = f"{budget['what']}, {budget['unit']} | {budget['limit']}"
        yield f"| {promise} | {budget['seen']:.1f} | {verdict} |"


SECTIONS: dict[str, Any] = {
    "errors": ("Error rates on the same faces", _errors),
    "pipelines": ("Whole pipelines", _pipelines),
    "engines": ("Engines", _engines),
    "device": ("The appliance: CPU and memory", _device),
    "jpeg2000": ("JPEG 2000 decoders", _jpeg2000),
    "instructions": ("Instructions", _instructions),
    "roofline": ("Raspberry Pi: a roofline estimate", _roofline),
}
