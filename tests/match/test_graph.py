"""The passes on graphs: unpacking as ONNX has it, and nothing else changes what is computed."""

from __future__ import annotations

import random

import graph as passes
import numpy as np
import onnx
import onnxruntime
import prelu
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from packages import BuildRefused

RANDOM = np.random.default_rng(7)


def model_of(
    nodes: list[onnx.NodeProto], weights: dict[str, NDArray[np.generic]], *shape: int
) -> onnx.ModelProto:
    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    leaving = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    made = helper.make_graph(nodes, "made", [entry], [leaving], tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model)


def run(content: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    output: NDArray[np.float32] = session.run(None, {"x": x})[0]
    return output


def test_unpacking_blocks_is_what_onnx_specifies() -> None:
    packed = {
        "w": RANDOM.integers(-128, 127, (4, 18), np.int8),  # blocks of 8, the last one cut
        "scale": RANDOM.random((4, 3)).astype(np.float32),
        "zero": RANDOM.integers(-9, 9, (4, 3), np.int8),
        "shape": np.array([4, 2, 3, 3]),
    }
    nodes = [
        helper.make_node(
            "DequantizeLinear", ["w", "scale", "zero"], ["flat"], axis=1, block_size=8
        ),
        helper.make_node("Reshape", ["flat", "shape"], ["kernel"]),
        helper.make_node("Conv", ["x", "kernel"], ["y"]),
    ]
    model = model_of(nodes, packed, 1, 2, 5, 5)
    # Upstream lists its weights as inputs as well, and ONNX Runtime refuses that.
    stale = helper.make_tensor_value_info("w", TensorProto.INT8, (4, 18))
    model.graph.input.append(stale)
    x = RANDOM.random((1, 2, 5, 5), np.float32)
    padded = {**packed, "w": np.pad(packed["w"], ((0, 0), (0, 6)))}  # the reference wants it whole
    whole = model_of(nodes[:1], padded, 1)
    wanted = ReferenceEvaluator(whole).run(None, {})[0][:, :18].reshape(4, 2, 3, 3)
    passes.fold_block_weights(model)
    (kernel,) = (numpy_helper.to_array(each) for each in model.graph.initializer)
    assert np.array_equal(kernel, wanted)
    assert [each.name for each in model.graph.input] == ["x"]
    assert run(passes.canonical_bytes(model), x).shape == (1, 4, 3, 3)


@pytest.mark.parametrize(
    ("slopes", "operators"),
    [
        ([0.25, 0.25, 0.25], ["LeakyRelu"]),
        ([0.25, -0.5, 1.0], ["Mul", "Max"]),
        ([0.25, -0.5, 1.5], ["PRelu"]),
    ],
    ids=["all equal", "none above 1", "one above 1"],
)
def test_prelu_is_rewritten_only_where_it_is_exact(
    slopes: list[float], operators: list[str]
) -> None:
    values = np.array(slopes, np.float32).reshape(3, 1, 1)
    model = model_of([helper.make_node("PRelu", ["x", "a"], ["y"])], {"a": values}, 1, 3, 4, 4)
    x = (RANDOM.standard_normal((1, 3, 4, 4)) * 3).astype(np.float32)
    before = run(passes.canonical_bytes(model), x)
    prelu.rewrite_prelu(model)
    assert [node.op_type for node in model.graph.node] == operators
    assert np.array_equal(run(passes.canonical_bytes(model), x), before)


@pytest.mark.parametrize(
    ("slopes", "operators"),
    [
        ([0.25, -0.5, 1.0], ["Conv", "Relu", "Conv", "Add"]),
        ([0.25, -0.5, 1.5], ["Relu", "Conv", "Conv", "Add"]),
    ],
    ids=["none above 1", "one above 1"],
)
def test_prelu_on_blocks_computes_the_same(slopes: list[float], operators: list[str]) -> None:
    values = np.array(slopes, np.float32).reshape(3, 1, 1)
    model = model_of([helper.make_node("PRelu", ["x", "a"], ["y"])], {"a": values}, 1, 3, 4, 4)
    x = (RANDOM.standard_normal((1, 3, 4, 4)) * 3).astype(np.float32)
    before = run(passes.canonical_bytes(model), x)
    prelu.block_prelu(model)
    assert [node.op_type for node in model.graph.node] == operators
    np.testing.assert_allclose(run(passes.canonical_bytes(model), x), before, rtol=1e-5, atol=1e-5)


def between_convs(slopes: list[float], group: int) -> onnx.ModelProto:
    """A Conv, a PRelu, and a Conv that reads all channels together or each by itself."""
    weights = {
        "first": RANDOM.standard_normal((3, 2, 1, 1)).astype(np.float32),
        "bias": RANDOM.standard_normal(3).astype(np.float32),
        "a": np.array(slopes, np.float32).reshape(3, 1, 1),
        "second": RANDOM.standard_normal((3, 3 // group, 3, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "first", "bias"], ["made"]),
        helper.make_node("PRelu", ["made", "a"], ["bent"]),
        helper.make_node("Conv", ["bent", "second"], ["y"], group=group),
    ]
    return model_of(nodes, weights, 1, 2, 5, 5)


@pytest.mark.parametrize("group", [1, 3], ids=["read together", "read by itself"])
def test_a_steep_slope_is_turned_where_convolutions_can_take_it(group: int) -> None:
    model = between_convs([0.25, 4.0, -2.0], group)
    x = RANDOM.standard_normal((1, 2, 5, 5)).astype(np.float32)
    before = run(passes.canonical_bytes(model), x)
    prelu.turn_steep_prelu(model)
    (bent,) = (node for node in model.graph.node if node.op_type == "PRelu")
    weights = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    np.testing.assert_array_equal(weights[bent.input[1]].reshape(-1), [0.25, 0.25, -2.0])
    after = run(passes.canonical_bytes(model), x)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_a_steep_slope_that_others_read_too_stays() -> None:
    model = between_convs([0.25, 4.0, -2.0], 1)
    model.graph.node.append(helper.make_node("Relu", ["bent"], ["z"]))
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    prelu.turn_steep_prelu(model)
    assert "a" in {each.name for each in model.graph.initializer}


def test_a_network_without_prelu_has_one_form() -> None:
    assert prelu.for_blocks((passes.drop_dropout,)) is None
    changed = prelu.for_blocks((passes.drop_dropout, prelu.rewrite_prelu))
    assert changed == (passes.drop_dropout, prelu.turn_steep_prelu, prelu.block_prelu)


def test_a_prelu_in_pieces_becomes_one() -> None:
    slopes = {"half": RANDOM.standard_normal(3).astype(np.float32), "shape": np.array([1, 3, 1, 1])}
    nodes = [
        helper.make_node("Relu", ["x"], ["above"]),
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("Sub", ["x", "size"], ["twice_below"]),
        helper.make_node("Reshape", ["half", "shape"], ["halves"]),
        helper.make_node("Mul", ["halves", "twice_below"], ["below"]),
        helper.make_node("Add", ["above", "below"], ["y"]),
    ]
    model = model_of(nodes, slopes, 1, 3, 4, 4)
    x = (RANDOM.standard_normal((1, 3, 4, 4)) * 3).astype(np.float32)
    before = run(passes.canonical_bytes(model), x)
    for change in (passes.fold_constant_reshapes, prelu.gather_prelu):
        change(model)
    assert [node.op_type for node in model.graph.node] == ["PRelu"]
    assert np.array_equal(run(passes.canonical_bytes(model), x), before)


def test_a_sum_of_other_things_is_left_alone() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["above"]),
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("Mul", ["half", "size"], ["below"]),
        helper.make_node("Add", ["above", "below"], ["y"]),
    ]
    model = model_of(nodes, {"half": np.ones((1, 3, 1, 1), np.float32)}, 1, 3, 4, 4)
    prelu.gather_prelu(model)
    assert [node.op_type for node in model.graph.node] == ["Relu", "Abs", "Mul", "Add"]


def test_a_last_transpose_and_reshape_become_a_flatten_of_any_batch() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["t", "shape"], ["y"]),
    ]
    model = model_of(nodes, {"shape": np.array([2, 5])}, 2, 5, 1, 1)
    x = RANDOM.standard_normal((2, 5, 1, 1)).astype(np.float32)
    before = run(passes.canonical_bytes(model), x)
    passes.flatten_output(model)
    passes.with_input_shape(1, 5, 1, 1)(model)
    assert np.array_equal(run(passes.canonical_bytes(model), x[:1]), before[:1])


