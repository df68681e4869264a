"""What the comparison with peers computes by itself: work, ratios, forms of graphs, goals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from contest.decisions import COSINE, DISTANCE, error_rows
from contest.engine_race import difference
from contest.environment import LOCK, released, requirements
from contest.goals import goals
from contest.graphs import with_prelu
from contest.instructions import counted_in
from contest.macs import Work, counted
from contest.report import page, repeatable
from contest.ring import OURS, Absent, Contestant, Entry, race
from contest.roofline import BOARDS, expected_ms, limit_ms
from contest.standings import Round, ratio, standings
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from firmware.match.evaluation.face_folders import FaceSet, Picture

ROOT = Path(__file__).resolve().parents[2]


def model(
    nodes: list[onnx.NodeProto], shape: tuple[int, ...], **weights: np.ndarray
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(values.astype(np.float32), name)
            for name, values in weights.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_macs_are_those_counted_by_hand() -> None:
    """3 → 8 channels by 3 × 3 on 10 × 10, each channel by 3 × 3 at stride 2, then 200 → 16."""
    nodes = [
        helper.make_node("Conv", ["x", "dense"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "deep"], ["b"], group=8, strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "last"], ["y"], transB=1),
    ]
    weights = {
        "dense": np.ones((8, 3, 3, 3)),
        "deep": np.ones((8, 1, 3, 3)),
        "last": np.ones((16, 200)),
    }
    work = counted(model(nodes, (1, 3, 10, 10), **weights))
    deep = 8 * 5 * 5 * 9
    assert work.macs == 8 * 10 * 10 * 27 + deep + 200 * 16
    assert work.depthwise_macs == deep
    assert work.weight_bytes == 4 * (8 * 27 + 8 * 9 + 200 * 16)


def test_a_shape_that_is_not_fixed_is_not_counted() -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    with pytest.raises(ValueError, match="no fixed shape"):
        counted(model(nodes, (1, 3, 0, 10), w=np.ones((8, 3, 1, 1))))


def test_prelu_is_put_back_where_it_was_written_as_a_maximum() -> None:
    """The slopes are at most 1, as the pass that took it away makes sure."""
    nodes = [
        helper.make_node("Mul", ["x", "slope"], ["scaled"]),
        helper.make_node("Max", ["x", "scaled"], ["y"]),
    ]
    written = model(nodes, (1, 2, 3, 3), slope=np.array([0.25, -0.5]).reshape(2, 1, 1))
    back = onnx.ModelProto()
    back.CopyFrom(written)
    assert with_prelu(back) == 1
    assert [node.op_type for node in back.graph.node] == ["PRelu"]
    x = np.random.default_rng(0).standard_normal((1, 2, 3, 3)).astype(np.float32)
    before, after = (ReferenceEvaluator(each).run(None, {"x": x})[0] for each in (written, back))
    np.testing.assert_array_equal(before, after)


def test_a_maximum_of_other_things_stays() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "slope"], ["scaled"]),
        helper.make_node("Relu", ["x"], ["other"]),
        helper.make_node("Max", ["other", "scaled"], ["y"]),
    ]
    assert with_prelu(model(nodes, (1, 2, 3, 3), slope=np.full((2, 1, 1), 0.25))) == 0


def test_ratios_are_taken_within_rounds() -> None:
    """Every round is slower than the last by ten; who is twice as slow stays twice as slow."""
    rounds = [Round({"a": t, "b": 2 * t}, {"a": 1.0, "b": 0.5}) for t in (1.0, 10.0, 100.0)]
    first, second = standings(rounds)
    assert (first.name, second.name) == ("a", "b")
    assert (second.to_best.low, second.to_best.median, second.to_best.high) == (2, 2, 2)
    assert (first.to_best_cpu.median, second.to_best_cpu.median) == (2, 1)


def test_a_ratio_has_quartiles() -> None:
    found = ratio([1, 2, 3, 4, 5], [1, 1, 1, 1, 1])
    assert (found.low, found.median, found.high) == (2, 3, 4)


def test_outputs_are_matched_whatever_their_order() -> None:
    a, b = np.array([1, 2, 3], np.float32), np.array([10, 20, 30], np.float32)
    assert difference([a, b], [b + 0.3, a]) == pytest.approx(0.01)
    assert difference([a], [np.concatenate([a, a])]) == 0
    assert difference([a], [a[:2]]) == float("inf")


def test_a_network_cannot_beat_the_board() -> None:
    """14.4 GFLOP/s: 720 MMAC take 100 ms; 400 MB of weights at 4 GB/s take as long."""
    pi_4, pi_5 = BOARDS
    assert limit_ms(Work(720_000_000, 0, 0), pi_4) == pytest.approx(100)
    assert limit_ms(Work(0, 0, 400_000_000), pi_4) == pytest.approx(100)
    mixed = Work(720_000_000, 72_000_000, 4_000_000)
    assert limit_ms(mixed, pi_5) < limit_ms(mixed, pi_4) < expected_ms(mixed, pi_4)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_error_rates_are_of_each_pipelines_own_score() -> None:
    """By distance too, a pipeline that sees people clearly errs less than one that does not."""
    random = np.random.default_rng(7)
    people, pictures = 40, 8
    faces = FaceSet(
        "drawn",
        Path(),
        tuple(Picture(Path(f"{p}_{n}"), str(p)) for p in range(people) for n in range(pictures)),
        "names",
    )
    centres = unit(random.standard_normal((people, 16))).repeat(pictures, axis=0)

    def seen(noise: float) -> list[np.ndarray]:
        return list(unit(centres + noise * random.standard_normal(centres.shape)))

    found = {name: (seen(n), seen(n)) for name, n in (("sharp", 0.05), ("far", 0.05), ("dim", 0.3))}
    found["sharp"][0][0] = None  # type: ignore[call-overload]
    scorings = {"sharp": COSINE, "far": DISTANCE, "dim": COSINE}
    rows = {(row.pipeline, row.frames): row for row in error_rows(faces, found, scorings)}
    fnmr = {key: row.fnmr.value for key, row in rows.items() if row.fnmr is not None}
    assert fnmr["sharp", 1] == fnmr["far", 1] == 0
    assert fnmr["dim", 5] < fnmr["dim", 1]
    assert rows["dim", 1].genuine == people * pictures * (pictures - 1)
    assert rows["sharp", 1].genuine == rows["dim", 1].genuine - (pictures - 1)
    assert rows["sharp", 1].fnmr_of_common is not None
    assert rows["sharp", 1].no_template == 1 / (people * pictures)
    assert rows["sharp", 1].impostors == (people * pictures - 1) * (people - 1) * pictures


def test_distance_scores_are_negative_squared_distances() -> None:
    a, b = np.array([[1.0, 2.0]], np.float32), np.array([[4.0, 6.0]], np.float32)
    assert (DISTANCE.probe(a) @ DISTANCE.reference(b).T).item() == -25
    both = DISTANCE.probe(np.concatenate([a, b]))
    middle = DISTANCE.fused(both) @ DISTANCE.reference(b).T
    assert middle.item() == pytest.approx(-6.25)


def test_the_lock_names_every_peer_with_a_hash() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    parts = requirements(lock)
    for wanted in (ROOT / "benchmarks" / "peers.in").read_text(encoding="utf-8").splitlines():
        name = re.split(r"[ #]", wanted)[0]
        assert not name or "--hash=sha256:" in parts[name]
    assert "==" not in released("dlib-bin")
    assert "".join(parts.values()).count("--hash") == lock.count("--hash")


def test_contestants_take_turns_and_the_dead_are_named() -> None:
    with (
        Contestant(Entry("one", OURS, "collections:Counter", {})) as one,
        Contestant(Entry("two", OURS, "collections:Counter", {})) as two,
    ):
        rounds = race([one, two], "total", 3, 2)
    assert all(set(each.wall_ms) == {"one", "two"} for each in rounds)
    with pytest.raises(Absent, match="no_such_engine"):
        Contestant(Entry("three", OURS, "no_such_engine:Engine", {}))
    four = Entry("four", OURS, "collections:Counter", {})
    with Contestant(four) as dying, pytest.raises(Absent, match="no_such_method"):
        dying.call("no_such_method")


def test_goals_are_judged_from_what_was_found() -> None:
    share = {"low": 0.0, "high": 1.0}
    row = {"faces": "drawn", "frames": 1, "people": 2, "genuine": 3, "impostors": 4}
    row |= {"all_refusals": None, "fnmr_of_common": None, "no_template": 0.0}
    errors = [
        {**row, "pipeline": "ours", "fnmr": {**share, "value": 0.02}},
        {**row, "pipeline": "OpenCV", "fnmr": {**share, "value": 0.05}},
        {**row, "pipeline": "dlib", "fnmr": {**share, "value": 0.01}},
    ]
    every = {"errors": {"found": errors, "command": "c", "commit": "d", "machine": "m"}}
    assert [goal.kept for goal in goals(every)] == [True, False]
    assert page(every).count("**missed**") == 1


def test_instructions_are_read_out_of_callgrinds_dump() -> None:
    assert counted_in("version: 1\nevents: Ir\nsummary: 12345\n\ntotals: 12345\n") == 12345
    with pytest.raises(ValueError, match="no total"):
        counted_in("version: 1\nevents: Ir\n")


@pytest.mark.parametrize(
    "given",
    [
        "--work /srv/w errors --faces /srv/faces --people 510",
        "--work=/srv/w errors --faces=/srv/faces --people 510",
        "--results /srv/r errors --people 510 --faces faces",
    ],
)
def test_a_report_names_no_folder_of_the_machine(given: str) -> None:
    told = repeatable(given.split()).split()
    assert told[:3] == ["python", "benchmarks/peers.py", "errors"]
    assert " ".join(sorted(told[3:])) == "--faces --people 510 DIR"
