"""The same networks in every engine: first compared with ours, then timed against each other."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from contest.environment import Environment
from contest.graphs import Network, for_ncnn, networks, onnx_forms
from contest.ring import OURS, ROOT, Absent, Contestant, Entry, contestants, race
from contest.standings import Round, Standing, standings

RUNNER = "contest.engines:Runner"
SHIPPED = "ours (ONNX Runtime)"
GREATEST_DIFFERENCE = 1e-3  # of an output's greatest value; more is another network
GREATEST_QUANTISED = 0.2  # of the same: engines round at different places
FACES = ROOT / "build" / "simulation" / "faces"
CALLS = 5  # of each contestant in a round


@dataclass(frozen=True, slots=True)
class EngineTable:
    """One network on so many threads."""

    network: str
    threads: int
    rounds: int
    standings: list[Standing]
    differences: dict[str, float]
    """Of each peer's outputs from ours, as a share of the greatest value."""
    absent: dict[str, str]


@dataclass(frozen=True, slots=True)
class TakingPart:
    """Who is asked to run a network, and why some cannot be."""

    entries: list[Entry]
    absent: dict[str, str]


def engine_tables(
    environment: Environment, threads: Sequence[int], rounds: int, work: Path
) -> Iterator[EngineTable]:
    """One table for each network and number of threads."""
    for network in networks():
        picture = work / f"{network.name}.npy"
        work.mkdir(parents=True, exist_ok=True)
        np.save(picture, network.batch(_portrait(network)))
        taking_part = _entries(network, environment, picture, work)
        for count in threads:
            yield _table(network, taking_part, rounds, count, work)


def _portrait(network: Network) -> NDArray[np.uint8]:
    """A face of the network's height and width, or noise where no portraits were built."""
    _, _, height, width = network.card.input.shape
    for path in sorted(FACES.glob("*.png"))[:1]:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is not None:
            small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
            return np.asarray(small, np.uint8)
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def _entries(network: Network, environment: Environment, picture: Path, work: Path) -> TakingPart:
    absent: dict[str, str] = {}

    def entry(name: str, engine: str, model: Path, python: Path = environment.python) -> Entry:
        arguments = {"engine": engine, "model": str(model), "picture": str(picture)}
        return Entry(name, python, RUNNER, arguments)

    engine = "ours" if network.is_exact else "ours, int8"
    found = [entry(SHIPPED, engine, network.folder, OURS)]
    pnnx = environment.site_packages / "pnnx" / "pnnx"
    for form, path in onnx_forms(network, work).items():
        found.append(entry(f"OpenCV DNN, {form}", "opencv", path))
        found.append(entry(f"OpenVINO, {form}", "openvino", path))
        converted = for_ncnn(path, network.card.input.shape, pnnx, work / network.name)
        if isinstance(converted, Path):
            found.append(entry(f"ncnn, {form}", "ncnn", converted))
        else:
            absent[f"ncnn, {form}"] = converted
    source = ROOT / "build" / "models" / network.name / "source.tflite"
    if not network.is_exact:
        absent["LiteRT"] = "it does not read ONNX"
    elif source.is_file():
        found.append(entry("LiteRT, its source", "litert", source))
    elif network.card.origin.member.endswith(".tflite"):
        absent["LiteRT"] = f"no {source.relative_to(ROOT)}: `make models` writes it"
    else:
        absent["LiteRT"] = "this network has no TFLite source"
    return TakingPart(found, absent)


def _table(
    network: Network, taking_part: TakingPart, rounds: int, threads: int, work: Path
) -> EngineTable:
    told = [
        Entry(e.name, e.python, e.entry, {**e.arguments, "threads": threads})
        for e in taking_part.entries
    ]
    with contestants(told, threads) as (present, missing):
        limit = GREATEST_DIFFERENCE if network.is_exact else GREATEST_QUANTISED
        differences, equal, reasons = _compared(present, limit, work)
        found = _better_forms(race(equal, "run", rounds, CALLS))
    return EngineTable(
        network.name,
        threads,
        rounds,
        standings(found),
        differences,
        {**taking_part.absent, **missing, **reasons},
    )


def _compared(
    present: list[Contestant], limit: float, work: Path
) -> tuple[dict[str, float], list[Contestant], dict[str, str]]:
    """How far each peer's outputs are from ours, who computes the same, and why others do not."""
    ours, *peers = present
    wanted = _outputs(ours, work)
    differences: dict[str, float] = {}
    equal, reasons = [ours], {}
    for peer in peers:
        try:
            apart = difference(wanted, _outputs(peer, work))
        except Absent as reason:
            reasons[peer.name] = str(reason)
            continue
        differences[peer.name] = apart
        if apart <= limit:
            equal.append(peer)
        else:
            reasons[peer.name] = f"its outputs differ by {apart:.1e}"
    return differences, equal, reasons


def _outputs(contestant: Contestant, work: Path) -> list[NDArray[np.float32]]:
    file = work / "outputs.npz"
    contestant.call("outputs", into=str(file))
    with np.load(file) as stored:
        return [stored[name] for name in stored.files]


def difference(wanted: list[NDArray[np.float32]], found: list[NDArray[np.float32]]) -> float:
    """The greatest difference as a share of each output's greatest value (at least 1).

    Engines give outputs in an order of their own, some a whole batch: each wanted output is
    compared with the nearest one that is long enough.
    """
    greatest = 0.0
    for output in wanted:
        apart = [
            float(np.abs(each[: output.size] - output).max())
            for each in found
            if each.size in (output.size, 2 * output.size)
        ]
        if not apart:
            return float("inf")
        greatest = max(greatest, min(apart) / max(1.0, float(np.abs(output).max())))
    return greatest


def _better_forms(rounds: list[Round]) -> list[Round]:
    """The rounds with one form of the graph for each engine: the one it ran faster."""
    chosen: dict[str, str] = {}
    for name in rounds[0].wall_ms:
        engine = name.partition(",")[0]
        times = {
            each: median(r.wall_ms[each] for r in rounds)
            for each in (name, chosen.get(engine, name))
        }
        chosen[engine] = min(times, key=times.__getitem__)
    names = list(chosen.values())
    return [
        Round({n: r.wall_ms[n] for n in names}, {n: r.cpu_ms[n] for n in names}) for r in rounds
    ]


def machine() -> str:
    """What this was measured on, in a line."""
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            processor = f"{line.partition(':')[2].strip()}, {processor}"
            break
    return f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