def test_a_network_that_ends_otherwise_is_refused() -> None:
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], {}, 1, 3, 1, 1)
    with pytest.raises(BuildRefused, match="Transpose"):
        passes.flatten_output(model)


def test_normalisation_and_dropout_go_away_and_the_output_stays() -> None:
    weights = {
        "kernel": RANDOM.standard_normal((3, 2, 3, 3)).astype(np.float32),
        "gamma": RANDOM.random(3).astype(np.float32) + 0.5,
        "beta": RANDOM.standard_normal(3).astype(np.float32),
        "mean": RANDOM.standard_normal(3).astype(np.float32),
        "variance": RANDOM.random(3).astype(np.float32) + 0.1,
    }
    norm = ["conv", "gamma", "beta", "mean", "variance"]
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["conv"]),
        helper.make_node("BatchNormalization", norm, ["normal"], epsilon=1e-3),
        helper.make_node("Dropout", ["normal"], ["dropped"]),
        helper.make_node("Flatten", ["dropped"], ["y"]),
    ]
    model = model_of(nodes, weights, 1, 2, 5, 5)
    x = RANDOM.random((1, 2, 5, 5), np.float32)
    before = run(passes.canonical_bytes(model), x)
    for change in (passes.drop_dropout, passes.fold_batch_norms):
        change(model)
    assert [node.op_type for node in model.graph.node] == ["Conv", "Flatten"]
    assert np.allclose(run(passes.canonical_bytes(model), x), before, atol=1e-5)


def test_a_shape_is_fixed_and_the_others_follow() -> None:
    model = model_of([helper.make_node("Flatten", ["x"], ["y"])], {}, 1, 3, 640, 640)
    passes.with_input_shape(1, 3, 8, 8)(model)
    assert run(passes.canonical_bytes(model), np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 192)


def test_the_bytes_do_not_depend_on_the_order_of_nodes_and_weights() -> None:
    weights = {name: RANDOM.random((1, 4)).astype(np.float32) for name in "abc"}
    nodes = [
        helper.make_node("Add", ["x", "a"], ["p"]),
        helper.make_node("Mul", ["x", "b"], ["q"]),
        helper.make_node("Sub", ["p", "q"], ["r"]),
        helper.make_node("Add", ["r", "c"], ["y"]),
    ]
    written = passes.canonical_bytes(model_of(nodes, weights, 1, 4))
    shuffled = random.Random(3).sample(list(weights.items()), 3)
    model = model_of([nodes[1], nodes[0], nodes[2], nodes[3]], dict(shuffled), 1, 4)
    model.producer_name, model.graph.name = "somebody", "something"
    assert passes.canonical_bytes(model) == written


def test_a_graph_with_a_hole_is_refused() -> None:
    model = model_of([helper.make_node("Add", ["x", "nobody"], ["y"])], {}, 1, 4)
    with pytest.raises(BuildRefused):
        passes.canonical_bytes(model)
